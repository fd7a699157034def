"""The account of a file: what became of each of its lines. None may be lost in silence."""

import msgspec


class Account(msgspec.Struct):
    """What became of a file's lines.

    Attributes
    ----------
    lines
        All lines of the file.
    rows, row_lines
        The rows of the table, and how many lines they take (a quoted cell may hold several).
    header_lines
        Those that the names of the columns take.
    dropped
        Reason → lines that are neither.
    where
        Reason → the numbers of the first such lines, from 1.
    padded, trimmed
        Rows that had too few cells, and rows that had empty cells too many.
    replaced
        Bytes that are no characters of the encoding, and became U+FFFD.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    header: bool = True
    renamed: int = 0
    lines: int = 0
    rows: int = 0
    row_lines: int = 0
    header_lines: int = 0
    padded: int = 0
    trimmed: int = 0
    replaced: int = 0
    dropped: dict[str, int] = {}
    where: dict[str, list[int]] = {}

    def drop(self, reason: str, line: int, lines: int = 1) -> None:
        """Count lines that are no row."""
        self.dropped[reason] = self.dropped.get(reason, 0) + lines
        self.where.setdefault(reason, [])
        if len(self.where[reason]) < 5:
            self.where[reason].append(line)

    @property
    def unaccounted(self) -> int:
        """Lines of which nothing is known; 0 unless something is wrong here."""
        return self.lines - self.row_lines - self.header_lines - sum(self.dropped.values())
