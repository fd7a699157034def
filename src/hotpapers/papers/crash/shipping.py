"""How the model that ships was trained: on 37 drum sounds of Sonic Pi, each in the public domain (CC0), varied.

    apt-get download sonic-pi-samples && dpkg -x sonic-pi-samples_*.deb unpacked
    python -m hotpapers.papers.crash.shipping unpacked/usr/share/sonic-pi/samples

37 are few: each class is filled up with its own sounds played faster or slower, damped, and laid over each other.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch

from hotpapers import progress
from hotpapers.errors import BadInput
from hotpapers.media import read_sound, resample
from hotpapers.papers.crash.drums import LONGEST, Drums
from hotpapers.papers.crash.judge import fit_judge
from hotpapers.papers.crash.shelf import FOLDER
from hotpapers.papers.crash.train import Config, fit
from hotpapers.run import Run, save_model

CLASSES: dict[str, tuple[str, ...]] = {
    "cymbal": ("drum_cymbal_closed", "drum_cymbal_hard", "drum_cymbal_open", "drum_cymbal_pedal", "drum_cymbal_soft",
               "drum_splash_hard", "drum_splash_soft", "elec_cymbal"),
    "kick": ("bd_808", "bd_ada", "bd_boom", "bd_fat", "bd_gas", "bd_haus", "bd_klub", "bd_mehackit", "bd_pure",
             "bd_sone", "bd_tek", "bd_zome", "bd_zum", "drum_bass_hard", "drum_bass_soft", "drum_heavy_kick",
             "elec_hollow_kick", "elec_soft_kick"),
    "snare": ("drum_snare_hard", "drum_snare_soft", "elec_filt_snare", "elec_hi_snare", "elec_lo_snare",
              "elec_mid_snare", "elec_snare", "sn_dolf", "sn_dub", "sn_generic", "sn_zome"),
}  # fmt: skip
VARIED = 150  # of each class, its own sounds included
CONFIG = Config("shipped", width=4, classifier_width=2, rate=11_025, length=5_400, steps=2_000, classifier_steps=900)
SEED = 0


def read_samples(folder: Path, rate: int, length: int) -> Drums:
    """Read Sonic Pi's drums and vary them until each class has as many.

    Raises
    ------
    BadInput
        If one of them is not in the folder.
    """
    chance = np.random.default_rng(SEED)
    sounds, labels, files = [], [], []
    for label, names in enumerate(CLASSES.values()):
        paths = [folder / f"{name}.flac" for name in names]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise BadInput(f"{folder} lacks {missing[0]}: unpack Debian's sonic-pi-samples and name its folder.")
        own = [read_sound(path, rate=rate, max_samples=LONGEST).samples[0] for path in paths]
        varied = [vary(own, number % len(own), length, chance) for number in range(VARIED - len(own))]
        sounds += [_levelled(each, length) for each in (*own, *varied)]
        labels += [label] * VARIED
        files += [paths[number % len(own)] for number in range(VARIED)]
    return Drums(torch.from_numpy(np.stack(sounds)), torch.tensor(labels), tuple(CLASSES), tuple(files), {})


def vary(own: list[np.ndarray], which: int, length: int, chance: np.random.Generator) -> np.ndarray:
    """Return a sound up to four semitones higher or lower, damped; every third has another of its class in it."""
    sound = _levelled(_at_speed(own[which], chance), length)
    if chance.random() < 1 / 3:
        other = _levelled(_at_speed(own[chance.integers(len(own))], chance), length)
        share = chance.uniform(0.2, 0.5)
        sound = (1 - share) * sound + share * other
    return sound * np.exp(-np.arange(length) / length * chance.exponential(2.0)).astype(np.float32)


def _at_speed(sound: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    return resample(sound, 1_000, round(1_000 * 2 ** (chance.uniform(-4, 4) / 12)))


def _levelled(sound: np.ndarray, length: int) -> np.ndarray:
    sound = sound[:length]
    return np.pad(sound / np.abs(sound).max(), (0, length - len(sound))).astype(np.float32)


def train(folder: Path, out: Path, work: Path, config: Config = CONFIG) -> Drums:
    """Train the model and its judge, write them to ``out`` and return what they were trained on."""
    drums = read_samples(folder, config.rate, config.length)
    with Run(work, seed=SEED, config=dataclasses.asdict(config), device="cpu", resume=True, tensorboard=False) as run:
        model = fit(drums, config, run)
    judge = fit_judge(drums.sounds, drums.labels, drums.classes, config.rate, steps=150)
    save_model(model, out)
    save_model(judge, out / "judge")
    for stub in (out, out / "judge"):
        (stub / "README.md").unlink(missing_ok=True)  # the hub's own, which says nothing; MODEL_CARD.md does
    return drums


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("samples", type=Path)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--work", type=Path, default=Path("shipping.run"))
    options = parser.parse_args()
    progress.show_as("plain")
    train(options.samples, options.out, options.work)


if __name__ == "__main__":
    main()
