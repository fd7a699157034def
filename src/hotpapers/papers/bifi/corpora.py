"""Corpora: snippets cut out of sources, and read from files and folders."""

import ast
import csv
import functools
import hashlib
import io
import json
import random
import sysconfig
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hotpapers.errors import BadInput
from hotpapers.media import cells_up_to
from hotpapers.media.readable import is_folder
from hotpapers.papers.bifi.tokens import Token, python_tokens

SIZES = (1, 2, 3, 4, 6, 8)
"""Statements in a run of them."""
SHORTEST, LONGEST = 20, 1200
"""Characters of a snippet."""
LARGEST = 64 << 20
_NOT_CODE = {"test", "tests", "idlelib", "site-packages", "lib2to3", "turtledemo", "__pycache__"}


class Entry(NamedTuple):
    """A snippet with where it is from, what a person made of it (if that is known), and the class of its error."""

    code: str
    source: str = ""
    fixed: str | None = None
    error_class: str = ""


def library_snippets(count: int, seed: int, folders: Sequence[Path] = ()) -> list[str]:
    """Return runs of statements of Python's standard library (or of the sources in ``folders``), drawn by the seed."""
    files = [path for root in folders or (Path(sysconfig.get_path("stdlib")),) for path in _sources(root)]
    files.sort(key=lambda path: hashlib.sha256(f"{seed} {path.name}".encode()).digest())
    found: list[str] = []
    for path in files:
        if len(found) >= 2 * count:
            break
        try:
            found += snippets(path.read_text(encoding="utf-8"), random.Random(f"{seed} {path.name}"))
        except (UnicodeDecodeError, SyntaxError, ValueError, OSError):
            continue
    random.Random(seed).shuffle(found)
    return found[:count]


@functools.cache
def _sources(root: Path) -> tuple[Path, ...]:
    return tuple(path for path in sorted(root.rglob("*.py")) if not _NOT_CODE & set(path.relative_to(root).parts))


def snippets(source: str, chance: random.Random) -> Iterator[str]:
    """Yield runs of statements of all bodies of a source that parses, moved to the margin."""
    lines = source.splitlines()
    bodies = [ast.parse(source).body]
    while bodies:
        body = bodies.pop()
        place = 0
        while place < len(body):
            size = chance.choice(SIZES)
            run = body[place : place + size]
            place += size
            first = min([run[0].lineno, *(each.lineno for each in getattr(run[0], "decorator_list", []))])
            text = textwrap.dedent("\n".join(lines[first - 1 : run[-1].end_lineno]))
            if SHORTEST <= len(text) <= LONGEST and not text.startswith("elif"):
                yield text
        for each in body:
            bodies += [
                part for name in ("body", "orelse") if isinstance(part := getattr(each, name, None), list) and part
            ]


_GOES_ON = ("else", "elif", "except", "finally")


def broken_snippets(source: str, chance: random.Random) -> Iterator[str]:
    """Yield runs of statements of a source that need not parse, told apart by layout and brackets alone."""
    for starts, end in _bodies(python_tokens(source)):
        place = 0
        while place < len(starts):
            size = chance.choice(SIZES)
            stop = starts[place + size] if place + size < len(starts) else end
            begin = source.rfind("\n", 0, starts[place]) + 1
            lines = source[begin : source.rfind("\n", 0, stop) + 1].splitlines(keepends=True)
            # A comment may stand to the left of its block; without them the margin is the block's.
            text = textwrap.dedent("".join(line for line in lines if not line.lstrip().startswith("#"))).strip("\n")
            place += size
            if SHORTEST <= len(text) <= LONGEST:
                yield text


