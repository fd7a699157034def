"""Photographs, drawings and masks: from files to arrays in [0, 1] and back, without losing a bit on the way."""

import contextlib
import dataclasses
import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageCms

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import written_whole
from hotpapers.media import deep
from hotpapers.media.readable import check_readable, named

MAX_PIXELS = 64_000_000
"""The largest image that is read unless the caller asks for more: 8000 x 8000."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".avif")
"""How the names of images end in a folder of many."""

# Raster formats that Pillow decodes itself. Left out on purpose: EPS (runs a program), and the rare and the unsafe.
_READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000", "ICO", "TGA")
_WRITABLE = {
    "": "PNG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
_SAVING: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image as it was in its file, upright.

    Attributes
    ----------
    pixels
        H x W x C float32 in [0, 1], C as the ``mode`` asked for; colours are not multiplied by ``alpha``.
    alpha
        H x W float32 in [0, 1], 1 where opaque; ``None`` where the file has no transparency.
    bit_depth
        8 or 16: what the file held for each channel, and what ``write_image`` needs to lose nothing.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    bit_depth: Literal[8, 16]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def read_image(
    path: Path | str,
    *,
    mode: Literal["RGB", "L"] = "RGB",
    min_size: int = 1,
    max_pixels: int = MAX_PIXELS,
    needed_by: str = "",
) -> Picture:
    """Read an image: 8 or 16 bits, grey or colour, with or without transparency; the first frame where there are many.

    It is turned upright by its EXIF orientation. CMYK and 8-bit RGB with a colour profile are converted to sRGB, and a
    floating-point TIFF is taken as it is, in [0, 1].

    Parameters
    ----------
    path
        The file.
    mode
        ``RGB`` for three channels (grey is repeated), ``L`` for one (the luma of ITU-R 601).
    min_size
        The fewest pixels that width and height may have.
    max_pixels
        The most pixels that the image may have. It is checked before anything is decoded.
    needed_by
        Who needs ``min_size``, for the message: ``SinIR``.

    Raises
    ------
    BadInput
        If the file is missing, not an image, damaged, too large or too small.
    """
    path = Path(path)
    check_readable(path, "image")
    with _one_line_errors(path), path.open("rb") as stream:
        samples, alpha = _decode(path, stream, max_pixels)
    height, width = samples.shape[:2]
    if min(height, width) < min_size:
        raise BadInput(
            f"{needed_by or 'This'} needs an image at least {min_size} pixels wide and high; "
            f"{named(path)} is {width} x {height}. Give a larger one."
        )
    pixels = _as_unit_range(path, samples)
    if mode == "RGB" and pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    elif mode == "L" and pixels.shape[2] == 3:
        pixels = (pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32))[..., None]
    return Picture(
        pixels=np.ascontiguousarray(pixels),
        alpha=None if alpha is None else np.ascontiguousarray(_as_unit_range(path, alpha)),
        bit_depth=8 if samples.dtype == np.uint8 else 16,
    )


def read_mask(path: Path | str, like: tuple[int, int], *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read a mask for an image of ``like`` = (height, width): 1 where white, 0 where black or transparent.

    Returns
    -------
    numpy.ndarray
        H x W float32 in [0, 1].

    Raises
    ------
    BadInput
        As ``read_image``, and if the mask is not of the image's size.
    """
    picture = read_image(path, mode="L", max_pixels=max_pixels)
    width, height = picture.size
    if (height, width) != tuple(like):
        raise BadInput(
            f"The mask {named(Path(path))} is {width} x {height} but its image is {like[1]} x {like[0]}: "
            "make the mask the size of the image, white where the change shall be."
        )
    mask = picture.pixels[..., 0]
    return mask if picture.alpha is None else mask * picture.alpha


