"""The experiment behind the claims: the same training with and without the contrast, and what is drawn from each.

Claims that are measured by one process share trainings and draws. Classes are unions of the data's own: one of ten is
the rare class, five of ten the half, nine of ten the majority. Images that are judged were never trained on.
"""

import dataclasses
import functools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.cards import Scale
from hotpapers.datasets.cifar10 import cifar10
from hotpapers.datasets.mnist import fashion_mnist
from hotpapers.metrics.judge import Judge, fashion_judge, features_of, fit_judge, frechet_between
from hotpapers.papers.d2c.attributes import Attribute, learn
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.pictures import unit
from hotpapers.papers.d2c.presets import PRESETS, Config
from hotpapers.papers.d2c.sampling import draw, pictured
from hotpapers.papers.d2c.train import all_latents, fit
from hotpapers.run import Run
from hotpapers.run.randomness import mixed

CLASSES = {"rare": (8,), "half": (0, 2, 3, 4, 6), "majority": (0, 1, 2, 3, 4, 5, 6, 7, 9)}
"""Of Fashion-MNIST: bags; what covers the upper body; all but bags. CIFAR's indices are taken likewise."""

LABELS = 100


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of everything a scale has.

    Attributes
    ----------
    learned, held_out
        Images to train on and to judge by.
    probed
        Labelled images that the probe learns from.
    samples, few
        Images that a Fréchet distance is taken of, unconditional and of a class.
    pool, pool_steps
        Unconditional latents that rejection takes from, and the steps that each took.
    config
        Of the training.
    """

    learned: int
    held_out: int
    probed: int
    samples: int
    few: int
    pool: int
    pool_steps: int
    config: Config


SIZES: dict[Scale, Size] = {
    "smoke": Size(256, 700, 128, 66, 66, 96, 2,
                  Config(width=4, groups=1, queue=64, steps=4, batch=16, diffusion_steps=4, diffusion_batch=16,
                         unet_width=32, unet_multiples=(1,), hidden=32, dim=16)),
    "laptop": Size(6_000, 5_000, 4_000, 1_000, 200, 2_000, 20,
                   dataclasses.replace(PRESETS["small"], steps=1_000, batch=32, diffusion_steps=1_600,
                                       diffusion_batch=64)),
    "paper": Size(50_000, 10_000, 50_000, 10_000, 1_000, 20_000, 100, PRESETS["cifar"]),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Data:
    """Images in [0, 1] with the data's own classes, and the judge."""

    images: Tensor
    labels: Tensor
    held_out: Float[Tensor, "n C H W"]
    held_out_labels: Tensor
    judge: Judge


@dataclasses.dataclass(frozen=True)
class Arm:
    """One trained model, the latents of what it learned, and a pool of latents that it drew."""

    model: D2C
    latents: Float[Tensor, "n c s s"]
    pool: Float[Tensor, "n c s s"]


@functools.cache
def data(scale: Scale) -> Data:
    """Return the images of a scale; the judged ones are the data's test part."""
    size = SIZES[scale]
    if scale == "smoke":
        x, y = made_up(size.learned, 0)
        other, its = made_up(size.held_out, 1)
    else:
        load = fashion_mnist if scale == "laptop" else cifar10
        (x, y), (other, its) = load("train"), load("test")
    pictures, others = (_channels_first(each) for each in (x, other))
    labels, its_labels = (torch.from_numpy(each).long() for each in (y, its))
    held_out = unit(others[: size.held_out])
    if scale == "paper":
        torch.manual_seed(0)
        judge = fit_judge(Judge(3, 10, 64), unit(pictures), labels, epochs=30)
    else:
        judge = fashion_judge()
    return Data(pictures[: size.learned], labels[: size.learned], held_out, its_labels[: size.held_out], judge)


_arms: dict[tuple[Scale, int, bool], Arm] = {}


