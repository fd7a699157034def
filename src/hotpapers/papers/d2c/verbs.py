"""What one can do with a trained model: make images, and take one's own to latents and back."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.blocks.diffusion import ddim, slerp
from hotpapers.blocks.diffusion import encode as encode_upwards
from hotpapers.errors import BadInput
from hotpapers.files import replaceable, written_whole
from hotpapers.media import contact_sheet, read_array, to_pixels, write_image
from hotpapers.media.readable import named
from hotpapers.papers.d2c.logistics import quantise
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.pictures import read_picture, unit
from hotpapers.papers.d2c.sampling import Decoding, Sampler, check_steps, draw, path, pictured
from hotpapers.papers.d2c.shelf import generator_of, open_model
from hotpapers.verbs import AnyFile, Device, ImageFile, Model, Outcome

MOST = 10_000  # images at once
SHOWN = 64  # in the sheet
OURS = r"(\d{3,}|images)\.png"  # names in a folder of images
LARGEST = 1e6  # that a latent's number can be; what an encoder gives is within some tens


def sample(
    *,
    model: Model | None = None,
    count: int = 16,
    steps: int = 100,
    sampler: Sampler = "ddim",
    decoding: Decoding = "mean",
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Make new images: a latent from noise, and the image of the latent.

    Parameters
    ----------
    model
        A trained model, as ``train`` wrote it; the small one of clothes that comes with the package when left out.
    count
        How many images.
    steps
        Steps from noise to latent; the paper takes 100.
    sampler
        How to step: ddim is the paper's, dpm-solver needs about a fifth of the steps.
    decoding
        Which image of those that a latent allows: mean, mode (the most probable), or sample, as the paper does, with
        the noise that the decoder expects.
    out
        The folder for the images.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    check_count(count)
    check_steps(steps)
    target = folder_for(out, Path("made"))
    net = open_model(model, device)
    chance = generator_of(net, seed)
    made = pictured(net, draw(net, count, steps=steps, sampler=sampler, generator=chance), decoding, chance)
    return keep(made, target, {"images": count, "network evaluations each": len(path(net, steps)) - 1})


def reconstruct(
    image: ImageFile,
    *,
    model: Model | None = None,
    decoding: Decoding = "mean",
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Take an image to its latent and back, to see what the model keeps of it.

    Parameters
    ----------
    image
        The image; its middle square is taken and scaled.
    model
        A trained model; the one that comes with the package when left out.
    decoding
        Which image of those that a latent allows.
    out
        The picture of both.
    seed
        The seed, for decoding by sample.
    device
        Where to compute.
    """
    net = open_model(model, device)
    x = read_unit(net, image)
    with torch.no_grad():
        z = net.encode(x)
        back = pictured(net, z, decoding, generator_of(net, seed))
        grid = quantise(x, net.bits)
        bits = -net.distribution(z).log_prob(grid) / (grid[0].numel() * np.log(2))
    sheet = contact_sheet([pixels(x), pixels(back)], ["image", "reconstruction"], columns=2)
    target = write_image(Path(out) if out else Path(image).with_suffix(".reconstruction.png"), sheet)
    return Outcome({"picture": target}, {"PSNR, dB": decibels(back, x), "bits a dimension": round(float(bits), 3)})


def encode(
    image: ImageFile, *, model: Model | None = None, out: Path | None = None, device: Device = "auto"
) -> Outcome:
    """Write the latent of an image, an array in NumPy's format.

    Parameters
    ----------
    image
        The image; its middle square is taken and scaled.
    model
        A trained model; the one that comes with the package when left out.
    out
        The file for the latent.
    device
        Where to compute.
    """
    net = open_model(model, device)
    with torch.no_grad():
        z = net.encode(read_unit(net, image))
    target = Path(out) if out else Path(image).with_suffix(".latent.npy")
    with written_whole(target) as temporary, temporary.open("wb") as stream:
        np.save(stream, z[0].cpu().numpy())
    numbers: dict[str, float | int | str] = {
        "shape": " x ".join(map(str, net.shape)),
        "spread, 1 is usual": round(float(net.normal(z).std()), 3),
    }
    back = f"hotpapers d2c decode {shlex.quote(str(target))}{with_model(model)}"
    return Outcome({"latent": target}, numbers, f"Back again: {back}")


