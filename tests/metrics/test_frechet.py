"""Fréchet distances of Gaussians, in closed form and by SciPy."""

import numpy as np
import pytest
import scipy.linalg
import torch

from hotpapers.metrics import frechet_distance, frechet_of, sifid


def gaussian(seed: int, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(size, size, generator=generator, dtype=torch.float64)
    return torch.randn(size, generator=generator, dtype=torch.float64), root @ root.T


def test_it_equals_the_formula_with_scipys_matrix_root() -> None:
    (mean_a, cov_a), (mean_b, cov_b) = gaussian(0), gaussian(1)
    root = scipy.linalg.sqrtm((cov_a @ cov_b).numpy()).real
    expected = ((mean_a - mean_b) ** 2).sum() + torch.trace(cov_a + cov_b) - 2 * np.trace(root)
    assert frechet_distance(mean_a, cov_a, mean_b, cov_b) == pytest.approx(float(expected))


def test_equal_covariances_leave_the_distance_of_the_means() -> None:
    mean, covariance = gaussian(2)
    assert frechet_distance(mean, covariance, mean + 2, covariance) == pytest.approx(24)


def test_gaussians_of_one_dimension_differ_by_their_means_and_deviations() -> None:
    one = torch.ones(1, 1)
    assert frechet_distance(torch.zeros(1), 4 * one, torch.ones(1), 9 * one) == pytest.approx(1 + (2 - 3) ** 2)


def test_sets_that_are_shifted_copies_differ_by_the_shift_alone() -> None:
    features = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    assert frechet_of(features, features + 2) == pytest.approx(24, rel=1e-5)
    assert frechet_of(features, features.flip(0)) == pytest.approx(0, abs=1e-9)


def test_sifid_compares_distributions_and_not_places() -> None:
    image = torch.rand(1, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    assert sifid(image, image.flip(-1), lambda x: x) == pytest.approx(0, abs=1e-9)
    assert sifid(image, image + 0.5, lambda x: x) == pytest.approx(0.75, rel=1e-5)
