"""Drums: a folder of sounds as one tensor, each cut or padded to one length and brought to full level.

Sub-folders are classes. A file that is no sound, or silent, or in none of the classes, is left out, counted and named.
"""

import dataclasses
from pathlib import Path, PurePath

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.media import SOUND_SUFFIXES, files_in, read_sound
from hotpapers.media.readable import named
from hotpapers.progress import track

LONGEST = 60 * 192_000 * 2  # samples of one file: a minute is no drum


@dataclasses.dataclass(frozen=True)
class Drums:
    """Sounds of one length.

    Attributes
    ----------
    sounds
        Each with its peak at 1 or -1.
    labels
        Indices into ``classes``; -1 where there are none.
    files
        Where each came from.
    left_out
        Files that could not be used, with the reason.
    """

    sounds: Float[Tensor, "n length"]
    labels: Int[Tensor, " n"]
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    left_out: dict[Path, str]


def read_drums(folder: Path, rate: int, length: int, classes: tuple[str, ...] | None = None) -> Drums:
    """Read every sound under ``folder``, which may be packed as a ZIP.

    Parameters
    ----------
    rate, length
        Samples a second, and samples, of each.
    classes
        The sub-folders to take, in this order; all that hold sounds when left out. A folder without sub-folders has no
        classes.

    Raises
    ------
    BadInput
        If there is no sound in it, or classes are asked for that are not there.
    """
    with files_in(Path(folder), SOUND_SUFFIXES, "sounds, or a sub-folder for each class,") as found:
        return _read(found, Path(folder), rate, length, classes)


def _read(
    found: list[tuple[PurePath, Path]], folder: Path, rate: int, length: int, classes: tuple[str, ...] | None
) -> Drums:
    names = sorted({name.parts[0] for name, _ in found if len(name.parts) > 1})
    if missing := sorted(set(classes or ()) - set(names)):
        raise BadInput(
            f"{folder} has no sounds in {', '.join(missing)}; its sub-folders are {', '.join(names) or 'none'}."
        )
    kept = tuple(names) if classes is None else classes
    sounds, labels, files, left_out = [], [], [], {}
    for name, path in track(found, "reading sounds"):
        whole = folder / name
        label = kept.index(name.parts[0]) if len(name.parts) > 1 and name.parts[0] in kept else -1
        if kept and label < 0:
            if classes is None:
                left_out[whole] = f"{named(whole)} lies beside the sub-folders, and so in no class."
            continue
        try:
            sounds.append(read_drum(path, rate, length))
        except BadInput as error:
            left_out[whole] = str(error).replace(named(path), named(whole))
            continue
        labels.append(label)
        files.append(whole)
    if not sounds:
        reason = f" ({next(iter(left_out.values()))})" if left_out else ""
        raise BadInput(f"There is no sound in {folder} that can be used{reason}.")
    return Drums(torch.from_numpy(np.stack(sounds)), torch.tensor(labels), kept, tuple(files), left_out)


def read_drum(path: Path, rate: int, length: int) -> Float[np.ndarray, " length"]:
    """Read one sound as the authors do: the first channel, the first ``length`` samples, its peak at full level.

    Raises
    ------
    BadInput
        If it cannot be read or is silent.
    """
    sound = read_sound(path, rate=rate, max_samples=LONGEST).samples[0, :length]
    peak = np.abs(sound).max(initial=0)
    if peak < 1e-4:
        raise BadInput(f"{named(path)} is silent in its first {length / rate:.2f} s; give a sound that begins at once.")
    return np.pad(sound / peak, (0, length - len(sound))).astype(np.float32)
