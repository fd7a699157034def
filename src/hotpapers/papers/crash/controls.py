"""What is measured of the controls, with the model that ships and the package's sounds: mend, vary, take apart."""

from pathlib import Path

import torch
from torch import Generator, Tensor

from hotpapers.blocks.diffusion import decode, encode, kept_region, partly_noised
from hotpapers.papers.crash.drums import read_drum
from hotpapers.papers.crash.judge import Judge
from hotpapers.papers.crash.model import Crash
from hotpapers.papers.crash.sampling import denoise
from hotpapers.papers.crash.shelf import open_judge, open_model

EXAMPLES = Path(__file__).parent / "examples"


def shipped() -> tuple[Crash, Judge, Tensor]:
    """Return the model that ships, its judge, and the package's example sounds."""
    model, judge = open_model(), open_judge()
    paths = sorted(EXAMPLES.glob("*.wav"))
    return model, judge, torch.stack([torch.from_numpy(read_drum(each, model.rate, model.length)) for each in paths])


def mended(model: Crash, sounds: Tensor, steps: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return sounds with their middle third made anew, and which samples that is."""
    generator = Generator().manual_seed(seed)
    places = torch.arange(model.length)
    anew = (places >= model.length // 3) & (places < 2 * model.length // 3)
    noise = torch.randn(sounds.shape, generator=generator)
    after = kept_region(sounds, ~anew, generator)
    return denoise(model, noise, steps=steps, sampler="ddpm", after=after, generator=generator), anew


def varied(model: Crash, sounds: Tensor, sigma: float, steps: int, seed: int) -> Tensor:
    """Return a variation of each sound."""
    generator = Generator().manual_seed(seed)
    start = model.schedule.time_of(sigma)
    noisy = partly_noised(sounds, model.schedule.level(start), generator=generator)
    return denoise(model, noisy, start=start, steps=steps, sampler="ddpm", generator=generator)


@torch.no_grad()
def signal_to_noise(model: Crash, sounds: Tensor, steps: int) -> float:
    """Return the mean over sounds of what is left of them when encoded and decoded in so many steps, in decibels."""
    levels = model.schedule.levels(steps)
    error = decode(model.eps, encode(model.eps, sounds, levels), levels) - sounds
    ratio = sounds.square().sum(1) / error.square().sum(1).clamp(min=1e-12)
    return float((10 * ratio.log10()).mean())
