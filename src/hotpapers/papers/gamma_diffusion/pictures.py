"""Pictures: a folder of images as one tensor of bytes, each cut to a square and brought to one size.

A file that is no image, or too small, is left out, counted and named.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.media import IMAGE_SUFFIXES, files_in, read_image, to_pixels
from hotpapers.media.readable import named
from hotpapers.progress import track

LARGEST = 16 << 30  # bytes of all pictures together
Crop = Literal["square", "celeba"]


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Images of one size.

    Attributes
    ----------
    pixels
        One byte a channel: what 300,000 faces at 64 x 64 come to is 3.7 GB.
    left_out
        Files that could not be used, with the reason.
    """

    pixels: UInt8[Tensor, "n channels size size"]
    left_out: dict[Path, str] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, rows: Int[Tensor, " b"], *, flip: bool = False) -> Float[Tensor, "b channels size size"]:
        """Return some of them in [-1, 1], every other one mirrored at random where ``flip`` asks for it."""
        images = from_bytes(self.pixels[rows])
        if flip:
            mirrored = torch.rand(len(images), device=images.device) < 0.5
            images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
        return images

    def to(self, device: torch.device) -> "Pictures":
        """Return them on a device."""
        return dataclasses.replace(self, pixels=self.pixels.to(device))


def from_bytes(pixels: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return bytes as numbers in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def as_pixels(images: Iterable[Float[Tensor, "channels size size"]]) -> list[Float[np.ndarray, "size size channels"]]:
    """Return images of [-1, 1] for people: height x width x channels in [0, 1]."""
    return [to_pixels((each + 1) / 2).clip(0, 1) for each in images]


def read_pictures(folder: Path, size: int, channels: int, *, crop: Crop = "square") -> Pictures:
    """Read every image under ``folder``, or in a ZIP archive.

    Parameters
    ----------
    crop
        ``square``: the largest square in the middle; ``celeba``: 128 x 128 around (89, 121), where the aligned faces of
        CelebA are.

    Raises
    ------
    BadInput
        If there is no image that can be used, or more than memory is meant for.
    """
    pixels, left_out = [], {}
    with files_in(Path(folder), IMAGE_SUFFIXES, "images") as found:
        if len(found) * size * size * channels > LARGEST:
            raise BadInput(
                f"{folder} has {len(found):,} images, more than fit at {size} x {size}; take a part of them."
            )
        for name, path in track(found, "reading images"):
            try:
                pixels.append(read_square(path, size, channels, crop))
            except BadInput as error:
                left_out[Path(folder) / name] = str(error).replace(named(path), named(Path(folder) / name))
    if not pixels:
        reason = next(iter(left_out.values()), f"none ends in {', '.join(IMAGE_SUFFIXES)}")
        raise BadInput(f"There is no image in {folder} that can be used ({reason}).")
    return Pictures(torch.from_numpy(np.stack(pixels)), left_out)


def read_square(path: Path, size: int, channels: int, crop: Crop = "square") -> UInt8[np.ndarray, "channels size size"]:
    """Read one image, cut it to a square and bring it to ``size``."""
    picture = read_image(path, mode="L" if channels == 1 else "RGB", min_size=min(size, 8), needed_by="Training")
    samples = np.rint(picture.pixels * 255).astype(np.uint8)
    height, width = samples.shape[:2]
    if crop == "celeba":
        if (height, width) != (218, 178):
            raise BadInput(f"CelebA's aligned faces are 178 x 218; {path.name} is {width} x {height}.")
        samples = samples[57:185, 25:153]
    else:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        samples = samples[top : top + side, left : left + side]
    image = Image.fromarray(samples[..., 0] if channels == 1 else samples)
    resized = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return resized.reshape(size, size, channels).transpose(2, 0, 1).copy()