def decode(
    latent: AnyFile,
    *,
    model: Model | None = None,
    decoding: Decoding = "mean",
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Write the image of a latent.

    Parameters
    ----------
    latent
        What ``encode`` wrote, or any array of the model's shape.
    model
        A trained model; the one that comes with the package when left out.
    decoding
        Which image of those that the latent allows.
    out
        The file for the image.
    seed
        The seed, for decoding by sample.
    device
        Where to compute.
    """
    net = open_model(model, device)
    array = read_array(Path(latent), "latent", "what 'encode' wrote")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        values = array.astype(np.float32) if array.shape == net.shape and array.dtype.kind == "f" else None
    if values is None or not (np.abs(values) < LARGEST).all():
        raise BadInput(
            f"A latent of this model is {' x '.join(map(str, net.shape))} numbers, none of them NaN or beyond "
            f"{LARGEST:,.0f}; {named(Path(latent))} is something else."
        )
    z = torch.from_numpy(values)[None].to(net.mean.device)
    made = pictured(net, z, decoding, generator_of(net, seed))
    target = Path(out) if out else Path(latent).with_suffix("").with_suffix(".decoded.png")
    return Outcome({"image": write_image(target, pixels(made))})


def interpolate(
    a: ImageFile,
    b: ImageFile,
    *,
    model: Model | None = None,
    count: int = 9,
    steps: int = 50,
    out: Path | None = None,
    device: Device = "auto",
) -> Outcome:
    """Make the images between two images: their latents go up to noise, are mixed on the sphere and come down again.

    Parameters
    ----------
    a, b
        The images to go between.
    model
        A trained model; the one that comes with the package when left out.
    count
        How many, both ends included.
    steps
        Steps up to the noise, and as many down.
    out
        The folder for the images.
    device
        Where to compute.
    """
    check_count(count, least=2)
    check_steps(steps)
    target = folder_for(out, Path(a).with_suffix(".between"))
    net = open_model(model, device)
    levels = path(net, steps)
    with torch.no_grad():
        z = net.normal(net.encode(torch.cat([read_unit(net, a), read_unit(net, b)])))
        first, last = encode_upwards(net.eps, z, levels).split(1)
        between = torch.cat([slerp(first, last, number / (count - 1)) for number in range(count)])
        made = pictured(net, net.raw(torch.cat([ddim(net.eps, each, levels) for each in between.split(64)])))
    return keep(made, target, {"images": count}, columns=count)


def folder_for(out: Path | None, usual: Path) -> Path:
    """Return the folder for images; one that is there already is replaced, so it must hold nothing but such images."""
    return replaceable(Path(out) if out else usual, OURS)


def keep(
    made: Float[Tensor, "n C H W"],
    out: Path,
    numbers: dict[str, float | int | str],
    *,
    labels: Sequence[str] = (),
    columns: int | None = None,
    note: str = "",
) -> Outcome:
    """Write images and a sheet of them into a folder."""
    names = [f"{number:03d}" for number in range(1, len(made) + 1)]
    labels = labels or names
    with written_whole(out) as temporary:
        temporary.mkdir()
        for name, image in zip(names, made, strict=True):
            write_image(temporary / f"{name}.png", pixels(image))
        shown = [pixels(image) for image in made[:SHOWN]]
        write_image(
            temporary / "images.png",
            contact_sheet(shown, labels[:SHOWN], columns=min(columns, 12) if columns else None),
        )
    files = {"picture": out / "images.png"} | {name: out / f"{name}.png" for name in names[:12]}
    return Outcome(files, numbers, note or f"All of them are in {out}.")


def read_unit(model: D2C, image: Path) -> Float[Tensor, "1 C H W"]:
    """Return an image at the model's size, in [0, 1]."""
    return unit(read_picture(Path(image), model.size, model.channels))[None].to(model.mean.device)


def pixels(image: Tensor) -> np.ndarray:
    """Return an image of the model's as a picture."""
    return to_pixels(image).clip(0, 1)


def decibels(a: Tensor, b: Tensor) -> float:
    """Return the PSNR for people."""
    return round(float(-10 * (a - b).square().mean().clamp(min=1e-10).log10()), 2)


def with_model(model: Path | None) -> str:
    """Return the option that names the model again, in a command that is to follow."""
    return f" --model {shlex.quote(str(model))}" if model else ""


def check_count(count: int, least: int = 1) -> None:
    """Refuse numbers of images that cannot be made at once."""
    if not least <= count <= MOST:
        raise BadInput(f"--count can be {least} to {MOST:,}, not {count}.")
