"""What one can do with a trained model: make sounds, and take one's own apart, mix, mend and vary them."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.blocks.diffusion import decode as decode_latent
from hotpapers.blocks.diffusion import encode as encode_sound
from hotpapers.blocks.diffusion import kept_region, partly_noised, slerp
from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import replaceable, written_whole
from hotpapers.media import read_array, sound_sheet, write_image, write_sound
from hotpapers.media.readable import named
from hotpapers.papers.crash.drums import read_drum
from hotpapers.papers.crash.model import Crash
from hotpapers.papers.crash.sampling import Sampler, check_steps, denoise, draw
from hotpapers.papers.crash.shelf import generator_of, open_model
from hotpapers.verbs import AnyFile, Device, Model, Outcome, SoundFile

MOST = 1_000  # sounds at once
BATCH = 16
SHOWN = 32  # sounds in the picture
OURS = r"\d{3,}\.wav|sounds\.png"  # names in a folder of sounds
LARGEST = 1e6  # that a latent's number can be; what a sound is encoded as lies within some units


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
    net, asked = open_model(model, device), _weights(classes)
    target = _folder(out, Path("made"))
    check_steps(steps)
    generator = generator_of(net, seed)
    made = torch.cat([
        draw(net, size, steps=steps, sampler=sampler, classes=asked, strength=strength, generator=generator)
        for size in _batches(count)
    ])  # fmt: skip
    return _keep(net, made, target)


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
    net, target = open_model(model, device), _folder(out, Path(a).with_suffix(".between"))
    _check_count(count, least=2)
    check_steps(steps)
    levels = net.schedule.levels(steps)
    with torch.no_grad():
        first, last = encode_sound(net.eps, torch.cat([_read(net, a), _read(net, b)]), levels).split(1)
        between = torch.cat([slerp(first, last, number / (count - 1)) for number in range(count)])
        made = torch.cat([decode_latent(net.eps, each, levels) for each in between.split(BATCH)])
    return _keep(net, made, target)


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
    net, asked = open_model(model, device), _weights(classes)
    target = _folder(out, Path(sound).with_suffix(".inpainted"))
    if not 0 <= start < min(end, net.length / net.rate):
        raise BadInput(
            f"--start lies before --end and within the {net.length / net.rate:.2f} s of this model's sounds."
        )
    check_steps(steps)
    known, generator = _read(net, sound), generator_of(net, seed)
    places = torch.arange(net.length, device=known.device) / net.rate
    keep = (places < start) | (places >= end)

    def versions(size: int) -> Tensor:
        after = kept_region(known.expand(size, -1), keep, generator)
        noise = torch.randn(size, net.length, generator=generator, device=known.device)
        return denoise(net, noise, steps=steps, sampler="ddpm", classes=asked, after=after, generator=generator)

    return _keep(net, torch.cat([versions(size) for size in _batches(count)]), target, known)


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
    net, asked, target = open_model(model, device), _weights(classes), _folder(out, Path(sound).with_suffix(".varied"))
    if not 0 < sigma < 1:
        raise BadInput(f"--sigma lies between 0 and 1, not at {sigma}.")
    check_steps(steps)
    source, generator = _read(net, sound), generator_of(net, seed)
    start = net.schedule.time_of(sigma)

    def variations(size: int) -> Tensor:
        noisy = partly_noised(source.expand(size, -1), net.schedule.level(start), generator=generator)
        return denoise(net, noisy, start=start, steps=steps, sampler="ddpm", classes=asked, generator=generator)

    return _keep(net, torch.cat([variations(size) for size in _batches(count)]), target, source)


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
    check_steps(steps)
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
    back = shlex.join(["hotpapers", "crash", "decode", str(target), *([str(model)] if model else [])])
    return Outcome({"latent": target}, numbers, f"Back again: {back}")


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
        A latent that ``encode`` wrote, or any noise of the model's length, as an array in NumPy's format.
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
    check_steps(steps)
    noise = torch.from_numpy(_read_latent(Path(latent), net.length))[None].to(net.unet.first.weight.device)
    sound = _levelled(decode_latent(net.eps, noise, net.schedule.levels(steps)))[0]
    target = Path(out) if out else Path(latent).with_name(f"{Path(latent).stem.removesuffix('.latent')}.decoded.wav")
    write_sound(target, sound, net.rate)
    picture = write_image(target.with_suffix(".png"), sound_sheet([sound], [target.name], net.rate))
    return Outcome({"sound": target, "picture": picture})


def _folder(out: Path | None, usual: Path) -> Path:
    """Return the folder for sounds; one that is there already is replaced, so it must hold nothing but such sounds."""
    return replaceable(Path(out) if out else usual, OURS)


def _read(net: Crash, path: Path) -> Float[Tensor, "1 length"]:
    return torch.from_numpy(read_drum(Path(path), net.rate, net.length))[None].to(net.unet.first.weight.device)


def _read_latent(path: Path, length: int) -> Float[np.ndarray, " length"]:
    """Read a latent of ``length`` numbers."""
    array = read_array(path, "latent", "what 'encode' wrote")
    if array.dtype.kind != "f" or array.shape != (length,) or not (np.abs(array) < LARGEST).all():
        raise BadInput(
            f"A latent of this model has {length:,} numbers, none of them NaN or beyond {LARGEST:,.0f}; {named(path)} "
            "is something else."
        )
    return array.astype(np.float32)


def _weights(classes: str) -> dict[str, float] | None:
    """Return what ``kick=0.8, snare=0.2`` says; ``None`` for nothing."""
    weights: dict[str, float] = {}
    for part in classes.split(",") if classes.strip() else ():
        name, given, weight = (each.strip() for each in part.partition("="))
        try:
            if not name or name in weights:
                raise ValueError(name)
            weights[name] = float(weight) if given else 1.0
        except ValueError as error:
            said = part.strip()[:80]
            raise BadInput(
                f"{said!r} is no class with a weight, or is named twice; write kick, or kick=0.8, snare=0.2."
            ) from error
    return weights or None


def _batches(count: int) -> Iterator[int]:
    """Return the sizes of the batches that ``count`` sounds are made in."""
    _check_count(count)
    return (min(BATCH, count - first) for first in range(0, count, BATCH))


def _check_count(count: int, least: int = 1) -> None:
    if not least <= count <= MOST:
        raise BadInput(f"--count can be {least} to {MOST:,}, not {count}.")


def _levelled(sounds: Float[Tensor, "n length"]) -> Float[np.ndarray, "n length"]:
    """Return sounds with their peak at most at full level.

    Raises
    ------
    HotpapersError
        If one holds NaN or infinity: too few steps of too coarse a sampler, or too strong a pull, can do that.
    """
    if not sounds.isfinite().all():
        raise HotpapersError("What was made are no numbers any more: take more --steps, or less --strength.")
    return (sounds / sounds.abs().amax(1, keepdim=True).clamp(min=1)).cpu().numpy()


def _keep(
    net: Crash, made: Float[Tensor, "n length"], out: Path, source: Float[Tensor, "1 length"] | None = None
) -> Outcome:
    """Write sounds and a picture of them into a folder, and say what the classifier hears in them."""
    sounds, heard = _levelled(made), _heard(net, made)
    names = [f"{number:03d}" for number in range(1, len(sounds) + 1)]
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
    level = net.schedule.level(net.schedule.t_min)
    logits = torch.cat([net.class_scores(each, level) for each in made.split(BATCH)])
    return [net.classes[each] for each in logits.argmax(1).tolist()]
