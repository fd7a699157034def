"""Corpora: snippets of code out of files and folders, good and bad told apart by the critic (the verb ``split``)."""

import ast
import hashlib
import random
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path

SHORTEST, LONGEST = 3, 12
"""Statements in a window."""


def library_snippets(count: int, seed: int, *, folders: tuple[Path, ...] = ()) -> list[str]:
    """Return snippets of Python's standard library (or of ``folders``), drawn by the seed: functions and runs of statements."""
    roots = folders or (Path(sysconfig.get_path("stdlib")),)
    files = [path for root in roots for path in sorted(root.rglob("*.py"))
             if not {"test", "tests", "idlelib", "site-packages", "lib2to3", "turtledemo"} & set(path.parts)]  # fmt: skip
    files.sort(key=lambda path: hashlib.sha256(f"{seed} {path.name}".encode()).digest())
    found: list[str] = []
    for path in files:
        if len(found) >= count:
            break
        try:
            found += snippets(path.read_text(encoding="utf-8"), random.Random(f"{seed} {path.name}"))
        except (UnicodeDecodeError, SyntaxError, ValueError, OSError):
            continue
    random.Random(seed).shuffle(found)
    return found[:count]


def snippets(source: str, chance: random.Random) -> Iterator[str]:
    """Yield the functions of a source, and runs of statements of its bodies, moved to the margin."""
    lines = source.splitlines()
    bodies = [ast.parse(source).body]
    while bodies:
        body = bodies.pop()
        place = 0
        while place < len(body):
            size = chance.choice((1, 2, 3, 4, 6, 8))
            run = body[place : place + size]
            place += size
            first = min([run[0].lineno, *(each.lineno for each in getattr(run[0], "decorator_list", []))])
            text = textwrap.dedent("\n".join(lines[first - 1 : run[-1].end_lineno]))
            if 20 <= len(text) <= 1200:
                yield text
        for each in body:
            bodies += [part for name in ("body", "orelse") if isinstance(part := getattr(each, name, None), list) and part]
