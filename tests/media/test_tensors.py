"""Pictures and tensors say the same thing."""

import numpy as np
import pytest

from hotpapers.media import to_pixels, to_tensor

torch = pytest.importorskip("torch")


def test_there_and_back_changes_nothing():
    pixels = np.random.default_rng(0).random((5, 7, 3), dtype=np.float32)
    tensor = to_tensor(pixels)
    assert tuple(tensor.shape) == (1, 3, 5, 7)
    np.testing.assert_array_equal(to_pixels(tensor), pixels)
    np.testing.assert_array_equal(to_pixels(tensor[0]), pixels)


def test_bytes_become_the_unit_range():
    assert to_tensor(np.full((2, 2), 255, dtype=np.uint8)).tolist() == [[[[1.0, 1.0], [1.0, 1.0]]]]


def test_a_tensor_shares_no_memory_with_its_picture():
    pixels = np.zeros((2, 2, 1), dtype=np.float32)
    to_tensor(pixels).fill_(1)
    assert pixels.max() == 0


def test_a_batch_is_not_one_picture():
    with pytest.raises(ValueError, match="one picture"):
        to_pixels(torch.zeros(2, 3, 4, 4))


def test_media_is_imported_without_torch():
    import subprocess
    import sys

    code = "import sys, hotpapers.media, hotpapers.datasets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
