"""Coloured digits: two data sets whose colour goes with the label in training and not in the test.

AC (anti-causal, PIIF): the label is digit < 5, flipped with probability .25; the colour is the label, flipped with a
probability that depends on the environment. CS (covariate shift, FIIF): the label is the digit; with a probability that
depends on the environment the digit has its class's colour, else any of the ten.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media import contact_sheet, write_image
from hotpapers.verbs import AnyFile, Outcome

Kind = Literal["ac", "cs"]
AC_FLIPS = {"train-1": 0.2, "train-2": 0.1, "test": 0.9}
CS_MATCHES = {"train-1": 1.0, "train-2": 0.9, "test": 0.0}
LABEL_NOISE = 0.25
PALETTE = np.array(
    [[0, 100, 0], [188, 143, 143], [255, 0, 0], [255, 215, 0], [0, 255, 0], [65, 105, 225], [0, 225, 225],
     [0, 0, 255], [255, 20, 147], [160, 160, 160]], dtype=np.uint8,
)  # fmt: skip
"""The published ten colours of CS-CMNIST; which class has which is drawn."""

Coloured = tuple[Float[Tensor, "n c h w"], Int[Tensor, " n"]]


def coloured(
    images: UInt8[np.ndarray, "n h w"], digits: Int[np.ndarray, " n"], kind: Kind, seed: int = 0
) -> dict[str, Coloured]:
    """Colour grey digits and split them into environments.

    Parameters
    ----------
    images, digits
        Any grey images with values from 0 to 255, and their classes 0 … 9.
    kind
        ``ac`` or ``cs``.
    seed
        Of the split, the label noise and the colours.

    Returns
    -------
    dict
        Environment → images with values in [0, 1] and labels: ``train-1``, ``train-2`` and ``test``, a third of the
        rows each; AC has two channels (red and green, one of which is empty) and CS three.
    """
    dice = np.random.default_rng(seed)
    order, palette = dice.permutation(len(images)), PALETTE[dice.permutation(10)]
    chances = AC_FLIPS if kind == "ac" else CS_MATCHES
    environments = {}
    for place, (name, chance) in enumerate(chances.items()):
        rows = order[place::3]
        if kind == "ac":
            environments[name] = colour_anticausal(images[rows], digits[rows], chance, dice)
        else:
            environments[name] = colour_covariate(images[rows], digits[rows], chance, palette, dice)
    return environments


def colour_anticausal(
    images: UInt8[np.ndarray, "n h w"], digits: Int[np.ndarray, " n"], flip: float, dice: np.random.Generator
) -> Coloured:
    """Return AC images (n x 2 x h x w) and noisy labels, with the colour flipped at probability ``flip``."""
    labels = (digits < 5) ^ (dice.random(len(digits)) < LABEL_NOISE)
    colour = labels ^ (dice.random(len(digits)) < flip)
    channels = np.zeros((len(images), 2, *images.shape[1:]), dtype=np.float32)
    channels[np.arange(len(images)), colour.astype(int)] = images / np.float32(255)
    return torch.from_numpy(channels), torch.from_numpy(labels.astype(np.int64))


def colour_covariate(
    images: UInt8[np.ndarray, "n h w"],
    digits: Int[np.ndarray, " n"],
    match: float,
    palette: UInt8[np.ndarray, "10 3"],
    dice: np.random.Generator,
) -> Coloured:
    """Return CS images (n x 3 x h x w), in their class's colour at probability ``match``, and the digits."""
    own = dice.random(len(digits)) < match
    colour = np.where(own, digits, dice.integers(0, 10, len(digits)))
    shape = (images > 0).astype(np.float32)[:, None]
    x = shape * (palette[colour].astype(np.float32) / 255)[..., None, None]
    return torch.from_numpy(x), torch.from_numpy(digits.astype(np.int64))


