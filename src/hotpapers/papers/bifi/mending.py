"""Mending a text: the critic says where, the ranking says what, and only what the critic then accepts is a fix.

A file may be long and have many errors. Each is mended in a window around it, by at most four edits; a fix that the
critic does not accept whole, but that moves its first objection to a later line, is gone on from.
"""

import difflib
import functools
import io
import itertools
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from hotpapers.papers.bifi.critics import Critic, Verdict
from hotpapers.papers.bifi.edits import LIMIT, State, apply, loses, start
from hotpapers.papers.bifi.judging import bracket_states, token_at
from hotpapers.papers.bifi.layout import Writer
from hotpapers.papers.bifi.model import EditModel
from hotpapers.papers.bifi.repair import Asked, rank
from hotpapers.papers.bifi.tokens import Token
from hotpapers.papers.bifi.vocabulary import Vocabulary

BEFORE, AFTER = 100, 60
"""Tokens of the window before and after the critic's place."""
WIDEST = 2000
"""Tokens of the widest window: a line that has more is data, and would take minutes."""
CHECKS = (200, 80, 60, 40)
"""Candidates of each depth that the critic sees."""
BEAM = 4
SHORT, LONG = 2000, 40_000
"""Characters from which a statement is mended by itself, and from which a tenth of the candidates is tried."""
GOES_ON = ("else", "elif", "except", "finally", ")", "]", "}")
"""What begins a line at the margin without beginning a statement."""
SPELLINGS = str.maketrans({"\xa0": " ", "\u200b": None, "\ufeff": None, "‘": "'", "’": "'", "“": '"', "”": '"',
                           "–": "-", "−": "-", "，": ",", "：": ":", "；": ";", "（": "(", "）": ")"})  # fmt: skip
"""What pages and word processors put in the place of the signs that a parser knows."""
LOSS = 2.0
"""What it costs, in nats, to delete or replace a word that was written: a fix should lose nothing of what was said."""
Ranking = Callable[[Sequence[Asked], int], list[list[tuple[float, int]]]]


class Fix(NamedTuple):
    """A text that the critic accepts, the edits that made it, and the log-probability of them."""

    code: str
    edits: int
    score: float


class _Candidate(NamedTuple):
    score: float
    code: str
    verdict: Verdict
    edits: int


def model_ranking(model: EditModel) -> Ranking:
    """Return the ranking by a trained model."""
    return functools.partial(rank, model)


def mend(
    code: str,
    critic: Critic,
    ranking: Ranking,
    vocabulary: Vocabulary,
    *,
    n: int = 1,
    edits: int = LIMIT,
    places: int = 100,
) -> list[Fix]:
    """Return up to ``n`` verified fixes of ``code``, likeliest first; none where none is found.

    Parameters
    ----------
    n
        How many; after the first place that needs mending only the best is gone on from.
    edits
        The most edits at one place.
    places
        The most places that are mended in one text.
    """
    verdict = critic(code)
    done, score = 0, 0.0
    for _ in range(places):
        if verdict.ok:
            return [Fix(code, done, score)]
        if (apart := _mend_statement(code, verdict, critic, ranking, vocabulary, edits, places)) is not None:
            code, verdict, done, score = apart.code, apart.verdict, done + apart.edits, score + apart.score
            continue
        found = _mend_place(code, verdict, critic, ranking, vocabulary, n, edits)
        whole = [each for each in found if each.verdict.ok]
        if whole:
            return [Fix(each.code, done + each.edits, score + each.score) for each in whole[:n]]
        if not found:
            return []
        best = max(found, key=lambda each: each.score + math.log(each.verdict.line))  # further is better
        code, verdict, done, score = best.code, best.verdict, done + best.edits, score + best.score
    return []


