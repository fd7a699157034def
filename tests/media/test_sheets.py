"""Contact sheets show every picture as it is, under its label."""

import numpy as np
import pytest

from hotpapers.media import before_after, contact_sheet


def contains(sheet, picture):
    """Whether the picture stands in the sheet, to the bit."""
    windows = np.lib.stride_tricks.sliding_window_view(np.rint(sheet * 255).astype(np.uint8), picture.shape)
    corner = picture[0, 0]
    places = np.argwhere((windows[:, :, 0, 0, 0] == corner).all(axis=-1))
    return any((windows[y, x, 0] == picture).all() for y, x in places)


def noise(height, width, seed):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_every_picture_is_on_the_sheet_to_the_bit():
    pictures = [noise(170, 160, 0), noise(160, 150, 1), noise(90, 165, 2)]
    sheet = contact_sheet([pictures[0], pictures[1] / 255.0, pictures[2]], ["a", "b", "c"], chosen=1)
    assert sheet.dtype == np.float32
    assert sheet.min() >= 0
    assert sheet.max() <= 1
    assert all(contains(sheet, picture) for picture in pictures)


def test_small_pictures_are_enlarged_by_a_whole_factor():
    small = noise(40, 50, 0)
    assert contains(contact_sheet([small], ["small"]), small.repeat(4, axis=0).repeat(4, axis=1))


@pytest.mark.parametrize(("columns", "wide"), [(1, False), (4, True)])
def test_columns_decide_the_shape_of_the_sheet(columns, wide):
    height, width, _ = contact_sheet([noise(160, 160, 0)] * 4, list("abcd"), columns=columns).shape
    assert (width > height) == wide


def test_the_chosen_picture_is_marked_and_no_other():
    pictures, labels = [np.ones((160, 160, 3))] * 2, ["a", "b"]
    plain, marked = contact_sheet(pictures, labels), contact_sheet(pictures, labels, chosen=1)
    changed = np.flatnonzero((plain != marked).any(axis=(0, 2)))
    assert changed.min() >= plain.shape[1] // 2


def test_a_long_label_never_widens_its_cell():
    pictures = [noise(160, 160, 0)] * 2
    long = contact_sheet(pictures, ["long " * 100 + "\n", ""])
    assert long.shape == contact_sheet(pictures, ["a", "b"]).shape


def test_before_stands_left_of_after():
    sheet = before_after(np.zeros((160, 160)), np.ones((160, 160, 3)))
    middle = sheet[sheet.shape[0] // 2 + 10]
    assert middle[sheet.shape[1] // 4].max() == 0
    assert middle[3 * sheet.shape[1] // 4].min() == 1


def test_each_picture_needs_its_label():
    with pytest.raises(ValueError, match="one label for each image"):
        contact_sheet([np.zeros((2, 2))], [])
