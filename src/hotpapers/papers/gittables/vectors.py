"""Vectors of words, for the semantic matching, and the verb ``vectors``.

What embeds has ``embed``: texts to rows of length 1. The paper's is fastText (``.bin``, characters and words). Where
that cannot be had there are GloVe's words, a small cut of them that comes with the package, and hashed character
n-grams.
"""

import csv
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables.cleaning import clean
from hotpapers.papers.gittables.fasttext import FastText
from hotpapers.papers.gittables.subwords import Small, ngrams
from hotpapers.verbs import AnyFile, Outcome

_WORD = re.compile(r"\w+")
MOST_WORDS = 64
Vectors = Literal["small", "glove", "ngrams"]
VectorsOrNone = Literal["small", "glove", "ngrams", "none"]


class Embedder(Protocol):
    """What turns texts into vectors.

    Attributes
    ----------
    name
        Kept with what was annotated by it.
    """

    name: str

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row of length 1 for each text, N x D float32; of zeros where nothing is known of it."""


class Hashed:
    """Character n-grams (3 to 5), hashed: texts are alike that are written alike. It knows nothing of meaning."""

    name = "ngrams"

    def __init__(self, dimensions: int = 512) -> None:
        self.dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the rows of the texts."""
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _WORD.findall(text.lower())[:MOST_WORDS]:
                grams = np.asarray(ngrams(word, 3, 5), np.int64)
                np.add.at(row, grams % self.dimensions, (1 - 2 * (grams // self.dimensions % 2)) / np.sqrt(len(grams)))
        return unit(rows)


class Words:
    """Vectors of whole words: a text is the mean of its words' vectors of length 1, unknown words left out."""

    def __init__(self, name: str, words: Sequence[str], vectors: np.ndarray) -> None:
        self.name, self.vectors = name, vectors
        self.index = {word: row for row, word in reversed(list(enumerate(words)))}

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the rows of the texts."""
        rows = np.zeros((len(texts), self.vectors.shape[1]), np.float32)
        for row, text in zip(rows, texts, strict=True):
            known = [self.index[word] for word in _WORD.findall(text.lower())[:MOST_WORDS] if word in self.index]
            if known:
                row[:] = unit(np.asarray(self.vectors[known], np.float32)).mean(0)
        return unit(rows)


def unit(rows: np.ndarray) -> np.ndarray:
    """Return the rows at length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def named(vectors: str, fasttext: Path | None) -> str:
    """Return what ``embedder`` calls the vectors that a verb was asked for."""
    return str(Path(fasttext).resolve()) if fasttext else vectors


@cache
def embedder(named: str) -> Embedder:
    """Return what embeds: ``small``, ``ngrams``, ``glove``, or what a path leads to.

    Raises
    ------
    BadInput
        If there is nothing of that name and no file there that can be read.
    """
    if named == "small":
        return Small()
    if named == "ngrams":
        return Hashed()
    if named == "glove":
        from hotpapers.datasets.glove import glove

        return Words("glove", *glove())
    path = Path(named)
    if path.suffix == ".bin" and path.is_file():
        return FastText(path)
    if path.suffix in (".vec", ".txt") and path.is_file():
        return Words(path.name, *read_text(path))
    raise BadInput(f"There are no vectors {named[:80]!r}; say small, glove or ngrams, or name a fastText .bin or .vec.")


def read_text(path: Path, most: int = 500_000) -> tuple[list[str], np.ndarray]:
    """Read vectors written as text: a word and its numbers a line, below a line of counts or not."""
    words: list[str] = []
    rows: list[np.ndarray] = []
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream):
                word, *numbers = line.rstrip("\n ").split(" ")
                if number == 0 and len(numbers) == 1:
                    continue
                words.append(word)
                rows.append(np.array(numbers, np.float32))
                if len(rows[-1]) != len(rows[0]) or not len(numbers):
                    raise ValueError(f"line {number + 1} has {len(numbers)} numbers")
                if len(rows) >= most:
                    break
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} holds no word vectors ({error}); a line is a word and its numbers.") from error
    if not rows:
        raise BadInput(f"{path.name} holds no word vectors; a line is a word and its numbers.")
    return words, np.stack(rows)


def vectors(
    words: str, *, vectors: Vectors = "small", fasttext: AnyFile | None = None, out: Path | None = None
) -> Outcome:
    """Say how alike headers are to each other in the eyes of the vectors.

    Parameters
    ----------
    words
        Headers, parted by commas.
    vectors
        What compares meanings: small, glove (118 MB are downloaded), ngrams.
    fasttext
        A fastText model (.bin) or vectors as text (.vec) to take instead; the paper's is cc.en.300.bin.
    out
        Where the table of similarities goes.
    """
    labels = [clean(each) for each in words.split(",") if each.strip()]
    if len(labels) < 2 or len(labels) > 2000:
        raise BadInput(f"{len(labels)} headers cannot be compared; give 2 to 2,000, parted by commas.")
    by = embedder(named(vectors, fasttext))
    rows = by.embed(labels)
    alike = rows @ rows.T
    out = Path(out) if out else Path("similarities.csv")
    with written_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["", *labels])
        writer.writerows([label, *(f"{each:.4f}" for each in row)] for label, row in zip(labels, alike, strict=True))
    numbers: dict[str, float | int | str] = {"vectors": by.name, "dimensions": rows.shape[1]}
    for other, similarity in sorted(zip(labels[1:], alike[0][1:], strict=True), key=lambda each: -each[1])[:10]:
        numbers[f"{labels[0]} ~ {other}"] = round(float(similarity), 4)
    unknown = [label for label, row in zip(labels, rows, strict=True) if not row.any()]
    return Outcome({"similarities": out}, numbers, f"Nothing is known of: {', '.join(unknown)}." if unknown else "")
