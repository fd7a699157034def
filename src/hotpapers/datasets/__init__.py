"""Real data, one function a dataset: downloaded once, verified by checksum, kept under ``HOTPAPERS_HOME``."""

from hotpapers.datasets.aan import aan
from hotpapers.datasets.arabic import (
    ajgt,
    arabic_emotions,
    arabic_reviews,
    arabic_tweets,
    metrec,
    quran,
    subtitles,
    tkseem_reviews,
)
from hotpapers.datasets.cifar10 import cifar10
from hotpapers.datasets.code_repairs import Repair, stackoverflow_repairs
from hotpapers.datasets.dataset import REGISTRY, Dataset, Source, find, offer
from hotpapers.datasets.download import DownloadFailed, fetch
from hotpapers.datasets.drum_machines import drum_machines
from hotpapers.datasets.enwik8 import enwik8
from hotpapers.datasets.ephemeris import ephemeris
from hotpapers.datasets.glove import glove
from hotpapers.datasets.imdb import imdb
from hotpapers.datasets.mnist import fashion_mnist, mnist
from hotpapers.datasets.model_vs_human import NETWORKS, weights
from hotpapers.datasets.photographs import PHOTOGRAPHS, TEXTURES, photograph, photographs
from hotpapers.datasets.sachs import sachs
from hotpapers.datasets.spoken_digits import Spoken, spoken_digits
from hotpapers.datasets.tables import dbpedia_tables, fivethirtyeight, t2d
from hotpapers.datasets.wordnet import noun_topics

__all__ = [
    "NETWORKS",
    "PHOTOGRAPHS",
    "REGISTRY",
    "TEXTURES",
    "Dataset",
    "DownloadFailed",
    "Repair",
    "Source",
    "Spoken",
    "aan",
    "ajgt",
    "arabic_emotions",
    "arabic_reviews",
    "arabic_tweets",
    "cifar10",
    "dbpedia_tables",
    "drum_machines",
    "enwik8",
    "ephemeris",
    "fashion_mnist",
    "fetch",
    "find",
    "fivethirtyeight",
    "glove",
    "imdb",
    "metrec",
    "mnist",
    "noun_topics",
    "offer",
    "photograph",
    "photographs",
    "quran",
    "sachs",
    "spoken_digits",
    "stackoverflow_repairs",
    "subtitles",
    "t2d",
    "tkseem_reviews",
    "weights",
]
