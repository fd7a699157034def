"""``python -m hotpapers`` is the command line."""

from hotpapers.cli import run

run()
