"""Images of 16 bits a channel, for which Pillow has no colour mode.

Pillow's decoders know the layout all the same and keep the high byte of each sample. Decoding a second time with the
opposite byte order named keeps the low byte: together they are the 16 bits, at the speed of C, for every filter,
interlacing and compression. PNG is written here (zlib does the work), TIFF by tifffile.
"""

import contextlib
import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.errors import MissingExtra

_PNG_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}


def is_deep(image: Any) -> bool:
    """Whether the opened, not yet loaded image holds 16-bit samples that Pillow would cut to 8."""
    if image.format == "TIFF" and image.tag_v2.get(284) == 2:
        return False  # colours one after the other: Pillow decodes those in a way of its own
    return bool(image.tile) and all(re.fullmatch(r"(RGB|RGBA|LA);16[BLN]", _raw_mode(tile)) for tile in image.tile)


def read_deep(reopen: Callable[[], Any]) -> np.ndarray:
    """Return the H x W x C ``uint16`` samples of the image for which ``is_deep`` is true.

    Parameters
    ----------
    reopen
        Opens the image anew; called twice, as each decoding consumes an image.
    """
    first = reopen()
    if _raw_mode(first.tile[0]) == "LA;16B":
        # Grey with alpha: its four bytes a pixel come out as they are when Pillow takes them for RGBA.
        raw = np.asarray(_with_raw_modes(first, lambda _: "RGBA"))
        return _joined(raw[..., 0::2], raw[..., 1::2])
    second = _with_raw_modes(reopen(), _opposite)
    return _joined(np.asarray(first), np.asarray(second))


def write_deep_png(path: Path, samples: np.ndarray) -> None:
    """Write H x W x C ``uint16`` samples (grey, grey and alpha, RGB or RGBA) as a 16-bit PNG."""
    height, width, channels = samples.shape
    lines = np.ascontiguousarray(samples, dtype=">u2").view(np.uint8).reshape(height, -1)
    # Filter 2 of the PNG specification: each line less the line above it, which makes photographs compress.
    filtered = np.empty((height, lines.shape[1] + 1), dtype=np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = lines[0]
    filtered[1:, 1:] = lines[1:] - lines[:-1]
    header = struct.pack(">IIBBBBB", width, height, 16, _PNG_COLOUR_TYPE[channels], 0, 0, 0)
    with path.open("wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")):
            stream.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))


def write_deep_tiff(path: Path, samples: np.ndarray) -> None:
    """Write H x W x C ``uint16`` samples as a 16-bit TIFF."""
    alpha = ["unassalpha"] if samples.shape[2] in (2, 4) else None
    photometric = "rgb" if samples.shape[2] > 2 else "minisblack"
    if samples.shape[2] == 1:
        samples = samples[..., 0]
    _tifffile().imwrite(path, samples, photometric=photometric, extrasamples=alpha, compression="zlib", metadata=None)


def tiff_header(path: Path) -> tuple[int, int, int, int]:
    """Return width, height, samples for each pixel and orientation (1 to 8) that a TIFF states, decoding nothing."""
    with _opened_tiff(path) as tiff:
        page = tiff.pages[0]
        turn = page.tags[274].value if 274 in page.tags else 1
        samples = page.size // max(1, page.imagewidth * page.imagelength)
        return page.imagewidth, page.imagelength, samples, int(turn)


def read_any_tiff(path: Path) -> np.ndarray:
    """Return the first page of a TIFF that Pillow cannot hold, H x W x C in the file's own type (float, 16-bit, …)."""
    with _opened_tiff(path) as tiff:
        page = tiff.pages[0]
        samples = page.asarray()
        if samples.ndim == 3 and page.planarconfig == 2:
            samples = samples.transpose(1, 2, 0)
        if page.photometric == 0 and samples.dtype.kind == "u":  # white is zero
            samples = np.iinfo(samples.dtype).max - samples
    return samples[..., None] if samples.ndim == 2 else samples


def _joined(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    return high.astype(np.uint16) << 8 | low


def _raw_mode(tile: Any) -> str:
    mode = tile[3] if isinstance(tile[3], str) else (tile[3] or ("",))[0]
    return str(mode)


def _with_raw_modes(image: Any, change: Callable[[str], str]) -> Any:
    image.tile = [
        tile._replace(args=change(tile.args) if isinstance(tile.args, str) else (change(tile.args[0]), *tile.args[1:]))
        for tile in image.tile
    ]
    return image


def _opposite(raw_mode: str) -> str:
    native = "L" if np.little_endian else "B"
    order = raw_mode[-1] if raw_mode[-1] != "N" else native
    return raw_mode[:-1] + ("L" if order == "B" else "B")


@contextlib.contextmanager
def _opened_tiff(path: Path) -> Iterator[Any]:
    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True  # it logs each oddity; what matters is raised
    try:
        with _tifffile().TiffFile(path) as tiff:
            yield tiff
    finally:
        logger.disabled = before


def _tifffile() -> Any:
    try:
        import tifffile
    except ImportError as error:
        raise MissingExtra("A TIFF of more than 8 bits a channel", ("vision",)) from error
    return tifffile
