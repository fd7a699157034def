"""Repair with the edit model: edits are proposed, ranked, applied and proposed again; the critic guides and decides.

``verified`` keeps only what the critic accepts, the moment that it does. Otherwise the model itself says when it is
done, as a fixer does that is judged by its best hypothesis, and as a breaker does.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from hotpapers.papers.bifi.edits import LIMIT, State, apply, loses, start
from hotpapers.papers.bifi.judging import Judge, Snippet, bracket_states
from hotpapers.papers.bifi.model import END, EditModel

BATCH = 128


class Found(NamedTuple):
    """A hypothesis: edited tokens, their log-probability, and whether the critic accepts them (if it was asked)."""

    state: State
    score: float
    ok: bool | None


class Asked(NamedTuple):
    """What the model is told of a state: where the critic objects, and to what."""

    state: State
    place: int = -1
    kind: int = 0


@torch.no_grad()
def propose(
    model: EditModel,
    sources: Sequence[Snippet],
    judge: Judge | None,
    *,
    n: int = 5,
    beam: int = 5,
    edits: int = LIMIT,
    verified: bool = True,
    checks: int = 200,
    keep_words: bool = False,
) -> list[list[Found]]:
    """Return up to ``n`` hypotheses for each source, best first, by beam search over edits.

    Parameters
    ----------
    judge
        Tells the model where the critic objects; ``None`` for a breaker, which is told nothing.
    beam
        States that are kept after each edit, and twice as many edits of each are looked at.
    edits
        The most edits.
    verified
        Whether only what the critic accepts counts.
    checks
        The most that the critic is asked about one source in one step.
    keep_words
        Delete and replace no name, number, string or keyword.
    """
    model.eval()
    live: list[list[tuple[State, float]]] = [[(start(source.ids), 0.0)] for source in sources]
    done: list[dict[tuple[int, ...], Found]] = [{} for _ in sources]
    for step in range(edits + 1):
        turn = [(number, state, score) for number, states in enumerate(live) for state, score in states]
        if not turn or (verified and step == edits):
            break
        asked = [_ask(state, judge, sources[number].text) for number, state, _ in turn]
        ranked = rank(model, asked, checks if verified and beam > 1 else 2 * beam + 2)
        pool: list[dict[tuple[int, ...], tuple[State, float]]] = [{} for _ in sources]
        for (number, state, score), actions in zip(turn, ranked, strict=True):
            for logp, action in actions:
                if keep_words and loses(state, action, len(model.vocabulary), model.vocabulary.words):
                    continue
                after = apply(state, action, len(model.vocabulary))
                if after is None:
                    if not verified and action % (2 * len(model.vocabulary) + 1) == 2 * len(model.vocabulary):
                        _keep(done[number], Found(state, score + logp, None))
                elif step < edits:
                    old = pool[number].get(after.ids)
                    if old is None or old[1] < score + logp:
                        pool[number][after.ids] = (after, score + logp)
        for number, found in enumerate(pool):
            best = sorted(found.values(), key=lambda pair: -pair[1])
            if verified and judge is not None:
                best = _verify(best, judge, done[number], n, checks, sources[number].text)
            worst = sorted((each.score for each in done[number].values()), reverse=True)[n - 1 : n]
            live[number] = [pair for pair in best[:beam] if not worst or pair[1] > worst[0]]
    return [sorted(each.values(), key=lambda found: -found.score)[:n] for each in done]


def _keep(done: dict[tuple[int, ...], Found], found: Found) -> None:
    old = done.get(found.state.ids)
    if old is None or old.score < found.score:
        done[found.state.ids] = found


def _verify(
    best: list[tuple[State, float]], judge: Judge, done: dict[tuple[int, ...], Found], n: int, checks: int, text: str
) -> list[tuple[State, float]]:
    """Move what the critic accepts to ``done``, in order of rank; return the rest."""
    left = []
    for asked, (state, score) in enumerate(best):
        if asked >= checks or len(done) >= n:
            left.extend(best[asked:])
            break
        if judge(state, text).ok:
            _keep(done, Found(state, score, True))
        else:
            left.append((state, score))
    return left


def _ask(state: State, judge: Judge | None, text: str) -> Asked:
    if judge is None:
        return Asked(state)
    judged = judge(state, text)
    return Asked(state, judged.place, judged.verdict.kind)


@torch.no_grad()
def rank(model: EditModel, asked: Sequence[Asked], most: int) -> list[list[tuple[float, int]]]:
    """Return each state's ``most`` likely actions with their log-probabilities, likeliest first."""
    order = sorted(range(len(asked)), key=lambda number: len(asked[number].state.ids))
    ranked: list[list[tuple[float, int]]] = [[] for _ in asked]
    for begin in range(0, len(order), BATCH):
        chosen = order[begin : begin + BATCH]
        logits = model(**tensors([asked[number] for number in chosen], model))
        logps, actions = logits.log_softmax(-1).topk(min(most, logits.shape[1]))
        for number, row, names in zip(chosen, logps.tolist(), actions.tolist(), strict=True):
            ranked[number] = list(zip(row, names, strict=True))
    return ranked


@torch.no_grad()
def sample(
    model: EditModel, sources: Sequence[Snippet], generator: torch.Generator, *, edits: int = LIMIT
) -> list[State]:
    """Draw one sequence of edits for each source, as a breaker does; what is not done after ``edits`` ends there."""
    model.eval()
    states = [start(source.ids) for source in sources]
    live = list(range(len(states)))
    for _ in range(edits):
        going = []
        order = sorted(live, key=lambda number: len(states[number].ids))
        for begin in range(0, len(order), BATCH):
            chosen = order[begin : begin + BATCH]
            logits = model(**tensors([Asked(states[number]) for number in chosen], model))
            drawn = torch.multinomial(logits.softmax(-1), 1, generator=generator).flatten().tolist()
            for number, action in zip(chosen, drawn, strict=True):
                after = apply(states[number], action, len(model.vocabulary))
                if after is not None and after.ids:
                    states[number] = after
                    going.append(number)
        live = going
    return states


def tensors(asked: Sequence[Asked], model: EditModel) -> dict[str, torch.Tensor]:
    """Return the model's input for states, padded to the longest."""
    longest = max(len(each.state.ids) for each in asked) + 1
    ids = torch.zeros(len(asked), longest, dtype=torch.long)
    brackets = torch.zeros(len(asked), longest, dtype=torch.long)
    for row, each in enumerate(asked):
        n = len(each.state.ids)
        ids[row, : n + 1] = torch.tensor([*each.state.ids, END])
        brackets[row, : n + 1] = torch.tensor(bracket_states(each.state.ids, model.vocabulary))
    device = model.where.weight.device
    place = torch.tensor([each.place for each in asked])
    kind = torch.tensor([each.kind for each in asked])
    return {name: value.to(device) for name, value in
            {"ids": ids, "brackets": brackets, "place": place, "kind": kind}.items()}  # fmt: skip
