import os
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("soundfile")

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.media import read_sound, resample, sound_sheet, write_sound

RATE = 44_100


def sine(hertz=440.0, seconds=0.25, rate=RATE):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_what_is_written_comes_back_to_16_bits(tmp_path, suffix):
    stereo = np.stack([sine(), -sine(880)])
    sound = read_sound(write_sound(tmp_path / f"tone{suffix}", stereo, RATE))
    assert sound.rate == RATE
    assert sound.samples.shape == stereo.shape
    assert np.abs(sound.samples - stereo).max() <= 1 / 32767
    assert sound.seconds == pytest.approx(0.25)


def test_ogg_comes_back_to_the_ear(tmp_path):
    sound = read_sound(write_sound(tmp_path / "tone.ogg", sine(), RATE))
    assert np.abs(sound.samples[0][:11_000] - sine()[:11_000]).max() < 0.05


def test_channels_are_mixed_to_their_mean_and_the_rate_is_the_one_asked_for(tmp_path):
    write_sound(tmp_path / "tone.wav", np.stack([sine(), np.zeros_like(sine())]), RATE)
    sound = read_sound(tmp_path / "tone.wav", rate=22_050, mono=True)
    assert sound.samples.shape == (1, 5513)
    assert np.abs(sound.samples[0][100:5000] - sine(rate=22_050)[100:5000] / 2).max() < 1e-3


def test_resampling_lets_no_aliases_through():
    high = sine(15_000)
    assert np.abs(resample(high, RATE, 11_025)[200:-200]).max() < 0.01
    assert resample(high, RATE, RATE) is high


def test_loud_sounds_are_clipped_and_impossible_ones_refused(tmp_path):
    write_sound(tmp_path / "loud.wav", 3 * sine(), RATE)
    assert np.abs(read_sound(tmp_path / "loud.wav").samples).max() <= 1
    with pytest.raises(HotpapersError, match="no numbers"):
        write_sound(tmp_path / "nan.wav", np.array([0.0, np.nan]), RATE)
    assert not (tmp_path / "nan.wav").exists()


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"this is a text and no sound", "cannot be read as a sound"),
        ("truncated", "is empty: it has no samples|cannot be read as a sound"),
    ],
)
def test_a_file_that_is_no_sound_is_refused_in_one_line(tmp_path, contents, words):
    path = tmp_path / "bad.wav"
    if contents == "truncated":
        write_sound(path, sine(), RATE)
        contents = path.read_bytes()[:30]
    path.write_bytes(contents)
    with pytest.raises(BadInput, match=words) as refusal:
        read_sound(path)
    assert "\n" not in str(refusal.value)


def test_missing_files_folders_and_long_sounds_are_named(tmp_path):
    with pytest.raises(BadInput, match="there is no such file"):
        read_sound(tmp_path / "nothing.wav")
    with pytest.raises(BadInput, match="is a folder"):
        read_sound(tmp_path)
    write_sound(tmp_path / "tone.wav", sine(), RATE)
    with pytest.raises(BadInput, match="more than the 100 samples"):
        read_sound(tmp_path / "tone.wav", max_samples=100)
    with pytest.raises(BadInput, match="no sound format"):
        write_sound(tmp_path / "tone.exe", sine(), RATE)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_name_that_is_not_utf_8_is_refused_and_shown_as_it_can_be(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    write_sound(tmp_path / "tone.wav", sine(), RATE)
    (tmp_path / "tone.wav").rename(path)
    with pytest.raises(BadInput, match=r"caf\\udce9\.wav has a name that is not UTF-8; rename"):
        read_sound(path)


def test_values_that_are_no_numbers_are_refused(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.inf]), RATE, subtype="FLOAT")
    with pytest.raises(BadInput, match="no numbers"):
        read_sound(tmp_path / "nan.wav")


def test_a_picture_shows_a_tone_where_it_is():
    """The brightest row of the spectrogram lies a quarter up where the tone has a quarter of the highest frequency."""
    sheet = sound_sheet([sine(RATE / 8), np.zeros(5, np.float32)], ["tone", "short"], RATE)
    spectrogram = sheet[105:215, 100:280].astype(float).sum(2)  # inside of its axes
    brightest = int(spectrogram.mean(1).argmax())
    assert 0.55 < (105 + brightest) / sheet.shape[0] < 0.85
    assert spectrogram.max() > 4 * max(1, np.median(spectrogram))
