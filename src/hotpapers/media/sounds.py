"""Sounds: from files to arrays in [-1, 1] and back, resampled and mixed down as asked, and pictures of them."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from hotpapers.errors import BadInput, HotpapersError, MissingExtra
from hotpapers.files import written_whole
from hotpapers.media.readable import check_readable, named

MAX_SAMPLES = 64_000_000
"""The longest sound that is read unless the caller asks for more, channels together: 24 minutes at 44.1 kHz."""

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64")
WINDOW = 512  # samples, of the spectrograms
_WRITABLE = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}


@dataclasses.dataclass(frozen=True)
class Sound:
    """A sound as it was in its file.

    Attributes
    ----------
    samples
        channels x length, float32 in [-1, 1].
    rate
        Samples a second.
    """

    samples: Float[np.ndarray, "channels length"]
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples.shape[1] / self.rate


def read_sound(
    path: Path | str, *, rate: int | None = None, mono: bool = False, max_samples: int = MAX_SAMPLES
) -> Sound:
    """Read a sound: WAV, FLAC, Ogg, Opus, MP3, AIFF and their like.

    Parameters
    ----------
    path
        The file.
    rate
        Resample to this many samples a second, where it has another number.
    mono
        Mix the channels down to their mean.
    max_samples
        The most samples, channels together, that it may have. It is checked before anything is decoded.

    Raises
    ------
    BadInput
        If the file is missing, not a sound, damaged, empty or too long, or holds NaN or infinity.
    """
    path = Path(path)
    soundfile = _soundfile()
    check_readable(path, "sound")
    with _one_line_errors(path, soundfile), soundfile.SoundFile(path) as file:
        if file.frames * file.channels > max_samples:
            raise BadInput(
                f"{named(path)} lasts {file.frames / file.samplerate:.0f} s and has {file.channels} channels, more "
                f"than the {max_samples:,} samples that are read at once: cut it."
            )
        samples = file.read(dtype="float32", always_2d=True).T
        own = file.samplerate
    if samples.shape[1] == 0:
        raise BadInput(f"{named(path)} is empty: it has no samples. Give a sound.")
    if not np.isfinite(samples).all():
        raise BadInput(f"{named(path)} holds values that are no numbers; export it again.")
    if mono:
        samples = samples.mean(0, keepdims=True, dtype=np.float64).astype(np.float32)
    return Sound(np.ascontiguousarray(samples if rate is None else resample(samples, own, rate)), rate or own)


def write_sound(path: Path | str, samples: Float[np.ndarray, "*channels length"], rate: int) -> Path:
    """Write a sound whole or not at all, in the format of the name's suffix: .wav and .flac in 16 bits, .ogg.

    Values beyond [-1, 1] are clipped.

    Raises
    ------
    BadInput
        If the suffix is not known or the place cannot be written to.
    HotpapersError
        If the sound holds NaN or infinity.
    """
    path = Path(path)
    soundfile = _soundfile()
    if (suffix := path.suffix.lower()) not in _WRITABLE:
        raise BadInput(f"Cannot write {named(path)}: {suffix!r} is no sound format known here. End it in .wav.")
    samples = np.asarray(samples)
    if not np.isfinite(samples).all():
        raise HotpapersError(
            f"{named(path)} was not written: the sound that was made holds values that are no numbers."
        )
    kind, subtype = _WRITABLE[suffix]
    with written_whole(path) as temporary:
        soundfile.write(temporary, np.atleast_2d(samples).T.clip(-1, 1), rate, format=kind, subtype=subtype)
    return path


def resample(
    samples: Float[np.ndarray, "*channels length"], rate: int, to: int
) -> Float[np.ndarray, "*channels resampled"]:
    """Return a sound at another rate, without aliases (a polyphase filter); ``ceil(length to / rate)`` samples."""
    if rate == to:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate, to)
    return resample_poly(samples, to // common, rate // common, axis=-1).astype(np.float32)


def sound_sheet(
    sounds: Sequence[Float[np.ndarray, " length"]], labels: Sequence[str], rate: int, *, columns: int | None = None
) -> Float[np.ndarray, "height width 3"]:
    """Return a picture of sounds, each with its waveform above its spectrogram (decibels, 80 down from the loudest).

    Parameters
    ----------
    sounds
        One channel each; they are drawn to the same time axis.
    labels
        One for each sound.
    columns
        How many stand side by side; at most four, unless asked for.
    """
    from matplotlib.figure import Figure

    columns = min(columns or 4, len(sounds))
    rows = math.ceil(len(sounds) / columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * rows), dpi=100, layout="constrained")
    axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[1, 2] * rows)
    longest = max(len(each) for each in sounds) / rate
    for number, (sound, label) in enumerate(zip(sounds, labels, strict=True)):
        row, column = divmod(number, columns)
        _draw(axes[2 * row][column], axes[2 * row + 1][column], np.asarray(sound, dtype=np.float64), rate, longest)
        axes[2 * row][column].set_title(label, fontsize=9, loc="left")
    for number in range(len(sounds), rows * columns):
        row, column = divmod(number, columns)
        axes[2 * row][column].axis("off")
        axes[2 * row + 1][column].axis("off")
    return _pixels(figure)


def _draw(wave: Any, picture: Any, sound: np.ndarray, rate: int, longest: float) -> None:
    from scipy.signal import stft

    wave.plot(np.arange(len(sound)) / rate, sound, linewidth=0.5, color="#00629b")
    wave.set(xlim=(0, longest), ylim=(-1.05, 1.05), xticks=[], yticks=[])
    frequencies, times, spectrum = stft(np.pad(sound, (0, max(0, WINDOW - len(sound)))), rate, nperseg=WINDOW,
                                        noverlap=WINDOW * 3 // 4)  # fmt: skip
    power = 20 * np.log10(np.maximum(np.abs(spectrum), 1e-10))
    top = max(power.max(), -60)  # silence is dark
    picture.pcolormesh(times, frequencies / 1000, power, vmin=top - 80, vmax=top, cmap="magma", shading="nearest",
                       rasterized=True)  # fmt: skip
    picture.set(xlim=(0, longest), ylim=(0, rate / 2000))
    picture.tick_params(labelsize=7)
    picture.set_xlabel("s", fontsize=7, labelpad=1)
    picture.set_ylabel("kHz", fontsize=7, labelpad=1)


def _pixels(figure: Any) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _soundfile() -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the package without its library
        raise MissingExtra("Reading and writing sounds", ("audio",)) from error
    return soundfile


@contextlib.contextmanager
def _one_line_errors(path: Path, soundfile: Any) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise BadInput(f"{named(path)} has a name that is not UTF-8; rename the file.") from error
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise BadInput(
            f"{named(path)} cannot be read as a sound: it is damaged, or not in one of {', '.join(SOUND_SUFFIXES)}."
        ) from error
