"""What the trained claims share: the drums, the judge, and one trained model for each schedule and seed.

Every model is trained once in a process, whichever claim asks for it first. A fifth of the sounds is held out: the
Fréchet distance is taken to it, and nothing is chosen by it.
"""

import dataclasses
import functools
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from hotpapers import datasets
from hotpapers.cards import Scale
from hotpapers.metrics import frechet_of
from hotpapers.papers.crash.drums import Drums, read_drums
from hotpapers.papers.crash.gan import WaveGan, fit_gan
from hotpapers.papers.crash.judge import Judge, fit_judge
from hotpapers.papers.crash.model import Crash, ScheduleName
from hotpapers.papers.crash.sampling import Sampler, draw
from hotpapers.papers.crash.train import PRESETS, Config, fit_classes, fit_sounds
from hotpapers.run import Run

T = TypeVar("T")
CLASSES = ("cymbal", "kick", "snare")
BATCH = 32  # sounds made at once


@dataclasses.dataclass(frozen=True)
class Settings:
    """The scale of the trained claims.

    Attributes
    ----------
    config
        Of the training with each schedule.
    longer
        Steps of the VP cosine's training for the claims that compare no schedules.
    judge_steps
        Of the judge's training.
    count
        Sounds that a Fréchet distance is taken of, and that are guided to each class.
    few, many
        Steps: few for DDIM and guidance, many for every sampler.
    inversion
        The steps that sounds are encoded and decoded in.
    sounds
        Sounds that are encoded, mended and varied.
    gan_rate
        The learning rate of the GAN: Donahue et al.'s, or for short trainings the best of four on a seed apart.
    """

    config: Config
    longer: int
    judge_steps: int
    count: int
    few: int
    many: int
    inversion: tuple[int, ...]
    sounds: int
    gan_rate: float = 1e-4


SETTINGS: dict[Scale, Settings] = {
    "smoke": Settings(
        Config("smoke", 2, 2, 11_025, 600, steps=2, classifier_steps=2, batch=4), 3, 4, 6, 2, 3, (2, 4), 2,
    ),
    "laptop": Settings(
        Config("laptop", 4, 4, 11_025, 2_700, steps=1_000, classifier_steps=1_500, batch=8),
        2_000, 400, 64, 10, 30, (25, 50, 100, 200), 8, gan_rate=2e-3,
    ),
    "paper": Settings(
        PRESETS["paper"],
        500_000, 5_000, 2_000, 50, 400, (25, 50, 100, 200), 64,
    ),
}  # fmt: skip


class Data(NamedTuple):
    """Sounds to learn from, sounds held out, and the judge of both."""

    learned: Drums
    held_out: Drums
    judge: Judge


class Trained(NamedTuple):
    """A model and the CPU seconds of its U-Net's training."""

    model: Crash
    seconds: float


_kept: dict[tuple[object, ...], object] = {}


def once(key: tuple[object, ...], make: Callable[[], T]) -> T:
    """Return what ``make`` gave the first time that it was asked for under ``key`` in this process."""
    if key not in _kept:
        _kept[key] = make()
    return _kept[key]  # type: ignore[return-value]


@functools.cache
def data(scale: Scale) -> Data:
    """Return the drums of a scale, made-up ones at smoke scale, and a judge that learned from the same four fifths."""
    config = SETTINGS[scale].config
    if scale == "smoke":
        drums = made_up(config.rate, config.length)
    else:
        drums = read_drums(datasets.drum_machines(), config.rate, config.length, CLASSES)
    out = torch.tensor([_held_out(sound) for sound in drums.sounds])
    learned, held_out = _part(drums, ~out), _part(drums, out)
    judge = fit_judge(learned.sounds, learned.labels, CLASSES, config.rate, steps=SETTINGS[scale].judge_steps)
    return Data(learned, held_out, judge)


def _held_out(sound: Tensor) -> bool:
    """Whether a sound is one of the fifth: told by its samples, so that equal ones stay on one side."""
    return hashlib.sha256(sound.numpy().tobytes()).digest()[0] < 51


def _part(drums: Drums, rows: Tensor) -> Drums:
    files = tuple(file for file, chosen in zip(drums.files, rows.tolist(), strict=True) if chosen)
    return Drums(drums.sounds[rows], drums.labels[rows], drums.classes, files, {})


