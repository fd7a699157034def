import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hotpapers.papers.sinir.shuffle import shuffle_pixels


def numbered(height: int, width: int) -> torch.Tensor:
    """An image whose three channels all hold the number of the pixel."""
    return torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width).expand(1, 3, -1, -1).clone()


def test_probability_zero_changes_nothing():
    x = numbered(5, 7)
    assert shuffle_pixels(x, 0) is x


def test_probability_one_is_a_permutation():
    x = numbered(13, 11)
    assert torch.equal(shuffle_pixels(x, 1)[0, 0].flatten().sort().values, x[0, 0].flatten())


@given(st.floats(0.001, 1), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_every_pixel_comes_from_the_image_with_its_channels_together(p, height, width, seed):
    y = shuffle_pixels(numbered(height, width), p, torch.Generator().manual_seed(seed))
    assert torch.equal(y[:, 0], y[:, 1])
    assert torch.equal(y[:, 0], y[:, 2])
    assert set(y.flatten().tolist()) <= set(range(height * width))


@pytest.mark.parametrize("p", [0.005, 0.1, 0.5])
def test_the_share_of_changed_pixels_is_the_probability(p):
    count = 300 * 300
    x = numbered(300, 300)
    changed = (shuffle_pixels(x, p, torch.Generator().manual_seed(0)) != x)[0, 0].float().mean().item()
    expected = p * (1 - 1 / count)
    assert abs(changed - expected) < 3 * (expected * (1 - expected) / count) ** 0.5


def test_pixels_are_overwritten_and_not_swapped():
    x = numbered(100, 100)
    y = shuffle_pixels(x, 0.3, torch.Generator().manual_seed(0))
    assert len(y[0, 0].unique()) < 100 * 100
