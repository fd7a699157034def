"""Tables: the T2Dv2 gold standard, DBpedia's classes as tables, and FiveThirtyEight's CSV files, file by file from
GitHub.

Each file has its checksum in a list of the repository's files at one commit, beside this module.
"""

import json
import re
from pathlib import Path
from urllib.parse import quote

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import fetch


def _from_github(listing: str, **facts: str) -> tuple[Dataset, dict[str, str]]:
    """Return the dataset of a list of files, and path in the repository → name in the dataset's folder."""
    listed = json.loads(Path(__file__).with_name(f"{listing}.json").read_text(encoding="utf-8"))
    base = f"https://raw.githubusercontent.com/{listed['repository']}/{listed['commit']}"
    names = {path: _flat(path, number) for number, (path, _, _) in enumerate(listed["files"])}
    sources = tuple(
        Source(names[path], f"{base}/{quote(path)}", sha256, size) for path, sha256, size in listed["files"]
    )
    dataset = Dataset(
        page=f"https://github.com/{listed['repository']}", sources=sources, members=tuple(names.values()), **facts
    )
    return offer(dataset), names


def _flat(path: str, number: int) -> str:
    """Return a name without folders: the path's own where it is plain, else a number."""
    name = path.removeprefix("data/").removeprefix("webtables/").removeprefix("dbpedia/").replace("/", "--")
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name)
    return name if plain else f"{number:04}{Path(path).suffix}"


T2D, _T2D = _from_github(
    "t2d",
    name="t2d",
    what="116 web tables, 332 of their columns annotated with DBpedia properties by people (T2Dv2)",
    licence="Apache-2.0",
)
DBPEDIA_TABLES, _DBPEDIA = _from_github(
    "dbpedia_tables",
    name="dbpedia-tables",
    what="44 classes of DBpedia as tables, a column a property",
    licence="CC BY-SA 3.0",
)
FIVETHIRTYEIGHT, _FIVETHIRTYEIGHT = _from_github(
    "fivethirtyeight",
    name="fivethirtyeight",
    what="449 CSV files behind FiveThirtyEight's articles, each under 300 KB",
    licence="CC BY 4.0",
)


def t2d() -> Path:
    """Return the folder of the T2Dv2 gold standard: ``gs_property.csv`` and the tables."""
    return fetch(T2D.name)


def dbpedia_tables() -> dict[str, Path]:
    """Return DBpedia's classes and where their tables lie: CSV packed by gzip, under four lines of header."""
    folder = fetch(DBPEDIA_TABLES.name)
    return {Path(path).name.removesuffix(".csv.gz"): folder / name for path, name in _DBPEDIA.items()}


def fivethirtyeight() -> dict[str, Path]:
    """Return FiveThirtyEight's files by their path in the repository."""
    folder = fetch(FIVETHIRTYEIGHT.name)
    return {path: folder / name for path, name in _FIVETHIRTYEIGHT.items()}
