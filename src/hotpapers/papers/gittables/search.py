"""Search: the tables of a corpus whose name, topic, header and types have the words or mean nearly that.

By words: BM25 over an inverted index. By meaning: the mean vector of a table's header against the query's. Both ranks
are added up as reciprocals, so that neither scale matters.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from hotpapers.errors import BadInput
from hotpapers.papers.gittables.cleaning import clean
from hotpapers.papers.gittables.store import Corpus, Entry, shown, write_csv
from hotpapers.papers.gittables.vectors import Embedder, Vectors, embedder, named, unit
from hotpapers.verbs import AnyFile, Outcome

By = Literal["both", "words", "meaning"]
K1, B = 1.2, 0.75  # BM25's usual settings
NEAR = 60  # of reciprocal rank fusion
_WORD = re.compile(r"\w+")
_WEIGHTS = {"columns": 3, "types": 2, "name": 2, "topic": 1}


class Index:
    """An index of a corpus's tables.

    Parameters
    ----------
    entries
        The tables.
    vectors
        What compares meanings; ``None`` for words alone.
    """

    def __init__(self, entries: Sequence[Entry], vectors: Embedder | None = None) -> None:
        self.entries, self.vectors = list(entries), vectors
        self.found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.lengths = np.zeros(len(self.entries))
        for number, entry in enumerate(self.entries):
            words = _words_of(entry)
            self.lengths[number] = sum(words.values())
            for word, count in words.items():
                self.found[word].append((number, count))
        self.rows = headers(self.entries, vectors) if vectors else None

    def search(self, query: str, by: By = "both") -> list[tuple[Entry, float]]:
        """Return the tables that fit a query, the best first, with their scores."""
        ranks = []
        if by != "meaning":
            ranks.append(self._by_words(query))
        if by != "words" and self.rows is not None and self.vectors is not None:
            alike = self.rows @ self.vectors.embed([clean(query)])[0]
            ranks.append([(int(at), float(alike[at])) for at in np.argsort(-alike, kind="stable") if alike[at] > 0.3])
        if len(ranks) == 1:
            return [(self.entries[at], score) for at, score in ranks[0]]
        fused: dict[int, float] = defaultdict(float)
        for ranked in ranks:
            for rank, (at, _) in enumerate(ranked):
                fused[at] += 1 / (NEAR + rank)
        return [(self.entries[at], score) for at, score in sorted(fused.items(), key=lambda each: (-each[1], each[0]))]

    def _by_words(self, query: str) -> list[tuple[int, float]]:
        scores: dict[int, float] = defaultdict(float)
        usual = self.lengths.mean() or 1
        for word in dict.fromkeys(_stem(word) for word in _WORD.findall(clean(query))):
            hits = self.found.get(word, [])
            rare = math.log(1 + (len(self.entries) - len(hits) + 0.5) / (len(hits) + 0.5))
            for at, count in hits:
                scores[at] += rare * count * (K1 + 1) / (count + K1 * (1 - B + B * self.lengths[at] / usual))
        return sorted(scores.items(), key=lambda each: (-each[1], each[0]))


def headers(entries: Sequence[Entry], vectors: Embedder) -> np.ndarray:
    """Return one vector of length 1 for each table: the mean of its columns'."""
    labels = [[clean(name) for name in entry.columns[:100]] for entry in entries]
    every = list(dict.fromkeys(label for each in labels for label in each))
    rows = vectors.embed(every)
    index = {label: at for at, label in enumerate(every)}
    means = [rows[[index[label] for label in each]].mean(0) if each else np.zeros(rows.shape[1]) for each in labels]
    return unit(np.stack(means).astype(np.float32))


def search(
    corpus: AnyFile,
    query: str,
    *,
    by: By = "both",
    vectors: Vectors = "small",
    fasttext: AnyFile | None = None,
    top: int = 20,
    out: Path | None = None,
) -> Outcome:
    """Find the tables of a corpus that are about something.

    Parameters
    ----------
    corpus
        A corpus's folder, or a zip of one.
    query
        Words, such as ``city population``.
    by
        Whether tables must have the words, mean something near, or both.
    vectors
        What compares meanings: small, glove (118 MB are downloaded), ngrams.
    fasttext
        A fastText model (.bin) or vectors as text (.vec) to take instead; the paper's is cc.en.300.bin.
    top
        How many tables to list.
    out
        Where the list goes, as CSV.
    """
    if not query.strip() or top < 1:
        raise BadInput("Search for a word or more, and for one table or more.")
    opened = Corpus(Path(corpus))
    index = Index(opened.entries, embedder(named(vectors, fasttext)) if by != "words" else None)
    hits = index.search(query, by)[:top]
    out = Path(out) if out else Path("found.csv")
    listed = [
        {
            "rank": rank,
            "score": round(score, 4),
            "id": entry.id,
            "table": entry.name,
            "topic": entry.topic,
            "rows": entry.rows,
            "header": ", ".join(entry.columns)[:2000],
            "licence": entry.licence,
            "url": entry.url,
        }
        for rank, (entry, score) in enumerate(hits, 1)
    ]
    write_csv(out, pa.Table.from_pylist(listed) if listed else pa.table({"rank": pa.array([], pa.int64())}))
    numbers: dict[str, float | int | str] = {"tables": len(opened), "found": len(hits)}
    for rank, (entry, _) in enumerate(hits[:10], 1):
        numbers[f"{rank}. {entry.name} ({entry.id})"] = ", ".join(entry.columns)[:100]
    note = (
        f"hotpapers gittables load {shown(opened.path)} --table {hits[0][0].id} takes the first one out."
        if hits
        else "Nothing fits; try other words."
    )
    return Outcome({"found": out}, numbers, note)


def _words_of(entry: Entry) -> Counter[str]:
    labels = {label for types in entry.types.values() for label in types.values()}
    texts = {"columns": [clean(name) for name in entry.columns], "types": sorted(labels), "name": [clean(entry.name)],
             "topic": [clean(entry.topic)]}  # fmt: skip
    words: Counter[str] = Counter()
    for part, weight in _WEIGHTS.items():
        for text in texts[part]:
            for word in _WORD.findall(text):
                words[_stem(word)] += weight
    return words


def _stem(word: str) -> str:
    """Take the plural off."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
