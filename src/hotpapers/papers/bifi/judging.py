"""Judging edited tokens: what the critic says of a state, and at which of its tokens."""

import bisect
import functools
from typing import NamedTuple

from hotpapers.papers.bifi.critics import Critic, Verdict
from hotpapers.papers.bifi.edits import State, start
from hotpapers.papers.bifi.layout import Writer, locate, plain
from hotpapers.papers.bifi.vocabulary import Vocabulary

REMEMBERED = 200_000


class Judged(NamedTuple):
    """A verdict, and the token at which the critic objects (−1: it does not)."""

    verdict: Verdict
    place: int

    @property
    def ok(self) -> bool:
        """Whether the critic has nothing to object."""
        return self.verdict.ok


class Snippet(NamedTuple):
    """A piece of code as tokens, with its text where the critic must see that."""

    ids: tuple[int, ...]
    text: str = ""


class Judge:
    """A critic for states of tokens.

    Where the critic judges alike whatever names, numbers and strings are, states are judged by their tokens alone and
    verdicts are remembered; else the text is written out as the source of the state has it.
    """

    def __init__(self, critic: Critic, vocabulary: Vocabulary) -> None:
        self.critic, self.vocabulary = critic, vocabulary
        self.abstract = critic.abstract and critic.language == vocabulary.language and vocabulary.form == "abstract"
        self._known: dict[tuple[int, ...], Judged] = {}
        self._writer = functools.lru_cache(maxsize=256)(self._make_writer)

    def __call__(self, state: State, text: str = "") -> Judged:
        """Judge a state of a source with that ``text``."""
        if not self.abstract:
            return self.text(self.write(state, text), len(state.ids))
        known = self._known.get(state.ids)
        if known is None:
            verdict = self.critic(plain(state, self.vocabulary))
            place = -1 if verdict.ok else locate(state, self.vocabulary, verdict.line, verdict.column)
            known = Judged(verdict, place)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[state.ids] = known
        return known

    def snippet(self, snippet: Snippet) -> Judged:
        """Judge a snippet as it is."""
        return self(start(snippet.ids), snippet.text)

    def read(self, code: str) -> Snippet:
        """Return code as a snippet."""
        return Snippet(tuple(self.vocabulary.encode(self.vocabulary.tokens(code))), "" if self.abstract else code)

    def settle(self, state: State, text: str = "") -> Snippet:
        """Return an edited state as a snippet of its own."""
        return Snippet(state.ids) if self.abstract else self.read(self.write(state, text))

    def write(self, state: State, text: str) -> str:
        """Return the text of a state."""
        return self._writer(text).write(state)

    def text(self, code: str, most: int) -> Judged:
        """Judge a text that has been cut into ``most`` tokens."""
        verdict = self.critic(code)
        if verdict.ok:
            return Judged(verdict, -1)
        return Judged(verdict, min(token_at(code, verdict, self.vocabulary), max(0, most - 1)))

    def _make_writer(self, text: str) -> Writer:
        return Writer(text, self.vocabulary.tokens(text), self.vocabulary)


def token_at(code: str, verdict: Verdict, vocabulary: Vocabulary) -> int:
    """Return the token in which the place of a verdict lies."""
    lines = code.split("\n")
    row = min(max(1, verdict.line), len(lines)) - 1
    offset = sum(len(line) + 1 for line in lines[:row]) + min(verdict.column, len(lines[row]))
    starts = [token.start for token in vocabulary.tokens(code)]
    return max(0, bisect.bisect_right(starts, offset) - 1)


def bracket_states(ids: tuple[int, ...], vocabulary: Vocabulary) -> list[int]:
    """Return how the brackets stand at each token, and at the end after them.

    0 outside, 1 to 3 inside of ( [ {; a bracket itself: 4 opens, 5 is never closed, 6 closes, 7 closes nothing.
    """
    kinds, closing = vocabulary.opening, vocabulary.closing
    states: list[int] = []
    stack: list[tuple[int, int]] = []
    for place, number in enumerate(ids):
        if number in kinds:
            stack.append((kinds[number], place))
            states.append(5)
        elif number in closing:
            if stack and stack[-1][0] == closing[number]:
                states[stack.pop()[1]] = 4
                states.append(6)
            else:
                states.append(7)
        else:
            states.append(stack[-1][0] if stack else 0)
    states.append(stack[-1][0] if stack else 0)
    return states
