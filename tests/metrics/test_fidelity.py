"""PSNR and SSIM against scikit-image and against what they must be by definition."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data, metrics

from hotpapers.metrics import psnr, ssim


def pair(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    photo = torch.from_numpy(data.astronaut()[:80, 100:170].copy()).permute(2, 0, 1)[None].double() / 255
    return photo, (photo + 0.1 * torch.randn(photo.shape, generator=generator, dtype=torch.float64)).clamp(0, 1)


def test_ssim_equals_scikit_images_with_a_gaussian_window() -> None:
    a, b = pair()
    theirs = [
        metrics.structural_similarity(
            x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0
        )
        for x, y in zip(a[0].numpy(), b[0].numpy(), strict=True)
    ]
    assert float(ssim(a, b)) == pytest.approx(np.mean(theirs), abs=1e-9)


def test_psnr_equals_scikit_images() -> None:
    a, b = pair()
    assert psnr(a, b) == pytest.approx(metrics.peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1), abs=1e-9)


def test_an_image_is_most_like_itself() -> None:
    a, b = pair()
    assert float(ssim(a, a)) == pytest.approx(1)
    assert math.isinf(psnr(a, a))
    assert float(ssim(a, b)) < 1
    assert psnr(a, b) < 30


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.5, 300))
def test_both_are_symmetric_and_do_not_depend_on_the_unit(seed: int, scale: float) -> None:
    a, b = pair(seed)
    assert float(ssim(a, b)) == pytest.approx(float(ssim(b, a)))
    assert float(ssim(a * scale, b * scale, data_range=scale)) == pytest.approx(float(ssim(a, b)))
    assert psnr(a * scale, b * scale, data_range=scale) == pytest.approx(psnr(a, b))


def test_ssim_has_a_gradient() -> None:
    a, b = pair()
    b.requires_grad_()
    ssim(a, b).backward()
    assert b.grad is not None
    assert b.grad.abs().sum() > 0


def test_images_too_small_for_the_window_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 11 x 11; these are 10 x 30"):
        ssim(torch.rand(1, 3, 10, 30), torch.rand(1, 3, 10, 30))


def test_images_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        psnr(torch.rand(3), torch.rand(4))
