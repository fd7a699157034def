"""Small vectors that come with the package: frequent words of GloVe, and n-grams that guess the vectors of others.

A word that is known has GloVe's vector in 8 bits. The vector of any other is the mean of its n-grams' vectors,
learned so that this mean comes near GloVe's for the words that it has (bags of subwords, Zhao, Mudgal and Liang,
2018).
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hotpapers.files import written_whole
from hotpapers.papers.gittables.fasttext import fnv

FILE = Path(__file__).parent / "ontologies" / "small-vectors.npz"
BUCKETS = 6_000
_WORD = re.compile(r"\w+")
_LONGEST = 40  # letters of a word that are looked at


def ngrams(word: str, least: int = 3, most: int = 6) -> list[int]:
    """Return the hashes of a word's n-grams, its ends marked."""
    marked = f"<{word[:_LONGEST]}>"
    return [
        fnv(marked[start : start + n].encode())
        for n in range(least, most + 1) for start in range(len(marked) - n + 1)
    ]  # fmt: skip


class Small:
    """The vectors that come with the package: as ``Words``, and no word is unknown."""

    name = "small"

    def __init__(self, file: Path = FILE) -> None:
        with np.load(file, allow_pickle=False) as kept:
            words = bytes(kept["words"]).decode().split("\n")
            self.index = {word: row for row, word in enumerate(words)}
            self.words = kept["vectors"]
            self.grams = kept["grams"]
        self._known: dict[str, np.ndarray] = {}

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row of length 1 for each text."""
        rows = np.zeros((len(texts), self.words.shape[1]), np.float32)
        for row, text in zip(rows, texts, strict=True):
            words = _WORD.findall(text.lower())[:64]
            if words:
                row[:] = np.mean([self.word(word) for word in words], 0)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths > 0, lengths, 1)

    def word(self, word: str) -> np.ndarray:
        """Return the vector of a word, at length 1."""
        if (known := self._known.get(word)) is None:
            if word in self.index:
                known = self.words[self.index[word]].astype(np.float32)
            else:
                rows = [each % len(self.grams) for each in ngrams(word)]
                known = (
                    self.grams[rows].astype(np.float32).sum(0) if rows else np.zeros(self.words.shape[1], np.float32)
                )
            known = known / (float(np.linalg.norm(known)) or 1.0)
            if len(self._known) < 100_000:
                self._known[word] = known
        return known


def learn(words: Sequence[str], vectors: np.ndarray, kept: Sequence[str], file: Path, *, epochs: int = 12) -> float:
    """Make the small vectors of known ones and write them.

    Parameters
    ----------
    words, vectors
        What is known, the most frequent first.
    kept
        The words that keep a vector of their own.
    file
        Where the small vectors go.
    epochs
        How often the n-grams go over the words.

    Returns
    -------
    float
        The mean cosine of guessed and known vectors, over words that were kept out.
    """
    import torch

    torch.manual_seed(0)
    plain = [(word, row) for row, word in enumerate(words) if re.fullmatch(r"[a-z]{3,24}", word)][:90_000]
    out = set(range(0, len(plain), 50))
    bags = [torch.tensor([each % BUCKETS for each in ngrams(word)]) for word, _ in plain]
    target = torch.tensor(np.asarray(vectors[[row for _, row in plain]], np.float32))
    target = torch.nn.functional.normalize(target, dim=1)
    table = torch.nn.EmbeddingBag(BUCKETS, vectors.shape[1], mode="mean")
    optimiser = torch.optim.Adam(table.parameters(), 0.02)

    def guess(rows: Sequence[int]) -> torch.Tensor:
        parts = [bags[row] for row in rows]
        starts = torch.tensor([0, *np.cumsum([len(each) for each in parts])[:-1]])
        return torch.nn.functional.normalize(table(torch.cat(parts), starts), dim=1)

    learned = np.array([row for row in range(len(plain)) if row not in out])
    rng = np.random.default_rng(0)
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = 0.02 * (1 - epoch / epochs) + 1e-4
        for rows in np.array_split(rng.permutation(learned), len(learned) // 512 + 1):
            loss = (1 - (guess(rows) * target[rows]).sum(1)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        held = sorted(out)
        cosine = float((guess(held) * target[held]).sum(1).mean())
        grams = table.weight.numpy()
    index = {word: row for row, word in reversed(list(enumerate(words)))}
    names = sorted({word for word in kept if word in index}, key=lambda word: index[word])
    with written_whole(file) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream, words=np.frombuffer("\n".join(names).encode(), np.uint8),
            vectors=_eight_bits(np.asarray(vectors[[index[word] for word in names]], np.float32), rows=True),
            grams=_eight_bits(grams, rows=False),
        )  # fmt: skip
    return cosine


def _eight_bits(values: np.ndarray, *, rows: bool) -> np.ndarray:
    """Round to 8 bits; each row at its own scale where only directions count, else all at one."""
    largest = np.abs(values).max(1, keepdims=True) if rows else np.percentile(np.abs(values), 99.95)
    return np.clip(np.rint(values / largest * 127), -127, 127).astype(np.int8)
