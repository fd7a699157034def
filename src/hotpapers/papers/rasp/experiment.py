"""What the claims share: a training in a run of its own, and how much of attention lies where a selector chooses."""

from typing import NamedTuple

import torch
from torch import Tensor

from hotpapers.papers.rasp.model import PADDING, Encoder
from hotpapers.papers.rasp.tasks import IGNORED, TASKS, Data, make_data
from hotpapers.papers.rasp.train import Config, accuracy, fit, make_test_data, paper_configs
from hotpapers.run import Run


class Trained(NamedTuple):
    """A trained model and its token accuracy on strings that it was not trained or chosen on."""

    model: Encoder
    accuracy: float


def learn(config: Config, run: Run, seed: int, *, search: bool = False) -> Trained:
    """Train in a run inside ``run``; with ``search``, at each of the paper's rates, keeping the best on validation."""
    best: tuple[float, Encoder] | None = None
    for each in paper_configs(config) if search else (config,):
        with run.inner(seed) as inner:
            model = fit(each, inner).eval()
        score = 0.0
        if search:
            validation = make_data(TASKS[config.task], 1000, letters=config.letters, max_length=config.max_length,
                                   seed=3 * seed + 1)  # fmt: skip
            score = accuracy(model, validation)
        if best is None or score > best[0]:
            best = score, model
    assert best is not None
    return Trained(best[1], accuracy(best[1], make_test_data(config, seed)))


def guessed(config: Config, seed: int) -> float:
    """Return the token accuracy of the value that a token most often has at its position in the training strings."""
    task = TASKS[config.task]
    data = make_data(task, config.samples, letters=config.letters, max_length=config.max_length, seed=3 * seed)
    test = make_test_data(config, seed)
    tokens, positions = len(task.vocabulary(config.letters)) + 1, data.tokens.shape[1]
    counts = torch.zeros(tokens, positions, len(task.outputs(config.letters, config.max_length)))
    there = data.targets != IGNORED
    place = torch.arange(positions).expand_as(data.tokens)
    counts.index_put_((data.tokens[there], place[there], data.targets[there]), torch.tensor(1.0), accumulate=True)
    there = test.targets != IGNORED
    place = torch.arange(positions).expand_as(test.tokens)
    guess = counts.argmax(dim=-1)[test.tokens, place]
    return float((guess == test.targets)[there].float().mean())


@torch.no_grad()
def chosen_share(model: Encoder, data: Data) -> list[list[float]]:
    """Return, for each layer and designated head, the mean share of attention on what its selector chooses.

    Rows in which nothing is chosen are left out, as attention must go somewhere.
    """
    patterns = model(data.tokens.to(model.positions.device))[1]
    return [
        [_share(weights[:, head].cpu(), wanted[:, head]) for head in range(min(weights.shape[1], wanted.shape[1]))]
        for weights, wanted in zip(patterns, data.selectors, strict=False)
    ]


def uniform_share(data: Data) -> list[list[float]]:
    """Return the same of attention that is spread evenly over each string."""
    there = (data.tokens != PADDING).float()
    even = (there / there.sum(dim=1, keepdim=True))[:, None].expand(-1, there.shape[1], -1)
    return [[_share(even, layer[:, head]) for head in range(layer.shape[1])] for layer in data.selectors]


def _share(weights: Tensor, wanted: Tensor) -> float:
    chosen = wanted > 0
    rows = chosen.any(dim=-1)
    return float((weights * chosen).sum(dim=-1)[rows].mean())
