"""Morphs from a user's own corpus, by minimum description length: what Morfessor's baseline minimises, on word types.

The official tokenizer has a dictionary of morphs that an analyser found in a large corpus (``convert`` reads it). Here
the lexicon is learnt: a word is left whole or cut in two, each half again, whichever makes corpus and lexicon shortest,

    w (N ln N − Σ c ln c)  +  Σ spelling(m) − ln M! + ln C(N − 1, M − 1)

c: count of a morph, N: their sum, M: number of morphs, w: weight of the corpus, spelling: −Σ ln p(letter), with an end
mark.
"""

import math
import random

import numpy as np
import pyarrow as pa

from hotpapers.papers.arabic_tokenizers.pieces import GOES_ON, Counted
from hotpapers.papers.arabic_tokenizers.trie import Trie, best_path
from hotpapers.papers.arabic_tokenizers.words import Words, spell
from hotpapers.progress import bar

TYPES = 20_000
"""The lexicon is learnt from the most frequent word types; all others are then cut by it."""

WEIGHT = 3.0
"""Of the corpus against the lexicon: with less, the letters of short words become morphs (3.3 a word at 1.5)."""

LONGEST = 30  # letters; longer words teach no morphology


def count_morphs(words: Words, most: int, *, types: int = TYPES, seed: int = 0, weight: float = WEIGHT) -> Counted:
    """Return the most frequent morphs of a text, with ``##`` before those that do not begin their word."""
    counts = words.counts
    order = np.argsort(-counts, kind="stable")[:types]
    chosen = [word for word in words.distinct.take(pa.array(order)).to_pylist() if len(word) <= LONGEST]
    lexicon = Lexicon(chosen, seed, weight).learn()
    if not lexicon:
        return Counted([], [])
    strings = list(lexicon)
    total = sum(lexicon.values())
    scores = np.log(np.array([lexicon[each] for each in strings]) / total)
    trie = Trie({string: number for number, string in enumerate(strings)})
    worst = float(scores.min()) - 10.0
    letters = spell(words.distinct)
    numbers, offsets, _ = best_path(trie, letters, scores, -1, worst)
    first = np.zeros(len(numbers), bool)
    first[offsets[:-1]] = True
    keys = numbers.astype(np.int64) * 2 + ~first
    weights = np.repeat(counts, np.diff(offsets))
    known = numbers >= 0
    found = np.bincount(keys[known], weights[known], minlength=2 * len(strings))
    totals = {(int(key) // 2, bool(key % 2)): int(found[key]) for key in np.flatnonzero(found)}
    ranked = sorted((-count, GOES_ON * goes_on + strings[number]) for (number, goes_on), count in totals.items())
    return Counted([name for _, name in ranked[:most]], [float(-count) for count, _ in ranked[:most]])


class Lexicon:
    """Morphs with their counts, and each word's cuts, at first at random, made better word by word.

    Parameters
    ----------
    words
        Word types; each counts once.
    seed
        Of the first cuts and of the order in which words are gone through.
    weight
        Of the corpus against the lexicon.
    """

    def __init__(self, words: list[str], seed: int = 0, weight: float = WEIGHT) -> None:
        self.words, self.random, self.weight = words, random.Random(seed), weight
        letters: dict[str, int] = {}
        for word in words:
            for letter in word:
                letters[letter] = letters.get(letter, 0) + 1
        total = sum(letters.values()) + len(words)
        self.letter_cost = {letter: -math.log(count / total) for letter, count in letters.items()}
        self.end_cost = -math.log(len(words) / total) if words else 0.0
        self.counts: dict[str, int] = {}
        self.cuts: dict[str, int] = {}
        self.uses: dict[str, int] = {}
        self.tokens = 0
        self.sum_c_log_c = 0.0
        self.spelling = 0.0
        # From whole words no single cut pays, short as Arabic words are; from cuts at random the affixes stand out.
        self.cuts |= {word: self.random.randrange(1, len(word)) for word in words if len(word) > 1}
        for word in words:
            self._change(word, 1)

    def learn(self, *, gain: float = 0.01, rounds: int = 20) -> dict[str, int]:
        """Go through the words until a round gains less than ``gain`` nats a word; return morph → count."""
        with bar("learn morphs", rounds) as shown:
            before = self.cost()
            for turn in range(rounds):
                order = list(self.words)
                self.random.shuffle(order)
                for word in order:
                    self._recut(word)
                now = self.cost()
                shown.update(turn + 1, f"cost {now:.0f}")
                if before - now < gain * len(self.words):
                    break
                before = now
        return dict(self.counts)

    def cost(self) -> float:
        """Return the description length, in nats."""
        return self._cost(self.tokens, len(self.counts), self.sum_c_log_c, self.spelling)

    def morphs(self, word: str) -> list[str]:
        """Return the morphs that a word is cut into."""
        place = self.cuts.get(word, 0)
        return [*self.morphs(word[:place]), *self.morphs(word[place:])] if place else [word]

    def _cost(self, tokens: int, morphs: int, sum_c_log_c: float, spelling: float) -> float:
        if not tokens:
            return 0.0
        frequencies = math.lgamma(tokens) - math.lgamma(morphs) - math.lgamma(tokens - morphs + 1)
        corpus = tokens * math.log(tokens) - sum_c_log_c
        return self.weight * corpus + spelling - math.lgamma(morphs + 1) + frequencies

    def _spell(self, morph: str) -> float:
        cost = self.letter_cost
        return sum([cost[letter] for letter in morph]) + self.end_cost

    def _change(self, node: str, by: int) -> None:
        """Use a node ``by`` times more; where it is cut, so are its halves."""
        uses = self.uses.get(node, 0) + by
        place = self.cuts.get(node, 0)
        if uses:
            self.uses[node] = uses
        else:
            self.uses.pop(node, None)
            self.cuts.pop(node, None)
        if place:
            self._change(node[:place], by)
            self._change(node[place:], by)
            return
        before = uses - by
        if before:
            self.sum_c_log_c -= before * math.log(before)
        else:
            self.spelling += self._spell(node)
        if uses:
            self.sum_c_log_c += uses * math.log(uses)
            self.counts[node] = uses
        else:
            self.spelling -= self._spell(node)
            del self.counts[node]
        self.tokens += by

    def _recut(self, node: str) -> None:
        """Leave a node whole or cut it where that is cheapest, then its halves."""
        if len(node) < 2:
            return
        uses = self.uses[node]
        self._change(node, -uses)
        best, where = self._cost_with(uses, [node]), 0
        for place in range(1, len(node)):
            cost = self._cost_with(uses, [*self.morphs(node[:place]), *self.morphs(node[place:])])
            if cost < best:
                best, where = cost, place
        if not where:
            self._change(node, uses)
            return
        self.cuts[node], self.uses[node] = where, uses
        left, right = node[:where], node[where:]
        self._change(left, uses)
        self._change(right, uses)
        self._recut(left)
        if right != left and right in self.uses:
            self._recut(right)

    def _cost_with(self, by: int, morphs: list[str]) -> float:
        """Return what everything would cost were each of ``morphs`` used ``by`` times more."""
        sum_c_log_c, spelling, new = self.sum_c_log_c, self.spelling, 0
        counts, log = self.counts, math.log
        added: dict[str, int] = {}
        for morph in morphs:
            added[morph] = added.get(morph, 0) + by
        for morph, more in added.items():
            before = counts.get(morph, 0)
            after = before + more
            if before:
                sum_c_log_c -= before * log(before)
            else:
                new += 1
                spelling += self._spell(morph)
            sum_c_log_c += after * log(after)
        return self._cost(self.tokens + by * len(morphs), len(counts) + new, sum_c_log_c, spelling)
