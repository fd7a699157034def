"""Counting pieces of words: every letter (character), or what stands between letters that do not join (disjoint).

The first piece of a word is written plain, those after it with ``##`` before them.
"""

import dataclasses

import numpy as np
import pyarrow as pa

from hotpapers.papers.arabic_tokenizers.words import Words, spell, tell_apart

GOES_ON = "##"
NON_CONNECTING = "اأإآٱءؤدذرزو" + "ﻻﻼﻵﻶﻷﻸﻹﻺ"
"""Letters that never join the one after them, and the ligatures of lam that end in one of them."""


@dataclasses.dataclass(frozen=True)
class Counted:
    """Strings of a vocabulary and how often each was counted, the most frequent first."""

    strings: list[str]
    counts: list[float]


def count_words(words: Words, most: int) -> Counted:
    """Return the most frequent words; of equals the one that came first."""
    counts = words.counts
    order = np.argsort(-counts, kind="stable")[:most]
    return Counted(words.distinct.take(pa.array(order)).to_pylist(), counts[order].tolist())


def count_letters(words: Words, most: int) -> Counted:
    """Return the most frequent letters, those that begin a word and those that go on counted apart."""
    return _count(words, np.ones(0x110000, bool), most)


def count_disjoint(words: Words, most: int) -> Counted:
    """Return the most frequent pieces of words that are cut after every letter of ``NON_CONNECTING``."""
    after = np.zeros(0x110000, bool)
    after[[ord(letter) for letter in NON_CONNECTING]] = True
    return _count(words, after, most)


def cut(words: pa.StringArray, after: np.ndarray) -> tuple[pa.StringArray, np.ndarray, np.ndarray]:
    """Cut words after the letters that ``after`` marks by code point.

    Returns
    -------
    tuple
        The pieces of all words one after another, the word that each is of, and whether it begins that word.
    """
    letters = spell(words)
    word = np.repeat(np.arange(len(words)), letters.lengths)
    codes = letters.codes[np.arange(len(word)) + word]
    first = np.zeros(len(codes), bool)
    ends = np.cumsum(letters.lengths)
    first[(ends - letters.lengths)[letters.lengths > 0]] = True
    begins = first.copy()
    begins[1:] |= after[codes[:-1]]
    widths = 1 + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF)  # bytes in UTF-8
    bounds = np.concatenate([[0], np.cumsum(widths)])
    places = np.flatnonzero(begins)
    offsets = np.append(bounds[places], bounds[-1]).astype(np.int32)
    data = codes.astype("<u4").tobytes().decode("utf-32-le").encode()
    pieces = pa.StringArray.from_buffers(len(places), pa.py_buffer(offsets), pa.py_buffer(data))
    return pieces, word[places], first[places]


def _count(words: Words, after: np.ndarray, most: int) -> Counted:
    if not len(words.distinct):
        return Counted([], [])
    pieces, word, first = cut(words.distinct, after)
    encoded = tell_apart(pieces)
    keys = encoded.indices.to_numpy() * 2 + ~first
    counts = np.bincount(keys, words.counts[word])
    order = np.argsort(-counts, kind="stable")[: min(most, np.count_nonzero(counts))]
    names = encoded.dictionary.take(pa.array(order // 2)).to_pylist()
    strings = [GOES_ON * int(key % 2) + name for key, name in zip(order, names, strict=True)]
    return Counted(strings, counts[order].tolist())
