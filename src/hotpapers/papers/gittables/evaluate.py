"""Evaluation on T2Dv2 (Ritze, Lehmberg and Bizer): web tables whose columns people have given DBpedia properties.

Agreement is the share of equal annotations among the columns that both annotate. Columns that name the entities
(``rdfs:label``) are left out: no header says that word.
"""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables.annotate import THRESHOLD, Annotator, Method, annotator
from hotpapers.papers.gittables.cleaning import Mode, clean_type
from hotpapers.papers.gittables.vectors import VectorsOrNone, named
from hotpapers.verbs import AnyFile, Outcome

GOLD = "gs_property.csv"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"


class Gold(msgspec.Struct, frozen=True):
    """A column that people annotated: its table, place, header and DBpedia property."""

    table: str
    column: int
    header: str
    property: str


class Agreement(msgspec.Struct):
    """How annotations agree with those of people.

    Attributes
    ----------
    columns
        Columns that people annotated, labels of entities left out.
    annotated, equal
        How many of them have an annotation, and the same one.
    confused
        Pairs of people's type and the annotation, the most frequent first.
    """

    columns: int
    annotated: int
    equal: int
    confused: list[tuple[str, str, int]] = []

    @property
    def share(self) -> float:
        """The share of equal ones among those that both annotated, in percent."""
        return 100 * self.equal / self.annotated if self.annotated else 0.0


def read_gold(source: Path) -> list[Gold]:
    """Return the annotated columns of T2D: a folder, or a zip or tar of one, with ``gs_property.csv`` and tables.

    Raises
    ------
    BadInput
        If it is not there.
    """
    files = files_of(source)
    listed = next((name for name in files if PurePosixPath(name).name == GOLD), None)
    if listed is None:
        raise BadInput(f"{source.name} has no {GOLD}; give the folder of T2D's gold standard, or an archive of it.")
    headers: dict[str, list[str]] = {PurePosixPath(name).stem: next(_rows(raw), []) for name, raw in files.items()
               if name.endswith(".csv") and not PurePosixPath(name).name.startswith("gs_")}  # fmt: skip
    found = []
    for row in _rows(files[listed]):
        # "TABLE.csv~Col4", property, "true"; columns are counted from 0
        table, _, column = (row or [""])[0].partition(".csv~Col")
        if len(row) > 1 and column.isdigit() and int(column) < len(header := headers.get(table, [])):
            found.append(Gold(table, int(column), header[int(column)], row[1].strip()))
    if not found:
        raise BadInput(f"{source.name} has a {GOLD}, but none of its tables.")
    return found


def agreement(gold: list[Gold], by: Annotator, method: Method) -> Agreement:
    """Hold annotations against people's, over the columns that are no labels of entities."""
    wanted = [each for each in gold if each.property != LABEL]
    annotated = equal = 0
    confused: Counter[tuple[str, str]] = Counter()
    by_table: dict[str, list[Gold]] = {}
    for each in wanted:
        by_table.setdefault(each.table, []).append(each)
    for columns in by_table.values():
        found = by.annotate([each.header for each in columns])
        for each in columns:
            types = [
                one.type for one in found.get(each.header, ()) if one.ontology == "dbpedia" and one.method == method
            ]
            if types:
                annotated += 1
                ids = types[0].id if isinstance(types[0].id, list) else [types[0].id]
                equal += each.property in ids
                if each.property not in ids:
                    confused[clean_type(each.property), types[0].label] += 1
    pairs = sorted(confused.items(), key=lambda pair: (-pair[1], pair[0]))
    return Agreement(len(wanted), annotated, equal, [(*pair, count) for pair, count in pairs])


def evaluate(
    gold: AnyFile,
    *,
    vectors: VectorsOrNone = "small",
    fasttext: AnyFile | None = None,
    threshold: float = THRESHOLD,
    mode: Mode = "fixed",
    out: Path | None = None,
) -> Outcome:
    """Hold the annotations against those of people, on the T2Dv2 gold standard.

    Parameters
    ----------
    gold
        The folder with gs_property.csv and the web tables, or a zip or tar of it.
    vectors
        What compares meanings: small, glove (118 MB are downloaded), ngrams, or none.
    fasttext
        A fastText model (.bin) or vectors as text (.vec) to take instead; the paper's is cc.en.300.bin.
    threshold
        The least similarity of a semantic annotation.
    mode
        How headers are cleaned: fixed, or as published (legacy).
    out
        Where the report goes, as JSON.
    """
    columns = read_gold(Path(gold))
    by = annotator(named(vectors, fasttext), threshold, mode)
    methods: tuple[Method, ...] = ("syntactic", "semantic") if by.vectors else ("syntactic",)
    found = {method: agreement(columns, by, method) for method in methods}
    told: dict[str, Any] = {method: msgspec.to_builtins(each) | {"share": each.share} for method, each in found.items()}
    out = Path(out) if out else Path("agreement.json")
    with written_whole(out) as temporary:
        temporary.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    numbers: dict[str, float | int | str] = {"tables": len({each.table for each in columns}), "columns": len(columns)}
    for method, each in found.items():
        numbers[f"{method}: annotated"] = f"{each.annotated} of {each.columns}"
        numbers[f"{method}: equal"] = f"{each.equal} = {each.share:.1f} %"
    return Outcome(
        {"agreement": out}, numbers, "The paper's site has 61 % for the syntactic and 54 % for the semantic method."
    )


def files_of(source: Path) -> Mapping[str, bytes]:
    """Return the CSV files of a folder or an archive, by path."""
    import tarfile

    try:
        if source.is_dir():
            return {each.relative_to(source).as_posix(): each.read_bytes() for each in sorted(source.rglob("*.csv"))}
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as opened:
                return {info.filename: opened.read(info) for info in opened.infolist()
                        if info.filename.endswith(".csv") and info.file_size < 1 << 26}  # fmt: skip
        with tarfile.open(source) as tar:
            return {info.name: (tar.extractfile(info) or io.BytesIO()).read() for info in tar
                    if info.isreg() and info.name.endswith(".csv") and info.size < 1 << 26}  # fmt: skip
    except OSError as error:
        raise BadInput(f"Cannot read {source}: {(error.strerror or str(error)).lower()}. Name a folder.") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise BadInput(
            f"{source.name} is no zip or tar archive; give T2D's gold standard as a folder or one."
        ) from error


def _rows(raw: bytes) -> Any:
    return csv.reader(io.StringIO(raw.decode("utf-8", "replace"), newline=""))
