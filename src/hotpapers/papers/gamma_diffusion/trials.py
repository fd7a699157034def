"""Trials: the trainings and measurements on Fashion-MNIST that the claims share, each done once in a process."""

import dataclasses
from typing import NamedTuple

import torch
from torch.nn import functional as F

from hotpapers.cards import Scale
from hotpapers.datasets import fashion_mnist
from hotpapers.papers.gamma_diffusion.contest import Seen, Way, contenders, made, real, seen
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.learning import PRESETS, Config
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.pictures import Pictures
from hotpapers.papers.gamma_diffusion.residuals import Fit, fit_all, residuals
from hotpapers.run import Run

GAUSSIAN, MIXTURE = Law("gaussian"), Law("mog")
GAMMAS = tuple(Law("gamma", theta_0) for theta_0 in (0.001, 0.01, 0.1))
LAWS = (GAUSSIAN, *GAMMAS, MIXTURE)
CONTROL = Law("gamma", 1e-6)
"""Less than 4e-9 nats from the Gaussian, but drawn in another way: what it changes is chance."""


class Budget(NamedTuple):
    """The training of each network, and how many images are drawn each way."""

    config: Config
    images: int
    further: tuple[int, ...]  # steps beyond 10 and 20, for the first seed


BUDGETS: dict[Scale, Budget] = {
    "smoke": Budget(dataclasses.replace(PRESETS["tiny"], steps=2, batch=4), 8, ()),
    "laptop": Budget(dataclasses.replace(PRESETS["tiny"], steps=1_000, batch=32), 500, (50, 100)),
    "paper": Budget(dataclasses.replace(PRESETS["grey"], width=128, steps=200_000, batch=128, learning_rate=2e-4,
                                        average=0.9999), 10_000, (50, 100, 1000)),
}  # fmt: skip

_MODELS: dict[tuple[Scale, Law, int], GammaDiffusion] = {}
_SEEN: dict[tuple[Scale, Law, int, Way], Seen] = {}
_REAL: dict[tuple[Scale, str], Seen] = {}
_PICTURES: dict[tuple[Scale, str], Pictures] = {}


def pictures(scale: Scale, split: str) -> Pictures:
    """Return Fashion-MNIST's images at the size of the scale; made-up ones for the smoke test."""
    if (scale, split) not in _PICTURES:
        size = BUDGETS[scale].config.size
        if scale == "smoke":
            pixels = torch.randint(256, (64, 1, size, size), generator=torch.Generator().manual_seed(0)).byte()
        else:
            images = torch.from_numpy(fashion_mnist("train" if split == "train" else "test")[0])[:, None]
            pixels = F.avg_pool2d(images.float(), 28 // size).round().byte()
        _PICTURES[scale, split] = Pictures(pixels)
    return _PICTURES[scale, split]


def model_of(scale: Scale, law: Law, seed: int, run: Run) -> GammaDiffusion:
    """Return the network that was trained with a law from a seed."""
    if (scale, law, seed) not in _MODELS:
        for _, _, model in contenders(pictures(scale, "train"), BUDGETS[scale].config, [law], [seed], run):
            _MODELS[scale, law, seed] = model
    return _MODELS[scale, law, seed]


def distance(scale: Scale, law: Law, seed: int, way: Way, run: Run, split: str = "test") -> float:
    """Return the Fréchet distance of what a network makes to the test images, or to the training images."""
    key = (scale, law, seed, way)
    if key not in _SEEN:
        _SEEN[key] = seen(made(model_of(scale, law, seed, run), way, BUDGETS[scale].images, seed))
    if (scale, split) not in _REAL:
        _REAL[scale, split] = seen(real(pictures(scale, split), 10_000))
    return _SEEN[key].distance(_REAL[scale, split])


def table(scale: Scale, run: Run) -> dict[str, dict[str, float]]:
    """Return what has been measured against the test images so far, by law and seed, and by way."""
    rows: dict[str, dict[str, float]] = {}
    for known, law, seed, way in list(_SEEN):
        if known == scale:
            rows.setdefault(f"{law}, seed {seed}", {})[str(way)] = distance(scale, law, seed, way, run)
    return rows


def fits(scale: Scale, seed: int, run: Run) -> dict[int, list[Fit]]:
    """Return the laws fitted to a Gaussian network's residuals at each of its steps."""
    model, count = model_of(scale, GAUSSIAN, seed, run), 8 if scale == "smoke" else 128
    start = torch.randn(count, model.channels, model.size, model.size,
                        generator=torch.Generator().manual_seed(seed + 20_000))  # fmt: skip
    times, values = residuals(model, start.to(model.device), 5 if scale == "smoke" else 50, seed)
    return {t: fit_all(each) for t, each in zip(times, values, strict=True)}
