"""What commands print: for people a table or a few lines, for scripts (``--json``) the same facts as JSON.

The command line sets the two global switches once; commands only call ``show`` with both forms of their answer.
"""

import json
import sys
from typing import Any

_json = False
_quiet = False


def configure(*, as_json: bool, quiet: bool) -> None:
    """Choose the form of all answers of this process. ``quiet`` leaves out what is not the answer itself."""
    global _json, _quiet
    _json, _quiet = as_json, quiet
    if quiet or as_json:
        from hotpapers import progress

        progress.show_as("quiet")


def show(facts: Any, human: Any = None) -> None:
    """Print an answer: ``facts`` (JSON types) under ``--json``, else ``human`` (text, or what rich can print)."""
    if _json:
        print(json.dumps(facts, indent=2, ensure_ascii=False, default=str))
    elif human is not None:
        _print(human)


def say(sentence: str) -> None:
    """Print a remark on standard error, unless the user asked for quiet or for JSON."""
    if not (_quiet or _json):
        print(sentence, file=sys.stderr)


def _print(human: Any) -> None:
    if isinstance(human, str):
        print(human)
        return
    from rich.console import Console

    # A pipe has no width: give tables room instead of rich's 80 columns, so that nothing is cut off.
    Console(width=None if sys.stdout.isatty() else 160, soft_wrap=False).print(human)
