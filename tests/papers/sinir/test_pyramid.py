from pathlib import Path

import numpy as np
import pytest
import torch

from hotpapers.papers.sinir.pyramid import image_pyramid, pyramid_sizes, resize

GOLDEN = np.load(Path(__file__).parent / "golden" / "network.npz")


def test_the_authors_example_has_nine_scales():
    sizes, factor = pyramid_sizes(860, 1280, max_size=250, min_size=25, factor=0.75)
    assert sizes == [(25, 37), (32, 47), (40, 60), (51, 76), (65, 96), (82, 122), (104, 155), (132, 197), (168, 250)]
    assert factor == pytest.approx(0.7876, abs=5e-5)


def test_the_artistic_example_has_twelve_scales():
    sizes, factor = pyramid_sizes(1005, 739, max_size=500, min_size=25, factor=0.75)
    assert len(sizes) == 12
    assert (sizes[0], sizes[-1]) == ((34, 25), (500, 368))
    assert factor == pytest.approx(0.7832, abs=5e-5)


def test_a_coarsest_scale_that_is_no_smaller_is_an_error():
    with pytest.raises(ValueError, match="not below"):
        pyramid_sizes(32, 32, max_size=32, min_size=32, factor=0.75)


@pytest.mark.parametrize(("name", "size"), [("half", (10, 12)), ("large", (41, 50)), ("odd", (13, 17))])
def test_the_matlab_resampler_is_the_authors(name, size):
    found = resize(torch.from_numpy(GOLDEN["x"]), size, "matlab")
    torch.testing.assert_close(found, torch.from_numpy(GOLDEN[name]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("resampler", ["torch", "matlab"])
def test_a_flat_image_stays_flat_at_every_size(resampler):
    x = torch.full((1, 3, 20, 30), 0.25)
    for level in image_pyramid(x, [(5, 7), (11, 16), (20, 30)], resampler):
        torch.testing.assert_close(level, torch.full_like(level, 0.25), atol=1e-6, rtol=0)


def test_each_level_is_resized_from_the_finer_one():
    x = torch.rand(1, 3, 40, 40) * 2 - 1
    levels = image_pyramid(x, [(10, 10), (20, 20), (40, 40)])
    assert levels[2] is x
    assert torch.equal(levels[0], resize(levels[1], (10, 10)))
    assert not torch.equal(levels[0], resize(x, (10, 10)))


def test_the_torch_resampler_keeps_the_corners_and_the_range():
    x = torch.rand(1, 3, 9, 9).round() * 2 - 1
    y = resize(x, (31, 31))
    torch.testing.assert_close(y[..., [0, -1], [0, -1]], x[..., [0, -1], [0, -1]], atol=1e-6, rtol=0)
    assert y.abs().max() <= 1
