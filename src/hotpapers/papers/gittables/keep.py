"""Filters: which tables a corpus keeps, and the word that says why it does not keep the others."""

import dataclasses
import re
from collections.abc import Sequence

from hotpapers.errors import BadInput

SOCIAL = ("twitter", "tweet", "facebook", "reddit")
_NUMBER = re.compile(r"\s*[-+]?\d[\d.,]*\s*")


@dataclasses.dataclass(frozen=True)
class Filters:
    """What a table must be to be kept.

    Attributes
    ----------
    min_rows, min_columns
        The least size.
    max_unnamed
        The largest share of columns without a name.
    max_numeric
        The largest share of columns that a number names: a first row that is none.
    social
        Whether tables go whose headers speak of social networks; the published filter, in any case of letters.
    licensed
        Whether tables go that have no licence.
    """

    min_rows: int = 2
    min_columns: int = 2
    max_unnamed: float = 0.5
    max_numeric: float = 0.5
    social: bool = True
    licensed: bool = True

    def __post_init__(self) -> None:
        if self.min_rows < 0 or self.min_columns < 1 or not (0 <= self.max_unnamed <= 1 and 0 <= self.max_numeric <= 1):
            raise BadInput("min_rows and min_columns must be positive, and the shares of columns between 0 and 1.")

    def by_header(self, names: Sequence[str], licence: str) -> str | None:
        """Return why a table of these columns is not kept, or nothing."""
        if self.licensed and not licence:
            return "no licence"
        if len(names) < self.min_columns:
            return "too few columns"
        if self.social and any(word in name.lower() for name in names for word in SOCIAL):
            return "social network"
        if sum(name.startswith(("Unnamed:", "column_")) for name in names) > self.max_unnamed * len(names):
            return "no header"
        if sum(bool(_NUMBER.fullmatch(name)) for name in names) > self.max_numeric * len(names):
            return "numbers for a header"
        return None

    def by_size(self, rows: int) -> str | None:
        """Return why a table of so many rows is not kept, or nothing."""
        return "too few rows" if rows < self.min_rows else None
