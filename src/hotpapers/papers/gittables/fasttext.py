"""fastText's binary models, read without fastText: words and character n-grams, mapped from disk, never loaded whole.

The format is fastText 0.9.2's: settings, dictionary, input matrix. A word's vector is the mean of its own row and those
of its n-grams; a text's is the mean of its words' vectors of length 1 (Bojanowski et al., 2017).
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hotpapers.errors import BadInput

_MAGIC, _VERSION = 793712314, 12
_SETTINGS = (
    "dim",
    "ws",
    "epoch",
    "minCount",
    "neg",
    "wordNgrams",
    "loss",
    "model",
    "bucket",
    "minn",
    "maxn",
    "lrUpdateRate",
)


class FastText:
    """A fastText model that embeds texts.

    Raises
    ------
    BadInput
        If the file is no such model, or a quantised one.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            with path.open("rb") as stream:
                self._read(stream, path)
        except (OSError, struct.error, UnicodeDecodeError, ValueError) as error:
            raise BadInput(f"{path.name} is no fastText model ({error}); take cc.en.300.bin or its like.") from error
        self._known: dict[str, np.ndarray] = {}

    def _read(self, stream: BinaryIO, path: Path) -> None:
        magic, version = _numbers(stream, "<2i")
        if magic != _MAGIC or version > _VERSION:
            raise ValueError("its first bytes are another format's")
        settings = dict(zip(_SETTINGS, _numbers(stream, "<12i"), strict=True))
        _numbers(stream, "<d")
        self.dimensions, self.bucket = settings["dim"], settings["bucket"]
        self.minn, self.maxn = settings["minn"], settings["maxn"]
        size, nwords, _ = _numbers(stream, "<3i")
        _, pruned = _numbers(stream, "<2q")
        if not 0 < size < 20_000_000:
            raise ValueError("its dictionary is beyond measure")
        self.index: dict[str, int] = {}
        for row in range(size):
            word = _until_zero(stream)
            _numbers(stream, "<qb")
            if row < nwords:
                self.index[word.decode("utf-8", "surrogateescape")] = row
        self.words = nwords
        if pruned > 0 or stream.read(1) != b"\0":
            raise ValueError("it is quantised")
        rows, columns = _numbers(stream, "<2q")
        if columns != self.dimensions or rows < nwords or rows * columns * 4 > path.stat().st_size:
            raise ValueError("its matrix does not fit its settings")
        self.matrix = np.memmap(path, "<f4", "r", stream.tell(), (rows, columns))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row of length 1 for each text."""
        rows = np.stack([self.sentence(text) for text in texts]) if texts else np.zeros((0, self.dimensions))
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)

    def sentence(self, text: str) -> np.ndarray:
        """Return the mean of the words' vectors of length 1."""
        rows = []
        for word in text.split():
            vector = self.word(word)
            if (length := float(np.linalg.norm(vector))) > 0:
                rows.append(vector / length)
        return np.stack(rows).mean(0) if rows else np.zeros(self.dimensions, np.float32)

    def word(self, word: str) -> np.ndarray:
        """Return the mean of the word's row, where it has one, and its n-grams' rows."""
        if word not in self._known:
            rows = [self.index[word]] if word in self.index else []
            if self.maxn and self.bucket:
                rows += [self.words + each for each in self._ngrams(f"<{word}>")]
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[word] = np.asarray(self.matrix[rows], np.float32).sum(0) / max(1, len(rows))
        return self._known[word]

    def _ngrams(self, word: str) -> list[int]:
        found = []
        for start in range(len(word)):
            for n in range(self.minn, self.maxn + 1):
                if start + n <= len(word) and not (n == 1 and (start == 0 or start + n == len(word))):
                    found.append(fnv(word[start : start + n].encode("utf-8", "surrogateescape")) % self.bucket)
        return found


def fnv(text: bytes) -> int:
    """Return fastText's hash: 32-bit FNV-1a that takes each byte as a signed number."""
    value = 2166136261
    for byte in text:
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return value


def _numbers(stream: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, stream.read(struct.calcsize(form)))


def _until_zero(stream: BinaryIO) -> bytes:
    word = bytearray()
    while (byte := stream.read(1)) != b"\0":
        if not byte or len(word) > 10_000:
            raise ValueError("its dictionary breaks off")
        word += byte
    return bytes(word)
