"""Round 0: synthetic errors. Tokens dropped, inserted, replaced or doubled, mostly those that syntax hangs on.

The authors distributed the output of theirs, not the program; the kinds of edit here are those that their paper names,
on brackets, separators, layout, keywords and operators.
"""

import functools
import random
from collections.abc import Callable, Sequence

from hotpapers.engines import Engine, do_all
from hotpapers.papers.bifi.critics import Critic, critic
from hotpapers.papers.bifi.edits import State, apply, start
from hotpapers.papers.bifi.layout import Writer
from hotpapers.papers.bifi.vocabulary import KEYWORDS, SIGNS, Vocabulary, python_vocabulary

HOW_MANY = (1, 1, 1, 1, 2, 2, 3)
TRIES = 8
PAIRS = 0.2
"""How often both brackets of a pair are dropped, where that is asked for."""


class Corruption:
    """Breaks tokens at random, by a seed.

    Parameters
    ----------
    vocabulary
        Of the tokens.
    seed
        The same seed gives the same errors.
    bracket_pairs
        Drop both brackets of a pair as well, as Python 2 and other languages write calls without.
    """

    def __init__(self, vocabulary: Vocabulary, seed: int | str, *, bracket_pairs: bool = False) -> None:
        self.vocabulary, self.bracket_pairs = vocabulary, bracket_pairs
        self.random = random.Random(seed)
        self.types = len(vocabulary)
        index = vocabulary.index
        signs = [index[sign] for sign in SIGNS if sign in index]
        words = [index[word] for word in KEYWORDS if word in index]
        layout = [number for number in (vocabulary.indent, vocabulary.dedent, vocabulary.newline) if number >= 0]
        self.syntax = {*signs, *words, *layout}
        brackets = [index[sign] for sign in "()[]{}" if sign in index]
        separators = [index[sign] for sign in (",", ":", ";", ".", "=") if sign in index]
        slots = [index[slot] for slot in ("<NAME>", "<STRING>", "<NUMBER>", "<OPEN>", "<BAD>") if slot in index]
        self.groups = [group for group in (brackets, separators, layout, signs, words, slots) if group]
        self.typos = {index[word]: index[f"~{word}"] for word in KEYWORDS if word in index and f"~{word}" in index}

    def __call__(self, ids: Sequence[int]) -> State:
        """Return ``ids`` with one to three errors; they may still be well formed."""
        state = start(ids)
        for _ in range(self.random.choice(HOW_MANY)):
            state = self._once(state)
        return state

    def broken(self, ids: Sequence[int], bad: Callable[[State], bool]) -> State | None:
        """Return ``ids`` with errors such that ``bad`` says so, or ``None`` after some tries."""
        for _ in range(TRIES):
            state = self(ids)
            if state.ids and state.ids != tuple(ids) and bad(state):
                return state
        return None

    def _once(self, state: State) -> State:
        if self.bracket_pairs and self.random.random() < PAIRS and (pairs := self._pairs(state.ids)):
            first, second = self.random.choice(pairs)
            for place in (second, first):
                state = apply(state, place * (2 * self.types + 1) + 2 * self.types, self.types) or state
            return state
        places = [place for place, number in enumerate(state.ids) if number in self.syntax]
        place = (
            self.random.choice(places)
            if places and self.random.random() < 0.8
            else self.random.randrange(len(state.ids) or 1)
        )
        base = place * (2 * self.types + 1)
        what = self.random.random()
        if what < 0.4 or not state.ids:
            action = base + 2 * self.types  # drop
        elif what < 0.65:
            action = base + self._sign()  # insert
        elif what < 0.75:
            action = base + state.ids[place]  # double
        elif what < 0.85 and state.ids[place] in self.typos:
            action = base + self.types + self.typos[state.ids[place]]  # misspell
        else:
            action = base + self.types + self._sign()  # replace
        return apply(state, action, self.types) or state

    def _pairs(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Return the places of matching brackets."""
        pairs, stack = [], []
        for place, number in enumerate(ids):
            if number in self.vocabulary.opening:
                stack.append(place)
            elif number in self.vocabulary.closing and stack:
                pairs.append((stack.pop(), place))
        return pairs

    def _sign(self) -> int:
        return self.random.choice(self.random.choice(self.groups))


def corrupt_all(
    codes: list[str], *, seed: int = 0, engine: Engine = "local", jobs: int | None = None
) -> list[str | None]:
    """Return each Python snippet with synthetic errors that the critic finds, or ``None``; alike with every engine."""
    pieces = [(code, f"{seed} {number}") for number, code in enumerate(codes)]
    batches = [pieces[at : at + 100] for at in range(0, len(pieces), 100)]
    found: list[str | None] = []
    for result in do_all(corrupt_piece, batches, engine=engine, jobs=jobs, ordered=True):
        found += result
    return found


def corrupt_piece(piece: list[tuple[str, str]]) -> list[str | None]:
    """Return the broken variants of one piece's snippets."""
    judge = critic("python")
    vocabulary = python_vocabulary()
    found: list[str | None] = []
    for code, seed in piece:
        tokens = vocabulary.tokens(code)
        writer = Writer(code, tokens, vocabulary)
        state = Corruption(vocabulary, seed).broken(
            vocabulary.encode(tokens), functools.partial(_refused, judge, writer)
        )
        found.append(writer.write(state) if state else None)
    return found


def _refused(judge: Critic, writer: Writer, state: State) -> bool:
    return not judge(writer.write(state)).ok
