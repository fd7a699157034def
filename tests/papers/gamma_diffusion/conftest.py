import numpy as np
import pytest

pytest.importorskip("soundfile")

from hotpapers.media import write_image, write_sound


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of 24 made-up pictures in two sub-folders, with one file in it that is no picture."""
    place = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(24):
        picture = np.zeros((16, 20))
        row, column = random.integers(0, 8, 2)
        picture[row : row + 8, column : column + 8] = random.uniform(0.5, 1)
        write_image(place / ("a" if number % 2 else "b") / f"{number}.png", picture)
    (place / "a" / "broken.png").write_bytes(b"not a picture")
    (place / "a" / "notes.txt").write_text("not meant to be one")
    return place


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """A folder of made-up voices: three gliding tones, and one silence of no length."""
    place = tmp_path_factory.mktemp("voices")
    t = np.arange(5_000) / 8_000
    for number in range(3):
        tone = np.sin(2 * np.pi * (150 + 40 * number + 100 * t) * t) * np.hanning(len(t)) * 0.8
        write_sound(place / f"{number}.wav", tone.astype(np.float32), 8_000)
    (place / "empty.wav").write_bytes(b"")
    return place
