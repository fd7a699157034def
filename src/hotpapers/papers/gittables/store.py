"""The store: a table as Parquet with its metadata in the schema, a corpus as a folder of them with an index.

::

    corpus/
      corpus.json      how it was made, and what was counted
      tables.jsonl     one line a table: where it is, its columns, its types
      dropped.jsonl    one line a file that is no table of it, with the reason
      tables/TOPIC/NAME.parquet

The metadata are under the key ``gittables`` in the words of the published corpus, which reads the same way.
"""

import io
import json
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.verbs import AnyFile, Outcome

KEY = b"gittables"
INDEX = "tables.jsonl"
LARGEST = 1 << 30  # bytes of a table in an archive
METHODS = ("dbpedia_syntactic", "dbpedia_semantic", "schema_syntactic", "schema_semantic")


class Entry(msgspec.Struct, omit_defaults=True):
    """A line of a corpus's index.

    Attributes
    ----------
    types
        ``dbpedia_syntactic`` and its like → column → label.
    """

    id: int
    path: str
    name: str
    rows: int
    columns: list[str]
    topic: str = ""
    url: str = ""
    licence: str = ""
    dtypes: dict[str, str] = {}
    types: dict[str, dict[str, str]] = {}
    domains: dict[str, str | None] = {}
    anonymised: list[str] = []


class Corpus:
    """A corpus: a folder as ``build`` makes it, or a zip of one; also any zip or folder of Parquet files.

    Raises
    ------
    BadInput
        If there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise BadInput(f"There is no {path}; give the folder that build made, or a zip of it.")
        try:
            self.archive = zipfile.ZipFile(path) if path.is_file() else None
            names = self.archive.namelist() if self.archive else [
                each.relative_to(path).as_posix() for each in sorted(path.rglob("*")) if each.is_file()
            ]  # fmt: skip
        except (OSError, zipfile.BadZipFile) as error:
            raise BadInput(f"{path.name} is no corpus: give the folder that build made, or a zip of it.") from error
        # An archive may hold the corpus in a folder of its own.
        index = next((name for name in sorted(names, key=len) if PurePosixPath(name).name == INDEX), None)
        self.root = index.removesuffix(INDEX) if index else ""
        self.parquet = sorted(name for name in names if name.endswith(".parquet"))
        if index is None and not self.parquet:
            raise BadInput(f"{path.name} is no corpus: it has no {INDEX} and no Parquet files.")
        self.entries = self._index(index) if index else [self._entry(at, name) for at, name in enumerate(self.parquet)]
        if not self.entries:
            raise BadInput(f"{path.name} is a corpus without tables; build it of other files.")

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[tuple[Entry, pa.Table]]:
        for entry in self.entries:
            yield entry, self.table(entry)

    def table(self, entry: Entry) -> pa.Table:
        """Read one of the corpus's tables."""
        try:
            return pq.read_table(io.BytesIO(self._bytes(self.root + entry.path)))
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{entry.path} of {self.path.name} is no Parquet file that can be read.") from error

    def metadata(self, entry: Entry) -> dict[str, Any]:
        """Return the metadata of one of the corpus's tables."""
        return metadata_of(io.BytesIO(self._bytes(self.root + entry.path)), entry.path)

    def _index(self, name: str) -> list[Entry]:
        try:
            return msgspec.json.Decoder(Entry).decode_lines(self._bytes(name))
        except msgspec.DecodeError as error:
            raise BadInput(f"{name} of {self.path.name} is no index of a corpus ({error}); build it again.") from error

    def _entry(self, number: int, name: str) -> Entry:
        raw = io.BytesIO(self._bytes(name))
        try:
            file = pq.ParquetFile(raw)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{name} of {self.path.name} is no Parquet file that can be read.") from error
        return entry_of(number, name, PurePosixPath(name).stem, file.schema_arrow.names, file.metadata.num_rows,
                        metadata_of(raw, name), topic=PurePosixPath(name).parent.name)  # fmt: skip

    def _bytes(self, name: str) -> bytes:
        try:
            if self.archive is None:
                target = (self.path / name).resolve()
                if not target.is_relative_to(self.path.resolve()):
                    raise BadInput(f"{name[:80]} leads out of {self.path.name}.")
                return target.read_bytes()
            if self.archive.getinfo(name).file_size > LARGEST:
                raise BadInput(f"{name} of {self.path.name} unpacks to more than {LARGEST >> 20} MB.")
            return self.archive.read(name)
        except (OSError, KeyError, zipfile.BadZipFile, RuntimeError) as error:
            raise BadInput(f"{name} of {self.path.name} cannot be read: {error}.") from error