def write_image(
    path: Path | str, pixels: np.ndarray, *, alpha: np.ndarray | None = None, bit_depth: Literal[8, 16] = 8
) -> Path:
    """Write a picture whole or not at all, in the format of the name's suffix; without a suffix as PNG.

    What ``read_image`` read from a lossless file comes back to the bit. JPEG is written at quality 95 with full colour
    resolution, WebP without loss. JPEG holds no transparency: the picture is laid on white. JPEG and WebP hold 8 bits:
    ``bit_depth=16`` means something for PNG and TIFF only.

    Parameters
    ----------
    path
        Where to, ending in .png, .jpg, .webp or .tif.
    pixels
        H x W x 3, H x W x 1 or H x W: floats in [0, 1] (clipped and rounded to the nearest step) or ``uint8``.
    alpha
        H x W, floats in [0, 1] or ``uint8``.
    bit_depth
        8 or 16 bits a channel.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    BadInput
        If the suffix is not known or the place cannot be written to.
    HotpapersError
        If the picture holds NaN or infinity.
    """
    path = Path(path)
    if (suffix := path.suffix.lower()) not in _WRITABLE:
        known = ", ".join(each for each in _WRITABLE if each)
        raise BadInput(f"Cannot write {named(path)}: {suffix!r} is no image format known here. End it in {known}.")
    kind = _WRITABLE[suffix]
    deeply = bit_depth == 16 and kind in ("PNG", "TIFF")
    if alpha is not None and kind == "JPEG":
        pixels, alpha = _on_white(pixels, alpha), None
    parts = [_as_steps(path, each, deeply) for each in ([pixels] if alpha is None else [pixels, alpha])]
    samples = np.concatenate(parts, axis=2)
    if samples.shape[2] - len(parts) + 1 not in (1, 3):
        raise ValueError(f"a picture has 1 or 3 channels, not {samples.shape[2] - len(parts) + 1}")
    with written_whole(path) as temporary:
        if deeply:
            (deep.write_deep_png if kind == "PNG" else deep.write_deep_tiff)(temporary, samples)
        else:
            image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
            with _limits_of(kind, path, image.size):
                image.save(temporary, format=kind, **_SAVING[kind])
    return path


@contextlib.contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises on a bad file (it may be nearly anything) into one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what matters is raised
            yield
    except HotpapersError:
        raise
    except PermissionError as error:
        raise BadInput(f"Cannot read {named(path)}: permission denied. Allow it, or copy it elsewhere.") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise BadInput(f"{named(path)} is damaged or cut short ({reason}); export or copy it again.") from error


