"""Real data, one function a dataset: downloaded once, verified by checksum, kept under ``HOTPAPERS_HOME``."""

from hotpapers.datasets.arabic import ajgt, arabic_reviews, arabic_tweets, metrec, subtitles, tkseem_reviews
from hotpapers.datasets.cifar10 import cifar10
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
    "Source",
    "ajgt",
    "arabic_reviews",
    "arabic_tweets",
    "cifar10",
    "fashion_mnist",
    "fetch",
    "find",
    "metrec",
    "mnist",
    "offer",
    "photograph",
    "photographs",
    "subtitles",
    "tkseem_reviews",
]
