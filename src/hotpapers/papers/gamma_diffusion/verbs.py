"""What one can do with a trained model: make images, and say what a spectrogram says."""

import contextlib
import shlex
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hotpapers.errors import BadInput, MissingExtra
from hotpapers.files import replaceable, written_whole
from hotpapers.media import contact_sheet, read_array, read_sound, sound_sheet, write_image, write_sound
from hotpapers.papers.gamma_diffusion.hearing import (
    NARROW,
    intelligibility,
    log_mel_distance,
    mel_cepstral_distance,
    quality,
)
from hotpapers.papers.gamma_diffusion.laws import Law, LawName, check_law
from hotpapers.papers.gamma_diffusion.mels import log_mel
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.opening import open_model
from hotpapers.papers.gamma_diffusion.pictures import as_pixels
from hotpapers.papers.gamma_diffusion.sampling import Spacing, batches
from hotpapers.papers.gamma_diffusion.speech import LONGEST, say
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder
from hotpapers.progress import track
from hotpapers.run import generator_on
from hotpapers.verbs import AnyFile, Device, Model, Outcome

SHIPPED = Path(__file__).with_name("fashion")
"""A model of clothes, 14 x 14 grey, so that ``sample`` works at once."""
MOST = 10_000  # images at once
SHOWN = 64  # of them in the picture
OURS = r"(\d{5}|images)\.png"  # names in a folder of images