def arm(scale: Scale, run: Run, seed: int, *, contrast: bool = True) -> Arm:
    """Return the model of a seed, with or without the contrast, trained once in a process."""
    if (scale, seed, contrast) not in _arms:
        size = SIZES[scale]
        config = size.config if contrast else dataclasses.replace(size.config, contrast=0.0)
        with run.inner(seed) as inner:
            model = fit(data(scale).images, config, inner).requires_grad_(False)
        device = model.mean.device
        latents = all_latents(model, data(scale).images.to(device))
        pool = draw(model, size.pool, steps=size.pool_steps, generator=chance(model, seed, 1))
        _arms[scale, seed, contrast] = Arm(model, latents, pool)
    return _arms[scale, seed, contrast]


def chance(model: D2C, *parts: int) -> torch.Generator:
    """Return a generator for one purpose of one seed."""
    return torch.Generator(model.mean.device).manual_seed(mixed(*parts))


def gaussian_latents(arm: Arm, count: int, seed: int, *, fitted: bool) -> Float[Tensor, "count c s s"]:
    """Return latents of a Gaussian: the one that fits all latents, or N(0, I) in each channel's own scale."""
    noise = torch.randn(count, *arm.model.shape, generator=chance(arm.model, seed, 2), device=arm.latents.device)
    if not fitted:
        return arm.model.raw(noise)
    flat = arm.latents.flatten(1).double()
    values, vectors = torch.linalg.eigh(torch.cov(flat.T))
    root = vectors * values.clamp(min=0).sqrt()
    return (flat.mean(0) + noise.flatten(1).double() @ root.T).float().reshape(noise.shape)


def distance(scale: Scale, model: D2C, z: Tensor, among: tuple[int, ...] | None = None) -> float:
    """Return the Fréchet distance of latents' images to held-out images, of some classes where they are named."""
    d = data(scale)
    real = d.held_out if among is None else d.held_out[torch.isin(d.held_out_labels, torch.tensor(among))]
    return frechet_between(d.judge, pictured(model, z).cpu(), real)


def share_in(scale: Scale, model: D2C, z: Tensor, among: tuple[int, ...]) -> float:
    """Return the percentage of latents' images that the judge takes for some classes."""
    d = data(scale)
    found = d.judge.last(features_of(d.judge, pictured(model, z).cpu())).argmax(1)
    return 100 * float(torch.isin(found, torch.tensor(among)).float().mean())


def learned(scale: Scale, arm: Arm, seed: int, among: tuple[int, ...]) -> Attribute:
    """Return the attribute of some classes, learned from 100 labels drawn at random."""
    d = data(scale)
    picks = torch.randperm(len(d.labels), generator=torch.Generator().manual_seed(mixed(seed, 3)))[:LABELS]
    targets = torch.isin(d.labels[picks], torch.tensor(among)).long()
    normal = arm.model.normal(arm.latents[picks.to(arm.latents.device)])
    return learn(arm.model, normal, targets, ("other", "wanted"), arm.model.normal(arm.pool[:256]))


def accepted(scale: Scale, arm: Arm, attribute: Attribute, seed: int) -> tuple[Float[Tensor, "few c s s"], float]:
    """Return what rejection keeps of the pool, and the percentage that it accepts.

    Where it accepts too few, those nearest to being accepted fill up: all arms are judged by as many images.
    """
    r = attribute.probabilities(arm.model.normal(arm.pool))[:, 1]
    u = torch.rand(r.shape, generator=chance(arm.model, seed, 4), device=r.device)
    taken = u < r
    order = torch.cat([taken.nonzero()[:, 0], (u / r.clamp(min=1e-12)).argsort()])
    first = list(dict.fromkeys(order.tolist()))[: SIZES[scale].few]
    return arm.pool[first], 100 * float(taken.float().mean())


def made_up(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return made-up images of 28 x 28, count x 28 x 28 bytes, in ten classes: discs and boxes of five sizes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count).astype(np.uint8)
    y, x = np.mgrid[:28, :28]
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        reach, (top, left) = 3 + 1.5 * (label % 5), random.uniform(11, 17, 2)
        away = np.maximum(abs(y - top), abs(x - left)) if label < 5 else np.hypot(y - top, x - left)
        image[away < reach] = random.integers(128, 256)
    return images, labels


def _channels_first(images: np.ndarray) -> Tensor:
    found = torch.from_numpy(images)
    return found[:, None] if found.ndim == 3 else found.permute(0, 3, 1, 2).contiguous()
