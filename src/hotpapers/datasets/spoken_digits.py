"""Spoken digits: six people say the digits at 8 kHz, 15 times each (Free Spoken Digit Dataset), file by file.

Each file has its checksum in a list of the repository's files at one commit, beside this module. The repository has 50
times each; the first five are its test set.
"""

import io
import json
import wave
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import fetch
from hotpapers.errors import HotpapersError

RATE = 8_000
TESTED = 5  # of each digit by each speaker

_LISTED = json.loads(Path(__file__).with_name("spoken_digits.json").read_text(encoding="utf-8"))
_BASE = f"https://raw.githubusercontent.com/{_LISTED['repository']}/{_LISTED['commit']}"

SPOKEN_DIGITS = offer(
    Dataset(
        name="spoken-digits",
        what="900 recordings of spoken digits by six people, 8 kHz",
        licence="CC BY-SA 4.0",
        page=f"https://github.com/{_LISTED['repository']}",
        sources=tuple(
            Source(Path(path).name, f"{_BASE}/{path}", sha256, size) for path, sha256, size in _LISTED["files"]
        ),
        members=tuple(Path(path).name for path, _, _ in _LISTED["files"]),
    )
)


class Spoken(NamedTuple):
    """One recording: its samples in [-1, 1] at 8 kHz, the digit, and who says it."""

    samples: np.ndarray
    digit: int
    speaker: str


def spoken_digits(split: Literal["train", "test"] = "train") -> list[Spoken]:
    """Return the recordings, fetching them where need be: 600 to train with and 300 to test with."""
    found, folder = [], fetch(SPOKEN_DIGITS.name)
    for member in SPOKEN_DIGITS.members:
        digit, speaker, number = member.removesuffix(".wav").split("_")
        if (int(number) < TESTED) == (split == "test"):
            found.append(Spoken(_samples(member, (folder / member).read_bytes()), int(digit), speaker))
    return found


def _samples(name: str, content: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(content)) as opened:
        if (opened.getframerate(), opened.getnchannels(), opened.getsampwidth()) != (RATE, 1, 2):
            raise HotpapersError(f"{name} is no recording at 8 kHz with one channel of 16 bits.")
        return np.frombuffer(opened.readframes(opened.getnframes()), "<i2").astype(np.float32) / 32_768