def sample(
    *,
    model: Model | None = None,
    count: int = 40,
    steps: int = 20,
    eta: float = 1.0,
    noise: LawName | None = None,
    theta0: float = 0.001,
    spacing: Spacing = "uniform",
    clip: bool = True,
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Make new images with a trained model, or with the small one of clothes that is here.

    Parameters
    ----------
    model
        A trained model, as ``train`` wrote it; the one of clothes when left out.
    count
        How many images.
    steps
        Steps from noise to image; 10, 20, 50 and 100 are the paper's.
    eta
        0 for DDIM, 1 for DDPM, or between.
    noise
        Another law than the model was trained with.
    theta0
        The Gamma's scale, where another law is asked for.
    spacing
        Steps evenly apart, or closer together towards the clean end.
    clip
        Keep the estimate of the image within its range at every step; the authors do so while they train.
    out
        The folder for the images.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    if not 1 <= count <= MOST:
        raise BadInput(f"--count can be 1 to {MOST:,}, not {count}.")
    target = replaceable(Path(out) if out else Path("images"), OURS)
    law = _asked(noise, theta0, eta)
    net = open_model(GammaDiffusion, Path(model) if model else SHIPPED, device)
    if not 1 <= steps <= len(net.schedule):
        raise BadInput(f"--steps can be 1 to {len(net.schedule):,} for this model, not {steps}.")
    generator = generator_on(net.device, seed)
    parts = batches(net, count, steps=steps, eta=eta, spacing=spacing, clip=clip, law=law, generator=generator)
    made = torch.cat(list(track(parts, "making images", -(-count // 64))))
    return _keep(made, target, law or net.law, steps)


def vocode(
    sound: AnyFile,
    model: Model,
    *,
    steps: int = 6,
    eta: float = 1.0,
    noise: LawName | None = None,
    theta0: float = 0.001,
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Say what a mel spectrogram says: of a recording, which is said again, or from a file of NumPy's.

    Parameters
    ----------
    sound
        A recording, or an array of bands x frames with values from 0 to 1, as ``log_mel`` gives them.
    model
        A trained vocoder, as ``train`` wrote it with a preset of speech.
    steps
        Steps from noise to sound; 6, 25, 100 and 1000 are the paper's.
    eta
        1 for DDPM, as WaveGrad, 0 for DDIM, or between.
    noise
        Another law than the model was trained with.
    theta0
        The Gamma's scale, where another law is asked for.
    out
        The file for the sound.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    if not 1 <= steps <= 1000:
        raise BadInput(f"--steps can be 1 to 1,000, not {steps}.")
    law = _asked(noise, theta0, eta)
    net, source = open_model(Vocoder, Path(model), device), Path(sound)
    clean, mel = _spectrogram(source, net)
    generator = generator_on(net.device, seed)
    said = say(net, mel.to(net.device), steps=steps, eta=eta, law=law, generator=generator)[0].cpu()
    target = Path(out) if out else source.with_suffix(".said.wav")
    write_sound(target, said.numpy(), net.rate)
    shown, labels = [said.numpy()], ["said"]
    numbers: dict[str, float | int | str] = {"seconds": round(len(said) / net.rate, 3), "steps": steps}
    if clean is not None:
        shown, labels = [clean.numpy(), *shown], ["given", *labels]
        numbers |= _heard(clean, said, net.rate)
    picture = write_image(target.with_suffix(".png"), sound_sheet(shown, labels, net.rate))
    return Outcome({"sound": target, "picture": picture}, numbers)


def _spectrogram(source: Path, net: Vocoder) -> tuple[Tensor | None, Tensor]:
    """Return the recording, where it is one, cut to whole frames, and its spectrogram."""
    if source.suffix.lower() == ".npy":
        array = read_array(source, "spectrogram", "a spectrogram or a recording")
        if array.ndim != 2 or len(array) != net.mels or not 1 <= array.shape[1] <= LONGEST // net.hop:
            raise BadInput(f"This vocoder takes {net.mels} bands x frames; {source.name} has shape {array.shape}.")
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise BadInput(f"The values of {source.name} are not all from 0 to 1, as this vocoder's spectrograms are.")
        return None, torch.from_numpy(array.astype(np.float32))[None]
    samples = read_sound(source, rate=net.rate, mono=True, max_samples=LONGEST).samples[0]
    samples = samples[: len(samples) // net.hop * net.hop]
    if not len(samples) or np.abs(samples).max() < 1e-4:
        raise BadInput(f"{source.name} is silent, or shorter than {net.hop} samples; give a recording of speech.")
    clean = torch.from_numpy(np.ascontiguousarray(samples / max(1.0, np.abs(samples).max())))
    return clean, log_mel(clean[None], net.rate, net.hop, net.mels)


def _heard(clean: Tensor, said: Tensor, rate: int) -> dict[str, float]:
    """Measure what was said again; leave out what so short a sound has not, and PESQ where it is not installed."""
    numbers = {
        "log-mel distance, dB": round(log_mel_distance(clean[None], said[None], rate), 2),
        "mel-cepstral distance, dB": round(mel_cepstral_distance(clean[None], said[None], rate), 2),
    }
    if (stoi := intelligibility(clean, said, rate)) is not None:
        numbers["STOI"] = round(stoi, 4)
    with contextlib.suppress(MissingExtra):  # a package that has to be compiled, and so no part of audio
        if (pesq := quality(clean, said, rate)) is not None:
            numbers[f"PESQ, {'narrow' if rate == NARROW else 'wide'} band"] = round(pesq, 3)
    return numbers


def _asked(noise: LawName | None, theta0: float, eta: float) -> Law | None:
    """Return the law that is asked for in place of the model's own; refuse settings that no sampling can have."""
    if not 0 <= eta <= 1:
        raise BadInput(f"--eta lies between 0 (DDIM) and 1 (DDPM), not at {eta}.")
    law = Law(noise or "gaussian", theta0)
    check_law(law)
    return law if noise else None


def _keep(made: Tensor, out: Path, law: Law, steps: int) -> Outcome:
    """Write images and a picture of them into a folder."""
    images = as_pixels(made.nan_to_num())
    names = [f"{number:05d}" for number in range(1, len(images) + 1)]
    with written_whole(out) as temporary:
        temporary.mkdir()
        for name, image in zip(names, images, strict=True):
            write_image(temporary / f"{name}.png", image)
        write_image(temporary / "images.png", contact_sheet(images[:SHOWN], names[:SHOWN], 8))
    numbers: dict[str, float | int | str] = {"images": len(images), "steps": steps, "noise": str(law)}
    return Outcome({"picture": out / "images.png"}, numbers, f"All of them are in {shlex.quote(str(out))}.")