def _decode(path: Path, stream: Any, max_pixels: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return samples H x W x 1|3 and alpha H x W, in the file's own type: uint8, uint16 or float."""

    def reopen() -> Image.Image:
        stream.seek(0)
        return Image.open(stream, formats=_READABLE)

    try:
        image = reopen()
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        raise _too_large(path, f"{int(pixels[1]) / 1e6:.0f}" if pixels else "very many", max_pixels) from error
    except Image.UnidentifiedImageError as error:
        stream.seek(0)
        if stream.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _any_tiff(path, max_pixels)
        raise BadInput(
            f"{named(path)} is not an image that can be read here; save it as PNG, JPEG, WebP or TIFF."
        ) from error
    if image.width * image.height > max_pixels:
        size = f"{image.width} x {image.height} = {image.width * image.height / 1e6:.0f}"
        raise _too_large(path, size, max_pixels)
    if deep.is_deep(image):
        samples, alpha = _split(deep.read_deep(reopen))
        clear = image.info.get("transparency")
        if alpha is None and isinstance(clear, tuple):
            alpha = np.where((samples == np.array(clear)).all(axis=2), 0, 65535).astype(np.uint16)
        image = reopen()  # for its orientation
    elif image.format == "TIFF" and image.mode not in ("I;16", "I;16B") and _widest_sample(image) > 8:
        return _any_tiff(path, max_pixels)
    else:
        samples, alpha = _samples(path, image)
    turn = _orientation(image)
    return _upright(samples, turn), None if alpha is None else _upright(alpha, turn)


def _too_large(path: Path, size: str, max_pixels: int) -> BadInput:
    limit = max_pixels / 1e6
    return BadInput(
        f"{named(path)} is too large: {size} million pixels, and {limit:g} million are read at most. "
        "Scale it down first."
    )


def _any_tiff(path: Path, max_pixels: int) -> tuple[np.ndarray, np.ndarray | None]:
    width, height, channels, turn = deep.tiff_header(path)
    if width * height > max_pixels:
        raise _too_large(path, f"{width} x {height} = {width * height / 1e6:.0f}", max_pixels)
    samples = deep.read_any_tiff(path) if 1 <= channels <= 4 else np.empty(0)
    if samples.ndim != 3 or samples.shape[:2] != (height, width) or not 1 <= samples.shape[2] <= 4:
        raise BadInput(f"{named(path)} has channels or layers of an unusual kind; save it as a flat RGB image.")
    return _split(_upright(samples, turn))


def _widest_sample(image: Any) -> int:
    """Return BitsPerSample (tag 258) of a TIFF."""
    return max(image.tag_v2.get(258, (1,)))


def _split(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    return (samples[..., :-1], samples[..., -1]) if samples.shape[2] in (2, 4) else (samples, None)


def _samples(path: Path, image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Return what Pillow can hold: 8 bits in colour, 16 bits in grey, floats in grey."""
    image.load()
    clear = image.info.get("transparency")
    if image.mode.startswith("I") or image.mode == "F":
        samples = np.asarray(image)[..., None]
        if image.mode == "I":
            if samples.min() < 0 or samples.max() > 65535:
                raise BadInput(f"{named(path)} holds 32-bit integers; save it with 8 or 16 bits a channel.")
            samples = samples.astype(np.uint16)
        alpha = np.where(samples[..., 0] == clear, 0, 65535).astype(np.uint16) if isinstance(clear, int) else None
        return samples.astype(samples.dtype.newbyteorder("=")), alpha
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA", "1", "L", "RGB") and clear is not None:
        image = image.convert("RGBA" if image.mode in ("P", "PA", "RGB") else "LA")
    elif image.mode == "P":
        image = image.convert("RGBA" if image.palette and image.palette.mode == "RGBA" else "RGB")
    elif image.mode in ("RGBa", "La", "PA"):
        image = image.convert({"RGBa": "RGBA", "La": "LA", "PA": "RGBA"}[image.mode])
    elif image.mode == "1":
        image = image.convert("L")
    alpha = np.asarray(image.getchannel("A")) if image.mode in ("RGBA", "LA") else None
    if alpha is not None:
        # Not convert(): it would keep the colours too, but only the bands are sure to be left as they are.
        bands = image.split()[:-1]
        image = bands[0] if len(bands) == 1 else Image.merge("RGB", bands)
    samples = np.asarray(_as_srgb(image, profile))
    return (samples[..., None] if samples.ndim == 2 else samples), alpha


def _as_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an L or RGB image; by way of its colour profile where it has one that can be used."""
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
    if profile and image.mode in ("RGB", "CMYK"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):  # a damaged profile is left aside
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if image.mode == "CMYK" or "srgb" not in ImageCms.getProfileDescription(source).lower():
                srgb = ImageCms.createProfile("sRGB")
                return ImageCms.profileToProfile(image, source, srgb, outputMode="RGB") or image
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where it is missing, damaged, or was already heeded by Pillow (TIFF)."""
    try:
        image.load()
        turn = image.getexif().get(0x0112, 1)
    except Exception:
        return 1
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


def _upright(samples: np.ndarray, turn: int) -> np.ndarray:
    if turn in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        samples = samples[::-1]
    if turn in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples


def _as_unit_range(path: Path, samples: np.ndarray) -> np.ndarray:
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        return samples.astype(np.float32) / np.float32(np.iinfo(samples.dtype).max)
    if samples.dtype.kind != "f":
        raise BadInput(f"{named(path)} holds samples of type {samples.dtype}; save it with 8 or 16 bits a channel.")
    if not np.isfinite(samples).all():
        raise BadInput(f"{named(path)} holds NaN or infinite values; save it with 8 or 16 bits a channel.")
    low, high = float(samples.min()), float(samples.max())
    if low < -1e-6 or high > 1 + 1e-6:
        raise BadInput(f"{named(path)} holds values from {low:.4g} to {high:.4g}; scale them to lie from 0 to 1.")
    return np.clip(samples.astype(np.float32), 0, 1)


def _on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    pixels, alpha = (each / np.float32(255) if each.dtype == np.uint8 else each for each in (pixels, alpha))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return pixels * alpha[..., None] + (1 - alpha[..., None])


def _as_steps(path: Path, values: np.ndarray, deeply: bool) -> np.ndarray:
    """Return H x W x C as ``uint8``, or ``uint16`` where ``deeply``."""
    values = np.asarray(values)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or not values.size:
        raise ValueError(f"a picture is H x W x C or H x W, and not empty: {values.shape}")
    if values.dtype == np.uint8:
        return values.astype(np.uint16) * 257 if deeply else values
    if values.dtype.kind != "f":
        raise TypeError(f"a picture holds floats in [0, 1] or uint8, not {values.dtype}")
    if not np.isfinite(values).all():
        raise HotpapersError(f"The picture for {named(path)} holds NaN or infinity, so nothing was written.")
    steps = 65535 if deeply else 255
    return np.rint(np.clip(values, 0, 1) * np.float32(steps)).astype(np.uint16 if deeply else np.uint8)


@contextlib.contextmanager
def _limits_of(kind: str, path: Path, size: tuple[int, int]) -> Iterator[None]:
    limit = {"JPEG": 65500, "WEBP": 16383}.get(kind)
    if limit and max(size) > limit:
        raise BadInput(f"Cannot write {named(path)}: {kind} holds {limit} pixels a side at most. End it in .png.")
    yield
