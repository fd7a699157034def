"""Verbs that train on one image and use the model at once: style transfer and super-resolution.

The model stays beside the result, so that a second call with the same image does not train again, and an interrupted
training goes on where it was.
"""

import dataclasses
import hashlib
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.media import before_after, read_image, to_pixels, to_tensor, write_image
from hotpapers.metrics import psnr, sharpness
from hotpapers.papers.sinir.model import SinIR
from hotpapers.papers.sinir.pyramid import image_pyramid, resize, scaled_sizes
from hotpapers.papers.sinir.tiles import cascade
from hotpapers.papers.sinir.train import PRESETS, Config, check_config, fit, published
from hotpapers.papers.sinir.workbench import Bench, beside, compute_device, load_model, shown
from hotpapers.run import Run, save_model
from hotpapers.verbs import Device, ImageFile, Model, Outcome

LARGEST = 100_000_000  # pixels of a result
SMALLEST_TRAINING = 16  # pixels, as SSIM's window has 11
QUICK: dict[str, Any] = {"max_size": 128, "channels": 48, "steps": 60}


def style_photo(
    style: ImageFile,
    content: ImageFile,
    *,
    out: Path | None = None,
    model: Model | None = None,
    preset: Literal["style-photo", "quick", "paper"] = "style-photo",
    start_scale: int | None = None,
    size: int | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Give one photograph the colours and light of another: trains on the style, then changes the content.

    Parameters
    ----------
    style
        The photograph whose look is wanted.
    content
        The photograph that gets it.
    out
        Where the result goes; beside the content when left out.
    model
        Directory of a model already trained on the style: nothing is trained then.
    preset
        The paper's networks by our schedule; quick, with smaller ones; or paper: the authors' much slower schedule.
    start_scale
        0 changes most, 1 less. Left out, it is chosen: where more change brings little more likeness to the style.
    size
        Longer side in pixels that the networks work at; left out, the content's own.
    seed
        Of the training.
    device
        Where to compute.
    """
    out = Path(out) if out else Path(content).with_name(f"{Path(content).stem}-styled.png")
    _check_before_training(content)
    trained, files = _model_of(style, model, "style-photo", preset, out, seed, device)
    bench = Bench(trained, content, size=size, own_size=True, device=device)
    return _with_files(bench.change("styled", out, start_scale), files)


def style_art(
    style: ImageFile,
    content: ImageFile,
    *,
    out: Path | None = None,
    model: Model | None = None,
    preset: Literal["style-art", "quick", "paper"] = "style-art",
    start_scale: int | None = None,
    size: int | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Repaint a photograph with a painting's strokes or a material's texture: trains on the style at many scales.

    Parameters
    ----------
    style
        The painting or texture.
    content
        The photograph that gets it.
    out
        Where the result goes; beside the content when left out.
    model
        Directory of a model already trained on the style: nothing is trained then.
    preset
        The paper's networks by our schedule (an hour on a CPU); quick, with smaller ones; or paper: the authors' own,
        much slower, schedule.
    start_scale
        Where the content enters the networks: 0 is the coarsest and changes most. Left out, it is chosen: where more
        change brings little more likeness to the style.
    size
        Longer side in pixels of the result; left out, that of the style in training.
    seed
        Of the training.
    device
        Where to compute.
    """
    out = Path(out) if out else Path(content).with_name(f"{Path(content).stem}-styled.png")
    _check_before_training(content)
    trained, files = _model_of(style, model, "style-art", preset, out, seed, device)
    # At the working size: the photograph's own fine detail is what the strokes replace
    bench = Bench(trained, content, size=size, at_working_size=True, device=device)
    return _with_files(bench.change("styled", out, start_scale), files)


def super_resolve(
    image: ImageFile,
    *,
    out: Path | None = None,
    factor: float = 4.0,
    model: Model | None = None,
    preset: Literal["super-resolve", "quick", "paper"] = "super-resolve",
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Enlarge an image by any factor: learns from it how its own half size becomes its full size.

    Parameters
    ----------
    image
        The image to enlarge.
    out
        Where the result goes; beside the image when left out.
    factor
        How many times wider and higher, more than 1 and at most 16.
    model
        Directory of a model already trained on the image: nothing is trained then.
    preset
        The paper's networks by our schedule; quick, with smaller ones; or paper: the authors' much slower schedule.
    seed
        Of the training.
    device
        Where to compute.
    """
    if not 1 < factor <= 16:
        raise BadInput(f"An image can be enlarged more than 1 and at most 16 times, not {factor:g}: change --factor.")
    picture = read_image(image, min_size=SMALLEST_TRAINING, needed_by="SinIR")
    height, width = (round(length * factor) for length in picture.pixels.shape[:2])
    if height * width > LARGEST:
        raise BadInput(f"{Path(image).name} would be {width} x {height}: choose a smaller --factor.")
    out = Path(out) if out else Path(image).with_name(f"{Path(image).stem}-x{factor:g}.png")
    trained, files = _model_of(image, model, "super-resolve", preset, out, seed, device)
    trained = trained.to(compute_device(device)).eval()
    small = to_tensor(picture.pixels).to(trained.image.device) * 2 - 1
    enlarged = enlarge(trained, small, (height, width))
    bicubic = resize(small, (height, width), "matlab").clamp(-1, 1)
    alpha = picture.alpha
    if alpha is not None:
        map_ = to_tensor(alpha[..., None].repeat(3, axis=2)) * 2 - 1
        alpha = to_pixels((resize(map_, (height, width), "matlab").clamp(-1, 1) + 1) / 2)[..., 0]
    write_image(out, to_pixels((enlarged + 1) / 2), alpha=alpha, bit_depth=picture.bit_depth)
    files = {"result": out, "before and after": beside(out, "before-after.png")} | files
    crops = [shown(_centre(each)) for each in (bicubic, enlarged)]
    write_image(files["before and after"], before_after(*crops, ("bicubic (middle)", f"SinIR x{factor:g} (middle)")))
    again = resize(enlarged, tuple(small.shape[-2:]), "matlab").clamp(-1, 1)
    numbers: dict[str, float | int | str] = {
        "size": f"{width} x {height}",
        "sharpness over bicubic's": sharpness((enlarged + 1) / 2) / max(sharpness((bicubic + 1) / 2), 1e-9),
        "PSNR of the result made small again, dB": psnr((again + 1) / 2, (small + 1) / 2),
    }
    return Outcome(files, numbers)


@torch.no_grad()
def enlarge(model: SinIR, x: Float[Tensor, "1 3 h w"], size: tuple[int, int]) -> Float[Tensor, "1 3 H W"]:
    """Enlarge ``x`` (values in [-1, 1]) to ``size`` with the finest network alone, over and over.

    The published scheme: the image is resized to ``size``, reduced by the training's factor, and goes through the
    network at each size on the way back. For up to 4 times there are two sizes (a network trained for 2 times does 4);
    beyond, as many as the first needs to be at most twice the image.
    """
    factor = max(size[0] / x.shape[-2], size[1] / x.shape[-1])
    levels = max(2, math.ceil(math.log(factor) / -math.log(model.factor) - 1e-6))
    sizes = scaled_sizes(*size, model.factor, levels)
    start = image_pyramid(resize(x, size, model.resampler), sizes, model.resampler)[0]
    return cascade([model.nets[-1]] * levels, start, sizes, model.resampler).clamp(-1, 1)


def _model_of(
    image: Path, model: Path | None, task: str, preset: str, out: Path, seed: int, device: str
) -> tuple[SinIR, dict[str, Path]]:
    """Return the model that the user named, or else train one on the image and keep it beside the result."""
    if model is not None:
        return load_model(Path(model)), {}
    pixels = read_image(image, min_size=SMALLEST_TRAINING, needed_by="SinIR").pixels
    config = published(task) if preset == "paper" else PRESETS[task]
    if preset == "quick":
        config = dataclasses.replace(config, **QUICK | {"max_size": min(config.max_size, QUICK["max_size"])})
    if task == "super-resolve":  # an image smaller than the published 120 pixels is not blown up to them
        config = dataclasses.replace(config, max_size=min(config.max_size, max(pixels.shape[:2])))
    trained = task if preset == task else f"{task}-{preset}"
    folder = out.with_name(f"{Path(image).stem}.{trained}.sinir")
    return train_or_resume(pixels, config, folder, seed, device), {"model": folder}


def train_or_resume(pixels: Float[np.ndarray, "H W 3"], config: Config, folder: Path, seed: int, device: str) -> SinIR:
    """Train on an image in ``folder``, or go on with the training there, or take what it had made."""
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
    settings = dataclasses.asdict(config) | {"image": digest}
    check_config(config, *pixels.shape[:2])
    again = "the same command again"
    with Run(folder, seed=seed, config=settings, device=device, resume=True, resume_command=again) as run:
        model = fit(to_tensor(pixels).to(run.device) * 2 - 1, config, run)
        if run.rank == 0:
            save_model(model, folder)
    return model


def _check_before_training(image: Path) -> None:
    """Refuse an image that cannot be used before hours of training, not after."""
    read_image(image, min_size=SMALLEST_TRAINING, needed_by="SinIR")


def _with_files(outcome: Outcome, files: dict[str, Path]) -> Outcome:
    return dataclasses.replace(outcome, files=outcome.files | files)


def _centre(x: Tensor, side: int = 320) -> Tensor:
    top, left = (max(0, (length - side) // 2) for length in x.shape[-2:])
    return x[..., top : top + side, left : left + side]
