"""Real data, one function a dataset: downloaded once, verified by checksum, kept under ``HOTPAPERS_HOME``."""

from hotpapers.datasets.cifar10 import cifar10
from hotpapers.datasets.code_repairs import Repair, stackoverflow_repairs
from hotpapers.datasets.dataset import REGISTRY, Dataset, Source, find, offer
from hotpapers.datasets.download import DownloadFailed, fetch
from hotpapers.datasets.mnist import fashion_mnist, mnist
from hotpapers.datasets.photographs import PHOTOGRAPHS, TEXTURES, photograph, photographs

__all__ = [
    "PHOTOGRAPHS",
    "REGISTRY",
    "TEXTURES",
    "Dataset",
    "DownloadFailed",
    "Repair",
    "Source",
    "cifar10",
    "fashion_mnist",
    "fetch",
    "find",
    "mnist",
    "offer",
    "photograph",
    "photographs",
    "stackoverflow_repairs",
]