def made_up(rate: int, length: int, each: int = 40) -> Drums:
    """Return drums out of formulas: falling sines, noise with a tone in it, high noise."""
    chance = np.random.default_rng(0)
    t = np.arange(length) / rate
    sounds, labels = [], []
    for label, _ in enumerate(CLASSES):
        for _ in range(each):
            noise, decay = chance.standard_normal(length + 1), np.exp(-t * chance.uniform(10, 60))
            tone = np.sin(2 * np.pi * chance.uniform(60, 220) * t)
            sound = (np.diff(noise), tone, tone + noise[1:])[label] * decay
            sounds.append(sound / np.abs(sound).max())
            labels.append(label)
    stacked = torch.from_numpy(np.stack(sounds)).float()
    return Drums(stacked, torch.tensor(labels), CLASSES, (Path("made up"),) * len(sounds), {})


def trained(scale: Scale, schedule: ScheduleName, seed: int, run: Run, *, longer: bool = False) -> Trained:
    """Return a U-Net trained with a schedule; its classifier is not trained yet."""
    settings = SETTINGS[scale]
    steps = settings.longer if longer else settings.config.steps

    def make() -> Trained:
        config = dataclasses.replace(settings.config, schedule=schedule, steps=steps)
        sounds = data(scale).learned.sounds
        with run.inner(seed) as inner:
            spread = float(sounds.std()) if config.linear_first else 0.0
            model = Crash(config.width, schedule, config.rate, config.length, CLASSES, config.classifier_width, spread)
            began = time.process_time()
            fit_sounds(model, sounds.to(inner.device), config, inner)
            return Trained(model.eval(), time.process_time() - began)

    return once(("model", scale, schedule, seed, steps), make)


def guided_model(scale: Scale, seed: int, run: Run) -> Crash:
    """Return the VP cosine's model of a seed with its classifier trained."""
    model = trained(scale, "vp-cos", seed, run, longer=True).model

    def make() -> Crash:
        learned = data(scale).learned
        with run.inner(seed) as inner:
            fit_classes(model, learned.sounds.to(inner.device), learned.labels.to(inner.device),
                        SETTINGS[scale].config, inner)  # fmt: skip
        return model.eval()

    return once(("classifier", scale, seed), make)


def gan(scale: Scale, seed: int, run: Run) -> WaveGan:
    """Return a GAN of as many parameters as the VP cosine's U-Net, trained for as much CPU time."""
    rival = trained(scale, "vp-cos", seed, run, longer=True)
    parameters = sum(each.numel() for each in rival.model.unet.parameters())
    settings, sounds = SETTINGS[scale], data(scale).learned.sounds
    return once(
        ("gan", scale, seed),
        lambda: fit_gan(sounds, parameters, rival.seconds, settings.config.batch, seed, settings.gan_rate),
    )


def sounds_of(
    scale: Scale, schedule: ScheduleName, seed: int, sampler: Sampler, steps: int, run: Run, *, longer: bool = False
) -> Float[Tensor, "count length"]:
    """Return sounds that a model makes; every sampler of a seed starts from the same noise."""

    def make() -> Tensor:
        model = trained(scale, schedule, seed, run, longer=longer).model
        return made(model, SETTINGS[scale].count, seed, steps=steps, sampler=sampler)

    return once(("sounds", scale, schedule, seed, sampler, steps, longer), make)


def made(
    model: Crash,
    count: int,
    seed: int,
    *,
    steps: int,
    sampler: Sampler = "dpm-solver",
    classes: Mapping[str, float] | None = None,
) -> Tensor:
    """Return ``count`` sounds on the CPU, made in batches."""
    generator = Generator(model.unet.first.weight.device).manual_seed(seed)
    sizes = [min(BATCH, count - first) for first in range(0, count, BATCH)]
    drawn = [
        draw(model, size, steps=steps, sampler=sampler, classes=classes, generator=generator).cpu() for size in sizes
    ]
    return torch.cat(drawn)


def fd_drum(scale: Scale, sounds: Tensor) -> float:
    """Return the Fréchet distance of sounds to the held-out ones."""
    found = data(scale)
    return frechet_of(found.judge.described(sounds.nan_to_num()), found.judge.described(found.held_out.sounds))
