"""The distortions keep their identities, and are the authors' to the last bit.

``golden/distortions.npz`` was made by the authors' ``image_manipulation.py`` (rgeirhos/generalisation-humans-DNNs) and
their ``eidolon`` package (gestaltrevision/Eidolon, in Python 3, with the fix of its first pull request), fed with the
numbers of NumPy generators of these seeds. Opponent colours differ in the eighth digit: they round the white point.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human.distortions import (
    DISTORTIONS,
    adjust_contrast,
    at_levels,
    distorted,
    grey,
    high_pass,
    levels,
    low_pass,
    rotate,
    uniform_noise,
)
from hotpapers.papers.model_vs_human.eidolon import SIGMAS, planes
from hotpapers.papers.model_vs_human.experiment import identity_errors
from hotpapers.papers.model_vs_human.opponent import FLIP, M, N, false_colour, opponent
from hotpapers.papers.model_vs_human.spectra import equalise_power, mean_amplitude, scramble_phases

images = arrays(np.float64, st.tuples(st.integers(4, 20), st.integers(4, 20), st.just(3)), elements=st.floats(0, 1))


@pytest.fixture(scope="module")
def golden():
    return np.load(Path(__file__).parent / "golden" / "distortions.npz")


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(0)
    return np.clip(np.cumsum(np.cumsum(rng.normal(size=(96, 80, 3)), 0), 1) / 300 + 0.5, 0, 1)


def test_every_identity_holds():
    assert max(identity_errors(48).values()) < 1e-8


@given(images)
def test_the_least_level_leaves_the_grey_image(image):
    plain = grey(image)
    for found in (
        distorted(image, "contrast", 100),
        low_pass(image, 0),
        scramble_phases(plain, 0, np.random.default_rng(0)),
    ):
        np.testing.assert_allclose(found, plain, atol=1e-9)


@given(images, st.floats(0.05, 1))
def test_contrast_is_undone_by_its_inverse(image, contrast):
    plain = grey(image)
    np.testing.assert_allclose(adjust_contrast(adjust_contrast(plain, contrast), 1 / contrast), plain, atol=1e-9)


@given(images)
def test_four_quarter_turns_are_none(image):
    np.testing.assert_array_equal(np.rot90(rotate(image, 270), -3), grey(image))
    np.testing.assert_array_equal(rotate(image, 180), np.rot90(rotate(image, 90)))


@given(images)
def test_opponent_colours_undo_themselves_and_spare_greys(image):
    np.testing.assert_allclose(opponent(opponent(image)), image, atol=1e-12)
    greys = np.repeat(image[..., :1], 3, axis=2)
    np.testing.assert_allclose(opponent(greys), greys, atol=1e-8)
    assert np.abs(FLIP @ FLIP - np.eye(3)).max() < 1e-14


def test_opponent_colours_keep_luminance_and_turn_both_chromatic_axes():
    colours = np.random.default_rng(0).random((100, 3))
    before, after = ((N @ M @ (each - 0.5).T) for each in (colours, opponent(colours)))
    np.testing.assert_allclose(after, np.array([[1], [-1], [-1]]) * before, atol=1e-10)


def test_equal_power_leaves_phases_and_the_mean_spectrum_of_one_image_leaves_it(photo):
    plain = grey(photo)
    np.testing.assert_allclose(equalise_power(plain, mean_amplitude([plain])), plain, atol=1e-12)


def test_the_scales_sum_to_the_finest_blur_and_reach_from_one_pixel_to_32():
    canvas = np.random.default_rng(0).random((64, 64))
    assert SIGMAS[[0, 1, -1]] == pytest.approx([2**-0.5, 1, 32], rel=1e-12)
    blur = sum(planes(canvas))
    assert np.abs(blur.mean() - canvas.mean()) < 1e-3
    assert blur.std() < canvas.std()


@pytest.mark.parametrize("kind", [kind for kind in DISTORTIONS if not kind.startswith("eidolon")])
def test_every_level_gives_an_image_of_the_same_size_in_range(kind, photo):
    for level in levels(kind).values():
        found = distorted(photo, kind, level, 3)
        assert sorted(found.shape[:2]) == sorted(photo.shape[:2])
        assert found.min() >= 0
        assert found.max() <= 1
        np.testing.assert_array_equal(found, distorted(photo, kind, level, 3))


@pytest.mark.parametrize(("kind", "level"), [("contrast", 101), ("rotation", 45), ("low-pass", -1), ("blur", 1)])
def test_an_impossible_level_is_refused(kind, level):
    with pytest.raises(BadInput):
        distorted(np.zeros((4, 4)), kind, level)


def test_simple_distortions_are_the_authors(golden):
    image = golden["image"] / 255
    generator = np.random.default_rng
    for name, found in {
        "contrast": distorted(image, "contrast", 30),
        "low_pass": low_pass(image, 3),
        "high_pass": high_pass(image, 1.5),
        "phases": scramble_phases(grey(image), 90, generator(3)), "quarter": rotate(image, 90),
        "power": equalise_power(grey(image), golden["amplitude"]), "noise": uniform_noise(image, 0.2, generator(11)),
        "false_colour": false_colour(image, (np.arange(256) / 255) ** 2.05),
    }.items():  # fmt: skip
        np.testing.assert_allclose(found, golden[name], atol=1e-12, err_msg=name)
    np.testing.assert_allclose(opponent(image), golden["opponent"], atol=2e-7)


@pytest.mark.parametrize("name", ["I", "II", "III"])
def test_eidolons_are_the_authors_to_the_last_grey_whatever_other_levels_are_done(golden, name):
    walk = np.cumsum(np.cumsum(np.random.default_rng(8).normal(size=(256, 256, 3)), 0), 1) / 600 + 0.5
    image = np.rint(np.clip(walk, 0, 1) * 255).astype(np.uint8) / 255
    _, found = at_levels(image, f"eidolon{name}", [2.0, 8.0], 9)
    np.testing.assert_array_equal(np.rint(found * 255)[100:132, 60:92], golden[f"eidolon{name}"])
