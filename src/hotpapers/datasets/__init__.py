"""Real data, one function a dataset: downloaded once, verified by checksum, kept under ``HOTPAPERS_HOME``."""

from hotpapers.datasets.cifar10 import cifar10
from hotpapers.datasets.dataset import REGISTRY, Dataset, Source, find, offer
from hotpapers.datasets.download import DownloadFailed, fetch
from hotpapers.datasets.glove import glove
from hotpapers.datasets.mnist import fashion_mnist, mnist
from hotpapers.datasets.photographs import PHOTOGRAPHS, TEXTURES, photograph, photographs
from hotpapers.datasets.tables import dbpedia_tables, fivethirtyeight, t2d
from hotpapers.datasets.wordnet import noun_topics

__all__ = [
    "PHOTOGRAPHS",
    "REGISTRY",
    "TEXTURES",
    "Dataset",
    "DownloadFailed",
    "Source",
    "cifar10",
    "dbpedia_tables",
    "fashion_mnist",
    "fetch",
    "find",
    "fivethirtyeight",
    "glove",
    "mnist",
    "noun_topics",
    "offer",
    "photograph",
    "photographs",
    "t2d",
]
