"""Rules: what can be had without learning. A bracket balancer, exhaustive one-token search, and a ranking by hand.

The first two are the baselines of every table; the third proposes edits for languages that no model knows.
"""

import math
import random
from collections.abc import Sequence

from hotpapers.papers.bifi.edits import State, apply, start
from hotpapers.papers.bifi.judging import Judge, Snippet
from hotpapers.papers.bifi.repair import Asked
from hotpapers.papers.bifi.vocabulary import KEYWORDS, SIGNS, Vocabulary


def balance(snippet: Snippet, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Return the tokens with every bracket that closes nothing left out, and those that stay open closed at the end."""
    opening, closing = vocabulary.opening, vocabulary.closing
    closers = {kind: number for number, kind in closing.items()}
    kept: list[int] = []
    stack: list[int] = []
    for number in snippet.ids:
        if number in opening:
            stack.append(opening[number])
        elif number in closing:
            if not stack or stack[-1] != closing[number]:
                continue
            stack.pop()
        kept.append(number)
    end = len(kept)
    while end and kept[end - 1] in (vocabulary.newline, vocabulary.dedent):
        end -= 1
    return (*kept[:end], *(closers[kind] for kind in reversed(stack)), *kept[end:])


def one_token_fixes(snippet: Snippet, judge: Judge) -> list[State]:
    """Return all that one inserted, deleted or replaced token makes acceptable: exhaustive search with the critic."""
    vocabulary = judge.vocabulary
    types = len(vocabulary)
    names = [*SIGNS, *KEYWORDS, "<NAME>", "<NUMBER>", "<STRING>", "<NEWLINE>", "<INDENT>", "<DEDENT>"]
    tokens = [vocabulary.index[name] for name in names if name in vocabulary.index]
    found: dict[tuple[int, ...], State] = {}
    begin = start(snippet.ids)
    for place in range(len(snippet.ids) + 1):
        base = place * (2 * types + 1)
        actions = [base + token for token in tokens]
        if place < len(snippet.ids):
            actions += [base + types + token for token in tokens] + [base + 2 * types]
        for action in actions:
            state = apply(begin, action, types)
            if state is not None and state.ids not in found and judge(state, snippet.text).ok:
                found[state.ids] = state
    return list(found.values())


def drawn(fixes: Sequence[State], seed: int) -> State | None:
    """Return one of the fixes at random."""
    return random.Random(seed).choice(fixes) if fixes else None


class RuleRanking:
    """Ranks edits by hand: near the critic's place, closing and separating signs before others, for any language."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        likely = (",", ":", ")", "]", "}", ";", '"', "(", "[", "{", "=", ">", "/>")
        self.tokens = [(vocabulary.index[sign], 0.15 * n) for n, sign in enumerate(likely) if sign in vocabulary.index]
        seen = {number for number, _ in self.tokens}
        self.tokens += [(n, 3.0) for n in range(4, len(vocabulary)) if n not in seen]

    def __call__(self, asked: Sequence[Asked], most: int) -> list[list[tuple[float, int]]]:
        """Return each state's ``most`` likely actions with their scores, likeliest first."""
        return [self._one(each, most) for each in asked]

    def _one(self, asked: Asked, most: int) -> list[tuple[float, int]]:
        types, ids = len(self.vocabulary), asked.state.ids
        missing = self._missing(ids)
        found: list[tuple[float, int]] = []
        for place in range(len(ids) + 1):
            off = abs(place - asked.place) if asked.place >= 0 else 0
            if off > 12 and place < len(ids) - 2:
                continue
            base, away = place * (2 * types + 1), -0.4 * min(off, 12)
            begins = place > 0 and ids[place - 1] == self.vocabulary.newline  # a sign rather ends the line before
            found += [(away - cost - begins - (0 if token in missing or not missing else 1.5), base + token)
                      for token, cost in self.tokens[:40]]  # fmt: skip
            if place < len(ids):
                found.append((away - 1.2, base + 2 * types))
                found += [(away - 2.5 - cost, base + types + token) for token, cost in self.tokens[:40]]
        found.sort(key=lambda pair: (-pair[0], pair[1]))
        norm = math.log(sum(math.exp(score) for score, _ in found)) if found else 0.0
        return [(score - norm, action) for score, action in found[:most]]

    def _missing(self, ids: Sequence[int]) -> set[int]:
        stack: list[int] = []
        for number in ids:
            if number in self.vocabulary.opening:
                stack.append(self.vocabulary.opening[number])
            elif number in self.vocabulary.closing and stack:
                stack.pop()
        return {number for number, kind in self.vocabulary.closing.items() if stack and kind == stack[-1]}
