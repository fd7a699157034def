"""Dialects: which sign parts the cells of a file, which one quotes them, and how quotes inside are escaped.

The best dialect is the one by which the rows are equally wide and the cells look like numbers, dates and words: pattern
score times type score, as van den Burg, Nazábal and Sutton (2019) have it.
"""

import csv
import dataclasses
import re
from collections import Counter
from collections.abc import Sequence

from hotpapers.media.cells import cells_up_to

FIELD = 4 << 20  # characters of a cell
MAIN = (",", "\t", ";", "|")
OTHERS = (":", " ", "~", "^", "\x1f", "\x01", "§", "!", "&", "*")
LINES = 120
_NUMBER = r"[-+]?[$€£]?\(?\d[\d,.'  ]*(?:[eE][-+]?\d+)?\)?\s?[%€$]?"
_DATE = r"\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{1,4})?(?:[T ]\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[aApP][mM])?"
_ADDRESS = r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.-]+|\d+(?:\.\d+){3}"
_KNOWN = re.compile(rf"\s*(?:{_NUMBER}|{_DATE}|{_TIME}|{_ADDRESS}|[-?.]|)\s*")
_WORDS = re.compile(r"[^,;|\t\"]*")


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a file parts its rows into cells.

    Attributes
    ----------
    delimiter
        The sign between cells.
    quote
        The sign around cells, or nothing.
    escape
        The sign before a quote inside a cell; nothing where it is doubled.
    spaced
        Whether blanks after a delimiter belong to no cell.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    spaced: bool = False

    def options(self) -> dict[str, object]:
        """Return the dialect as options of ``csv.reader``."""
        return {
            "delimiter": self.delimiter, "quotechar": self.quote or None, "doublequote": not self.escape,
            "escapechar": self.escape or None, "skipinitialspace": self.spaced or self.delimiter == " ",
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
        }  # fmt: skip


def detect(lines: Sequence[str]) -> Dialect:
    """Return the dialect of a file from its first lines."""
    sample = [line for line in lines if line.strip()][:LINES]
    told = re.fullmatch(r"\W?sep=(.)\s*", sample[0]) if sample else None  # Excel's own line
    if told and len(sample) > 1:
        return dataclasses.replace(detect(sample[1:]), delimiter=told[1])
    text = "".join(sample)
    quotes = [quote for quote in ('"', "'") if _quotes(text, quote)]
    # A backslash before a quote that closes its cell is the cell's last letter.
    escaped = quotes and re.search(r"\\[\"'](?![,;|\t\r\n]|$)", text)
    escape = "\\" if escaped and not re.search(r'""[^,;|\t\n\r]', text) else ""
    spaced = bool(quotes) and bool(re.search(rf"[,;|] +{quotes[0]}", text))
    tried: dict[Dialect, list[list[str]]] = {}
    for quote in quotes or ['"']:
        for delimiter in MAIN:
            if delimiter in text:
                dialect = Dialect(delimiter, quote, escape, spaced)
                tried[dialect] = _rows(sample, dialect)
        clear = [each for each, rows in tried.items() if len(rows) > 2 and _is_even(rows)]
        if len(clear) == 1:
            return clear[0]
    for delimiter in OTHERS:
        if sum(delimiter in line for line in sample) >= 0.8 * len(sample) > 0:
            for quote in quotes or ['"']:
                dialect = Dialect(delimiter, quote, escape, spaced)
                tried[dialect] = _rows(sample, dialect)
    scores = {dialect: score(rows) * _prior(dialect) for dialect, rows in tried.items()}
    best = max(scores, key=lambda each: scores[each], default=None)
    if best is None or scores[best] < 0.1 * _least(sample):
        return Dialect(",", (quotes or ['"'])[0], escape, spaced)
    return best


def score(rows: Sequence[Sequence[str]]) -> float:
    """Return pattern score times type score of rows: at most 1, and 0 where there is one column."""
    if not rows:
        return 0.0
    widths = Counter(map(len, rows))
    # Many rows of one width count for more than as many rows of many widths.
    pattern = sum(count * count * (width - 1) / width for width, count in widths.items() if width) / len(rows) ** 2
    if not pattern:
        return 0.0
    known = total = 0.0
    for row in rows:
        for cell in row:
            total += 1
            if _KNOWN.fullmatch(cell):
                known += 1
            elif _WORDS.fullmatch(cell):
                known += 0.8
            else:
                known += 0.4
    return pattern * known / total


def _rows(lines: Sequence[str], dialect: Dialect) -> list[list[str]]:
    try:
        with cells_up_to(FIELD):
            return [row for row in csv.reader(lines, **dialect.options()) if row]
    except csv.Error:
        return []


def _is_even(rows: Sequence[Sequence[str]]) -> bool:
    width = len(rows[0])
    return width > 1 and all(len(row) == width for row in rows)


def _quotes(text: str, quote: str) -> bool:
    """Whether a sign stands at the edges of cells, as a quote does and an apostrophe does not."""
    if quote not in text:
        return False
    edges = re.findall(rf"(?:^|[,;|\t: ]){quote}|{quote}(?:[,;|\t: ]|\r?$)", text, flags=re.MULTILINE)
    return quote == '"' or len(edges) > 0.8 * text.count(quote)


def _prior(dialect: Dialect) -> float:
    if dialect.delimiter in MAIN:
        return 1.0 - 0.01 * MAIN.index(dialect.delimiter)
    return 0.8 if dialect.delimiter != " " else 0.7


def _least(sample: Sequence[str]) -> float:
    return 1.0 if len(sample) > 1 else 0.0
