"""``python -m hotpapers.papers.rasp``: the console alone, which starts faster than the command line around it."""

from hotpapers.papers.rasp.repl import main

main()
