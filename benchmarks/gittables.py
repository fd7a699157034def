"""GitTables' parser beside pandas, DuckDB's sniffer and CleverCSV: files rightly read, and tables a second.

    python benchmarks/gittables.py [--folder FOLDER_OF_CSV_FILES]
    python benchmarks/gittables.py --tables 4000 --jobs 2

Hostile files come with what is right. For real files nobody says what is right: a reading counts if it has as many
rows and columns as a plain reading of the file as RFC 4180 has it, where every row has one width; four files of
FiveThirtyEight's that this gets wrong were read by eye. Peers that are not installed are left out with a word
(``pip install pandas duckdb clevercsv chardet``). Time is CPU time, one process, one thread.

With ``--tables`` the whole way is measured instead, from CSV files to an annotated and anonymised corpus, by worker
processes that have yet to start: tables a second by the clock, and by CPU time, which other work on the machine
lengthens less.
"""

import argparse
import csv
import io
import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from hotpapers.papers.gittables import build, experiment, hostile, reading

BY_EYE: dict[str, tuple[int, int] | None] = {
    "nfl-fandom/NFL_fandom_data-google_trends.csv": (207, 9),  # a title above the header
    "nfl-fandom/NFL_fandom_data-surveymonkey.csv": (33, 25),  # groups of columns above the header
    "pew-religions/current.csv": (101, 12),  # numbers without a header
    "nfl-ticket-prices/jets-buyer.csv": None,  # many tables in one
}
"""Rows and columns of files that a plain reading gets wrong, as read by eye; of one nobody can say."""

Rows = list[tuple[Any, ...]]
Reading = tuple[list[str], Rows]


def main() -> int:
    """Run every parser that is installed on every file and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="a folder of real CSV files")
    parser.add_argument("--most", type=int, default=500, help="of its files")
    parser.add_argument("--tables", type=int, default=0, help="make a corpus of so many tables of 142 rows, 12 columns")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes that make it")
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    told: dict[str, Any] = {}
    if options.tables:
        told["corpus"] = whole_way(options.tables, options.jobs)
    else:
        contenders = {name: made for name, make in CONTENDERS.items() if (made := make())}
        told["hostile"] = on_hostile(contenders)
        if options.folder:
            told["real"] = on_real(contenders, options.folder, options.most)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))
    return 0


def whole_way(tables: int, jobs: int) -> dict[str, float]:
    """Make a corpus of tables of the published mean size in worker processes, whose start counts."""
    with tempfile.TemporaryDirectory() as folder:
        collected = Path(folder) / "collected"
        files = experiment.median_tables(collected, tables, 0)
        started, used = time.perf_counter(), _seconds_of_workers()
        counts = build.make(files, collected, Path(folder) / "room", build.Settings(), engine="processes", jobs=jobs)
        wall, cpu = time.perf_counter() - started, _seconds_of_workers() - used
    assert counts["tables"] == tables, counts["dropped"]
    told = {"tables": tables, "jobs": jobs, "seconds": wall, "CPU seconds of the workers": cpu,
            "CPU ms a table": 1000 * cpu / tables, "tables a second": tables / wall,
            "tables a second, by CPU time": jobs * tables / cpu}  # fmt: skip
    for name, value in told.items():
        print(f"{name:30} {value:10.1f}")
    return told


def _seconds_of_workers() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def on_hostile(contenders: dict[str, Callable[[Path], Reading]]) -> dict[str, Any]:
    """Count the hostile files that come out as the table that is right."""
    cases = hostile.cases()
    right: dict[str, list[str]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            path = Path(folder) / "table.csv"
            path.write_bytes(case.content)
            for name, read in contenders.items():
                try:
                    names, rows = read(path)
                except Exception:  # whatever it raises, it has not read the file
                    continue
                if hostile.is_right(case, names, rows):
                    right[name].append(case.name)
    print(f"Hostile files rightly read, of {len(cases)}:")
    for name, found in right.items():
        print(f"  {name:22} {len(found):4}")
    return {"files": len(cases), "right": right}


def on_real(contenders: dict[str, Callable[[Path], Reading]], folder: Path, most: int) -> dict[str, Any]:
    """Count real files whose shape comes out, among those that have one width throughout, and take the time."""
    paths = [path for path in sorted(folder.rglob("*.csv")) if path.is_file()][:most]
    shapes = {path: shape for path in paths if (shape := plain_shape(path))}
    told: dict[str, Any] = {}
    print(f"\nReal files with the rows and columns of a plain reading, of {len(shapes)} of {len(paths)} that have one:")
    for name, read in contenders.items():
        right, refused, started = 0, 0, time.process_time()
        for path in paths:
            try:
                names, rows = read(path)
            except Exception:
                refused += 1
                continue
            right += path in shapes and (len(rows), len(names)) == shapes[path]
        seconds = time.process_time() - started
        told[name] = {"right": right, "refused": refused, "tables a CPU second": len(paths) / seconds}
        print(f"  {name:22} {right:4} right, {refused:3} refused, {len(paths) / seconds:7.1f} tables a CPU second")
    if "pandas, as published" in told:
        ours_, theirs = (told[name]["tables a CPU second"] for name in ("hotpapers", "pandas, as published"))
        print(f"  ratio of tables a second to pandas, as published: {ours_ / theirs:.1f}")
    return {"files": len(paths), "with a shape": len(shapes), "contenders": told}


def plain_shape(path: Path) -> tuple[int, int] | None:
    """Return rows and columns of a file in UTF-8 whose lines all have one width, as RFC 4180 reads them."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if (seen := next((each for each in BY_EYE if path.as_posix().endswith(each)), None)) is not None:
        return BY_EYE[seen]
    widths = {len(row) for row in rows}
    if len(widths) != 1 or len(rows) < 3 or widths.pop() < 2 or any(rows[0] == row for row in rows[1:]):
        return None
    return len(rows) - 1, len(rows[0])


