import numpy as np
import pytest

pytest.importorskip("soundfile")

from hotpapers.media import write_sound

RATE = 11_025


def drum(kind, seed):
    """Return a made-up drum: a falling sine, or noise that dies away."""
    random = np.random.default_rng(seed)
    t = np.arange(2_000) / RATE
    if kind == "kick":
        return np.sin(2 * np.pi * (60 + 20 * random.random()) * t) * np.exp(-t * 10)
    return np.diff(random.standard_normal(2_001)) * np.exp(-t * 40) / 4


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of two classes, with one file in it that is no sound."""
    place = tmp_path_factory.mktemp("drums")
    for kind in ("kick", "hat"):
        for number in range(6):
            write_sound(place / kind / f"{number}.wav", drum(kind, number), RATE)
    (place / "kick" / "broken.wav").write_bytes(b"not a sound")
    (place / "kick" / "notes.txt").write_text("not meant to be one")
    return place
