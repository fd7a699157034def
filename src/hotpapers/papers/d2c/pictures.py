"""Pictures: a folder of images, or a table of images with labels, as one tensor of a model's size.

Each is cut to its middle square and scaled. What is no image is left out of a folder and counted; a table must be right
to its last row.
"""

import base64
import binascii
import csv
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.media import IMAGE_SUFFIXES, cells_up_to, files_in, is_archive, read_image
from hotpapers.media.readable import check_readable, is_folder, named
from hotpapers.progress import track

MOST_ROWS = 1_000_000
LONGEST_LABEL = 80
LONGEST_CELL = 4 * 2**20  # characters of an image that is written into the table itself
EMBEDDED = "data:image/png;base64,"


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Images of one size, and each one's label where there are any; ``left_out`` files were no images."""

    images: UInt8[Tensor, "n C H W"]
    labels: tuple[str, ...] = ()
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.images)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that there are, in alphabetical order."""
        return tuple(sorted(set(self.labels)))

    @property
    def targets(self) -> Tensor:
        """Each image's label as an index into ``classes``."""
        names = self.classes
        return torch.tensor([names.index(label) for label in self.labels])


def read_folder(folder: Path, size: int, channels: int) -> Pictures:
    """Read every image in a folder, or in a ZIP archive of one; the first sub-folder on the way is its label.

    Raises
    ------
    BadInput
        If it is neither, or there is no image in it.
    """
    folder = Path(folder)
    images, labels, reasons = [], [], []
    with files_in(folder, IMAGE_SUFFIXES, "images") as found:
        for name, path in track(found, "reading images"):
            try:
                images.append(read_picture(path, size, channels))
            except BadInput as error:
                reasons.append(str(error).replace(named(path), named(folder / name)))
                continue
            labels.append(name.parts[0] if len(name.parts) > 1 else "")
    if not images:
        reason = f": {reasons[0]}" if reasons else "; put PNG, JPEG, WebP or TIFF files there."
        raise BadInput(f"There is no image in {named(folder)} that can be used{reason}")
    return Pictures(torch.stack(images), tuple(labels) if all(labels) else (), len(reasons))


def read_labels(table: Path, size: int, channels: int) -> Pictures:
    """Read a CSV table with the columns ``image`` (a path, from the table's folder on, or a data URI) and ``label``.

    A folder whose sub-folders are labels, or a ZIP archive of one, is taken as well.

    Raises
    ------
    BadInput
        If it is no such table, or an image cannot be read; the row is named.
    """
    table = Path(table)
    if is_folder(table) or is_archive(table):
        pictures = read_folder(table, size, channels)
        if not pictures.labels:
            raise BadInput(f"{named(table)} needs a sub-folder for each label, and no images beside them.")
        if unfit := [name for name in pictures.classes if not _is_label(name)]:
            raise BadInput(f"{unfit[0][:40]!r} in {named(table)} is no label: up to 80 printable letters are.")
        return pictures
    rows = _rows(table)
    images = []
    for number, (image, _) in enumerate(track(rows, "reading images"), start=2):
        try:
            images.append(_embedded(image, size, channels) if image.startswith("data:")
                          else read_picture(_beside(table, image), size, channels))  # fmt: skip
        except BadInput as error:
            raise BadInput(f"Line {number} of {named(table)}: {error}") from error
    return Pictures(torch.stack(images), tuple(label for _, label in rows))


def _rows(table: Path) -> list[tuple[str, str]]:
    check_readable(table, "table")
    rows = []
    try:
        with cells_up_to(LONGEST_CELL), table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if not {"image", "label"} <= set(reader.fieldnames or ()):
                raise BadInput(f"{named(table)} needs the columns image and label in its first line.")
            for row in reader:
                if None in row:
                    raise BadInput(
                        f"Line {reader.line_num} of {named(table)} has more cells than the first line; put quotes "
                        "around a cell with commas in it."
                    )
                image, label = (row["image"] or "").strip(), (row["label"] or "").strip()
                if not image or "\0" in image or not _is_label(label):
                    raise BadInput(
                        f"Line {reader.line_num} of {named(table)} needs an image and a label of up to 80 letters."
                    )
                rows.append((image, label))
                if len(rows) > MOST_ROWS:
                    raise BadInput(f"{named(table)} has more than {MOST_ROWS:,} rows; take fewer.")
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{named(table)} is no CSV table in UTF-8 ({error}); save it as one.") from error
    if not rows:
        raise BadInput(f"{named(table)} has no rows; give some images with their labels.")
    return rows


def _is_label(name: str) -> bool:
    return 0 < len(name) <= LONGEST_LABEL and name.isprintable()


def _beside(table: Path, image: str) -> Path:
    """Return the path of an image in the table's folder or below it; a table may come from elsewhere."""
    path = table.parent / image
    if not path.resolve().is_relative_to(table.parent.resolve()):
        raise BadInput(f"{named(Path(image))} is outside of the table's folder; copy the images beside the table.")
    return path


def _embedded(uri: str, size: int, channels: int) -> UInt8[Tensor, "C H W"]:
    if not uri.startswith(EMBEDDED):
        raise BadInput(f"an image in the table itself begins with {EMBEDDED}")
    try:
        content = base64.b64decode(uri.removeprefix(EMBEDDED), validate=True)
    except binascii.Error as error:
        raise BadInput("the image in the table is no base64; write it again.") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        path.write_bytes(content)
        return read_picture(path, size, channels)


def read_picture(path: Path, size: int, channels: int) -> UInt8[Tensor, "C H W"]:
    """Return the middle square of an image at a model's size."""
    picture = read_image(path, mode="L" if channels == 1 else "RGB").pixels
    return torch.from_numpy(fitted(np.rint(picture * 255).astype(np.uint8), size))


def fitted(pixels: UInt8[np.ndarray, "h w C"], size: int) -> UInt8[np.ndarray, "C size size"]:
    """Return the middle square of an image, scaled to ``size``."""
    height, width = pixels.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = pixels[top : top + edge, left : left + edge]
    if edge != size:
        image = Image.fromarray(square[..., 0] if square.shape[2] == 1 else square)
        square = np.asarray(image.resize((size, size), Image.Resampling.LANCZOS)).reshape(size, size, -1)
    return np.array(square.transpose(2, 0, 1), order="C")


def unit(images: UInt8[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return bytes as numbers in [0, 1]."""
    return images.float() / 255


def in_bytes(images: Float[Tensor, "..."]) -> UInt8[Tensor, "..."]:
    """Return numbers in [0, 1] as bytes."""
    return (images * 255).round().byte()
