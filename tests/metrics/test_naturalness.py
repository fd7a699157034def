"""NIQE's statistics recover what they were drawn from; blur and noise make a photograph less natural."""

import numpy as np
import pytest
import torch
from skimage import data
from torch.nn import functional as F

from hotpapers.metrics import fit_natural_model, niqe, sharpness
from hotpapers.metrics.naturalness import _asymmetric_gaussian


def photo(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def blurred(image: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(F.avg_pool2d(image, size), scale_factor=size, mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize(("shape", "draw"), [(2.0, "normal"), (1.0, "laplace")])
def test_the_fit_recovers_the_shape_of_a_known_distribution(shape: float, draw: str) -> None:
    values = torch.from_numpy(getattr(np.random.default_rng(0), draw)(size=200_000))
    found, left, right, mean = _asymmetric_gaussian(values[None])
    assert float(found) == pytest.approx(shape, rel=0.03)
    assert float(left) == pytest.approx(float(right), rel=0.03)
    assert float(mean) == pytest.approx(0, abs=0.02)


def test_niqe_ranks_a_photograph_that_it_never_saw_before_its_spoilt_copies() -> None:
    model = fit_natural_model([photo(data.astronaut()), photo(data.coffee())], block=48)
    unseen = photo(data.chelsea())[..., :288, :288]
    noisy = (unseen + 0.15 * torch.randn(unseen.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    clean = niqe(unseen, model)
    assert clean < niqe(blurred(unseen, 4), model)
    assert clean < niqe(noisy, model)


def test_sharpness_falls_with_blur_and_is_the_slope_of_a_ramp() -> None:
    image = photo(data.astronaut())[..., :256, :256]
    assert sharpness(image) > sharpness(blurred(image, 2)) > sharpness(blurred(image, 4))
    ramp = torch.linspace(0, 1, 11).expand(1, 1, 5, 11)
    assert sharpness(ramp) == pytest.approx(0.1)


def test_an_image_smaller_than_a_block_is_refused() -> None:
    model = fit_natural_model([photo(data.astronaut())], block=48)
    with pytest.raises(ValueError, match="blocks of 48 needs a larger image; this is 40 x 100"):
        niqe(torch.rand(1, 3, 40, 100), model)
