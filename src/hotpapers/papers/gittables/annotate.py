"""Annotation: which semantic types the columns of a table have, by their headers, and the verb ``annotate``.

Syntactic: the header's label is a type's label. Semantic: a type's label is the nearest to the header's in the eyes
of the vectors, and near enough. Both for each ontology apart; a table's domain is the one that most of its columns'
types have. The annotation is one of headers: it says what a column claims to be, not what its values are.
"""

import csv
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables import ontology, reading
from hotpapers.papers.gittables.cleaning import Mode, clean
from hotpapers.papers.gittables.ontology import NAMES, Name, Type
from hotpapers.papers.gittables.vectors import Embedder, VectorsOrNone, embedder, named
from hotpapers.verbs import AnyFile, Outcome

Method = Literal["syntactic", "semantic"]
THRESHOLD = 0.56
"""The paper's: mean less one standard deviation of the best similarities that fastText gave to headers."""

CACHED = 500_000  # headers
SHOWN = 20  # columns of which the answer tells at once


@dataclasses.dataclass(frozen=True)
class Found:
    """One annotation: a type of an ontology, how it was found, and how alike header and label are."""

    ontology: Name
    method: Method
    type: Type
    similarity: float


class Annotator:
    """Annotates headers; what was found for a header is remembered.

    Parameters
    ----------
    vectors
        What embeds headers and labels; ``None`` for syntactic annotations alone.
    threshold
        The least similarity of a semantic annotation.
    mode
        How headers are cleaned. ``legacy`` also annotates only the first of several columns with one label.
    """

    def __init__(
        self, vectors: Embedder | None = None, *, threshold: float = THRESHOLD, mode: Mode = "fixed",
        ontologies: Mapping[Name, ontology.Ontology] | None = None,
    ) -> None:  # fmt: skip
        self.vectors, self.threshold, self.mode = vectors, threshold, mode
        self.ontologies = dict(ontologies or {name: ontology.load(name) for name in NAMES})
        # D x N and contiguous: the product with a few headers takes half the time.
        self._columns = (
            {name: np.ascontiguousarray(vectors.embed(each.labels).T) for name, each in self.ontologies.items()}
            if vectors
            else {}
        )
        self._nearest: dict[str, dict[Name, tuple[str, float]]] = {}

    def annotate(self, names: Sequence[str]) -> dict[str, list[Found]]:
        """Return the annotations of each column, by its name; columns without any are left out."""
        labels = {name: clean(str(name), self.mode) for name in names}
        found: dict[str, list[Found]] = {}
        first: set[str] = set()
        for name, label in labels.items():
            if self.mode == "legacy" and label in first:
                continue
            first.add(label)
            for which, known in self.ontologies.items():
                if label in known.types and (self.mode == "legacy" or not _is_nameless(name)):
                    found.setdefault(name, []).append(Found(which, "syntactic", known.types[label], 1.0))
        if self.vectors:
            speaking = [name for name in labels if not _is_nameless(name) and not _has_digit(name)]
            nearest = self.nearest([labels[name] for name in speaking])
            for name, each in zip(speaking, nearest, strict=True):
                for which, (label, similarity) in each.items():
                    if similarity > self.threshold:
                        kind = self.ontologies[which].types[label]
                        found.setdefault(name, []).append(Found(which, "semantic", kind, round(similarity, 4)))
        return found

    def nearest(self, labels: Sequence[str]) -> list[dict[Name, tuple[str, float]]]:
        """Return for each label the nearest type's label in each ontology, and the cosine."""
        assert self.vectors is not None
        new = [label for label in dict.fromkeys(labels) if label not in self._nearest]
        if len(self._nearest) > CACHED:
            self._nearest.clear()
            new = list(dict.fromkeys(labels))
        for start in range(0, len(new), 4096):
            part = new[start : start + 4096]
            rows = self.vectors.embed(part)
            for label in part:
                self._nearest[label] = {}
            for which, known in self.ontologies.items():
                alike = rows @ self._columns[which]
                best = alike.argmax(1)
                for label, at, row in zip(part, best, alike, strict=True):
                    # The label itself is the nearest, whatever rounding makes of it.
                    exact = label in known.types and row.any()
                    told = label if exact else known.labels[at]
                    self._nearest[label][which] = (told, 1.0 if exact else float(min(1.0, row[at])))
        return [self._nearest[label] for label in labels]


def metadata(found: Mapping[str, Sequence[Found]]) -> dict[str, Any]:
    """Return the annotations of a table in the shape of the published corpus."""
    shown: dict[str, Any] = {}
    domains: dict[str, str | None] = {}
    for which in NAMES:
        for method in ("syntactic", "semantic"):
            own = {name: each for name, all_ in found.items() for each in all_
                   if (each.ontology, each.method) == (which, method)}  # fmt: skip
            shown[f"{which}_{method}_column_types"] = {name: each.type.record(which) for name, each in own.items()}
            domains[f"{which}_{method}"] = domain_of([each.type for each in own.values()])
            if method == "semantic":
                shown[f"{which}_semantic_similarities"] = {name: each.similarity for name, each in own.items()}
    return shown | {"table_domain": domains}


