"""Cells of CSV: how long one may be. Python's limit is one for the whole process, so it is changed for a block only."""

import contextlib
import csv
from collections.abc import Iterator


@contextlib.contextmanager
def cells_up_to(characters: int) -> Iterator[None]:
    """Let ``csv`` read cells of up to so many characters in this block."""
    before = csv.field_size_limit(characters)
    try:
        yield
    finally:
        csv.field_size_limit(before)