def entry_of(
    number: int, path: str, name: str, columns: list[str], rows: int, metadata: dict[str, Any], *, topic: str = ""
) -> Entry:
    """Return the line of the index for a table."""
    types = {method: {column: str(kind.get("cleaned_label"))
                      for column, kind in (metadata.get(f"{method}_column_types") or {}).items()}
             for method in METHODS}  # fmt: skip
    licence = metadata.get("license") or {}
    return Entry(
        id=number, path=path, name=name, rows=rows, columns=[c for c in columns if c != "__index_level_0__"],
        topic=topic, url=str(metadata.get("csv_url") or metadata.get("table_csv_url") or ""),
        licence=str(licence.get("spdx_id") or licence.get("name") or "") if isinstance(licence, dict) else str(licence),
        dtypes=dict(metadata.get("dtypes") or {}), types={k: v for k, v in types.items() if v},
        domains={k: v for k, v in (metadata.get("table_domain") or {}).items() if v},
        anonymised=list(metadata.get("anonymized_columns") or []),
    )  # fmt: skip


def metadata_of(source: io.BytesIO | Path, name: str = "") -> dict[str, Any]:
    """Return the metadata that a Parquet file of a corpus has; nothing where it has none."""
    try:
        kept = pq.read_schema(source).metadata or {}
        return json.loads(kept[KEY]) if KEY in kept else {}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"{name or source} is no Parquet file of a corpus: {error}.") from error


def with_metadata(schema: pa.Schema, metadata: dict[str, Any]) -> pa.Schema:
    """Return the schema with the metadata of a table; the same metadata are always the same bytes."""
    return schema.with_metadata({KEY: json.dumps(metadata, ensure_ascii=False, sort_keys=True).encode()})


def shown(path: Path) -> str:
    """Return a path as a command takes it; of an absolute one, which on a page is the server's own, the name."""
    return shlex.quote(path.name if path.is_absolute() else str(path))


def write_csv(path: Path, table: pa.Table) -> None:
    """Write a table as CSV."""
    with written_whole(path) as temporary:
        pyarrow.csv.write_csv(table, temporary, pyarrow.csv.WriteOptions(quoting_style="needed"))


def csv_writer(path: Path, schema: pa.Schema) -> "pyarrow.csv.CSVWriter":
    """Return a writer of CSV that takes a table in parts."""
    return pyarrow.csv.CSVWriter(path, schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed"))


def load(
    corpus: AnyFile,
    *,
    table: str = "",
    kind: Literal["csv", "parquet", "json"] = "csv",
    out: Path | None = None,
) -> Outcome:
    """Take a table out of a corpus, or list the corpus: ours, or the published one's zip of Parquet files.

    Parameters
    ----------
    corpus
        A corpus's folder, or a zip of Parquet files as Zenodo has them, one a topic.
    table
        The name or number of the table; all are listed when left out.
    kind
        What to write the table as; json gives its metadata.
    out
        Where the table, or the list, goes.
    """
    opened = Corpus(Path(corpus))
    if not table:
        out = Path(out) if out else Path("tables.csv")
        listed = pa.Table.from_pylist([
            {"id": each.id, "table": each.name, "topic": each.topic, "rows": each.rows, "columns": len(each.columns),
             "header": ", ".join(each.columns), "licence": each.licence, "url": each.url} for each in opened.entries
        ])  # fmt: skip
        write_csv(out, listed)
        return Outcome({"list": out}, {"tables": len(opened), "rows": sum(each.rows for each in opened.entries)})
    entry = next((each for each in opened.entries if table in (each.name, str(each.id), each.path)), None)
    if entry is None:
        raise BadInput(
            f"{opened.path.name} has no table {table[:60]!r}; list them with: gittables load {opened.path.name}."
        )
    out = Path(out) if out else Path(f"{entry.id}.{kind}")
    if kind == "csv":
        write_csv(out, opened.table(entry))
    else:
        metadata = json.dumps(opened.metadata(entry), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        with written_whole(out) as temporary:
            temporary.write_bytes(metadata.encode() if kind == "json" else opened._bytes(opened.root + entry.path))
    return Outcome({"table": out}, {"table": entry.name, "rows": entry.rows, "columns": len(entry.columns),
                                    "licence": entry.licence or "none stated", "url": entry.url or "none"})  # fmt: skip
