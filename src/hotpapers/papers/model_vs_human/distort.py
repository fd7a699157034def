"""The verb ``distort``: the experiment's stimuli from the user's own images, one or many, here or on many machines.

Each image is a piece of work of its own: its noise comes from the seed and its name, and its files are written whole.
So a piece that a dying worker left behind is done again with the same result.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from hotpapers import datasets, progress
from hotpapers.engines import Engine, do_all
from hotpapers.errors import BadInput
from hotpapers.media import contact_sheet, write_image
from hotpapers.papers.model_vs_human.distortions import at_levels, check_level, grey, levels
from hotpapers.papers.model_vs_human.evaluate import list_images, read_listed, read_square
from hotpapers.papers.model_vs_human.experiments import spelling
from hotpapers.papers.model_vs_human.opponent import false_colour
from hotpapers.papers.model_vs_human.spectra import equalise_power, mean_amplitude
from hotpapers.verbs import AnyFile, Outcome

KindName = Literal[
    "colour", "contrast", "high-pass", "low-pass", "phase-scrambling", "power-equalisation", "false-colour", "rotation",
    "eidolonI", "eidolonII", "eidolonIII", "uniform-noise",
]  # fmt: skip
LARGEST = 4096 * 4096


def distort(
    images: AnyFile,
    *,
    kind: KindName = "low-pass",
    level: float | None = None,
    size: int = 224,
    tables: Literal["ours", "authors"] = "ours",
    seed: int = 0,
    engine: Engine = "local",
    jobs: int | None = None,
    out: Path | None = None,
) -> Outcome:
    """Distort your own images as the experiment did: noise, blur, contrast, phases, eidolons and more, at any level.

    Parameters
    ----------
    images
        An image, a folder or a zip file of images.
    kind
        The distortion.
    level
        How strong: per cent of contrast, pixels of sigma, degrees, width of noise, reach. Left out, every level that
        people saw, in a folder each.
    size
        Images are made this many pixels square, as people saw them; 0 leaves them as they are.
    tables
        Which monitor false colours are for and which amplitudes are put in: a power law and the images' own mean
        (ours), or the authors' measured tables, which are fetched and for 224 pixels.
    seed
        The seed of noise, phases and displacements; each image has its own of it.
    engine
        Where to work: here, in worker processes, or on Ray.
    jobs
        How many workers; one for each core where left out.
    out
        The folder to write to; beside the images where left out.
    """
    source = Path(images)
    wanted = levels(kind) if level is None else {_spelt(kind, level): float(level)}
    for each in wanted.values():
        check_level(kind, each)
    if size and not 16 <= size <= 4096:
        raise BadInput(f"Images have sides of 16 to 4,096 pixels here, or 0 to leave them as they are; not {size}.")
    listed = list_images(source)
    folder = Path(out) if out is not None else source.with_name(f"{source.stem}-{kind}")
    names = _names([shown for _, _, shown in listed])
    amplitude = _amplitude(kind, tables, size, listed)
    curve = _table("x_gamma_function.npy") if tables == "authors" and kind == "false-colour" else None
    pieces = [
        _Piece(place, inside, name, folder, kind, tuple(wanted.items()), size, seed, amplitude, curve)
        for (place, inside, _), name in zip(listed, names, strict=True)
    ]
    with progress.bar(f"distort ({kind})", len(pieces)) as bar:
        for done, _ in enumerate(do_all(_distort, pieces, engine=engine, jobs=jobs), start=1):
            bar.update(done)
    sheet = folder.with_name(f"{folder.name}-sheet.png")  # not among the images, so that these can be evaluated
    write_image(sheet, _sheet(pieces[0], kind, wanted))
    numbers = {"images": len(pieces), "levels": ", ".join(wanted), "written": len(pieces) * len(wanted)}
    return Outcome(
        {"sheet": sheet, "images": folder}, numbers, "Run a classifier on them: hotpapers model-vs-human evaluate."
    )


@dataclasses.dataclass(frozen=True)
class _Piece:
    place: Path
    inside: str
    name: str
    folder: Path
    kind: str
    levels: tuple[tuple[str, float], ...]
    size: int
    seed: int
    amplitude: np.ndarray | None
    curve: np.ndarray | None

    def path(self, condition: str) -> Path:
        return self.folder / condition / f"{self.name}.png"


def _distort(piece: _Piece) -> str:
    """Do one image: what a worker does."""
    for (condition, _), pixels in zip(piece.levels, _made(piece), strict=True):
        write_image(piece.path(condition), pixels)
    return piece.name


def _made(piece: _Piece) -> list[np.ndarray]:
    image = _pixels(piece.place, piece.inside, piece.size)
    wanted = [level for _, level in piece.levels]
    if piece.amplitude is not None:
        return [equalise_power(grey(image), piece.amplitude) if level else grey(image) for level in wanted]
    if piece.curve is not None:
        return [false_colour(image, piece.curve) if level else image for level in wanted]
    own = int.from_bytes(hashlib.sha256(piece.name.encode()).digest()[:4], "big")
    return at_levels(image, piece.kind, wanted, [piece.seed, own])


def _pixels(place: Path, inside: str, size: int) -> np.ndarray:
    image = read_listed(place, inside)
    if image.shape[0] * image.shape[1] > LARGEST and not size:
        raise BadInput(
            f"{(inside or place.name)[:120]} is larger than 16 million pixels; scale it down or give --size."
        )
    return np.asarray(read_square(image, size) if size else image, dtype=np.float64)


def _amplitude(kind: str, tables: str, size: int, listed: Sequence[tuple[Path, str, str]]) -> np.ndarray | None:
    """Return the amplitudes that all images get: the authors', or the mean of the images where they are of one size."""
    if kind != "power-equalisation":
        return None
    if tables == "authors":
        if size != 224:
            raise BadInput(f"The authors' amplitudes are for images of 224 pixels, not {size}: leave --size at 224.")
        return _table("mean_power_spectrum_grey.npy")
    if not size or len(listed) < 2:
        return None  # energy that falls with frequency, for each image by itself
    return mean_amplitude([grey(_pixels(place, inside, size)) for place, inside, _ in listed])


def _table(name: str) -> np.ndarray:
    return np.load(datasets.fetch("stimulus-tables") / name, allow_pickle=False)


def _names(shown: Sequence[str]) -> list[str]:
    """Return a path for each image without its suffix, below the level's folder; no two are the same."""
    plain = []
    for each in shown:
        parts = [part for part in each.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        stem = Path(parts[-1]).stem
        safe = [
            "".join(c if c.isalnum() or c in "-_. " else "-" for c in part)[:80] or "image"
            for part in (*parts[:-1], stem)
        ]
        plain.append("/".join(safe))
    seen: dict[str, int] = {}
    for number, name in enumerate(plain):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            plain[number] = f"{name}-{seen[name]}"
    return plain


def _spelt(kind: str, level: float) -> str:
    for spelt, value in levels(kind).items():
        if value == level:
            return spelt
    if kind.startswith("eidolon"):
        return f"{level:g}-{ {'eidolonI': 10, 'eidolonII': 3, 'eidolonIII': 0}[kind] }-10"
    return f"c{level:g}" if kind == "contrast" else spelling(str(level))


def _sheet(piece: _Piece, kind: str, wanted: dict[str, float]) -> np.ndarray:
    pictures = [_pixels(piece.place, piece.inside, piece.size), *_made(piece)]
    return contact_sheet(pictures, ["original", *(f"{kind} {each}" for each in wanted)], columns=min(5, len(pictures)))
