"""Words: what a text holds between white space, what is distinct among them, and how often each comes.

Everything that tokenizers learn and all that they look up is decided by the distinct words, of which there are few: so
words are found, told apart and counted by Arrow's columns, and only then does anything look at letters.
White space is what ``str.isspace`` calls so.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hotpapers.errors import BadInput

POOL = pa.system_memory_pool()
"""Arrow's own pool keeps what was given back: half as much again at the peak."""

CHUNK = 8 << 20
"""Bytes of a file that are worked on at once."""

_WHITE = b" \t\n\v\f\r"
_RARE = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_RARE_BEGINS = {0xC2: b"\x85\xa0", 0xE1: b"\x9a", 0xE2: b"\x80\x81", 0xE3: b"\x80"}
"""How rarer white space begins in UTF-8: first byte → what may be the second."""

_KINDS = bytes(1 if byte in _WHITE else 2 if byte in _RARE_BEGINS or 0x1C <= byte <= 0x1F else 0 for byte in range(256))
"""By byte: 1 for white space, 2 for what may begin rarer white space."""


@dataclasses.dataclass(frozen=True)
class Words:
    """The distinct words of a text, and the text as their numbers.

    Attributes
    ----------
    distinct
        Each word once, in the order of first appearance.
    codes
        For each word of the text its place in ``distinct``, (words,).
    """

    distinct: pa.StringArray
    codes: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """How often each distinct word comes, (distinct,)."""
        return np.bincount(self.codes, minlength=len(self.distinct))


@dataclasses.dataclass(frozen=True)
class Letters:
    """Words spelt out: one after another in one array, each followed by a zero.

    Attributes
    ----------
    codes
        Unicode code points, and a zero after each word.
    starts, lengths
        Where each word begins in ``codes`` and how many code points it has, (words,).
    """

    codes: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray


def find_words(text: str | bytes) -> Words:
    """Return the words of a text (bytes must be UTF-8)."""
    encoded = tell_apart(split(text))
    return Words(encoded.dictionary, encoded.indices.to_numpy())


def tell_apart(words: pa.StringArray) -> pa.DictionaryArray:
    """Return words as numbers into the distinct ones."""
    return pc.dictionary_encode(words, memory_pool=POOL)


def split(text: str | bytes) -> pa.StringArray:
    """Return the words of a text, in order."""
    data = text.encode() if isinstance(text, str) else text
    kinds = data.translate(_KINDS)
    if _has_rare(data, kinds):
        data = _RARE.sub(" ", data.decode()).encode()
        kinds = data.translate(_KINDS)
    white = np.flatnonzero(np.frombuffer(kinds, np.uint8) == 1)
    letters = data.translate(None, _WHITE)
    # Without white space each word ends where the next one begins; where two spaces stood together lies an empty one.
    bounds = np.empty(len(white) + 2, np.int32)
    bounds[0], bounds[-1] = 0, len(letters)
    np.subtract(white, np.arange(len(white)), out=bounds[1:-1], casting="unsafe")
    bounds = bounds[np.append(True, bounds[1:] != bounds[:-1])]
    return pa.StringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(letters))


def split_texts(texts: Sequence[str]) -> tuple[pa.StringArray, np.ndarray]:
    """Return the words of all texts one after another, and how many each text has."""
    data = "\n".join(texts).encode()
    if _has_rare(data, data.translate(_KINDS)):
        texts = [_RARE.sub(" ", text) for text in texts]
    trimmed = pc.ascii_trim_whitespace(pa.array(texts, pa.string()), memory_pool=POOL)
    lists = pc.ascii_split_whitespace(trimmed, memory_pool=POOL)
    words, counts = lists.flatten(), np.diff(lists.offsets.to_numpy())
    empty = np.flatnonzero(counts == 1)
    empty = np.array([index for index in empty if not texts[index].strip()], np.int64)
    if len(empty):  # splitting nothing gives one empty word
        counts[empty] = 0
        words = words.filter(pc.greater(pc.binary_length(words), 0))
    return words, counts