def difference(before: str, after: str, name: str) -> str:
    """Return a unified diff that ``patch`` and ``git apply`` take."""
    # Lines end where patch and git end them: not at form feeds, nor at carriage returns alone.
    sides = [list(io.StringIO(text, newline="\n")) for text in (before, after)]
    lines = difflib.unified_diff(*sides, f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def window(code: str, verdict: Verdict, vocabulary: Vocabulary) -> tuple[int, int]:
    """Return where the window around the critic's place begins and ends: whole lines of tokens."""
    tokens = vocabulary.tokens(code)
    if len(tokens) <= BEFORE + AFTER:
        return 0, len(code)
    place = token_at(code, verdict, vocabulary)
    breaks = [number for number, token in enumerate(tokens) if token.kind == "NEWLINE"]
    first = max((b for b in breaks if b < place - BEFORE), default=None)
    last = min((b for b in breaks if b >= place + AFTER), default=None)
    return tokens[first].end if first is not None else 0, tokens[last].end if last is not None else len(code)


def _mend_statement(
    code: str, verdict: Verdict, critic: Critic, ranking: Ranking, vocabulary: Vocabulary, edits: int, places: int
) -> _Candidate | None:
    """Mend the statement at the margin in which the critic objects by itself: to parse it is soon done."""
    begin, end = _statement(code, verdict, vocabulary)
    part = code[begin:end]
    if len(code) < SHORT or len(part) > 0.7 * len(code) or critic(part).ok:
        return None
    for fix in mend(part, critic, ranking, vocabulary, edits=edits, places=places):
        text = code[:begin] + fix.code + code[end:]
        said = critic(text)
        if said.ok or _moved_on(verdict, said, text.count("\n") - code.count("\n")):
            return _Candidate(fix.score, text, said, fix.edits)
    return None


def _statement(code: str, verdict: Verdict, vocabulary: Vocabulary) -> tuple[int, int]:
    """Return where the statement at the margin begins that the critic's place is in, and where the next one does."""
    if vocabulary.language != "python":
        return 0, len(code)
    tokens = vocabulary.tokens(code)
    place = tokens[token_at(code, verdict, vocabulary)].start if tokens else 0
    starts = [
        after.start
        for before, after in itertools.pairwise(tokens)
        if before.kind in ("NEWLINE", "DEDENT") and after.end > after.start and code[after.start - 1] == "\n"
        and after.text not in GOES_ON
    ]  # fmt: skip
    begin = max((start for start in starts if start <= place), default=0)
    return begin, min((start for start in starts if start > place), default=len(code))


def _mend_place(
    code: str, verdict: Verdict, critic: Critic, ranking: Ranking, vocabulary: Vocabulary, n: int, edits: int
) -> list[_Candidate]:
    begin, end = window(code, verdict, vocabulary)
    part = code[begin:end]
    tokens = vocabulary.tokens(part)
    if len(tokens) > WIDEST:
        return []
    writer = Writer(part, tokens, vocabulary)
    state = start(vocabulary.encode(tokens))
    asked = Asked(state, _place(code, verdict, begin, vocabulary, len(tokens)), verdict.kind)
    texts = [writer.write(each, tidy=tidy) for each, tidy in _suggested(asked, verdict, vocabulary)]
    texts += _respelled(part, tokens, verdict)
    found = _accepted([code[:begin] + text + code[end:] for text in texts], critic, verdict)
    if sum(each.verdict.ok for each in found) >= n:
        return found
    checks = [most // 10 if len(code) > LONG else most for most in CHECKS]
    unmatched, seen = _unmatched(state, vocabulary), {_spaceless(each.code) for each in found}
    live: list[tuple[Asked, float]] = [(asked, 0.0)]
    for depth in range(edits):
        pool = _children(live, ranking, vocabulary, checks[min(depth, len(checks) - 1)])
        left: list[tuple[Asked, float]] = []
        for child, score in pool[: checks[min(depth, len(checks) - 1)]]:
            text = code[:begin] + writer.write(child) + code[end:]
            said = critic(text)
            gone_on = _moved_on(verdict, said, text.count("\n") - code.count("\n"))
            if (said.ok and _spaceless(text) not in seen) or (gone_on and _unmatched(child, vocabulary) <= unmatched):
                seen.add(_spaceless(text))
                found.append(_Candidate(score, text, said, depth + 1))
                if sum(each.verdict.ok for each in found) >= n:
                    return sorted(found, key=lambda each: -each.score)
            elif not said.ok and len(left) < BEAM:
                left.append((Asked(child, _place(text, said, begin, vocabulary, len(child.ids)), said.kind), score))
        live = left
        best = sorted((each.score for each in found), reverse=True)[:n]
        if not live or (len(best) == n and best[-1] > live[0][1]):
            break  # edits only ever make a hypothesis less likely
    return sorted(found, key=lambda each: -each.score)


def _children(
    live: Sequence[tuple[Asked, float]], ranking: Ranking, vocabulary: Vocabulary, most: int
) -> list[tuple[State, float]]:
    pool: dict[tuple[int, ...], tuple[State, float]] = {}
    for (asked, score), actions in zip(live, ranking([each for each, _ in live], most), strict=True):
        for logp, action in actions:
            state = apply(asked.state, action, len(vocabulary))
            if state is None or not state.ids:
                continue
            logp -= LOSS * loses(asked.state, action, len(vocabulary), vocabulary.words)
            if pool.get(state.ids, (state, -1e9))[1] < score + logp:
                pool[state.ids] = (state, score + logp)
    return sorted(pool.values(), key=lambda pair: -pair[1])


def _suggested(asked: Asked, verdict: Verdict, vocabulary: Vocabulary) -> list[tuple[State, bool]]:
    """Return what the critic's own message suggests, and whether to indent each line as its block is.

    A call without brackets, as Python 2 prints, gets them; the name of a caught exception, as Python 2 writes it after
    a comma, gets its ``as``; what only its indentation is wrong with is tidied.
    """
    if verdict.message.startswith("Missing parentheses in call to") and "(" in vocabulary.index:
        ids, types = asked.state.ids, 2 * len(vocabulary) + 1
        rest = ids[asked.place + 1 :]
        last = next((n for n, number in enumerate(rest) if number == vocabulary.newline), len(rest))
        opened = apply(asked.state, (asked.place + 1) * types + vocabulary.index["("], len(vocabulary))
        assert opened is not None
        closed = apply(opened, (asked.place + 2 + last) * types + vocabulary.index[")"], len(vocabulary))
        return [(closed, False)] if closed else []
    if verdict.message.startswith("multiple exception types"):
        ids, types, index = asked.state.ids, 2 * len(vocabulary) + 1, vocabulary.index
        comma = next((n for n in range(asked.place, len(ids) - 1) if ids[n] in (index[","], vocabulary.newline)), 0)
        named = apply(asked.state, comma * types + len(vocabulary) + index["as"], len(vocabulary))
        return [(named, False)] if named and ids[comma] == index[","] else []
    if "indent" in verdict.message or "tab" in verdict.message.lower():
        return [(asked.state, True)]
    return []


def _respelled(part: str, tokens: Sequence[Token], verdict: Verdict) -> list[str]:
    """Return the text with signs that no parser knows spelled as it does, outside of strings and comments."""
    if "character" not in verdict.message:
        return []
    pieces, last = [], 0
    for token in tokens:
        if token.kind == "BAD":
            pieces += [part[last : token.start], token.text.translate(SPELLINGS)]
            last = token.end
    text = "".join(pieces) + part[last:]
    return [text] if text != part else []


def _accepted(texts: Sequence[str], critic: Critic, verdict: Verdict) -> list[_Candidate]:
    judged = [(text, critic(text)) for text in texts]
    return [_Candidate(-0.1, text, said, 2) for text, said in judged if said.ok or _moved_on(verdict, said, 0)]


def _moved_on(before: Verdict, after: Verdict, lines: int) -> bool:
    """Whether the critic's first objection is now at a later line."""
    return after.line - max(0, lines) > before.line


def _spaceless(code: str) -> str:
    """Return code without spaces inside of lines: two fixes that differ in these alone are one."""
    return re.sub(r"(?<=\S)[ \t]+", "", code)


def _unmatched(state: State, vocabulary: Vocabulary) -> int:
    """Return how many brackets have no counterpart: who leaves more of them has only put the objection off."""
    return sum(each in (5, 7) for each in bracket_states(state.ids, vocabulary))


def _place(code: str, verdict: Verdict, begin: int, vocabulary: Vocabulary, count: int) -> int:
    """Return the critic's place as a token of the window."""
    lines = code[:begin].count("\n")
    inside = Verdict(verdict.message, verdict.line - lines, verdict.column)
    if inside.line < 1:
        return 0
    return min(token_at(code[begin:], inside, vocabulary), max(0, count - 1))


def safe_target(path: Path) -> Path:
    """Return where a patch of ``path`` is written when nothing else was said."""
    return path.with_name(f"{path.name}.patch")
