"""Reading: a CSV file as it really is, as a table, with an account of every line.

What is no row is counted with the reason: comments, words before and after the table, blank lines, repeated headers,
rows with too many cells. Rows with too few cells are filled up, and counted. A file of any size is read in blocks.
"""

import codecs
import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa

from hotpapers.errors import BadInput
from hotpapers.media.cells import cells_up_to
from hotpapers.papers.gittables import columns, dialect, encoding, header
from hotpapers.papers.gittables.account import Account
from hotpapers.papers.gittables.dialect import FIELD, Dialect

Header = Literal["detect", "first", "none"]
SAMPLE = 128 << 10  # bytes that dialect and encoding are judged by
BLOCK = 20_000  # rows
MOST_CELLS = 2_000_000  # of a block
SMALL = 16 << 20  # bytes that are read at once, so that a quote that is never closed can be undone
MOST_COLUMNS = 20_000
_COMMENTS = ("#", "%", "//", ";;", "--")
_AT_ONCE = 1000  # rows
_PREAMBLE = 60  # lines that may stand before a table

_NOT_TABLES = (
    (b"version https://git-lfs", "git-lfs pointer", "is a pointer of Git LFS; fetch the file that it stands for."),
    (b"<!doctype html", "web page", "is a web page, not a table."),
    (b"<html", "web page", "is a web page, not a table."),
    (b"<?xml", "xml", "is XML, not a table."),
)

_lost = [0]


