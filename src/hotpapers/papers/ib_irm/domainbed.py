"""Images in DomainBed's layout, ``root/<environment>/<class>/<image>``: Terra Incognita, COCO, and a user's own."""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.media import read_image
from hotpapers.progress import track

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
TERRA_INCOGNITA = ("location_38", "location_43", "location_46", "location_100")
"""The four cameras that DomainBed takes of Terra Incognita."""


@dataclasses.dataclass(frozen=True)
class Images:
    """Images with values in [0, 1], their class and environment, and the names of both."""

    x: Float[Tensor, "n 3 h w"]
    y: Int[Tensor, " n"]
    env: Int[Tensor, " n"]
    classes: list[str]
    environments: list[str]


def terra_incognita(root: Path, size: int = 224) -> Images:
    """Read Terra Incognita's four cameras as DomainBed keeps them: ``root/terra_incognita/location_38/bird/…``."""
    return _read_named(Path(root) / "terra_incognita", TERRA_INCOGNITA, size)


def coco(root: Path, size: int = 64) -> Images:
    """Read coloured COCO objects: ``root/coco/<environment>/<class>/…``, whatever environments are there."""
    return read_images(Path(root) / "coco", size)


def read_images(root: Path, size: int = 16, environments: tuple[str, ...] = ()) -> Images:
    """Read a folder for each environment with a folder for each class; images are resized to a square.

    Raises
    ------
    BadInput
        Where a folder or a class is missing, or an image cannot be read.
    """
    root = Path(root)
    names = list(environments) or _folders(root)
    if len(names) < 2:
        raise BadInput(f"{root} needs two folders or more, one an environment, each with a folder for each class.")
    classes = sorted({each for name in names for each in _folders(root / name)})
    if len(classes) < 2:
        raise BadInput(f"{root} needs two classes or more: a folder for each in the environments' folders.")
    found = [
        (path, classes.index(kind), index)
        for index, name in enumerate(names)
        for kind in classes
        for path in sorted((root / name / kind).glob("*"))
        if path.suffix.lower() in SUFFIXES
    ]
    if bare := [name for index, name in enumerate(names) if not any(env == index for _, _, env in found)]:
        raise BadInput(f"{root / bare[0]} has no images ({', '.join(sorted(SUFFIXES))}) in folders of classes.")
    x = np.stack([_square(path, size) for path, _, _ in track(found, "reading images")])
    y, env = (torch.tensor([each[k] for each in found]) for k in (1, 2))
    return Images(torch.from_numpy(x).permute(0, 3, 1, 2), y, env, classes, names)


def _read_named(root: Path, names: tuple[str, ...], size: int) -> Images:
    if missing := [name for name in names if not (root / name).is_dir()]:
        raise BadInput(
            f"{root} has no folder {missing[0]!r}: bring the data as DomainBed's download script lays it out."
        )
    return read_images(root, size, names)


def _folders(path: Path) -> list[str]:
    if not path.is_dir():
        raise BadInput(f"There is no folder {path}.")
    return sorted(each.name for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))


def _square(path: Path, size: int) -> np.ndarray:
    """Return an image as size x size x 3 in [0, 1]."""
    pixels = read_image(path).pixels
    image = Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR), dtype=np.float32) / 255
