"""Building a corpus: every collected file is parsed, filtered, annotated, anonymised and stored, here or by many
workers.

A piece is a few files. Its worker writes their Parquet files and one list of what became of them; doing it twice leaves
the same bytes. So a worker that dies costs its piece, a build that stops goes on, and all engines make the same corpus.
"""

import dataclasses
import hashlib
import itertools
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from hotpapers import progress
from hotpapers.engines import Engine, do_all
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables import annotate, collect, columns, ontology, privacy, reading, store
from hotpapers.papers.gittables.account import Account
from hotpapers.papers.gittables.annotate import THRESHOLD
from hotpapers.papers.gittables.cleaning import Mode
from hotpapers.papers.gittables.collect import Collected
from hotpapers.papers.gittables.keep import Filters
from hotpapers.papers.gittables.vectors import VectorsOrNone, named
from hotpapers.verbs import AnyFile, Outcome

FILES = 24  # a piece
MANY = 10_000  # rows of a table that is worth statistics for those who look for a part of it
VERSION = 2  # of what a build leaves; a half-built corpus of another is begun anew


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a corpus is made."""

    vectors: str = "small"
    threshold: float = THRESHOLD
    mode: Mode = "fixed"
    header: reading.Header = "detect"
    personal: Literal["both", "headers", "values", "keep"] = "both"
    seed: int = 0
    filters: Filters = dataclasses.field(default_factory=Filters)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A few files, where they lie, and where their tables go."""

    number: int
    first: int
    files: tuple[Collected, ...]
    folder: str
    target: str
    settings: Settings


class Fate(msgspec.Struct, omit_defaults=True):
    """What became of a file: a table of the corpus, or a reason; and the counts that go into the corpus's own."""

    id: int
    file: str
    entry: store.Entry | None = None
    reason: str = ""
    detail: str = ""
    account: Account | None = None
    audit: dict[str, dict[str, int]] = {}
    personal: dict[str, str] = {}
    hidden: int = 0


def build(
    source: AnyFile,
    *,
    out: Path | None = None,
    licence: str = "",
    unlicensed: Literal["drop", "keep"] = "drop",
    vectors: VectorsOrNone = "small",
    fasttext: AnyFile | None = None,
    threshold: float = THRESHOLD,
    mode: Mode = "fixed",
    header: reading.Header = "detect",
    personal: Literal["both", "headers", "values", "keep"] = "both",
    min_rows: int = 2,
    min_columns: int = 2,
    max_unnamed: float = 0.5,
    max_numeric: float = 0.5,
    seed: int = 0,
    engine: Engine = "local",
    jobs: int | None = None,
) -> Outcome:
    """Make a corpus: parse, filter, annotate, anonymise and store every CSV file of a heap.

    Parameters
    ----------
    source
        What ``collect`` made, or a folder, git repository or archive of CSV files.
    out
        The corpus's folder; ``corpus`` when left out.
    licence
        The licence of files that say none themselves, as an SPDX id.
    unlicensed
        What happens to files without a licence: the paper drops them.
    vectors
        What compares meanings: small, glove (118 MB are downloaded), ngrams, or none.
    fasttext
        A fastText model (.bin) or vectors as text (.vec) to take instead; the paper's is cc.en.300.bin.
    threshold
        The least similarity of a semantic annotation.
    mode
        How headers are cleaned: fixed, or as published (legacy).
    header
        Whether the first row names the columns: judged, always (first, as published), or never (none).
    personal
        What tells that a column is personal: headers as in the paper, values, both; keep leaves all as it is.
    min_rows, min_columns
        The least size of a table.
    max_unnamed, max_numeric
        The largest share of columns that have no name, or a number for one.
    seed
        Another seed gives other made-up values.
    engine
        Where it runs: local, processes or ray.
    jobs
        How many at once; one for each core when left out.
    """
    filters = Filters(min_rows, min_columns, max_unnamed, max_numeric, licensed=unlicensed == "drop")
    by = named(vectors, fasttext)
    settings = Settings(by, threshold, mode, header, personal, seed, filters)
    annotate.annotator(by, threshold, mode)  # what is wrong with the settings shows before the work begins
    out = Path(out) if out else Path("corpus")
    source = Path(source)
    if out.is_file():
        raise BadInput(f"{out} is a file; name another folder with --out.")
    room = out.with_name(f".{out.name}.building")
    _ready(room, source, settings, licence)
    folder = source if (source / collect.LIST).is_file() else _collected(source, room / "collected", licence)
    files = sorted(collect.read(folder), key=lambda each: each.file)
    counts = make(files, folder, room, settings, engine=engine, jobs=jobs)
    with written_whole(out) as temporary:
        os.replace(room / "corpus", temporary)
    shutil.rmtree(room, ignore_errors=True)
    dropped = counts["dropped"]
    numbers: dict[str, float | int | str] = {"files": len(files), "tables": counts["tables"], "rows": counts["rows"]}
    numbers |= {f"dropped, {reason}": count for reason, count in dropped.items()}
    numbers |= {
        "lines that are no rows": sum(counts["lines"]["dropped"].values()),
        "personal columns": counts["personal columns"],
    }
    note = f"hotpapers gittables stats {store.shown(out)} describes it."
    if not counts["tables"]:
        note = "No table is left. Files without a licence are dropped unless --licence or --unlicensed keep is given."
    return Outcome({"corpus": out}, numbers, note)


