"""Drum machines: single sounds of 72 of them, as Tidal's users collected them, sorted into the classes of CRASH."""

from pathlib import Path

from hotpapers.datasets.dataset import Dataset, offer
from hotpapers.datasets.download import fetch
from hotpapers.datasets.listed import listed

_SOURCES = listed("drum-machines")

DRUM_MACHINES = offer(Dataset(
    name="drum-machines",
    what="1,388 WAV of drum machines: 471 kicks, 518 snares, 399 hats and cymbals",
    licence="none stated: for experiments, not to be passed on",
    page="https://github.com/geikha/tidal-drum-machines",
    sources=_SOURCES, members=tuple(source.name for source in _SOURCES),
))  # fmt: skip


def drum_machines() -> Path:
    """Return a folder with ``kick``, ``snare`` and ``cymbal`` in it (closed and open hats, crashes and rides)."""
    return fetch(DRUM_MACHINES.name)
