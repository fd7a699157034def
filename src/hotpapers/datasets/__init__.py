"""Real data, one function a dataset: downloaded once, verified by checksum, kept under ``HOTPAPERS_HOME``."""

from hotpapers.datasets.aan import aan
from hotpapers.datasets.cifar10 import cifar10
from hotpapers.datasets.dataset import REGISTRY, Dataset, Source, find, offer
from hotpapers.datasets.download import DownloadFailed, fetch
from hotpapers.datasets.enwik8 import enwik8
from hotpapers.datasets.ephemeris import ephemeris
from hotpapers.datasets.imdb import imdb
from hotpapers.datasets.mnist import fashion_mnist, mnist
from hotpapers.datasets.photographs import PHOTOGRAPHS, TEXTURES, photograph, photographs
from hotpapers.datasets.sachs import sachs

__all__ = [
    "PHOTOGRAPHS",
    "REGISTRY",
    "TEXTURES",
    "Dataset",
    "DownloadFailed",
    "Source",
    "aan",
    "cifar10",
    "enwik8",
    "ephemeris",
    "fashion_mnist",
    "fetch",
    "find",
    "imdb",
    "mnist",
    "offer",
    "photograph",
    "photographs",
    "sachs",
]
