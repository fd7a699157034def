"""Photographs and textures that come inside scikit-image: nothing is downloaded."""

import dataclasses
import importlib.util
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from hotpapers.datasets.dataset import Dataset, offer
from hotpapers.errors import BadInput, MissingExtra

offer(
    Dataset(
        name="photographs",
        what="6 colour photographs of 451 x 300 to 1411 x 1411, 3 grey textures of 512 x 512",
        licence="CC0 or public domain",
        page="https://scikit-image.org/docs/stable/api/skimage.data.html",
        extra="vision",
    )
)


@dataclasses.dataclass(frozen=True)
class Photograph:
    """What is known of one photograph: its licence and source as scikit-image states them."""

    file: str
    size: tuple[int, int]
    licence: str
    source: str


PHOTOGRAPHS: dict[str, Photograph] = {
    "astronaut": Photograph("astronaut.png", (512, 512), "public domain", "NASA, Eileen Collins"),
    "coffee": Photograph("coffee.png", (600, 400), "CC0", "Rachel Michetti, Pikolo Espresso Bar"),
    "chelsea": Photograph("chelsea.png", (451, 300), "CC0", "Stéfan van der Walt"),
    "rocket": Photograph("rocket.jpg", (640, 427), "public domain", "SpaceX, launch of DSCOVR"),
    "hubble": Photograph("hubble_deep_field.jpg", (1000, 872), "public domain", "NASA, Hubble eXtreme Deep Field"),
    "retina": Photograph("retina.jpg", (1411, 1411), "CC0", "Häggström 2014, WikiJournal of Medicine"),
}
"""Colour photographs, by name."""

TEXTURES: dict[str, Photograph] = {
    "brick": Photograph("brick.png", (512, 512), "CC0", "CC0Textures, Bricks25"),
    "grass": Photograph("grass.png", (512, 512), "CC0", "Linolafett, Grass 01"),
    "gravel": Photograph("gravel.png", (512, 512), "CC0", "CC0Textures, Gravel04"),
}
"""Grey textures, by name; they come with their one channel repeated."""


def photographs(names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Return photographs by name; all colour photographs when ``names`` is left out.

    Returns
    -------
    dict of str to numpy.ndarray
        Each H x W x 3 ``uint8``, yours to change.

    Raises
    ------
    BadInput
        If there is no photograph or texture of that name.
    MissingExtra
        If scikit-image, which brings the files, is not installed.
    """
    return {name: photograph(name) for name in (PHOTOGRAPHS if names is None else names)}


def photograph(name: str) -> np.ndarray:
    """Return one photograph or texture, H x W x 3 ``uint8``; errors as ``photographs``."""
    from PIL import Image

    known = PHOTOGRAPHS | TEXTURES
    if name not in known:
        raise BadInput(f"There is no photograph {name[:40]!r}; there are: {', '.join(known)}.")
    with Image.open(folder() / known[name].file) as image:
        return np.array(image.convert("RGB"))


def folder() -> Path:
    """Return where scikit-image keeps its files, or raise ``MissingExtra``."""
    # The package is found, not imported: its import takes a second, and only its files are needed.
    found = importlib.util.find_spec("skimage")
    if found is None or not found.origin:
        raise MissingExtra("The photographs", ("vision",))
    return Path(found.origin).parent / "data"
