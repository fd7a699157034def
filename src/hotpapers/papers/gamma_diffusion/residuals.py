"""Figure 1: what a trained model takes away, ``x_t - x_0`` on its way from noise to data, and the laws fitted to it.

A Gamma and a mixture have a Gaussian among them, and so never fit worse what they were fitted to: fits are to one half
of the images, or waves, and are judged on the other. Mind that the residuals mix noise with data,
``(sqrt(abar_t) - 1) x_0``.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.blocks.diffusion import NoiseLaw, ddim
from hotpapers.blocks.diffusion.levels import Eps, Level
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.speech import within
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder, plan

BINS = 48
FITS = ("gaussian", "gamma", "mixture")


@dataclasses.dataclass(frozen=True)
class Fit:
    """A fitted law: its name, its parameters, and how far its histogram is from that of values not fitted to."""

    law: str
    parameters: dict[str, float]
    error: float


def residuals(
    model: GammaDiffusion, start: Float[Tensor, "n channels size size"], steps: int, seed: int = 0
) -> tuple[list[int], Float[np.ndarray, "steps n pixels"]]:
    """Take noise down to images by DDPM; return the times of the steps and ``x_t - x_0`` of every pixel at each."""
    return _taken(model.eps, start, model.schedule.levels(steps), model.noise, seed, clip=1.0)


def residuals_of_speech(
    model: Vocoder, start: Float[Tensor, "n length"], mel: Float[Tensor, "n mels frames"], steps: int, seed: int = 0
) -> tuple[list[int], Float[np.ndarray, "steps n length"]]:
    """Take noise down to waves that sound like ``mel``, as ``say`` does; return what ``residuals`` does."""
    return _taken(within(model.eps(mel)), start, plan(model, steps), model.noise, seed)


def _taken(
    eps: Eps, start: Tensor, levels: Sequence[Level], noise: NoiseLaw, seed: int, clip: float | None = None
) -> tuple[list[int], Float[np.ndarray, "steps n values"]]:
    path = [start]

    def note(x: Tensor, level: Level) -> Tensor:
        path.append(x)
        return x

    generator = torch.Generator(start.device).manual_seed(seed)
    ddim(eps, start, levels, eta=1.0, noise=noise, clip=clip, after=note, generator=generator)
    taken = torch.stack([(x - path[-1]).flatten(1) for x in path[:-1]])
    return [int(level.t) for level in levels[:-1]], taken.cpu().double().numpy()


def fit_all(values: Float[np.ndarray, "n values"]) -> list[Fit]:
    """Fit the three laws to every other row's values and judge them on the rest."""
    fitted, held = values[::2].ravel(), values[1::2].ravel()
    low, high = np.quantile(held, [0.0005, 0.9995])
    edges = np.linspace(low, high, BINS + 1)
    share = np.histogram(held, edges)[0] / len(held)
    fits = []
    for name in FITS:
        parameters = {"gaussian": fit_gaussian, "gamma": fit_gamma, "mixture": fit_mixture}[name](fitted)
        mass = np.diff(cumulative(name, parameters, edges))
        fits.append(Fit(name, parameters, float(np.square(mass - share).mean() * BINS**2)))
    return fits


def fit_gaussian(values: Float[np.ndarray, " n"]) -> dict[str, float]:
    """Fit by the first two moments, which is maximum likelihood."""
    return {"mean": float(values.mean()), "deviation": float(values.std())}


def fit_gamma(values: Float[np.ndarray, " n"]) -> dict[str, float]:
    """Fit a shifted Gamma, mirrored where the values lean to the left, by the first three moments."""
    mean, deviation = float(values.mean()), float(values.std())
    skew = float(np.mean((values - mean) ** 3)) / deviation**3
    side = -1.0 if skew < 0 else 1.0
    k = 4 / max(skew**2, 1e-6)
    scale = deviation / math.sqrt(k)
    return {"shape": k, "scale": scale, "shift": mean - side * k * scale, "side": side}


def fit_mixture(values: Float[np.ndarray, " n"], rounds: int = 60) -> dict[str, float]:
    """Fit two Gaussians by expectation and maximisation, from the halves below and above the median."""
    x = np.quantile(values, np.linspace(0.0005, 0.9995, 2_000))  # as good as all of them, and never more
    low, high = x[:1_000], x[1_000:]
    means, deviations, p = np.array([low.mean(), high.mean()]), np.array([low.std(), high.std()]) + 1e-9, 0.5
    floor = 1e-3 * x.std() + 1e-12
    for _ in range(rounds):
        z = (x[:, None] - means) / deviations
        log = -(z**2) / 2 - np.log(deviations) + np.log([p, 1 - p])
        share = np.exp(log - log.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        weight = share.sum(0)
        means = (share * x[:, None]).sum(0) / weight
        deviations = np.maximum(np.sqrt((share * (x[:, None] - means) ** 2).sum(0) / weight), floor)
        p = float(np.clip(weight[0] / len(x), 1e-6, 1 - 1e-6))
    return {"p": p, "mean 1": float(means[0]), "deviation 1": float(deviations[0]), "mean 2": float(means[1]),
            "deviation 2": float(deviations[1])}  # fmt: skip


def cumulative(name: str, fit: dict[str, float], x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the distribution function of a fitted law."""
    from scipy.special import gammainc, ndtr

    if name == "gaussian":
        return ndtr((x - fit["mean"]) / fit["deviation"])
    if name == "gamma":
        below = gammainc(fit["shape"], np.maximum(fit["side"] * (x - fit["shift"]), 0) / fit["scale"])
        return below if fit["side"] > 0 else 1 - below
    first, second = (ndtr((x - fit[f"mean {each}"]) / fit[f"deviation {each}"]) for each in (1, 2))
    return fit["p"] * first + (1 - fit["p"]) * second
