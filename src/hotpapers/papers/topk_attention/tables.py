"""What the verbs that measure have in common: numbers with commas, and a table with its picture beside it."""

from pathlib import Path

from hotpapers.errors import BadInput

LARGEST = 1 << 20


def read_numbers(text: str, option: str, most: int = 16) -> list[int]:
    """Return the numbers that an option lists with commas, in their order and each once.

    Raises
    ------
    BadInput
        If they are no numbers, out of bounds, or more than ``most``.
    """
    try:
        found = sorted({int(each) for each in text.split(",")})
    except ValueError as error:
        raise BadInput(f"{option} is numbers with commas, as 8,16,32, not {text[:40]!r}.") from error
    if found[0] < 1 or found[-1] > LARGEST or len(found) > most:
        raise BadInput(f"{option} has 1 to {most} numbers from 1 to {LARGEST}.")
    return found


def picture_beside(table: Path) -> Path:
    """Return the picture's file for a table's, or raise ``BadInput`` where the table's can be none."""
    if not table.name or table.is_dir() or table.suffix.lower() == ".png":
        raise BadInput(f"{table} cannot be the table's file: name one that ends in .csv with --out.")
    return table.with_name(f"{table.stem}.png")