def _has_rare(data: bytes, kinds: bytes) -> bool:
    if b"\2" not in kinds:
        return False
    places = np.flatnonzero(np.frombuffer(kinds, np.uint8) == 2)
    letters = np.frombuffer(data, np.uint8)
    first, second = letters[places], letters[np.minimum(places + 1, len(letters) - 1)]
    pairs = np.unique(first.astype(np.uint16) << 8 | second).tolist()
    return any(pair >> 8 < 0x20 or pair & 0xFF in _RARE_BEGINS[pair >> 8] for pair in pairs)


def spell(words: pa.StringArray) -> Letters:
    """Return the letters of words."""
    if not len(words):
        return Letters(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    lengths = pc.utf8_length(words).to_numpy().astype(np.int64)
    offsets = np.frombuffer(words.buffers()[1], np.int32)[words.offset : words.offset + len(words) + 1]
    data = memoryview(words.buffers()[2] or b"")[offsets[0] : offsets[-1]]
    codes = np.frombuffer(str(data, "utf-8").encode("utf-32-le"), np.uint32)
    spaced = np.zeros(len(codes) + len(words), np.uint32)
    spaced[np.arange(len(codes)) + np.repeat(np.arange(len(words)), lengths)] = codes
    return Letters(spaced, np.concatenate([[0], np.cumsum(lengths[:-1] + 1)]), lengths)


def gather(values: np.ndarray, offsets: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the stretches ``values[offsets[c]:offsets[c + 1]]`` for each c of ``codes``, one after another."""
    lengths = np.diff(offsets)[codes]
    ends = np.cumsum(lengths)
    if not len(ends):
        return values[:0]
    return values[np.repeat(offsets[:-1][codes] - (ends - lengths), lengths) + np.arange(ends[-1])]


def beside(path: Path, ending: str) -> Path:
    """Return where to write what comes of a file or folder: beside it, under its name without suffix and ``ending``."""
    whole = path if path.name not in ("", "..") else path.resolve()
    if not whole.name:
        raise BadInput(f"{path} has no place beside it to write to; name another with --out.")
    return whole.with_name(f"{whole.stem}{ending}")


def first_line(path: Path, most: int = 120) -> str:
    """Return how a text that was written begins."""
    with path.open(encoding="utf-8") as stream:
        line = stream.readline(most + 1).rstrip("\n")
    return line if len(line) <= most else f"{line[:most].rsplit(' ', 1)[0]} …"


def read_text(path: Path) -> str:
    """Return a file's text, or raise ``BadInput``."""
    return b"".join(chunks(path)).decode()


def chunks(path: Path, size: int = CHUNK) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines that are valid UTF-8.

    Raises
    ------
    BadInput
        If it cannot be read, is empty, or is not text in UTF-8.
    """
    empty = True
    try:
        with Path(path).open("rb") as stream:
            first, line = True, 1
            while block := stream.read(size):
                block += stream.readline()
                block = block.removeprefix(b"\xef\xbb\xbf") if first else block
                _check(block, Path(path), line)
                empty = empty and not block.strip()
                first, line = False, line + block.count(b"\n")
                yield block
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"Cannot read {path}: {reason}. Name a text file in UTF-8.") from error
    if empty:
        raise BadInput(f"{Path(path).name} is empty; name a file with text in it.")


def _check(block: bytes, path: Path, line: int) -> None:
    try:
        block.decode()
    except UnicodeDecodeError as error:
        where = line + block.count(b"\n", 0, error.start)
        raise BadInput(f"{path.name} is not UTF-8 in line {where}; save it as plain text in UTF-8.") from error
    if b"\0" in block:
        raise BadInput(f"{path.name} is not text: it holds zero bytes. Save it as plain text in UTF-8.")
