"""Patch distances against brute force, and the limits they must keep."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from hotpapers.metrics import patch_distance, patch_distances, sliced_wasserstein
from hotpapers.metrics.patches import _nearest


def image(seed: int, height: int = 20, width: int = 17) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_patch_distance_equals_brute_force() -> None:
    a, b = image(0), image(1, 15, 24)
    first, second = (F.unfold(each, 5)[0].T.double() for each in (a, b))
    expected = (torch.cdist(first, second).min(1).values / 75**0.5).mean()
    assert patch_distance(a, b, 5) == pytest.approx(float(expected), rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), top=st.integers(0, 8), left=st.integers(0, 8))
def test_a_crop_of_an_image_has_distance_zero_to_it(seed: int, top: int, left: int) -> None:
    whole = image(seed)
    assert patch_distance(whole[..., top : top + 9, left : left + 8], whole) == 0


def test_a_mirror_image_has_a_distance() -> None:
    assert patch_distance(image(3).flip(-1), image(3)) > 0.1


def test_the_mask_chooses_patches_by_their_centre() -> None:
    a, b = image(0), image(1)
    mask = torch.zeros(20, 17, dtype=torch.bool)
    mask[9, 6] = True
    alone = patch_distance(a[..., 6:13, 3:10], b)
    assert patch_distances(a, b, mask=mask).tolist() == pytest.approx([alone])


def test_a_mask_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no patch"):
        patch_distance(image(0), image(1), mask=torch.zeros(20, 17, dtype=torch.bool))


def test_stride_skips_queries_only() -> None:
    a, b = image(0), image(1)
    every = patch_distances(a, b).view(14, 11)
    assert torch.equal(patch_distances(a, b, stride=3), every[::3, ::3].flatten())


def test_blocks_change_nothing() -> None:
    queries, keys = torch.rand(50, 12), torch.rand(40, 12)
    assert torch.equal(_nearest(queries, keys), _nearest(queries, keys, block=100))


def test_sliced_wasserstein_is_zero_for_the_same_patches_and_grows_with_a_shift() -> None:
    a = image(5)
    assert sliced_wasserstein(a, a) == 0
    assert sliced_wasserstein(a, a + 0.1) < sliced_wasserstein(a, a + 0.2)
    assert sliced_wasserstein(a, image(6)) == pytest.approx(sliced_wasserstein(image(6), a))


def test_sliced_wasserstein_of_a_shift_is_the_mean_length_of_its_projections() -> None:
    a = image(5)
    directions = torch.randn(147, 128, generator=torch.Generator().manual_seed(0))
    directions /= directions.norm(dim=0)
    assert sliced_wasserstein(a, a + 0.1) == pytest.approx(float(directions.sum(0).abs().mean()) * 0.1, rel=1e-4)


def test_sliced_wasserstein_takes_images_of_different_size() -> None:
    a = image(5, 40, 40)
    assert sliced_wasserstein(a[..., :20, :], a) < 0.03
