"""CIFAR-10: colour images of 32 x 32 in ten classes, from the binary edition (the Python edition is a pickle)."""

from typing import Literal

import numpy as np

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read
from hotpapers.errors import HotpapersError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_RECORD = 1 + 3 * 32 * 32
_BATCHES = {"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)}

CIFAR10 = offer(
    Dataset(
        name="cifar10",
        what="60,000 photographs, 32 x 32 RGB, 10 classes",
        licence="not stated by its authors",
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        sources=(
            Source(
                name="cifar-10-binary.tar.gz",
                url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                size=170_052_171,
            ),
        ),
        members=tuple(f"cifar-10-batches-bin/{batch}.bin" for split in _BATCHES.values() for batch in split),
    )
)


def cifar10(split: Literal["train", "test"] = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return CIFAR-10 (Krizhevsky, 2009), fetching it where need be.

    Returns
    -------
    tuple of numpy.ndarray
        Images, N x 32 x 32 x 3 ``uint8``, and labels, N ``uint8`` into ``CLASSES``: 50,000 to train with and 10,000
        to test with.
    """
    content = b"".join(read(CIFAR10, f"cifar-10-batches-bin/{batch}.bin") for batch in _BATCHES[split])
    return read_records(content)


def read_records(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of CIFAR-10's binary records: a label, then 32 x 32 of red, of green and of blue."""
    if not content or len(content) % _RECORD:
        raise HotpapersError(f"CIFAR-10's records have {_RECORD} bytes each; {len(content)} is no multiple of that.")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0].copy()