def domain_of(types: Sequence[Type]) -> str | None:
    """Return the domain that most types have; of equals the one that comes first in the table."""
    votes = Counter(domain for each in types for domain in each.domain if domain)
    return votes.most_common(1)[0][0] if votes else None


def calibrate(annotator: Annotator, names: Sequence[str]) -> float:
    """Return a threshold as the paper found its own: mean less standard deviation of the headers' best similarities."""
    labels = [clean(name) for name in names if not _is_nameless(name) and not _has_digit(name)]
    best = [max(similarity for _, similarity in each.values()) for each in annotator.nearest(labels)]
    return float(np.mean(best) - np.std(best)) if best else THRESHOLD


@cache
def annotator(vectors: str, threshold: float, mode: Mode) -> Annotator:
    """Return an annotator by its settings, made once; vectors ``none`` make a syntactic one."""
    if not 0 <= threshold <= 1:
        raise BadInput(f"A threshold of {threshold} is no similarity; say 0 to 1, the paper's is {THRESHOLD}.")
    return Annotator(None if vectors == "none" else embedder(vectors), threshold=threshold, mode=mode)


def annotate(
    table: AnyFile | None = None,
    *,
    headers: str = "",
    vectors: VectorsOrNone = "small",
    fasttext: AnyFile | None = None,
    threshold: float = THRESHOLD,
    mode: Mode = "fixed",
    out: Path | None = None,
) -> Outcome:
    """Say which semantic types of DBpedia and Schema.org the columns of a table have.

    Parameters
    ----------
    table
        A CSV or Parquet file.
    headers
        Headers parted by commas, in place of a table.
    vectors
        What compares meanings: small, glove (118 MB are downloaded), ngrams, or none.
    fasttext
        A fastText model (.bin) or vectors as text (.vec) to take instead; the paper's is cc.en.300.bin.
    threshold
        The least similarity of a semantic annotation.
    mode
        How headers are cleaned: fixed, or as published (legacy).
    out
        Where the annotations go, as CSV, one a row.
    """
    if (table is None) == (not headers.strip()):
        raise BadInput("Give either a table or --headers 'name, birth date'.")
    names = names_of(Path(table)) if table else [each.strip() for each in headers.split(",") if each.strip()]
    by = annotator(named(vectors, fasttext), threshold, mode)
    found = by.annotate(names)
    out = Path(out) if out else Path(table).with_name(f"{Path(table).stem}-types.csv") if table else Path("types.csv")
    _write(out, names, found, by)
    counts = {
        f"{which}, {method}": sum(
            (each.ontology, each.method) == (which, method) for all_ in found.values() for each in all_
        )
        for which in NAMES
        for method in ("syntactic", "semantic")
    }
    numbers: dict[str, float | int | str] = {"columns": len(names), "annotated": len(found), **counts}
    for key, domain in metadata(found)["table_domain"].items():
        if domain:
            numbers[f"domain, {key.replace('_', ' ')}"] = domain
    for name in list(dict.fromkeys(names))[:SHOWN]:
        labels = dict.fromkeys(each.type.label for each in found.get(name, ()))
        numbers[f"column {name}"[:60]] = ", ".join(labels) or "nothing near enough"
    return Outcome({"types": out}, numbers, "The types are those that the headers name; the values were not looked at.")


def names_of(table: Path) -> list[str]:
    """Return the names of the columns of a CSV or Parquet file."""
    if table.suffix.lower() == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(table).names)
        except (OSError, pa.ArrowException) as error:
            raise BadInput(f"{table.name} is no Parquet file that can be read.") from error
    return reading.Reader(table).names


def _write(out: Path, names: Sequence[str], found: Mapping[str, Sequence[Found]], by: Annotator) -> None:
    with written_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["column", "ontology", "method", "type", "similarity", "id", "domain", "range", "above it",
                         "description"])  # fmt: skip
        for name in dict.fromkeys(names):
            for each in found.get(name, ()):
                above = by.ontologies[each.ontology].ancestors(each.type)
                writer.writerow([name, each.ontology, each.method, each.type.label, f"{each.similarity:.4f}",
                                 _joined(each.type.id), _joined(each.type.domain), _joined(each.type.range),
                                 " < ".join(parent.label for parent in above) or _joined(each.type.parents),
                                 each.type.description])  # fmt: skip
            if name not in found:
                writer.writerow([name, "", "", "", "", "", "", "", "", ""])


def _joined(of: str | list[str]) -> str:
    return of if isinstance(of, str) else " ".join(of)


def _is_nameless(name: str) -> bool:
    return not name.strip() or name.startswith(("Unnamed:", "column_"))


def _has_digit(name: str) -> bool:
    return any(each.isdigit() for each in name)
