"""Byte-pair encoding over white-space words: the most frequent pair of neighbours becomes one piece, again and again.

A word begins with ``▁``, as in SentencePiece; nothing merges across words. Pairs of equal counts merge in the order of
their numbers, as in Hugging Face's trainer, so that both learn the same merges from the same words.
"""

import heapq
import itertools
from array import array
from collections.abc import Iterator

import numpy as np

from hotpapers.papers.arabic_tokenizers.trie import fuse
from hotpapers.papers.arabic_tokenizers.words import Letters, Words, spell

BEGINS = "▁"
Places = list[int] | np.ndarray
_MANY = 100  # places, from which on arrays are faster than a loop
_NEVER = np.iinfo(np.int32).max


def learn_merges(words: Words, size: int, reserved: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the pieces after the reserved ones, letters first, and the pairs that made the others.

    Parameters
    ----------
    words
        The text's words.
    size
        Of the whole vocabulary; letters beyond it are dropped, the rarest first.
    reserved
        How many pieces come before: the unknown, the padding and the special ones.
    """
    letters = spell(words.distinct)
    counts = words.counts
    kept = _alphabet(letters, counts, size - reserved)
    pieces = [chr(code) for code in kept]
    number = np.full(0x110000, -1, np.int32)
    number[kept] = np.arange(reserved, reserved + len(kept))
    symbols = number[letters.codes]
    ends = letters.starts + letters.lengths
    # Each word gets its ▁ where the zero of the word before it stands, the first one in front of all.
    symbols = np.concatenate([[number[ord(BEGINS)]], symbols])
    symbols[ends[:-1] + 1] = number[ord(BEGINS)]
    word = np.repeat(np.arange(len(counts)), letters.lengths + 1)
    known = symbols[: len(word)] >= 0
    return _merge(symbols[: len(word)][known], word[known], counts, pieces, size - reserved, reserved)


def _alphabet(letters: Letters, counts: np.ndarray, room: int) -> list[int]:
    weights = np.bincount(letters.codes, np.repeat(counts, letters.lengths + 1))
    weights[0] = 0
    begins = ord(BEGINS)
    weights = np.pad(weights, (0, max(0, begins + 1 - len(weights))))
    weights[begins] = counts.sum() + 1
    order = np.argsort(-weights, kind="stable")[: max(1, room)]
    return sorted(int(code) for code in order if weights[code] > 0)


def _merge(
    symbols: np.ndarray, word: np.ndarray, counts: np.ndarray, pieces: list[str], room: int, reserved: int
) -> tuple[list[str], list[tuple[int, int]]]:
    """Merge until there is no room; stale entries of the heap are mended when met.

    A pair can only come to be when the younger of its two is made, so each is listed once with all its places, and from
    then on its count can only fall.
    """
    chain = _Chain(symbols, word, counts)
    totals, where = chain.pairs()
    heap = [(-count, pair) for pair, count in totals.items()]
    heapq.heapify(heap)
    merges: list[tuple[int, int]] = []
    while heap and len(pieces) < room:
        negative, key = heapq.heappop(heap)
        count = totals[key]
        if count != -negative:
            if count > 0:
                heapq.heappush(heap, (-count, key))
            continue
        left, right = key >> 32, key & 0xFFFFFFFF
        new = reserved + len(pieces)
        merges.append((left, right))
        pieces.append(pieces[left - reserved] + pieces[right - reserved])
        for made, places in chain.merge(left, right, new, where.pop(key), totals):
            where[made] = places
            if totals[made] > 0:
                heapq.heappush(heap, (-totals[made], made))
        totals[key] = 0
    return pieces, merges


class _Chain:
    """The symbols of all words as a chain from which merged ones drop out; a place before and after words holds −1."""

    def __init__(self, symbols: np.ndarray, word: np.ndarray, counts: np.ndarray) -> None:
        n = len(symbols)
        self.symbols = array("i", np.append(symbols, -1).astype(np.int32).tobytes())
        after, before = np.arange(1, n + 1, dtype=np.int32), np.arange(-1, n - 1, dtype=np.int32)
        last = np.append(word[1:] != word[:-1], True)
        after[last] = n
        before[np.concatenate([[True], last[:-1]])] = n
        self.after, self.before = array("i", after.tobytes()), array("i", before.tobytes())
        self.weight = array("q", counts[word].astype(np.int64).tobytes())
        self._inner = ~last

    def pairs(self) -> tuple[dict[int, int], dict[int, Places]]:
        """Return how often each pair of neighbours comes, and where."""
        symbols = np.frombuffer(self.symbols, np.int32).astype(np.int64)
        places = np.flatnonzero(self._inner)
        weights = np.frombuffer(self.weight, np.int64)[places]
        totals: dict[int, int] = {}
        where: dict[int, Places] = {}
        for key, total, here in _grouped((symbols[places] << 32) | symbols[places + 1], weights):
            totals[key], where[key] = total, places[here].astype(np.int32)
        return totals, where

    def merge(
        self, left: int, right: int, new: int, places: Places, totals: dict[int, int]
    ) -> list[tuple[int, Places]]:
        """Merge a pair at its places, lower the counts of what it was part of, and return the new pairs with theirs."""
        if len(places) > _MANY and left != right:
            return self._merge_many(left, right, new, np.asarray(places), totals)
        symbols, after, before, weight = self.symbols, self.after, self.before, self.weight
        made: dict[int, list[int]] = {}
        gained: dict[int, int] = {}
        lost: dict[int, int] = {}
        for place in places.tolist() if isinstance(places, np.ndarray) else places:
            behind = after[place]
            if symbols[place] != left or symbols[behind] != right:
                continue
            count = weight[place]
            symbols[place], symbols[behind] = new, -1
            if (neighbour := symbols[ahead := before[place]]) >= 0:
                key = (neighbour << 32) | left
                lost[key] = lost.get(key, 0) + count
                key = (neighbour << 32) | new
                gained[key] = gained.get(key, 0) + count
                made.setdefault(key, []).append(ahead)
            beyond = after[behind]
            after[place] = beyond
            if (neighbour := symbols[beyond]) >= 0:
                before[beyond] = place
                key = (right << 32) | neighbour
                lost[key] = lost.get(key, 0) + count
                key = (new << 32) | neighbour
                gained[key] = gained.get(key, 0) + count
                made.setdefault(key, []).append(place)
        totals.update(gained)
        for key, count in lost.items():
            totals[key] -= count
        return [*made.items()]

    def _merge_many(
        self, left: int, right: int, new: int, places: np.ndarray, totals: dict[int, int]
    ) -> list[tuple[int, Places]]:
        """Merge all places at once; where two merged pairs stand side by side, what was between them is lost once."""
        symbols, weight = np.frombuffer(self.symbols, np.int32), np.frombuffer(self.weight, np.int64)
        after, before = np.frombuffer(self.after, np.int32), np.frombuffer(self.before, np.int32)
        behind = after[places]
        valid = (symbols[places] == left) & (symbols[behind] == right)
        places, behind = places[valid], behind[valid]
        beyond, count = after[behind], weight[places]
        symbols[places], symbols[behind] = new, -1
        after[places] = beyond
        inner = symbols[beyond] >= 0
        before[beyond[inner]] = places[inner]
        ahead = before[places]
        first, last = symbols[ahead], symbols[beyond]
        has_first, has_last = first >= 0, (last >= 0) & (last != new)
        was = np.where(first == new, right, first).astype(np.int64)
        first, last = first.astype(np.int64), last.astype(np.int64)
        lost = np.concatenate([(was[has_first] << 32) | left, (right << 32) | last[has_last]])
        gained = np.concatenate([(first[has_first] << 32) | new, (new << 32) | last[has_last]])
        where = np.concatenate([ahead[has_first], places[has_last]])
        counts = np.concatenate([count[has_first], count[has_last]])
        for key, total, _ in _grouped(lost, counts):
            totals[key] -= total
        made = []
        for key, total, here in _grouped(gained, counts):
            totals[key] = total
            made.append((key, where[here]))
        return made


def _grouped(keys: np.ndarray, counts: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield each distinct key, the sum of its counts, and where it is."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    heads = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sums = np.add.reduceat(counts[order], heads)
    bounds = itertools.pairwise([*heads.tolist(), len(keys)])
    for key, total, (begin, end) in zip(ordered[heads].tolist(), sums.tolist(), bounds, strict=True):
        yield key, total, order[begin:end]


class Merger:
    """Applies merges to many words at once; a pair found in no list never merges.

    Parameters
    ----------
    letters
        Letter → number.
    merges
        Pairs of numbers, the first learnt first.
    made
        The number that each pair makes. Pairs that make the same one after another are of one rank, as in
        SentencePiece: of them the leftmost merges first.
    """

    def __init__(self, letters: dict[str, int], merges: list[tuple[int, int]], made: list[int], unknown: int) -> None:
        self.unknown = unknown
        numbers = np.array(made, np.int32)
        fresh = np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]
        self.made = numbers[fresh]
        # What a merge makes may have to merge on before the same pair merges elsewhere, except where each piece is made
        # in one way and before all that are made of it: such merges can be done all at once.
        rank = {number: place for place, number in enumerate(self.made.tolist())}
        ordered = all(rank.get(half, -1) < rank[new] for pair, new in zip(merges, made, strict=True) for half in pair)
        self.one_by_one = len(self.made) < len(numbers) or not ordered
        self.number = np.full(0x110000, unknown, np.int32)
        for letter, number in letters.items():
            self.number[ord(letter)] = number
        self.begin = int(self.number[ord(BEGINS)])
        keys = np.array([(left << 32) | right for left, right in merges], np.int64)
        self._bits = max(4, int(4 * len(keys)).bit_length())
        self._keys, self._ranks = _hash_table(keys, np.cumsum(fresh) - 1, self._bits)

    def rank(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return when each pair was merged; a very large number where it never was."""
        keys = (left.astype(np.int64) << 32) | right
        slots = _slots(keys, self._bits)
        found = self._keys[slots]
        ranks = np.where(found == keys, self._ranks[slots], np.int32(_NEVER))
        open_ = np.flatnonzero((found != keys) & (found != -1))
        while len(open_):
            slots[open_] = (slots[open_] + 1) & ((1 << self._bits) - 1)
            found = self._keys[slots[open_]]
            hit = found == keys[open_]
            ranks[open_[hit]] = self._ranks[slots[open_[hit]]]
            open_ = open_[~hit & (found != -1)]
        return ranks

    def segment(
        self, letters: Letters, dropout: float = 0.0, chance: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cut words, returning as ``greedy`` does; ``dropout`` is the share of merges that are passed over."""
        n = len(letters.starts)
        sizes = letters.lengths + 1
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        symbols = np.empty(offsets[-1], np.int32)
        symbols[offsets[:-1]] = self.begin
        rest = np.ones(offsets[-1], bool)
        rest[offsets[:-1]] = False
        ends = np.zeros(len(letters.codes), bool)
        ends[letters.starts + letters.lengths] = True
        symbols[rest] = self.number[letters.codes[~ends]]
        begins = np.arange(offsets[-1], dtype=np.int32)
        last = np.zeros(len(symbols), bool)
        last[offsets[1:] - 1] = True
        ranks = np.full(len(symbols), _NEVER, np.int32)
        self._rank_at(np.flatnonzero(~last), symbols, ranks)
        finished: list[tuple[np.ndarray, np.ndarray]] = []
        while len(symbols):
            allowed = ranks if chance is None else np.where(chance.random(len(ranks)) < dropout, _NEVER, ranks)
            heads = np.flatnonzero(np.concatenate([[True], last[:-1]]))
            lowest = np.repeat(np.minimum.reduceat(allowed, heads), np.diff(np.append(heads, len(symbols))))
            going = lowest != _NEVER
            finished.append((symbols[~going], begins[~going]))
            merging = np.flatnonzero((allowed == lowest) & going)
            merging = _first_of_each(merging, heads) if self.one_by_one else _every_other(merging)
            symbols[merging] = self.made[ranks[merging]]
            last[merging] |= last[merging + 1]
            going[merging + 1] = False
            place = np.cumsum(going) - 1
            symbols, begins, last, ranks = (each[going] for each in (symbols, begins, last, ranks))
            merged = place[merging]
            ranks[merged] = _NEVER
            before = merged[merged > 0] - 1
            self._rank_at(np.concatenate([merged[~last[merged]], before[~last[before]]]), symbols, ranks)
        return self._assemble(finished, n, offsets)

    def _rank_at(self, places: np.ndarray, symbols: np.ndarray, ranks: np.ndarray) -> None:
        ranks[places] = self.rank(symbols[places], symbols[places + 1])

    def _assemble(
        self, finished: list[tuple[np.ndarray, np.ndarray]], n: int, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Put the pieces of all words in order by where they begin."""
        numbers = np.full(ends[-1], -1, np.int32)
        for symbols, begins in finished:
            numbers[begins] = symbols
        starts = np.flatnonzero(numbers >= 0)
        spans = np.diff(np.append(starts, ends[-1]))
        offsets = np.searchsorted(starts, ends)
        spans[offsets[:-1]] -= 1  # the ▁ is no letter of the word
        return fuse(numbers[starts], offsets, spans, self.unknown)


def _every_other(places: np.ndarray) -> np.ndarray:
    """Of places side by side keep the first, the third, …: in a run of one letter pairs overlap."""
    if not len(places) or not (np.diff(places) == 1).any():
        return places
    run = np.cumsum(np.concatenate([[True], np.diff(places) != 1])) - 1
    first = np.flatnonzero(np.concatenate([[True], np.diff(run) > 0]))
    return places[(np.arange(len(places)) - first[run]) % 2 == 0]


def _first_of_each(places: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Of places keep the first of each word; words begin at ``heads``."""
    word = np.searchsorted(heads, places, "right")
    return places[np.append(True, word[1:] != word[:-1])[: len(places)]]


def _slots(keys: np.ndarray, bits: int) -> np.ndarray:
    mixed = (keys ^ (keys >> 29)).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)


def _hash_table(keys: np.ndarray, ranks: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    table, values = np.full(1 << bits, -1, np.int64), np.zeros(1 << bits, np.int32)
    for key, rank, slot in zip(keys.tolist(), ranks.tolist(), _slots(keys, bits).tolist(), strict=True):
        while table[slot] != -1:
            slot = (slot + 1) & ((1 << bits) - 1)
        table[slot], values[slot] = key, rank
    return table, values
