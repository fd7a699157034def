"""Stochastic pieces: each word is split into k parts, k drawn from 1 … L, in every way; all parts are counted.

A piece of ℓ letters in a word of L lies in C(L − ℓ − 2, k − 3) of the splits into k parts if it is inside the word, in
C(L − ℓ − 1, k − 2) if it begins or ends it, and in one (k = 1) if it is the word. Summed over k these are
2^(L − ℓ − 2), 2^(L − ℓ − 1) and 1; over L they are the expected counts, for which nothing need be split or drawn.
"""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hotpapers.papers.arabic_tokenizers.pieces import GOES_ON, Counted
from hotpapers.papers.arabic_tokenizers.words import Words, spell

LONGEST = 19
"""Longer words are left out, as their splits would outnumber all others'."""

_DIRECT = 1 << 22


def count_stochastic(words: Words, most: int, *, sample: np.random.Generator | None = None) -> Counted:
    """Return the pieces of the highest expected count, or of the highest count where ``sample`` draws k.

    Parameters
    ----------
    words
        The text's words; k is drawn for each occurrence by itself.
    most
        How many pieces to return at most.
    sample
        A generator to draw k from; left out, the counts are their expectations.
    """
    fit = pc.less_equal(pc.utf8_length(words.distinct), LONGEST)
    distinct, counts = words.distinct.filter(fit), words.counts[fit.to_numpy(zero_copy_only=False)]
    if not len(distinct):
        return Counted([], [])
    letters = spell(distinct)
    whole, edge, inside = _weights(letters.lengths, counts, sample)
    best = np.zeros((4, 0))  # count, where it stands, its letters, whether it goes on
    word_of = np.repeat(np.arange(len(distinct), dtype=np.int32), letters.lengths)
    starts = np.arange(len(word_of)) + word_of
    left = letters.lengths[word_of] - (starts - letters.starts[word_of])  # letters from here to the word's end
    begins = starts == letters.starts[word_of]
    for length, here, rank in _substrings(letters.codes, starts, left):
        word, first, last = word_of[here], begins[here], left[here] == length
        weight = np.where(first | last, edge(word, length), inside(word, length))
        alone = first & last
        weight[alone] = whole[word[alone]]
        for goes_on in (False, True):
            chosen = first != goes_on
            totals = np.bincount(rank[chosen], weight[chosen], minlength=rank.max() + 1)
            sample_start = np.zeros(len(totals), np.int64)
            sample_start[rank[chosen]] = starts[here[chosen]]
            kept = _highest(totals, most)
            found = np.stack(
                [totals[kept], sample_start[kept], np.full(len(kept), length), np.full(len(kept), goes_on)]
            )
            best = np.concatenate([best, found], 1)
            best = best[:, _highest(best[0], most)]
    named = [(-total, GOES_ON * int(goes_on) + _string(letters.codes, int(start), int(length)))
             for total, start, length, goes_on in best.T.tolist()]  # fmt: skip
    named.sort()
    return Counted([name for _, name in named[:most]], [-total for total, _ in named[:most]])


Weigh = Callable[[np.ndarray, int], np.ndarray]


def _weights(
    lengths: np.ndarray, counts: np.ndarray, sample: np.random.Generator | None
) -> tuple[np.ndarray, Weigh, Weigh]:
    """Return each word's weight as a whole, and what gives that of a piece of ℓ letters at an edge, and inside."""
    size = LONGEST + 1
    edge_ways, inside_ways = np.zeros((size, size, size)), np.zeros((size, size, size))  # L, ℓ, k
    for word in range(1, size):
        for piece in range(1, word):
            for parts in range(2, word - piece + 2):
                edge_ways[word, piece, parts] = math.comb(word - piece - 1, parts - 2)
                if parts > 2 and word - piece >= 2:
                    inside_ways[word, piece, parts] = math.comb(word - piece - 2, parts - 3)
    if sample is None:
        share = counts / lengths

        def expected(ways: np.ndarray) -> Weigh:
            return lambda word, length: ways[lengths[word], length] * share[word]

        return share, expected(edge_ways.sum(2)), expected(inside_ways.sum(2))
    whole = np.zeros(len(lengths))
    edge, inside = np.zeros((len(lengths), size)), np.zeros((len(lengths), size))
    for word in np.unique(lengths):
        these = np.flatnonzero(lengths == word)
        drawn = np.zeros((len(these), size))
        drawn[:, 1 : word + 1] = sample.multinomial(counts[these], np.full(word, 1 / word))
        whole[these] = drawn[:, 1]
        edge[these], inside[these] = drawn @ edge_ways[word].T, drawn @ inside_ways[word].T
    return whole, lambda word, length: edge[word, length], lambda word, length: inside[word, length]


def _substrings(
    codes: np.ndarray, starts: np.ndarray, left: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield for each length the places in ``starts`` that have as many letters, and numbers that tell strings apart.

    The number of a string of ℓ letters is made from that of its first ℓ − 1 and its last letter: no two are confused.
    """
    classes = np.zeros(0x110000, np.int64)
    alphabet = np.unique(codes)
    classes[alphabet] = np.arange(len(alphabet))
    here, rank = np.arange(len(starts), dtype=np.int32), np.zeros(len(starts), np.int64)
    for length in range(1, LONGEST + 1):
        keep = left[here] >= length
        here, rank = here[keep], rank[keep]
        if not len(here):
            return
        rank = _renumber(rank * len(alphabet) + classes[codes[starts[here] + length - 1]])
        yield length, here, rank


def _renumber(keys: np.ndarray) -> np.ndarray:
    if (largest := int(keys.max())) < _DIRECT:
        present = np.zeros(largest + 1, bool)
        present[keys] = True
        return (np.cumsum(present, dtype=np.int32) - 1)[keys].astype(np.int64)
    return np.unique(keys, return_inverse=True)[1]


def _highest(totals: np.ndarray, most: int) -> np.ndarray:
    """Return the places of the highest totals above 0, of equals at the bound all."""
    bound = np.partition(totals, len(totals) - most)[len(totals) - most] if len(totals) > most else 0.0
    return np.flatnonzero((totals >= bound) & (totals > 0))


def _string(codes: np.ndarray, start: int, length: int) -> str:
    return codes[start : start + length].astype("<u4").tobytes().decode("utf-32-le")


def piece_counts(word: str) -> dict[str, float]:
    """Return the expected count of each piece of one word, by the definition: every split of every size."""
    length = len(word)
    found: dict[str, float] = {}
    for cuts in range(1 << (length - 1)):
        bounds = [0, *(place for place in range(1, length) if cuts >> (place - 1) & 1), length]
        for begin, end in itertools.pairwise(bounds):
            piece = GOES_ON * (begin > 0) + word[begin:end]
            found[piece] = found.get(piece, 0.0) + 1 / length
    return found


def as_words(text_words: list[str]) -> Words:
    """Return a list of words as ``Words``."""
    encoded = pa.array(text_words, pa.string()).dictionary_encode()
    return Words(encoded.dictionary, encoded.indices.to_numpy())
