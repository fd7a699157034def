"""The spoken digits: listed truthfully, split as their authors do, read as they are."""

import wave

import numpy as np
import pytest

from hotpapers.datasets import spoken_digits
from hotpapers.datasets.dataset import find
from hotpapers.datasets.spoken_digits import SPOKEN_DIGITS
from hotpapers.errors import HotpapersError


def write(path, rate=8_000):
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes(np.array([0, 16_384, -32_768], "<i2").tobytes())


def test_each_recording_is_listed_once_with_address_size_and_checksum():
    dataset = find("spoken-digits")
    assert (len(dataset.sources), dataset.size) == (900, 6_294_486)
    assert len({source.name for source in dataset.sources}) == 900
    assert all(source.url.endswith(f"/recordings/{source.name}") for source in dataset.sources)
    assert all(len(source.sha256) == 64 for source in dataset.sources)


def test_the_first_five_of_each_digit_and_speaker_are_for_testing():
    SPOKEN_DIGITS.folder.mkdir(parents=True)
    for member in SPOKEN_DIGITS.members:
        write(SPOKEN_DIGITS.folder / member)
    train, test = spoken_digits("train"), spoken_digits("test")
    assert (len(train), len(test)) == (600, 300)
    assert {each.speaker for each in test} == {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"}
    assert {each.digit for each in test} == set(range(10))
    assert test[0].samples.tolist() == [0, 0.5, -1]
    write(SPOKEN_DIGITS.folder / SPOKEN_DIGITS.members[0], rate=16_000)
    with pytest.raises(HotpapersError, match="no recording at 8 kHz"):
        spoken_digits("test")
