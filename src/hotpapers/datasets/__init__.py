"""Real data, one function a dataset: downloaded once, verified by checksum, kept under ``HOTPAPERS_HOME``."""

from hotpapers.datasets.cifar10 import cifar10
from hotpapers.datasets.dataset import REGISTRY, Dataset, Source, find, offer
from hotpapers.datasets.download import DownloadFailed, fetch
from hotpapers.datasets.ephemeris import ephemeris
from hotpapers.datasets.mnist import fashion_mnist, mnist
from hotpapers.datasets.photographs import PHOTOGRAPHS, TEXTURES, photograph, photographs

__all__ = [
    "PHOTOGRAPHS",
    "REGISTRY",
    "TEXTURES",
    "Dataset",
    "DownloadFailed",
    "Source",
    "cifar10",
    "ephemeris",
    "fashion_mnist",
    "fetch",
    "find",
    "mnist",
    "offer",
    "photograph",
    "photographs",
]