def _bodies(tokens: Sequence[Token]) -> list[tuple[list[int], int]]:
    """Return for every block where its statements start, and where it ends."""
    done: list[tuple[list[int], int]] = []
    blocks: list[list[int]] = [[]]
    depth, opening = 0, True
    for token in tokens:
        if token.kind == "INDENT":
            blocks.append([])
        elif token.kind == "DEDENT" and len(blocks) > 1:
            done.append((blocks.pop(), token.start))
        elif token.kind == "NEWLINE":
            opening = True
        elif token.kind not in ("NL", "COMMENT"):
            if opening and depth == 0 and token.text not in _GOES_ON:
                blocks[-1].append(token.start)
            opening = False
            if token.kind == "OP":
                depth = max(0, depth + (token.text in "([{") - (token.text in ")]}"))
    end = tokens[-1].end if tokens else 0
    return done + [(starts, end) for starts in blocks if starts]


def read_entries(path: Path, suffix: str) -> list[Entry]:
    """Return the snippets of JSON lines (``code``), the authors' files, DeepFix's table, a file of code, or a folder.

    Raises
    ------
    BadInput
        If there is nothing to read, or a line is no object with code.
    """
    path = Path(path)
    if is_folder(path):
        files = [each for each in sorted(path.rglob(f"*{suffix}")) if each.is_file()]
        if not files:
            raise BadInput(f"{path} has no files that end in {suffix}; name a folder that has, or another --critic.")
        return [Entry(read_code(each), str(each.relative_to(path))) for each in files]
    if path.suffix == ".csv":
        return read_deepfix(path)
    if path.suffix not in (".jsonl", ".json"):
        return [Entry(read_code(path), path.name)]
    text = read_code(path)
    if path.suffix == ".json" and suffix == ".json":
        return [Entry(text, path.name)]
    return _read_authors(text, path) if path.suffix == ".json" else _read_lines(text, path)


def read_code(path: Path) -> str:
    """Return a file's text as it is written, or raise ``BadInput`` where it is missing, no text, or far too long."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path} has more than {LARGEST >> 20} MiB; give a part of it.")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8 (byte {error.start}); save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no name for a file"
        raise BadInput(f"Cannot read {str(path)[:300]!r}: {why.lower()}; name a file of code.") from error
    if "\0" in text:
        raise BadInput(f"{path} is not text: it has zero bytes; name a file of code.")
    return text


def _read_lines(text: str, path: Path) -> list[Entry]:
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            code, fixed = row["code"], row.get("fixed")
            if not isinstance(code, str) or not isinstance(fixed, str | None):
                raise TypeError("code is text")
            f"{code}{fixed}".encode()  # half a surrogate pair is no text
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadInput(
                f'{path}, line {number}, is no JSON object with "code"; see hotpapers bifi split.'
            ) from error
        entries.append(Entry(code, str(row.get("source", f"line {number}")), fixed, str(row.get("class", ""))))
    if not entries:
        raise BadInput(f"{path} has no snippets; give a file that 'hotpapers bifi split' wrote.")
    return entries


def _read_authors(text: str, path: Path) -> list[Entry]:
    """Read the authors' ``orig.bad.json`` or ``orig.good.json``."""
    try:
        rows = json.loads(text)
        rows = list(rows.values()) if isinstance(rows, dict) else rows
        return [Entry(row["code_string"], str(number)) for number, row in enumerate(rows)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f'{path} is no list of objects with "code_string"; give JSON lines with "code".') from error


def read_deepfix(path: Path) -> list[Entry]:
    """Return the programs of DeepFix's table of students' C programs, as CSV with a column ``code``."""
    try:
        with cells_up_to(1 << 20):
            rows = list(csv.DictReader(io.StringIO(read_code(path))))
    except csv.Error as error:
        raise BadInput(f"{path} cannot be read as CSV ({error}); export DeepFix's table Code again.") from error
    if not rows or "code" not in rows[0]:
        raise BadInput(f"{path} is no table with a column code; export DeepFix's table Code as CSV.")
    return [Entry(row["code"], row.get("code_id") or str(number)) for number, row in enumerate(rows)]