def make_cmnist(
    digits: AnyFile | None = None,
    *,
    kind: Kind = "ac",
    rows: int = 6000,
    size: int = 14,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Make a coloured data set whose colour is a trap: it goes with the label in two environments and not in the third.

    Writes an npz with the columns, labels and environments that ``train`` reads, and a picture of each environment.

    Parameters
    ----------
    digits
        An npz with grey images ``x`` (n x h x w, 0 to 255) and their classes ``y`` (0 to 9); left out, MNIST, and
        where it is not here yet and cannot be had, scikit-learn's 8 x 8 digits.
    kind
        ac: the label is noisy, and the colour is caused by it (PIIF, where IRM should help). cs: the colour comes
        with the digit (FIIF, where the bottleneck should help).
    rows
        How many images to take, a third for each environment.
    size
        Height and width to reduce larger images to, by taking every so many pixels.
    seed
        The seed of everything random.
    out
        The file to write; cmnist-ac.npz or cmnist-cs.npz when left out.
    """
    if not 30 <= rows <= 1_000_000 or not 4 <= size <= 256:
        raise BadInput(f"--rows must be 30 to 1,000,000 and --size 4 to 256, not {rows} and {size}.")
    images, classes, source = read_digits(digits) if digits else own_digits()
    stride = max(1, min(images.shape[1:]) // size)
    chosen = np.random.default_rng(seed).permutation(len(images))[:rows]
    environments = coloured(images[chosen, ::stride, ::stride], classes[chosen], kind, seed)
    out = Path(out) if out else Path(f"cmnist-{kind}.npz")
    if out.suffix != ".npz":
        raise BadInput(f"{out} must end in .npz: it is a NumPy archive.")
    counts = [len(labels) for _, labels in environments.values()]
    with written_whole(out) as temporary:
        np.savez_compressed(
            temporary,
            x=np.concatenate([(x.numpy() * 255).astype(np.uint8) for x, _ in environments.values()]),
            y=np.concatenate([labels.numpy() for _, labels in environments.values()]),
            env=np.repeat(list(environments), counts),
        )
    picture = out.with_suffix(".png")
    write_image(picture, contact_sheet([_mosaic(*each) for each in environments.values()], list(environments), 3))
    return Outcome(
        {"picture": picture, "data": out},
        {"digits from": source, "images": sum(counts), "pixels": f"{images[:1, ::stride, ::stride].shape[1]} square"},
        note=f"Now train on it: hotpapers ib-irm train {out} --method ib-irm --test-env test",
    )


def read_digits(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    """Read grey images and classes from a user's npz; ``BadInput`` says what is wrong."""
    from hotpapers.papers.ib_irm.tables import read_archive

    arrays = read_archive(path, ("x", "y"))
    images, classes = arrays["x"], arrays["y"]
    if images.ndim != 3 or min(images.shape[1:]) < 4 or len(images) != len(classes) or classes.ndim != 1:
        raise BadInput(f"{path} needs x of n x height x width and y of n; it has {images.shape} and {classes.shape}.")
    if not np.isin(classes, range(10)).all():
        raise BadInput(f"{path} has classes other than 0 to 9 in y.")
    if not (np.isfinite(images).all() and images.min() >= 0 and 1 < images.max() <= 255):
        raise BadInput(f"{path} has values in x that are not from 0 to 255.")
    return images.astype(np.uint8), classes.astype(np.int64), Path(path).name


def own_digits() -> tuple[np.ndarray, np.ndarray, str]:
    """Return MNIST's training digits, or scikit-learn's small ones where MNIST cannot be had."""
    from hotpapers.datasets import mnist
    from hotpapers.errors import HotpapersError

    try:
        images, classes = mnist("train")
        return images, classes.astype(np.int64), "MNIST"
    except HotpapersError:
        return *small_digits(), "scikit-learn's 8 x 8 digits"


def small_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's 1,797 digits of 8 x 8, grey from 0 to 255; they need no download."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return (bunch.images * (255 / 16)).round().astype(np.uint8), bunch.target.astype(np.int64)


def _mosaic(x: Float[Tensor, "n c h w"], labels: Tensor) -> np.ndarray:
    """Lay 36 images of an environment out as a square, sorted by label; two channels are shown as red and green."""
    first = labels[:36].argsort(stable=True)
    tiles = x[first]
    tiles = torch.cat((tiles, torch.zeros(len(tiles), 3 - tiles.shape[1], *tiles.shape[2:])), 1)
    tiles = torch.cat((tiles, torch.zeros(36 - len(tiles), *tiles.shape[1:])))
    height, width = tiles.shape[2:]
    return tiles.unflatten(0, (6, 6)).permute(0, 3, 1, 4, 2).reshape(6 * height, 6 * width, 3).numpy()
