"""How natural and how sharp an image looks without a reference: NIQE's statistics, and the mean gradient.

NIQE (Mittal, Soundararajan and Bovik 2013) compares the local statistics of an image with those of pristine
photographs. The authors' model of 125 photographs is not included: ``fit_natural_model`` makes one from photographs
that you give, so values order images that were judged by one model and are not comparable with published ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class NaturalModel:
    """What pristine photographs look like: mean and covariance of the 36 statistics of their sharper blocks."""

    mean: Float[Tensor, "36"]
    covariance: Float[Tensor, "36 36"]
    block: int


def fit_natural_model(
    images: Iterable[Float[Tensor, "1 C H W"]], *, block: int = 96, sharper: float = 0.75
) -> NaturalModel:
    """Fit the model of natural images that ``niqe`` compares with.

    Parameters
    ----------
    images
        Pristine photographs with values in [0, 1], sharp and without compression artefacts.
    block
        Side, in pixels, of the blocks that statistics are taken of; even. The paper's is 96.
    sharper
        Blocks count whose sharpness is above this share of the sharpest one's in their image, as in the paper.
    """
    kept = []
    for image in images:
        features, sharpnesses = _statistics(image, block)
        kept.append(features[sharpnesses > sharper * sharpnesses.max()])
    features = torch.cat(kept)
    if len(features) < 2:
        raise ValueError("a model of natural images needs at least two sharp blocks: give more or larger photographs")
    return NaturalModel(features.mean(0), torch.cov(features.T), block)


def niqe(image: Float[Tensor, "1 C H W"], model: NaturalModel) -> float:
    """Return how far ``image`` is from ``model``: lower is more natural.

    It is the distance of eq. 10 of the paper between the Gaussian fitted to the statistics of the image's blocks and
    the model's, √((ν₁-ν₂)ᵀ ((Σ₁+Σ₂)/2)⁻¹ (ν₁-ν₂)).
    """
    features, _ = _statistics(image, model.block)
    covariance = torch.cov(features.T) if len(features) > 1 else torch.zeros_like(model.covariance)
    difference = features.mean(0) - model.mean
    return float((difference @ torch.linalg.pinv((model.covariance + covariance) / 2) @ difference).clamp(min=0).sqrt())


def sharpness(image: Float[Tensor, "N C H W"]) -> float:
    """Return the mean length of the grey image's gradient, in values per pixel: blur and less contrast lower it."""
    grey = _grey(image)
    across, down = grey[..., :-1, 1:] - grey[..., :-1, :-1], grey[..., 1:, :-1] - grey[..., :-1, :-1]
    return float((across.square() + down.square()).sqrt().mean())


def _statistics(image: Tensor, block: int) -> tuple[Float[Tensor, "B 36"], Float[Tensor, " B"]]:
    """Measure the 18 statistics of every block at two scales, and the blocks' sharpness."""
    if min(image.shape[-2:]) < block:
        raise ValueError(
            f"NIQE of blocks of {block} needs a larger image; this is {image.shape[-2]} x {image.shape[-1]}"
        )
    grey = _grey(image).double() * 255
    grey = grey[..., : grey.shape[-2] // block * block, : grey.shape[-1] // block * block]
    features = []
    for scale in (1, 2):
        if scale == 2:
            grey = F.interpolate(grey, scale_factor=0.5, mode="bicubic", antialias=True)
        normal, deviation = _mscn(grey)
        features.append(_block_statistics(_blocks(normal, block // scale)))
        if scale == 1:
            sharpnesses = _blocks(deviation, block).mean((1, 2))
    return torch.cat(features, dim=1), sharpnesses


def _grey(image: Tensor) -> Tensor:
    if image.shape[1] == 1:
        return image
    return (image * image.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _mscn(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Values less their local mean, over one plus the local deviation (eq. 1 to 3: Gaussian 7 x 7, sigma 7/6)."""
    offsets = torch.arange(-3, 4, dtype=grey.dtype, device=grey.device)
    kernel = torch.exp(-(offsets**2) / (2 * (7 / 6) ** 2))
    kernel = torch.outer(kernel, kernel)
    kernel = (kernel / kernel.sum())[None, None]
    padded = F.pad(grey, (3, 3, 3, 3), mode="replicate")
    mean = F.conv2d(padded, kernel)
    deviation = (F.conv2d(padded**2, kernel) - mean**2).abs().sqrt()
    return (grey - mean) / (deviation + 1), deviation


def _blocks(x: Tensor, side: int) -> Float[Tensor, "B side side"]:
    return x[0, 0].unfold(0, side, side).unfold(1, side, side).reshape(-1, side, side)


def _block_statistics(blocks: Float[Tensor, "B side side"]) -> Float[Tensor, "B 18"]:
    """Shape and spread of the values; shape, mean and spreads of the products of neighbours in four directions."""
    shape, left, right, _ = _asymmetric_gaussian(blocks.flatten(1))
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        products = blocks * torch.roll(blocks, shift, (1, 2))
        shape, left, right, mean = _asymmetric_gaussian(products.flatten(1))
        found += [shape, mean, left, right]
    return torch.stack(found, dim=1)


_SHAPES = torch.arange(0.2, 10.001, 0.001, dtype=torch.float64)
# Γ(2/α)² / (Γ(1/α) Γ(3/α)), which rises with α
_RATIOS = torch.exp(2 * torch.lgamma(2 / _SHAPES) - torch.lgamma(1 / _SHAPES) - torch.lgamma(3 / _SHAPES))


def _asymmetric_gaussian(x: Float[Tensor, "B P"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fit asymmetric generalised Gaussians to rows by their moments: shape α, left and right β, and mean η."""
    tiny = torch.finfo(x.dtype).tiny
    left = (x.clamp(max=0).square().sum(1) / (x < 0).sum(1).clamp(min=1)).sqrt()
    right = (x.clamp(min=0).square().sum(1) / (x > 0).sum(1).clamp(min=1)).sqrt()
    balance = left / right.clamp(min=tiny)
    moment = x.abs().mean(1) ** 2 / x.square().mean(1).clamp(min=tiny)
    ratio = moment * (balance**3 + 1) * (balance + 1) / (balance**2 + 1) ** 2
    place = torch.searchsorted(_RATIOS.to(x.device), ratio).clamp(max=len(_SHAPES) - 1)
    shape = _SHAPES.to(x.device)[place]
    gamma_1, gamma_2, gamma_3 = (torch.lgamma(n / shape) for n in (1, 2, 3))
    spread = torch.exp((gamma_1 - gamma_3) / 2)
    left, right = left * spread, right * spread
    return shape, left, right, (right - left) * torch.exp(gamma_2 - gamma_1)