def _count_lost(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be decoded, as ``replace`` does, and count it."""
    _lost[0] += 1
    return "\ufffd", error.end if isinstance(error, UnicodeDecodeError) else 0


codecs.register_error("counted", _count_lost)


class Table(msgspec.Struct):
    """A table, what pandas would call its columns' types, and the account of its file."""

    name: str
    data: pa.Table
    dtypes: dict[str, str]
    account: Account

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self.data.column_names


class NoTable(BadInput):
    """A file holds no table; ``reason`` is a word to count by."""

    def __init__(self, name: str, reason: str, words: str) -> None:
        self.reason = reason
        super().__init__(f"{name} {words}")


def read(source: Path | bytes, name: str = "", *, head: Header = "detect") -> Table:
    """Read a whole file as a table.

    Parameters
    ----------
    source
        A file, or its content.
    name
        What to call it; the file's own name when left out.
    head
        Whether the first row names the columns: judged, always, or never.

    Raises
    ------
    NoTable
        If there is none in it.
    """
    reader = Reader(source, name, head=head)
    blocks = list(reader.blocks())
    cells = [list(itertools.chain.from_iterable(parts)) for parts in zip(*blocks, strict=True)] if blocks else []
    kinds = [columns.kind(each, comma=reader.comma) for each in cells] or ["empty"] * len(reader.names)
    arrays = [columns.as_arrow(each, of) for each, of in zip(cells or [[]] * len(kinds), kinds, strict=True)]
    data = pa.Table.from_arrays(arrays, names=reader.names)
    return Table(reader.name, data, dict(zip(reader.names, map(columns.dtype, kinds), strict=True)), reader.account)


class Reader:
    """A file that is being read: its names at once, its rows in blocks of columns.

    Attributes
    ----------
    names
        Of the columns.
    account
        Complete once all blocks have been taken.
    small
        Whether the file is held in memory as a whole.
    """

    def __init__(self, source: Path | bytes, name: str = "", *, head: Header = "detect") -> None:
        self.source, self.name = source, name or (source.name if isinstance(source, Path) else "table")
        self.head = head
        beginning, self.size = self._beginning()
        self.small = self.size <= SMALL
        codec = encoding.detect(beginning, whole=self.size <= len(beginning))
        for start, reason, words in _NOT_TABLES:
            if beginning.lstrip()[: len(start)].lower() == start:
                raise NoTable(self.name, reason, words)
        if codec is None:
            raise NoTable(self.name, "not text", "is not text; save the table as CSV.")
        self.codec = codec
        sample = _lines_of(self._text(beginning), cut=self.size > len(beginning))
        if not any(line.strip() for line in sample):
            raise NoTable(self.name, "empty", "is empty.")
        self.dialect = dialect.detect(sample)
        if self.small:
            self._whole, self.dialect = self._best_whole()
        self._plan()

    @property
    def comma(self) -> bool:
        """Whether a comma may stand for the decimal point."""
        return self.dialect.delimiter != ","

    def blocks(self) -> Iterator[list[Sequence[str]]]:
        """Yield blocks of rows, each as a list of columns of cells; the account is begun anew."""
        self.account = self._new_account()
        width, account = len(self.names), self.account
        before = _lost[0]
        most = max(1, min(BLOCK, MOST_CELLS // width))
        rows: list[list[str]] = []
        for row, line, lines in self._body():
            if len(row) != width and not (row := _fitted(row, width, line, lines, account)):
                continue
            if row == self._first:
                account.drop("header again", line, lines)
                continue
            rows.append(row)
            account.row_lines += lines
            if len(rows) >= most:
                account.rows += len(rows)
                yield list(zip(*rows, strict=True))
                rows = []
        account.rows += len(rows)
        account.replaced = self._replaced if self.small else _lost[0] - before
        if rows:
            yield list(zip(*rows, strict=True))

    def _beginning(self) -> tuple[bytes, int]:
        if isinstance(self.source, bytes):
            return self.source[:SAMPLE], len(self.source)
        try:
            with self.source.open("rb") as stream:
                return stream.read(SAMPLE), self.source.stat().st_size
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise BadInput(f"Cannot read {self.source}: {reason}. Name a CSV file.") from error

    def _text(self, raw: bytes) -> str:
        """Decode the beginning, whose last character may be cut."""
        return codecs.getincrementaldecoder(self.codec)("replace").decode(raw)

    def _stream(self) -> io.TextIOWrapper:
        raw = io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")
        return io.TextIOWrapper(raw, self.codec, errors="counted", newline="")

    def _best_whole(self) -> tuple[list["_Record"], Dialect]:
        """Read a small file at once; where rows come out odd, try whether other quoting tells better."""
        before = _lost[0]
        with self._stream() as stream:
            text = stream.read()
        self._replaced = _lost[0] - before
        found = _records(text, self.dialect)
        if (trouble := _trouble(found, self.dialect)) and self.dialect.quote and self.dialect.quote in text:
            others = [Dialect(self.dialect.delimiter, quote, escape, self.dialect.spaced)
                      for quote, escape in (('"', ""), ('"', "\\"), ("", "")) ]  # fmt: skip
            for other in others:
                if other != self.dialect and (less := _trouble(tried := _records(text, other), other)) < 0.7 * trouble:
                    found, trouble, self.dialect = tried, less, other
        return found, self.dialect

    def _every(self) -> Iterator["_Record"]:
        if self.small:
            yield from self._whole
            return
        with self._stream() as stream:
            reader = csv.reader(stream, **self.dialect.options())
            before = 0
            more = True
            while more:
                found: list[_Record] = []
                try:
                    with cells_up_to(FIELD):
                        for row in itertools.islice(reader, _AT_ONCE):
                            found.append((row, before + 1, reader.line_num - before))
                            before = reader.line_num
                    more = len(found) == _AT_ONCE
                    yield from found
                except csv.Error:  # a cell without end: its lines are given up, with a word
                    yield from found
                    yield _TOO_LONG, before + 1, max(1, reader.line_num - before)
                    before = reader.line_num

    def _plan(self) -> None:
        """Find where the table begins, how wide it is and whether its first row names the columns."""
        sample = list(itertools.islice(self._every(), 400))
        widths = Counter(len(row) for row, _, _ in sample if len(row) > 1 or (row and row[0].strip()))
        if not widths:
            raise NoTable(self.name, "empty", "has no rows.")
        width = max(widths, key=lambda each: widths[each] * (each - 0.9))
        if width > MOST_COLUMNS:
            raise NoTable(self.name, "too wide", f"has {width} columns; at most {MOST_COLUMNS} are taken.")
        self._start = _begin(sample, width)
        rows = [row for row, _, _ in sample[self._start :] if _nonblank(row) and not _is_comment(row, width)]
        if not rows:
            raise NoTable(self.name, "empty", "has no rows.")
        self.account = Account()
        has = self.head == "first" or (self.head == "detect" and header.has_header(rows))
        first = list(rows[0]) if has else None
        if first is not None and first[0].lstrip().startswith("#") and (bare := first[0].lstrip()[1:].strip()):
            first[0] = bare
        self._first = rows[0] if has else None
        if first and len(first) == width - 1:
            if any(row[-1].strip() for row in rows[1:] if len(row) == width):
                first = ["", *first]  # R writes no name above the names of rows
            else:
                width -= 1  # each row ends with a delimiter
        width = max(width, len(first or []))
        self.names, self._renamed = header.names_of(first, width)

    def _new_account(self) -> Account:
        return Account(
            encoding=self.codec, delimiter=self.dialect.delimiter, quote=self.dialect.quote,
            escape=self.dialect.escape, header=self._first is not None, renamed=self._renamed,
        )  # fmt: skip

    def _body(self) -> Iterator["_Record"]:
        """Yield what may be rows; count comments, blanks, the words before and after, and the header."""
        account, width = self.account, len(self.names)
        waiting: list[_Record] = []  # what may turn out to stand after the table
        header_due = self._first is not None
        for number, record in enumerate(self._every()):
            row, line, lines = record
            account.lines += lines
            if row is _TOO_LONG:
                account.drop("cell without end", line, lines)
            elif not row or (len(row) == 1 and not row[0].strip() and width > 1):
                account.drop("blank", line, lines)
            elif number < self._start:
                account.drop("comment" if row[0].lstrip().startswith(_COMMENTS) else "before the table", line, lines)
            elif _is_comment(row, width):
                account.drop("comment", line, lines)
            elif header_due:
                header_due = False
                account.header_lines += lines
            elif width > 2 and len(row) == 1 and len(waiting) < _PREAMBLE:
                waiting.append(record)
            else:
                yield from waiting
                waiting.clear()
                yield record
        for _, line, lines in waiting:
            account.drop("after the table", line, lines)


_Record = tuple[list[str], int, int]  # cells, line, lines
_TOO_LONG: list[Any] = ["too long"]


def _records(text: str, of: Dialect) -> list[_Record]:
    found: list[_Record] = []
    reader = csv.reader(io.StringIO(text, newline=""), **of.options())
    before = 0
    while True:
        try:
            with cells_up_to(FIELD):
                for row in reader:
                    found.append((row, before + 1, reader.line_num - before))
                    before = reader.line_num
            return found
        except csv.Error:
            found.append((_TOO_LONG, before + 1, max(1, reader.line_num - before)))
            before = reader.line_num


def _trouble(records: Sequence[_Record], of: Dialect) -> float:
    """How odd the rows are: lines in rows of another width than most, and rows swallowed by a cell."""
    widths = Counter(len(row) for row, _, _ in records if row)
    if not widths:
        return 0.0
    width = widths.most_common(1)[0][0]
    odd = 2.0 * (width == 1)
    for row, _, lines in records:
        if row and len(row) != width and (len(row) > 1 or lines > 1):
            odd += lines
        elif lines > 1:
            inner = [line for cell in row for line in cell.split("\n")[1:-1]]
            odd += sum(line.count(of.delimiter) == width - 1 for line in inner)
    return odd


def _lines_of(text: str, cut: bool) -> list[str]:
    lines = list(io.StringIO(text, newline=""))
    return lines[:-1] if cut and len(lines) > 1 else lines


def _nonblank(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row)


def _is_comment(row: Sequence[str], width: int) -> bool:
    return len(row) != width and row[0].lstrip().startswith(_COMMENTS)


def _begin(sample: Sequence[_Record], width: int) -> int:
    """Return the index of the first record of the table: what stands before is narrower by far, or a comment."""
    marked = list(itertools.takewhile(lambda record: record[0] and record[0][0].lstrip().startswith("#"), sample))
    start = (
        max(0, len(marked) - 1) if len(marked) < len(sample) else 0
    )  # the last of several such lines may name the columns
    if len(sample) > 1 and sample[0][0] and sample[0][0][0].startswith("sep="):  # Excel's own line
        start = 1
    for at, (row, _, _) in enumerate(sample[:_PREAMBLE]):
        if at < start:
            continue
        filled = sum(bool(cell.strip()) for cell in row)
        # Once a full row has been seen, a short one belongs to the table.
        nearly_empty = filled == 0 or (width > 2 and filled <= max(1, width // 4))
        if width > 1 and (nearly_empty or len(row) < width - 1 or _is_comment(row, width)):
            start = at + 1
            continue
        break
    return start if start < len(sample) else 0


def _fitted(row: list[str], width: int, line: int, lines: int, account: Account) -> list[str]:
    """Return a row of ``width`` cells, or nothing where that cannot be done without losing a value."""
    if len(row) < width:
        account.padded += 1
        return row + [""] * (width - len(row))
    if not _nonblank(row[width:]):
        account.trimmed += 1
        return row[:width]
    account.drop("too many cells", line, lines)
    return []