def make(
    files: Sequence[Collected],
    folder: Path,
    room: Path,
    settings: Settings,
    *,
    engine: Engine = "local",
    jobs: int | None = None,
    work: Callable[[Piece], int] | None = None,
) -> dict[str, Any]:
    """Make a corpus in ``room / "corpus"`` and return its counts; pieces that are there already are not done again.

    Parameters
    ----------
    work
        What does a piece; ``process`` when left out.
    """
    target = room / "corpus"
    target.mkdir(parents=True, exist_ok=True)
    pieces = [Piece(at // FILES, at, tuple(files[at : at + FILES]), str(folder), str(room), settings)
              for at in range(0, len(files), FILES)]  # fmt: skip
    waiting = [each for each in pieces if not _fates_file(each).is_file()]
    with progress.bar("build (files)", len(files)) as bar:
        done = len(files) - sum(len(each.files) for each in waiting)
        for count in do_all(work or process, waiting, engine=engine, jobs=jobs):
            done += count
            bar.update(done)
    return _finish(pieces, target, settings)


def process(piece: Piece) -> int:
    """Do the files of a piece, write the list of their fates, and return how many there were."""
    by = annotate.annotator(piece.settings.vectors, piece.settings.threshold, piece.settings.mode)
    fates = [_one(piece, piece.first + at, file, by) for at, file in enumerate(piece.files)]
    with written_whole(_fates_file(piece)) as temporary:
        temporary.write_bytes(b"".join(msgspec.json.encode(fate) + b"\n" for fate in fates))
    return len(fates)


def _one(piece: Piece, number: int, file: Collected, by: annotate.Annotator) -> Fate:
    settings, fate = piece.settings, Fate(number, file.file)
    path = Path(piece.target) / "corpus" / "tables" / file.topic / f"{file.name}.parquet"
    try:
        reader = reading.Reader(Path(piece.folder) / file.file, file.name, head=settings.header)
        if reason := settings.filters.by_header(reader.names, file.licence):
            fate.reason = reason
            return fate
        kinds, kept, rows = _first_pass(reader)
        fate.account = reader.account
        if reason := settings.filters.by_size(rows):
            fate.reason = reason
            return fate
        found = by.annotate(reader.names)
        sample = _arrow(kept[0], kinds)
        personal = privacy.find(sample, found, settings.personal) if settings.personal != "keep" else []
        fate.personal = {each.column: each.kind for each in personal}
        fate.audit = privacy.audit(sample, found)
        dtypes = {name: "object" if name in fate.personal else columns.dtype(of) for name, of in kinds.items()}
        metadata = _metadata(reader, dtypes, rows, file, number, by, found, settings) | {
            "anonymized_columns": list(fate.personal)
        }
        schema = store.with_metadata(pa.schema([(name, columns.ARROW[of]) for name, of in dtypes.items()]), metadata)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Half a file is of no harm: until the piece's list of fates is there, the piece is done again.
        with (
            path.open("wb") as stream,
            pq.ParquetWriter(
                stream, schema, compression="zstd", write_statistics=rows > MANY, use_dictionary=_texts(dtypes)
            ) as writer,
        ):
            others = (_arrow(block, kinds) for block in (kept[1:] if reader.small else _after_first(reader)))
            for table in itertools.chain([sample], others):
                if settings.personal != "keep":
                    table, hidden = privacy.replace(table, personal, settings.seed)
                    fate.hidden += hidden
                writer.write_table(table.cast(schema))
        fate.entry = store.entry_of(number, f"tables/{file.topic}/{file.name}.parquet", file.name, reader.names, rows,
                                    metadata, topic=file.topic)  # fmt: skip
    except reading.NoTable as error:
        fate.reason, fate.detail = error.reason, str(error)
    except (BadInput, pa.ArrowException, UnicodeError, ValueError, OverflowError, MemoryError) as error:
        fate.reason, fate.detail = "unreadable", f"{type(error).__name__}: {error}"[:300]
    return fate


def _texts(dtypes: dict[str, str]) -> list[str]:
    """Return the columns that repeat values often enough for a dictionary: numbers are smaller without one."""
    return [name for name, of in dtypes.items() if of == "object"]


def _first_pass(reader: reading.Reader) -> tuple[dict[str, str], list[list[Sequence[str]]], int]:
    """Return what the columns are over all rows, the blocks (of a large file the first), and the number of rows."""
    kinds = ["empty"] * len(reader.names)
    kept: list[list[Sequence[str]]] = []
    for block in reader.blocks():
        kinds = [
            columns.join(of, columns.kind(each, comma=reader.comma)) for of, each in zip(kinds, block, strict=True)
        ]
        if reader.small or not kept:
            kept.append(block)
    if not kept:
        kept.append([()] * len(kinds))
    return dict(zip(reader.names, kinds, strict=True)), kept, reader.account.rows


def _after_first(reader: reading.Reader) -> Iterator[list[Sequence[str]]]:
    return itertools.islice(reader.blocks(), 1, None)


def _arrow(block: Sequence[Sequence[str]], kinds: dict[str, str]) -> pa.Table:
    return pa.Table.from_arrays([columns.as_arrow(each, of) for each, of in zip(block, kinds.values(), strict=True)],
                                names=list(kinds))  # fmt: skip


def _metadata(
    reader: reading.Reader,
    dtypes: dict[str, str],
    rows: int,
    file: Collected,
    number: int,
    by: annotate.Annotator,
    found: dict[str, list[annotate.Found]],
    settings: Settings,
) -> dict[str, Any]:
    """Return a table's metadata: the published keys, and what became of the file's lines."""
    shares = Counter(dtypes.values())
    return {
        "csv_url": file.url,
        "license": {"spdx_id": file.licence, "name": file.licence} if file.licence else None,
        "repository": file.repository,
        "sha": file.sha,
        "table_id": number,
        "topic": file.topic,
        "number_rows": rows,
        "number_columns": len(dtypes),
        "dtypes": dtypes,
        "dtypes_percentages": {of: count / len(dtypes) for of, count in shares.items()},
        "vectors": by.vectors.name if by.vectors else "none",
        "threshold": settings.threshold,
        "cleaning": settings.mode,
        "lines": msgspec.to_builtins(reader.account),
    } | annotate.metadata(found)


def _finish(pieces: Sequence[Piece], target: Path, settings: Settings) -> dict[str, Any]:
    """Write the index, the list of what was dropped and the counts, from the fates in order."""
    count: dict[str, Any] = {
        "files": 0,
        "tables": 0,
        "rows": 0,
        "columns": 0,
        "personal columns": 0,
        "cells with an address inside": 0,
    }
    dropped: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    bias: dict[str, Counter[str]] = {}
    with (target / store.INDEX).open("wb") as index, (target / "dropped.jsonl").open("wb") as losses:
        for fate in _fates(pieces):
            count["files"] += 1
            if fate.account is not None:
                lines.update(fate.account.dropped)
                kept.update(lines=fate.account.lines, rows=fate.account.rows, padded=fate.account.padded)
            if fate.entry is None:
                dropped[fate.reason] += 1
                losses.write(msgspec.json.encode({"id": fate.id, "file": fate.file, "reason": fate.reason,
                                                  "detail": fate.detail}) + b"\n")  # fmt: skip
                continue
            index.write(msgspec.json.encode(fate.entry) + b"\n")
            count["tables"] += 1
            count["rows"] += fate.entry.rows
            count["columns"] += len(fate.entry.columns)
            count["personal columns"] += len(fate.personal)
            count["cells with an address inside"] += fate.hidden
            licences[fate.entry.licence or "none"] += 1
            for of, values in fate.audit.items():
                bias.setdefault(of, Counter()).update(values)
    counts = count | {
        "dropped": dict(sorted(dropped.items())), "licences": dict(sorted(licences.items())),
        "lines": {**kept, "dropped": dict(sorted(lines.items()))},
        "commonest values": {of: dict(sorted(values.items(), key=lambda each: (-each[1], each[0]))[:100])
                             for of, values in sorted(bias.items())},
        "settings": dataclasses.asdict(settings),
        "ontologies": {name: len(ontology.load(name)) for name in ontology.NAMES},
    }  # fmt: skip
    (target / "corpus.json").write_text(json.dumps(counts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return counts


def _fates(pieces: Sequence[Piece]) -> Iterator[Fate]:
    decoder = msgspec.json.Decoder(Fate)
    for piece in pieces:
        yield from decoder.decode_lines(_fates_file(piece).read_bytes())


def _fates_file(piece: Piece) -> Path:
    return Path(piece.target) / "fates" / f"{piece.number:08}.jsonl"


def _ready(room: Path, source: Path, settings: Settings, licence: str) -> None:
    """Go on in the room where the same build stopped; begin anew where it was another."""
    if not source.exists():
        raise BadInput(f"There is no {source}; name what collect made, a folder, a repository or an archive.")
    facts = [VERSION, dataclasses.asdict(settings), licence, str(source.resolve()), source.stat().st_mtime_ns]
    if (source / collect.LIST).is_file():
        facts.append(hashlib.sha256((source / collect.LIST).read_bytes()).hexdigest())
    told = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    mark = room / "settings"
    if not (mark.is_file() and mark.read_text() == told):
        shutil.rmtree(room, ignore_errors=True)
        with written_whole(mark) as temporary:
            temporary.write_text(told)


def _collected(source: Path, folder: Path, licence: str) -> Path:
    if (folder / collect.LIST).is_file():
        return folder
    with written_whole(folder) as temporary:
        gathering = collect.Gathering(temporary, largest=1 << 34, licence=licence)
        collect.gather(source, gathering)
        if not gathering.files:
            raise BadInput(f"{source.name} has no CSV files that can be taken.")
        gathering.keep_list()
    return folder
