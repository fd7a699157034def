"""A contest of noise laws: the same network, images, order, steps and budget for each; only the noise differs.

What is made is measured by a Fréchet distance in the eyes of a frozen classifier of clothing, which sees 28 x 28 grey.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hotpapers.metrics.frechet import frechet_distance
from hotpapers.metrics.judge import Judge, fashion_judge
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.learning import Config, fit
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.pictures import Pictures, from_bytes
from hotpapers.papers.gamma_diffusion.sampling import draw
from hotpapers.run import Run


class Way(NamedTuple):
    """How images are drawn: steps, eta, and a law in place of the model's own."""

    steps: int
    eta: float
    law: Law | None = None

    def __str__(self) -> str:
        return f"{self.steps} steps, eta {self.eta:g}" + (f", noise {self.law}" if self.law else "")


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the judge sees in a set of images: mean and covariance of its features."""

    mean: Float[Tensor, " D"]
    covariance: Float[Tensor, "D D"]

    def distance(self, other: "Seen") -> float:
        """Return the squared Fréchet distance to another set."""
        return frechet_distance(self.mean, self.covariance, other.mean, other.covariance)


def seen(images: Float[Tensor, "n channels size size"], judge: Judge | None = None) -> Seen:
    """Show images in [-1, 1] to the judge: grey, brought to 28 x 28."""
    judge = judge or fashion_judge()
    grey = ((images + 1) / 2).clamp(0, 1).mean(1, keepdim=True)
    if grey.shape[-1] != 28:
        grey = F.interpolate(grey, size=(28, 28), mode="bilinear", antialias=grey.shape[-1] > 28)
    with torch.no_grad():
        features = torch.cat([judge.features(part) for part in grey.split(500)]).double()
    return Seen(features.mean(0), torch.cov(features.T))


def contenders(
    pictures: Pictures, config: Config, laws: Sequence[Law], seeds: Sequence[int], run: Run
) -> Iterator[tuple[Law, int, GammaDiffusion]]:
    """Train every law with every seed; yield each model when it is there."""
    for seed in seeds:
        for law in laws:
            with run.inner(seed) as inner:
                yield law, seed, fit(pictures, dataclasses.replace(config, law=law), inner)


def made(model: GammaDiffusion, way: Way, count: int, seed: int) -> Float[Tensor, "count channels size size"]:
    """Return images drawn one way; the estimate of the image is kept within [-1, 1], as short trainings need."""
    generator = torch.Generator(model.device).manual_seed(seed + 10_000)
    return draw(model, count, steps=way.steps, eta=way.eta, clip=True, law=way.law, generator=generator)


def real(pictures: Pictures, count: int, seed: int = 0) -> Float[Tensor, "count channels size size"]:
    """Return some of the images that there are, drawn without repetition."""
    rows = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))[:count]
    return from_bytes(pictures.pixels[rows])
