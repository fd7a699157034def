"""A trie as a table that many words walk at once: longest match first, and the best path (Viterbi).

A state and a letter lead to a state; state 0 is nowhere. Words are ``Letters``: the zero after each ends its walk.
"""

from collections.abc import Mapping

import numpy as np

from hotpapers.papers.arabic_tokenizers.words import Letters

_LARGEST_TABLE = 1 << 24  # entries of four bytes; a larger alphabet times states is kept as a sorted list


class Trie:
    """The strings of a vocabulary.

    Parameters
    ----------
    strings
        String → its number.
    """

    def __init__(self, strings: Mapping[str, int]) -> None:
        alphabet = sorted(set().union(*strings)) if strings else []
        self.letter_class = np.zeros(0x110000, np.int32)
        self.letter_class[[ord(letter) for letter in alphabet]] = np.arange(1, len(alphabet) + 1)
        self.width = len(alphabet) + 1
        classes = {letter: number for number, letter in enumerate(alphabet, 1)}
        moves: dict[int, int] = {}
        accepted = [-1, -1]
        for string, number in strings.items():
            state = 1
            for letter in string:
                key = state * self.width + classes[letter]
                state = moves.get(key, 0)
                if not state:
                    state = moves[key] = len(accepted)
                    accepted.append(-1)
            accepted[state] = number
        self.accepted = np.array(accepted, np.int32)
        keys = np.fromiter(moves, np.int64, len(moves))
        targets = np.fromiter(moves.values(), np.int32, len(moves))
        self._table = self._keys = None
        if len(accepted) * self.width <= _LARGEST_TABLE:
            self._table = np.zeros(len(accepted) * self.width, np.int32)
            self._table[keys] = targets
        else:
            order = np.argsort(keys)
            self._keys, self._targets = keys[order], targets[order]

    def step(self, states: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return where each state's letter leads."""
        keys = states.astype(np.int64) * self.width + classes
        if self._table is not None:
            return self._table[keys]
        assert self._keys is not None
        places = np.searchsorted(self._keys, keys)
        places[places == len(self._keys)] = 0
        return np.where(self._keys[places] == keys, self._targets[places], 0)

    def after(self, prefix: str) -> int:
        """Return the state that ``prefix`` leads to; 0 where no string begins so."""
        state = np.array([1])
        for letter in prefix:
            state = self.step(state, self.letter_class[[ord(letter)]])
        return int(state[0])

    def classes(self, letters: Letters) -> np.ndarray:
        """Return the class of each letter; 0 for those that no string has, and for the end of a word."""
        return self.letter_class[letters.codes]

    def longest(self, classes: np.ndarray, at: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the number and the length of the longest string at each place; -1 and 0 where there is none."""
        number, length = np.full(len(at), -1, np.int32), np.zeros(len(at), np.int64)
        walking, states, steps = np.arange(len(at)), root, 0
        while len(walking):
            states = self.step(states, classes[at[walking] + steps])
            steps += 1
            alive = states > 0
            walking, states = walking[alive], states[alive]
            found = self.accepted[states]
            hit = found >= 0
            number[walking[hit]], length[walking[hit]] = found[hit], steps
        return number, length


def greedy(
    trie: Trie, letters: Letters, first_root: int, next_root: int, unknown: int, longest_word: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut words by longest match first; a word too long, or with a part that nothing covers, is one unknown.

    Returns
    -------
    tuple of numpy.ndarray
        Numbers of all words one after another, where each word's begin (words + 1,), and the letters of each.
    """
    n = len(letters.starts)
    classes = trie.classes(letters)
    at, end = letters.starts.copy(), letters.starts + letters.lengths
    whole = np.zeros(n, bool)
    rounds: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    active = np.flatnonzero(letters.lengths <= longest_word)
    root = first_root
    while len(active):
        number, length = trie.longest(classes, at[active], np.full(len(active), root, np.int32))
        root = next_root
        found = number >= 0
        active, number, length = active[found], number[found], length[found]
        rounds.append((active, number, length))
        at[active] += length
        done = at[active] == end[active]
        whole[active[done]] = True
        active = active[~done]
    counts = np.ones(n, np.int64)
    for turn, (words, _, _) in enumerate(rounds):
        counts[words] = turn + 1
    counts[~whole] = 1
    offsets = np.concatenate([[0], np.cumsum(counts)])
    numbers = np.full(offsets[-1], unknown, np.int32)
    lengths = np.repeat(letters.lengths, counts)
    for turn, (words, number, length) in enumerate(rounds):
        kept = whole[words]
        places = offsets[:-1][words[kept]] + turn
        numbers[places], lengths[places] = number[kept], length[kept]
    return numbers, offsets, lengths


def best_path(
    trie: Trie, letters: Letters, scores: np.ndarray, unknown: int, unknown_score: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut words so that the sum of ``scores`` (number → log probability) is the highest; returns as ``greedy``.

    A letter that no string covers is an unknown of ``unknown_score``; unknowns side by side are one.
    """
    n, most = len(letters.starts), int(letters.lengths.max(initial=0))
    classes = trie.classes(letters)
    best = np.full((n, most + 1), -np.inf)
    best[:, 0] = 0.0
    back_number, back_length = np.full((n, most + 1), unknown, np.int32), np.ones((n, most + 1), np.int32)
    for i in range(most):
        words = np.flatnonzero(letters.lengths > i)
        states, steps, walking = np.ones(len(words), np.int32), 0, words
        single = np.zeros(n, bool)
        while len(walking):
            states = trie.step(states, classes[letters.starts[walking] + i + steps])
            steps += 1
            alive = states > 0
            walking, states = walking[alive], states[alive]
            found = trie.accepted[states]
            hit = found >= 0
            _improve(best, back_number, back_length, walking[hit], i, steps, found[hit], scores[found[hit]])
            if steps == 1:
                single[walking[hit]] = True
        lone = words[~single[words]]
        _improve(best, back_number, back_length, lone, i, 1, np.full(len(lone), unknown, np.int32),
                 np.full(len(lone), unknown_score))  # fmt: skip
    return _trace(letters.lengths, back_number, back_length, unknown)


def _improve(
    best: np.ndarray, number: np.ndarray, length: np.ndarray, words: np.ndarray, i: int, steps: int,
    found: np.ndarray, gain: np.ndarray,
) -> None:  # fmt: skip
    if not len(words):
        return
    total = best[words, i] + gain
    better = total > best[words, i + steps]
    words = words[better]
    best[words, i + steps] = total[better]
    number[words, i + steps], length[words, i + steps] = found[better], steps


def _trace(
    lengths: np.ndarray, back_number: np.ndarray, back_length: np.ndarray, unknown: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow the best paths back from the words' ends; unknowns side by side become one."""
    n = len(lengths)
    at, active = lengths.copy(), np.flatnonzero(lengths > 0)
    rounds: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while len(active):
        number, length = back_number[active, at[active]], back_length[active, at[active]].astype(np.int64)
        rounds.append((active, number, length))
        at[active] -= length
        active = active[at[active] > 0]
    counts = np.zeros(n, np.int64)
    for turn, (words, _, _) in enumerate(rounds):
        counts[words] = turn + 1
    offsets = np.concatenate([[0], np.cumsum(counts)])
    numbers, spans = np.zeros(offsets[-1], np.int32), np.zeros(offsets[-1], np.int64)
    for turn, (words, number, length) in enumerate(rounds):
        places = offsets[1:][words] - 1 - turn
        numbers[places], spans[places] = number, length
    return fuse(numbers, offsets, spans, unknown)


def fuse(
    numbers: np.ndarray, offsets: np.ndarray, spans: np.ndarray, unknown: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make one unknown of those side by side within a word."""
    repeated = np.zeros(len(numbers), bool)
    if len(numbers):
        repeated[1:] = (numbers[1:] == unknown) & (numbers[:-1] == unknown)
        repeated[offsets[:-1][np.diff(offsets) > 0]] = False
    if not repeated.any():
        return numbers, offsets, spans
    group = np.cumsum(~repeated) - 1
    kept = np.concatenate([[0], np.cumsum(~repeated)])
    return numbers[~repeated], kept[offsets], np.bincount(group, spans).astype(np.int64)
