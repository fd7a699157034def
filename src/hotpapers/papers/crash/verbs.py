"""What one can do with a trained model: make sounds, and take one's own apart, mix, mend and vary them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.blocks.diffusion import decode as decode_latent
from hotpapers.blocks.diffusion import encode as encode_sound
from hotpapers.blocks.diffusion import kept_region, partly_noised, slerp
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media import sound_sheet, write_image, write_sound
from hotpapers.papers.crash.drums import read_drum
from hotpapers.papers.crash.model import Crash
from hotpapers.papers.crash.sampling import Sampler, denoise, draw
from hotpapers.papers.crash.shelf import open_model
from hotpapers.verbs import AnyFile, Device, Model, Outcome, SoundFile

MOST = 1_000  # sounds at once
BATCH = 16
SHOWN = 32  # sounds in the picture


def sample(
    model: Model | None = None,
    *,
    count: int = 8,
    classes: str = "",
    steps: int = 30,
    sampler: Sampler = "dpm-solver",
    strength: float = 1.0,
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Make new sounds, of all kinds or of some classes; more than one class gives hybrids.

    Parameters
    ----------
    model
        A trained model, as ``train`` wrote it; the one that ships when left out.
    count
        How many sounds.
    classes
        Which classes, with weights where there are several: kick, or kick=0.8, snare=0.2.
    steps
        Steps from noise to sound.
    sampler
        How to step: dpm-solver, deis and heun need the fewest steps; ddim, ddpm, sde, reparametrised-sde, ode and rk45
        are the paper's.
    strength
        How hard to pull to the classes.
    out
        The folder for the sounds.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    net = open_model(model, device)
    if not 1 <= count <= MOST:
        raise BadInput(f"--count can be 1 to {MOST}, not {count}.")
    _check_steps(steps)
    generator = torch.Generator(net.unet.first.weight.device).manual_seed(seed)
    asked = _weights(classes)
    made = torch.cat([
        draw(net, min(BATCH, count - first), steps=steps, sampler=sampler, classes=asked, strength=strength,
             generator=generator)
        for first in range(0, count, BATCH)
    ])  # fmt: skip
    names = [f"{number:03d}" for number in range(1, count + 1)]
    return _keep(net, made, names, Path(out) if out else Path("drums"))


def interpolate(
    a: SoundFile,
    b: SoundFile,
    model: Model | None = None,
    *,
    count: int = 7,
    steps: int = 150,
    out: Path | None = None,
    device: Device = "auto",
) -> Outcome:
    """Make the sounds between two sounds: their latents are mixed on the sphere and decoded.

    Parameters
    ----------
    a, b
        The sounds to go between.
    model
        A trained model, as ``train`` wrote it; the one that ships when left out.
    count
        How many, both ends included.
    steps
        Steps up to the latents and down again; from 150 on the ends are hardly changed.
    out
        The folder for the sounds.
    device
        Where to compute.
    """
    net = open_model(model, device)
    if not 2 <= count <= MOST:
        raise BadInput(f"--count can be 2 to {MOST}, not {count}.")
    _check_steps(steps)
    levels = net.schedule.levels(steps)
    with torch.no_grad():
        first, last = encode_sound(net.eps, torch.cat([_read(net, a), _read(net, b)]), levels).split(1)
        between = torch.cat([slerp(first, last, number / (count - 1)) for number in range(count)])
        made = torch.cat([decode_latent(net.eps, each, levels) for each in between.split(BATCH)])
    names = [f"{number:03d}" for number in range(1, count + 1)]
    return _keep(net, made, names, Path(out) if out else Path(a).with_suffix(".between"))


def inpaint(
    sound: SoundFile,
    model: Model | None = None,
    *,
    start: float = 0.2,
    end: float = 10.0,
    count: int = 4,
    steps: int = 100,
    classes: str = "",
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Make a part of a sound anew and keep the rest.

    Parameters
    ----------
    sound
        The sound.
    model
        A trained model, as ``train`` wrote it; the one that ships when left out.
    start, end
        The part to make anew, in seconds from the beginning.
    count
        How many versions.
    steps
        Steps from noise to sound.
    classes
        Which classes the new part shall lean to.
    out
        The folder for the sounds.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    net = open_model(model, device)
    if not 0 <= start < min(end, net.length / net.rate):
        raise BadInput(
            f"--start lies before --end and within the {net.length / net.rate:.2f} s of this model's sounds."
        )
    _check_steps(steps)
    known = _read(net, sound).expand(count, -1)
    places = torch.arange(net.length, device=known.device) / net.rate
    generator = torch.Generator(known.device).manual_seed(seed)
    after = kept_region(known, (places < start) | (places >= end), generator)
    noise = torch.randn(known.shape, generator=generator, device=known.device)
    made = denoise(net, noise, steps=steps, sampler="ddpm", classes=_weights(classes), after=after, generator=generator)
    return _keep(net, made, _numbered(count), Path(out) if out else Path(sound).with_suffix(".inpainted"), known[:1])


def vary(
    sound: SoundFile,
    model: Model | None = None,
    *,
    sigma: float = 0.3,
    count: int = 4,
    steps: int = 50,
    classes: str = "",
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Make variations of a sound: noise is added to it and taken away again.

    Parameters
    ----------
    sound
        The sound.
    model
        A trained model, as ``train`` wrote it; the one that ships when left out.
    sigma
        How much noise: 0.1 stays close, 0.7 keeps the outline; 0.5 to 0.95 moves it to other classes.
    count
        How many variations.
    steps
        Steps down from that noise.
    classes
        Which classes the variations shall move to.
    out
        The folder for the sounds.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    net = open_model(model, device)
    if not 0 < sigma < 1:
        raise BadInput(f"--sigma lies between 0 and 1, not at {sigma}.")
    _check_steps(steps)
    source = _read(net, sound).expand(count, -1)
    generator = torch.Generator(source.device).manual_seed(seed)
    start = net.schedule.time_of(sigma)
    noisy = partly_noised(source, net.schedule.level(start), generator=generator)
    made = denoise(net, noisy, start=start, steps=steps, sampler="ddpm", classes=_weights(classes), generator=generator)
    return _keep(net, made, _numbered(count), Path(out) if out else Path(sound).with_suffix(".varied"), source[:1])


def encode(
    sound: SoundFile,
    model: Model | None = None,
    *,
    steps: int = 150,
    out: Path | None = None,
    device: Device = "auto",
) -> Outcome:
    """Write the latent of a sound: the noise that the model would make it from.

    Parameters
    ----------
    sound
        The sound.
    model
        A trained model, as ``train`` wrote it; the one that ships when left out.
    steps
        Steps from sound to noise.
    out
        The file for the latent, an array in NumPy's format.
    device
        Where to compute.
    """
    net = open_model(model, device)
    _check_steps(steps)
    levels = net.schedule.levels(steps)
    known = _read(net, sound)
    latent = encode_sound(net.eps, known, levels)
    again = decode_latent(net.eps, latent, levels)
    target = Path(out) if out else Path(sound).with_suffix(".latent.npy")
    with written_whole(target) as temporary, temporary.open("wb") as stream:
        np.save(stream, latent[0].cpu().numpy())
    error = (again - known).square().sum().clamp(min=1e-20)
    numbers: dict[str, float | int | str] = {
        "spread of the latent": float(latent.std()),
        "signal to noise when decoded, dB": float(10 * torch.log10(known.square().sum() / error)),
    }
    return Outcome({"latent": target}, numbers, f"Back again: hotpapers crash decode {shlex.quote(str(target))}")


def decode(
    latent: AnyFile,
    model: Model | None = None,
    *,
    steps: int = 150,
    out: Path | None = None,
    device: Device = "auto",
) -> Outcome:
    """Write the sound of a latent.

    Parameters
    ----------
    latent
        A latent that ``encode`` wrote, or any noise of the model's length.
    model
        A trained model, as ``train`` wrote it; the one that ships when left out.
    steps
        Steps from noise to sound.
    out
        The file for the sound.
    device
        Where to compute.
    """
    net = open_model(model, device)
    _check_steps(steps)
    try:
        array = np.load(latent, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{Path(latent).name} is no array of NumPy's; give what 'encode' wrote.") from error
    if array.shape != (net.length,) or not np.isfinite(array).all():
        raise BadInput(f"A latent of this model has {net.length} numbers; {Path(latent).name} has shape {array.shape}.")
    noise = torch.from_numpy(array).float()[None].to(net.unet.first.weight.device)
    made = decode_latent(net.eps, noise, net.schedule.levels(steps))
    target = Path(out) if out else Path(latent).with_suffix("").with_suffix(".decoded.wav")
    write_sound(target, _levelled(made)[0], net.rate)
    picture = write_image(target.with_suffix(".png"), sound_sheet([_levelled(made)[0]], [target.name], net.rate))
    return Outcome({"sound": target, "picture": picture})


def _read(net: Crash, path: Path) -> Float[Tensor, "1 length"]:
    return torch.from_numpy(read_drum(Path(path), net.rate, net.length))[None].to(net.unet.first.weight.device)


def _weights(classes: str) -> dict[str, float] | None:
    """Return what ``kick=0.8, snare=0.2`` says."""
    weights = {}
    for part in filter(None, (each.strip() for each in classes.split(","))):
        name, _, weight = part.partition("=")
        try:
            weights[name.strip()] = float(weight) if weight else 1.0
        except ValueError as error:
            raise BadInput(f"{part!r} is no class with a weight; write kick, or kick=0.8, snare=0.2.") from error
    return weights or None


def _check_steps(steps: int) -> None:
    if not 1 <= steps <= 10_000:
        raise BadInput(f"--steps can be 1 to 10,000, not {steps}.")


def _numbered(count: int) -> list[str]:
    if not 1 <= count <= MOST:
        raise BadInput(f"--count can be 1 to {MOST}, not {count}.")
    return [f"{number:03d}" for number in range(1, count + 1)]


def _levelled(sounds: Float[Tensor, "n length"]) -> Float[np.ndarray, "n length"]:
    """Return sounds with their peak at most at full level."""
    return (sounds / sounds.abs().amax(1, keepdim=True).clamp(min=1)).cpu().numpy()


def _keep(net: Crash, made: Tensor, names: Sequence[str], out: Path, source: Tensor | None = None) -> Outcome:
    """Write sounds and a picture of them into a folder, and say what the classifier hears in them."""
    sounds = _levelled(made)
    heard = _heard(net, made)
    with written_whole(out) as temporary:
        temporary.mkdir()
        for name, sound in zip(names, sounds, strict=True):
            write_sound(temporary / f"{name}.wav", sound, net.rate)
        words = heard or [""] * len(sounds)
        labels = [f"{name} {word}".strip() for name, word in zip(names, words, strict=True)][:SHOWN]
        shown = list(sounds[:SHOWN])
        if source is not None:
            labels, shown = ["source", *labels], [_levelled(source)[0], *shown]
        write_image(temporary / "sounds.png", sound_sheet(shown, labels, net.rate))
    numbers: dict[str, float | int | str] = {"sounds": len(sounds), "seconds each": round(net.length / net.rate, 3)}
    if heard:
        numbers |= {f"heard as {name}": heard.count(name) for name in net.classes}
    files = {"picture": out / "sounds.png"} | {name: out / f"{name}.wav" for name in names[:12]}
    return Outcome(files, numbers, f"All of them are in {out}.")


@torch.no_grad()
def _heard(net: Crash, made: Tensor) -> list[str]:
    if net.classifier is None:
        return []
    logits = net.class_scores(made, net.schedule.level(net.schedule.t_min))
    return [net.classes[each] for each in logits.argmax(1).tolist()]
