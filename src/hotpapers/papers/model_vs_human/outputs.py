"""What the verbs on trials share: reading with people beside, tables written whole, and numbers for people to read."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.model_vs_human.public import PUBLIC, read_sheets, with_people
from hotpapers.papers.model_vs_human.scoring import METRICS
from hotpapers.papers.model_vs_human.sheets import Sheet

MOST_RESAMPLES = 100_000


def read_with_people(trials: Path | None, people: Path | None, dataset: str = "") -> list[Sheet]:
    """Return the sheets of ``trials`` with people beside; of the public trials where neither is given."""
    return with_people(read_sheets(trials, dataset=dataset), people)


def beside(trials: Path | None, out: Path | None, ending: str) -> Path:
    """Return where to write: ``out``, or beside the trials under their name with ``ending``."""
    if out is not None:
        return Path(out)
    if trials is None:
        return Path(f"{PUBLIC}-{ending}")
    return Path(trials).with_name(f"{Path(trials).name.partition('.')[0]}-{ending}")


def check_resamples(resamples: int) -> None:
    """Raise ``BadInput`` where an interval cannot come of so many resamples."""
    if not 100 <= resamples <= MOST_RESAMPLES:
        raise BadInput(f"Take 100 to {MOST_RESAMPLES:,} resamples, not {resamples}.")


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV table whole or not at all; numbers have six digits, NaN is empty."""
    if path.suffix.lower() != ".csv":
        raise BadInput(f"Cannot write {path.name}: this table is CSV. End it in .csv.")
    with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(each) for each in row] for row in rows)
    return path


def row_in_words(values: Sequence[float]) -> str:
    """Return the four numbers of an observer on one line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(METRICS, values, strict=True) if value == value)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    # A spreadsheet would run a name that begins so
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") and len(value) > 1 else value
