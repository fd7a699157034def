"""Learning from pairs: how a pair becomes examples of single edits, or of whole sequences, and the training loop."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hotpapers.papers.bifi.edits import apply, script, start, stop
from hotpapers.papers.bifi.judging import Judge
from hotpapers.papers.bifi.model import END, START, EditModel, Transformer
from hotpapers.papers.bifi.pairs import Pair
from hotpapers.papers.bifi.repair import Asked, tensors
from hotpapers.run import Run

STOP_SHARE = {"fixer": 0.1, "breaker": 0.4}
"""How often an example is of being done: a fixer's critic says so as well, a breaker must know."""
UNTOLD = 0.1
"""How often the fixer is not told what the critic objects to, so that it can do without."""
POOL = 64
"""Batches that are sorted by length together."""


class Schedule(NamedTuple):
    """How long, on how much, and how fast: a rise over the first twentieth, then a cosine to a tenth."""

    steps: int
    batch: int = 64
    rate: float = 3e-3

    def factor(self, step: int) -> float:
        """Return the part of the rate at a step."""
        warm = max(1, self.steps // 20)
        if step < warm:
            return (step + 1) / warm
        return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))


class Example(NamedTuple):
    """A state with what the critic says of it, and the edit that comes next."""

    asked: Asked
    action: int


def edit_example(pair: Pair, judge: Judge | None, types: int, chance: random.Random) -> Example | None:
    """Return one of the edits between the two sides of a pair, told where the critic objects, or being done.

    With a judge it is the fixer's way, from broken to good; without, the breaker's.
    """
    source, target = (pair.bad, pair.good) if judge else (pair.good, pair.bad)
    actions = script(source.ids, target.ids, types)
    if not actions:
        return None
    done = chance.random() < STOP_SHARE["fixer" if judge else "breaker"]
    after = len(actions) if done else chance.randrange(len(actions))
    state = start(source.ids)
    for action in actions[:after]:
        state = apply(state, action, types) or state
    if judge is None:
        asked = Asked(state)
    else:
        judged = judge(state, source.text)
        asked = Asked(state, judged.place, judged.verdict.kind if chance.random() > UNTOLD else 0)
    return Example(asked, stop(len(state.ids), types) if done else actions[after])


def learn_edits(
    model: EditModel, pairs: Sequence[Pair], judge: Judge | None, schedule: Schedule, run: Run, name: str, seed: int
) -> EditModel:
    """Train an edit model on pairs: as a fixer with a judge, without as a breaker."""
    types = len(model.vocabulary)

    def make(some: Sequence[Pair], chance: random.Random) -> list[Example]:
        return [example for pair in some if (example := edit_example(pair, judge, types, chance))]

    def collate(some: Sequence[Example]) -> dict[str, Tensor]:
        return {**tensors([each.asked for each in some], model),
                "action": torch.tensor([each.action for each in some]).to(run.device)}  # fmt: skip

    with run.stage(name):
        optimiser = torch.optim.AdamW(model.parameters(), schedule.rate, betas=(0.9, 0.98), weight_decay=1e-4)
        rates = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule.factor)
        model, optimiser, rates = run.setup(model, optimiser, rates)
        model.train()
        first: list[Iterator[list[Example]]] = []
        for step in run.steps(schedule.steps):
            if not first:
                first.append(_endless(pairs, make, lambda e: len(e.asked.state.ids), schedule.batch, seed, step))
            loss = model.loss(collate(next(first[0])))
            _step(loss, model, optimiser, rates, run)
    return model.eval()


def learn_sequences(
    model: Transformer, pairs: Sequence[Pair], fixer: bool, schedule: Schedule, run: Run, name: str, seed: int,
    optimiser_of: Callable[[Transformer], tuple[Any, Any]] | None = None, parts: int = 1,
) -> Transformer:  # fmt: skip
    """Train the Transformer on pairs, from broken to good or the other way; ``parts`` batches make a step."""

    def make(some: Sequence[Pair], _: random.Random) -> list[Pair]:
        return list(some)

    def collate(some: Sequence[Pair]) -> dict[str, Tensor]:
        sides = [(pair.bad, pair.good) if fixer else (pair.good, pair.bad) for pair in some]
        return {"source": pad([[*a.ids, END] for a, _ in sides]).to(run.device),
                "target": pad([[START, *b.ids, END] for _, b in sides]).to(run.device)}  # fmt: skip

    with run.stage(name):
        if optimiser_of is None:
            optimiser: Any = torch.optim.AdamW(model.parameters(), schedule.rate, betas=(0.9, 0.98), weight_decay=1e-4)
            rates: Any = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule.factor)
        else:
            optimiser, rates = optimiser_of(model)
        model, optimiser, rates = run.setup(model, optimiser, rates)
        model.train()
        first: list[Iterator[list[Pair]]] = []
        for step in run.steps(schedule.steps):
            if not first:
                first.append(_endless(pairs, make, lambda p: len(p.bad.ids), schedule.batch, seed, step * parts))
            losses = [model.loss(collate(next(first[0]))) / parts for _ in range(parts)]
            _step(torch.stack(losses).sum(), model, optimiser, rates, run)
    return model.eval()


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return rows of numbers as one tensor, padded to the longest."""
    out = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for row, values in enumerate(rows):
        out[row, : len(values)] = torch.tensor(list(values))
    return out


def _step(loss: Tensor, model: Any, optimiser: Any, rates: Any, run: Run) -> None:
    optimiser.zero_grad()
    run.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    rates.step()
    run.log(loss=loss.detach())


def _endless(
    pairs: Sequence[Pair], make: Callable[[Sequence[Pair], random.Random], list[Any]], length: Callable[[Any], int],
    batch: int, seed: int, done: int,
) -> Iterator[list[Any]]:  # fmt: skip
    """Yield batches of like length, over and over, from batch ``done`` on: what follows depends on the seed alone."""
    number = 0
    for epoch in range(1 << 30):
        order = list(range(len(pairs)))
        random.Random(f"{seed} {epoch}").shuffle(order)
        for begin in range(0, len(order), batch * POOL):
            chance = random.Random(f"{seed} {epoch} {begin}")
            some = [pairs[place] for place in order[begin : begin + batch * POOL]]
            count = math.ceil(len(some) / batch)
            if number + count <= done:
                number += count  # nothing is made of what a resumed training has seen
                continue
            made = sorted(make(some, chance), key=length)
            batches = [made[at : at + batch] for at in range(0, len(made), batch)]
            batches += [made[:batch]] * (count - len(batches))
            chance.shuffle(batches)
            for each in batches:
                number += 1
                if number > done and each:
                    yield each
