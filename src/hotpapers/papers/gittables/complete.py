"""Schema completion: the columns that tables with a like beginning go on with, and the verb ``complete``.

The first columns are embedded as the mean of their vectors, and so is the beginning of every known schema; the next
columns of the nearest schemas are proposed, each with the weight of all schemas that have it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from hotpapers.errors import BadInput
from hotpapers.papers.gittables.cleaning import clean
from hotpapers.papers.gittables.store import Corpus, write_csv
from hotpapers.papers.gittables.vectors import Embedder, Vectors, embedder, named, unit
from hotpapers.verbs import AnyFile, Outcome

NEAREST = 25
SHARP = 12.0  # how much more a nearer schema weighs
COMMON = 0.02  # how much the names' frequency weighs where no schema is near


class Completion:
    """Known schemas, to complete others by.

    Parameters
    ----------
    schemas
        The headers of tables; equal ones count once.
    vectors
        What compares them.
    """

    def __init__(self, schemas: Sequence[Sequence[str]], vectors: Embedder) -> None:
        self.vectors = vectors
        cleaned = dict.fromkeys(tuple(dict.fromkeys(clean(name) for name in schema)) for schema in schemas)
        self.schemas = [[name for name in each if name] for each in cleaned]
        every = list(dict.fromkeys(name for each in self.schemas for name in each))
        self.index = {name: at for at, name in enumerate(every)}
        self.rows = vectors.embed(every) if every else np.zeros((0, 1), np.float32)
        self.common = Counter(name for each in self.schemas for name in each)
        self._beginnings: dict[int, np.ndarray] = {}

    def complete(self, columns: Sequence[str], top: int = 10) -> list[tuple[str, float]]:
        """Return proposals for further columns, the best first, with their weights."""
        have = [clean(name) for name in columns]
        query = unit(self.vectors.embed(have).mean(0))
        alike = self._starts(len(have)) @ query
        overlap = np.array([len(set(each) & set(have)) / len(have) for each in self.schemas])
        nearness = alike + overlap
        weights: dict[str, float] = defaultdict(float)
        for at in np.argsort(-nearness, kind="stable")[:NEAREST]:
            weight = float(np.exp(SHARP * (nearness[at] - nearness.max())))
            for name in self.schemas[at]:
                weights[name] += weight
        for name, count in self.common.items():
            weights[name] += COMMON * count / max(1, len(self.schemas))
        ranked = sorted(weights.items(), key=lambda each: (-each[1], each[0]))
        return [(name, weight) for name, weight in ranked if name not in have][:top]

    def most_common(self, columns: Sequence[str], top: int = 10) -> list[str]:
        """Return the most frequent names of all that are not there yet: what there is to be better than."""
        have = {clean(name) for name in columns}
        ranked = sorted(self.common.items(), key=lambda each: (-each[1], each[0]))
        return [name for name, _ in ranked if name not in have][:top]

    def _starts(self, length: int) -> np.ndarray:
        """Return the vectors of the first ``length`` columns of every schema."""
        if length not in self._beginnings:
            means = [
                self.rows[[self.index[name] for name in each[:length]]].mean(0) if each else self.rows[:1].sum(0) * 0
                for each in self.schemas
            ]
            self._beginnings[length] = unit(np.stack(means))
        return self._beginnings[length]


def complete(
    corpus: AnyFile,
    columns: str,
    *,
    vectors: Vectors = "small",
    fasttext: AnyFile | None = None,
    top: int = 10,
    out: Path | None = None,
) -> Outcome:
    """Propose further columns for a table that begins with some, as the tables of a corpus go on.

    Parameters
    ----------
    corpus
        A corpus's folder, or a zip of one.
    columns
        The first columns, parted by commas.
    vectors
        What compares meanings: small, glove (118 MB are downloaded), ngrams.
    fasttext
        A fastText model (.bin) or vectors as text (.vec) to take instead; the paper's is cc.en.300.bin.
    top
        How many columns to propose.
    out
        Where the proposals go, as CSV.
    """
    names = [each.strip() for each in columns.split(",") if each.strip()]
    if not names or top < 1:
        raise BadInput("Give the first columns, parted by commas, and ask for one proposal or more.")
    opened = Corpus(Path(corpus))
    known = Completion([entry.columns for entry in opened.entries], embedder(named(vectors, fasttext)))
    found = known.complete(names, top)
    out = Path(out) if out else Path("proposals.csv")
    write_csv(out, pa.table({"column": [name for name, _ in found], "weight": [round(weight, 4) for _, weight in found],
                             "tables": [known.common[name] for name, _ in found]}))  # fmt: skip
    numbers: dict[str, float | int | str] = {"schemas": len(known.schemas)}
    return Outcome({"proposals": out}, numbers | {name: round(weight, 4) for name, weight in found})
