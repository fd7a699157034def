"""Fréchet distances between Gaussians fitted to features, and SIFID: the same inside single images."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def frechet_distance(
    mean_a: Float[Tensor, " D"],
    covariance_a: Float[Tensor, "D D"],
    mean_b: Float[Tensor, " D"],
    covariance_b: Float[Tensor, "D D"],
) -> float:
    """Return the squared Fréchet distance of two Gaussians: |μ₁-μ₂|² + tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½)."""
    mean_a, covariance_a, mean_b, covariance_b = (
        each.double() for each in (mean_a, covariance_a, mean_b, covariance_b)
    )
    root = _root(covariance_a)
    # tr (Σ₁Σ₂)^½ = tr (Σ₁^½ Σ₂ Σ₁^½)^½, whose argument is symmetric, so its eigenvalues are real
    between = torch.linalg.eigvalsh(root @ covariance_b @ root).clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + covariance_a.trace() + covariance_b.trace() - 2 * between
    return float(distance.clamp(min=0))


def frechet_of(a: Float[Tensor, "n D"], b: Float[Tensor, "m D"]) -> float:
    """Return the squared Fréchet distance of two sets of features, a Gaussian fitted to each."""
    a, b = a.double(), b.double()
    return frechet_distance(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T))


def sifid(
    a: Float[Tensor, "1 C H W"],
    b: Float[Tensor, "1 C h w"],
    features: Callable[[Tensor], Float[Tensor, "1 D y x"]],
) -> float:
    """Return the single-image Fréchet distance (SinGAN, section 4) between the feature maps of two images.

    Parameters
    ----------
    a, b
        Images; sizes may differ.
    features
        Any network from an image to a map of features. The published numbers take InceptionV3 up to the second pooling
        (64 features, weights not included here); others order images by their own features and compare with nothing
        else.
    """
    statistics = []
    for image in (a, b):
        with torch.no_grad():
            columns = features(image)[0].flatten(1).double()  # D x places
        if columns.shape[1] < 2:
            raise ValueError("the feature map has a single place: a covariance needs two or more")
        statistics += [columns.mean(1), torch.cov(columns).reshape(len(columns), len(columns))]
    return frechet_distance(*statistics)


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
