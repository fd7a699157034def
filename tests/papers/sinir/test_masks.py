"""Masks grow, blur and stretch as published, and blending leaves alone what they leave out."""

import numpy as np
import pytest
import torch
from skimage import filters, morphology

from hotpapers.papers.sinir.masks import EDIT_RADIUS, HARMONISE_RADIUS, blend, soften


def square(side: int = 80, first: int = 30, last: int = 45) -> np.ndarray:
    mask = np.zeros((side, side + 10), np.float32)
    mask[first:last, first:last] = 1
    return mask


def test_the_radii_are_sinirs_own_not_singans() -> None:
    assert (EDIT_RADIUS, HARMONISE_RADIUS) == (7, 20)


@pytest.mark.parametrize("radius", [0, 7, 20])
def test_a_mask_is_dilated_by_a_disk_blurred_and_stretched(radius: int) -> None:
    mask = square()
    grown = morphology.dilation(mask > 0, morphology.disk(radius))
    blurred = filters.gaussian(grown.astype(float), sigma=5)
    expected = (blurred - blurred.min()) / (blurred.max() - blurred.min())
    np.testing.assert_allclose(soften(mask, radius), expected, atol=2e-6)


def test_a_mask_is_exactly_0_beyond_its_radius_and_blur_and_reaches_1() -> None:
    soft = soften(square(120, 55, 60), 7)
    assert soft.max() == 1
    assert (soft[:27] == 0).all()  # 55 - 7 - 4 * 5 = 28
    assert soft.dtype == np.float32


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_mask_of_one_value_stays_as_it_is(value: float) -> None:
    mask = np.full((9, 12), value, np.float32)
    np.testing.assert_array_equal(soften(mask, 7), mask)


def test_dark_noise_in_a_mask_does_not_count_as_white() -> None:
    noisy = np.maximum(square(), np.random.default_rng(0).uniform(0, 0.2, (80, 90)).astype(np.float32))
    np.testing.assert_array_equal(soften(noisy, 7), soften(square(), 7))


def test_blending_gives_the_input_where_the_mask_is_0_and_the_result_where_it_is_1() -> None:
    torch.manual_seed(0)
    x, result = torch.rand(2, 1, 3, 6, 7) * 2 - 1
    mask = torch.tensor([0.0, 1.0, 0.25]).repeat(6, 3)[:, :7]
    out = blend(x, result, mask)
    assert torch.equal(out[..., mask == 0], x[..., mask == 0])
    assert torch.equal(out[..., mask == 1], result[..., mask == 1])
    quarter = mask == 0.25
    torch.testing.assert_close(out[..., quarter], 0.75 * x[..., quarter] + 0.25 * result[..., quarter])


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the mask is"):
        blend(torch.zeros(1, 3, 6, 7), torch.zeros(1, 3, 6, 7), torch.zeros(7, 6))
