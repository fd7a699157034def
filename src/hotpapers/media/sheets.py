"""Contact sheets: pictures side by side under their labels, made to be looked at."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_PAPER = (250, 250, 248)
_INK = (38, 38, 38)
_CHOSEN = (0, 98, 155)
_SMALLEST_CELL = 160


def contact_sheet(
    images: Sequence[np.ndarray],
    labels: Sequence[str],
    columns: int | None = None,
    *,
    chosen: int | None = None,
) -> np.ndarray:
    """Lay pictures out on a grid, each under its label.

    Parameters
    ----------
    images
        H x W x C (C of 1 or 3) or H x W, floats in [0, 1] or ``uint8``; sizes may differ, each is centred in its cell.
        Small ones are enlarged by a whole factor, so that pixels stay pixels; none is made smaller.
    labels
        One for each image; cut with an ellipsis where its cell is too narrow.
    columns
        How many pictures make a row; about as many as rows when left out.
    chosen
        The index of the picture to mark with a coloured frame.

    Returns
    -------
    numpy.ndarray
        The sheet, H x W x 3 float32 in [0, 1].
    """
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"a sheet needs one label for each image, and at least one: {len(images)}, {len(labels)}")
    pictures = [Image.fromarray(_as_rgb8(image)) for image in images]
    largest = max(max(picture.size) for picture in pictures)
    if (factor := ceil(_SMALLEST_CELL / largest)) > 1:
        pictures = [
            picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
            for picture in pictures
        ]
    columns = min(len(pictures), columns or ceil(sqrt(len(pictures))))
    rows = ceil(len(pictures) / columns)
    width, height = max(each.width for each in pictures), max(each.height for each in pictures)
    size = max(13.0, min(width, 1200) / 18)
    font = ImageFont.load_default(size)
    strip = round(size * 1.7)
    gap = max(12, width // 24)
    sheet = Image.new("RGB", (gap + columns * (width + gap), gap + rows * (strip + height + gap)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left, top = gap + index % columns * (width + gap), gap + index // columns * (strip + height + gap)
        x, y = left + (width - picture.width) // 2, top + strip + (height - picture.height) // 2
        ink = _INK
        if index == chosen:
            edge = max(3, gap // 3)
            draw.rectangle((left - edge, top, left + width + edge - 1, top + strip + height + edge - 1), fill=_CHOSEN)
            ink = _PAPER
        sheet.paste(picture, (x, y))
        text = _fitted(label, font, width)
        draw.text((left + width / 2, top + strip / 2), text, font=font, fill=ink, anchor="mm")
    return np.asarray(sheet, dtype=np.float32) / 255


def before_after(before: np.ndarray, after: np.ndarray, labels: tuple[str, str] = ("before", "after")) -> np.ndarray:
    """Return two pictures side by side under their labels, H x W x 3 float32 in [0, 1]; as ``contact_sheet``."""
    return contact_sheet([before, after], labels, columns=2)


def _as_rgb8(image: np.ndarray) -> np.ndarray:
    values = np.asarray(image)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[2] not in (1, 3):
        raise ValueError(f"a picture on a sheet is H x W, H x W x 1 or H x W x 3, not {values.shape}")
    if values.dtype != np.uint8:
        values = np.rint(np.clip(np.nan_to_num(values), 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3)))


def _fitted(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    label = " ".join(label.split())[:200]
    if font.getlength(label) <= width:
        return label
    while label and font.getlength(label + "…") > width:
        label = label[:-1]
    return label.rstrip() + "…"
