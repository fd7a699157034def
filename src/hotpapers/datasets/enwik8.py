"""enwik8: the first 100 million bytes of the English Wikipedia's dump of March 2006, on which byte models compare."""

import gzip
from typing import Literal

import numpy as np

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read

_MEMBER = "titans_pytorch-0.5.2/data/enwik8.gz"
_HELD_OUT = 20  # the last two twentieths: one to validate, one to test

ENWIK8 = offer(
    Dataset(
        name="enwik8",
        what="100,000,000 bytes of Wikipedia in XML, UTF-8",
        licence="text: GFDL, CC BY-SA; packaging: MIT",
        page="http://mattmahoney.net/dc/textdata.html",
        sources=(
            Source(
                name="titans_pytorch-0.5.2.tar.gz",
                url="https://files.pythonhosted.org/packages/43/8b/"
                "3f85223477ae1dfb6a823e442e835bc3923179367f53884dae0b3ebc31a3/titans_pytorch-0.5.2.tar.gz",
                sha256="d8e427c6cc2f338cac28268a4787e6c6c2ca50a60d20c39b8e95f8d9f21e0a28",
                size=37_155_516,
            ),
        ),
        members=(_MEMBER,),
    )
)


def enwik8(split: Literal["train", "validation", "test", "all"] = "all") -> np.ndarray:
    """Return the bytes of enwik8 (Hutter, 2006), fetching them where need be.

    Returns
    -------
    numpy.ndarray
        ``uint8``: the usual 90, 5 and 5 million to train, to validate and to test with, or all 100 million.
    """
    content = np.frombuffer(gzip.decompress(read(ENWIK8, _MEMBER)), np.uint8)
    part = len(content) // _HELD_OUT
    border = len(content) - 2 * part
    ranges = {"train": (0, border), "validation": (border, border + part), "test": (border + part, len(content))}
    start, stop = ranges.get(split, (0, len(content)))
    return content[start:stop].copy()
