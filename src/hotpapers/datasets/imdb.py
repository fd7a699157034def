"""IMDb: film reviews, half of them for and half against their film (Maas and others, 2011)."""

import re
import tarfile
from typing import Literal

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import fetch
from hotpapers.errors import HotpapersError

CLASSES = ("neg", "pos")

_ARCHIVE = "aclImdb_v1.tar.gz"
_LONGEST = 1 << 20  # bytes of a review; the true ones have less than 16 KiB

IMDB = offer(
    Dataset(
        name="imdb",
        what="50,000 film reviews, 2 classes",
        licence="not stated by its authors",
        page="https://ai.stanford.edu/~amaas/data/sentiment/",
        sources=(
            Source(
                name=_ARCHIVE,
                url=f"https://ai.stanford.edu/~amaas/data/sentiment/{_ARCHIVE}",
                sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                size=84_125_825,
            ),
        ),
        members=(_ARCHIVE,),  # read where it lies: unpacked it would be 100,000 files
    )
)


def imdb(split: Literal["train", "test"] = "train") -> list[tuple[str, int]]:
    """Return IMDb's reviews, fetching them where need be.

    Returns
    -------
    list of (str, int)
        Each review, markup and all, with its class in ``CLASSES``: 25,000 to train with and 25,000 to test with, in
        the order of their names.

    Raises
    ------
    HotpapersError
        If the archive is damaged.
    """
    path = fetch(IMDB.name) / _ARCHIVE
    wanted = re.compile(rf"aclImdb/{split}/(neg|pos)/(\d+_\d+)\.txt")
    found: list[tuple[str, str, int]] = []
    try:
        with tarfile.open(path, "r|gz") as tar:
            for info in tar:
                name = wanted.fullmatch(info.name.removeprefix("./"))
                if name is None or not info.isreg():
                    continue
                if info.size > _LONGEST:
                    raise ValueError(f"{info.name} has {info.size} bytes")
                body = tar.extractfile(info)
                assert body is not None
                found.append((info.name, body.read().decode("utf-8"), CLASSES.index(name[1])))
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise HotpapersError(f"{path} is damaged ({error}): delete it and fetch it again.") from error
    return [(text, label) for _, text, label in sorted(found)]