def ours() -> Callable[[Path], Reading]:
    def read(path: Path) -> Reading:
        table = reading.read(path)
        return table.columns, list(
            zip(*(table.data.column(at).to_pylist() for at in range(table.data.num_columns)), strict=True)
        )

    return read


def pandas_published() -> Callable[[Path], Reading] | None:
    pandas = _module("pandas")
    return pandas and (lambda path: _frame(pandas.read_csv(path, sep=None, engine="python", on_bad_lines="skip")))


def pandas_plain() -> Callable[[Path], Reading] | None:
    pandas = _module("pandas")
    return pandas and (lambda path: _frame(pandas.read_csv(path)))


def duckdb_sniffer() -> Callable[[Path], Reading] | None:
    duckdb = _module("duckdb")
    if not duckdb:
        return None
    connection = duckdb.connect(config={"threads": 1})

    def read(path: Path) -> Reading:
        found = connection.execute("SELECT * FROM read_csv_auto(?, ignore_errors = true)", [str(path)])
        return [each[0] for each in found.description], found.fetchall()

    return read


def clevercsv_tables() -> Callable[[Path], Reading] | None:
    clevercsv = _module("clevercsv")

    def read(path: Path) -> Reading:
        rows = clevercsv.read_table(str(path))
        return rows[0], [tuple(row) for row in rows[1:]]

    return clevercsv and read


def _frame(frame: Any) -> Reading:
    return list(map(str, frame.columns)), list(frame.itertuples(index=False, name=None))


def _module(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"{name} is left out: {error}", file=sys.stderr)
        return None


CONTENDERS: dict[str, Callable[[], Callable[[Path], Reading] | None]] = {
    "hotpapers": ours,
    "pandas, as published": pandas_published,
    "pandas.read_csv": pandas_plain,
    "DuckDB's sniffer": duckdb_sniffer,
    "CleverCSV": clevercsv_tables,
}

if __name__ == "__main__":
    sys.exit(main())
