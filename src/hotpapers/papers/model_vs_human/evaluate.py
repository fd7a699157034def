"""The verb ``evaluate``: run a classifier on a data set of images and write its trials as the laboratory does.

A classifier is a function from N x H x W x 3 images in [0, 1] to N x 1000 probabilities, or N x 16: a network of ours,
an ONNX or TorchScript file, a CSV file of probabilities, or any Python function.
"""

import dataclasses
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from hotpapers import progress
from hotpapers.engines import Engine, do_all
from hotpapers.errors import BadInput
from hotpapers.files import safe_name
from hotpapers.media import contact_sheet, read_image, write_image
from hotpapers.papers.model_vs_human import classifiers, scoring, sheets
from hotpapers.papers.model_vs_human.categories import CATEGORIES, decide
from hotpapers.papers.model_vs_human.experiments import EXPERIMENTS, experiment, spelling
from hotpapers.papers.model_vs_human.trials import Trials, image_id, write_trials
from hotpapers.verbs import AnyFile, Outcome

Classify = Callable[[np.ndarray], np.ndarray]
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
LARGEST_IMAGE = 50 * 2**20
MOST_IMAGES = 1_000_000
BATCH = 16
SHOWN = 20
NetworkName = Literal["mobilenet-v2", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]


@dataclasses.dataclass(frozen=True)
class Stimulus:
    """One image to classify, with what is right and its condition.

    Attributes
    ----------
    place
        The file, or the archive that it is in.
    inside
        Its name in the archive; empty for a file of its own.
    """

    place: Path
    inside: str
    category: str
    condition: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return (self.inside or self.place.name).rpartition("/")[2]

    def read(self, size: int) -> np.ndarray:
        """Return the image, ``size`` pixels square, H x W x 3 float32 in [0, 1]."""
        return read_square(read_listed(self.place, self.inside), size)


def evaluate(
    images: AnyFile,
    model: AnyFile | None = None,
    *,
    network: NetworkName | None = None,
    name: str = "",
    dataset: str = "",
    category: str = "",
    size: int = 224,
    normalise: Literal["imagenet", "half", "none"] = "imagenet",
    outputs: Literal["logits", "probabilities"] = "logits",
    engine: Engine = "local",
    jobs: int | None = None,
    out: Path | None = None,
) -> Outcome:
    """Run a classifier on a folder or a zip file of images, and write its trials as the laboratory does.

    Parameters
    ----------
    images
        A folder, a zip file or one image. A folder, or the file's name, tells the category (cat/anything.png,
        cat3.png, or the laboratory's own names); a folder above it the condition (10/cat/a.png).
    model
        A classifier of ImageNet's 1,000 classes: an ONNX file (.onnx), TorchScript (.pt), or probabilities that were
        computed before (.csv, as for map). Left out, one of our networks.
    network
        Which of our networks; its weights (13 to 23 MB) are fetched.
    name
        What to call the classifier; the file's name where left out.
    dataset
        Which of the paper's data sets the images are; else the name of their folder.
    category
        The category of all the images, where their names do not tell.
    size
        The side in pixels of the square images that the classifier takes.
    normalise
        What the classifier wants: ImageNet's mean and deviation, -1 to 1 (half), or 0 to 1 (none).
    outputs
        Whether the classifier gives logits or probabilities.
    engine
        Where to work: here, in worker processes, or on Ray.
    jobs
        How many workers; one for each core where left out.
    out
        The folder for the trials; beside the images where left out.
    """
    stimuli = find_stimuli(Path(images), dataset=dataset, category=category)
    if model is not None and network is not None:
        raise BadInput("Give a model's file or name one of our networks, not both.")
    if not 16 <= size <= 1024:
        raise BadInput(f"Images have sides of 16 to 1,024 pixels here, not {size}.")
    chosen = name or (Path(model).stem if model is not None else network or "efficientnet-lite0")
    called = safe_name(chosen).replace(" ", "-")
    if called.startswith("subject-"):
        raise BadInput(f"{called!r} would count as a person: call the classifier something else with --name.")
    title = dataset or _title(Path(images))
    source = classifiers.Source(None if model is None else Path(model), network, size, normalise, outputs)
    source.check()
    pieces = [_Piece(source, tuple(stimuli[k : k + BATCH])) for k in range(0, len(stimuli), BATCH)]
    answers: list[str] = []
    with progress.bar("classify", len(stimuli)) as bar:
        for part in do_all(_classify, pieces, engine=engine, jobs=jobs, ordered=True):
            answers += part
            bar.update(len(answers))
    trials = _as_trials(title, called, stimuli, answers)
    folder = Path(out) if out is not None else Path(images).with_name(f"{_title(Path(images))}-trials")
    # A name in parts would be read as the data set's: the laboratory parts them by underscores
    path = write_trials(folder / f"{title}_{called.replace('_', '-')}_session-1.csv", trials)
    sheet = write_image(path.with_suffix(".png"), _sheet(stimuli, answers))
    return Outcome({"trials": path, "sheet": sheet}, _numbers(trials), _note(title))


def run_classifier(
    classify: Classify, stimuli: Sequence[Stimulus], *, name: str, dataset: str, size: int = 224, batch: int = BATCH
) -> Trials:
    """Run any function on stimuli and return its trials.

    Parameters
    ----------
    classify
        From N x size x size x 3 images in [0, 1] to N x 1000 probabilities, or to N x 16 in the categories' order.
    stimuli
        What ``find_stimuli`` found.
    name
        What to call the classifier.
    dataset
        Which data set the stimuli are.
    size
        The side of the square images.
    batch
        How many images at once.
    """
    answers: list[str] = []
    with progress.bar(f"{name} on {dataset}", len(stimuli)) as bar:
        for first in range(0, len(stimuli), batch):
            images = np.stack([each.read(size) for each in stimuli[first : first + batch]])
            answers += decisions(np.asarray(classify(images)))
            bar.update(len(answers))
    return _as_trials(dataset, name, stimuli, answers)


def decisions(probabilities: np.ndarray) -> list[str]:
    """Return the categories chosen from N x 1000 probabilities, or from N x 16 of the categories themselves."""
    if probabilities.ndim != 2 or probabilities.shape[1] not in (16, 1000):
        raise BadInput(f"The classifier gives {probabilities.shape}; it must give 1,000 or 16 numbers for each image.")
    if not np.isfinite(probabilities).all():
        raise BadInput("The classifier gives NaN or infinity; look at what it wants as input (--normalise).")
    if probabilities.shape[1] == 16:
        return [CATEGORIES[15 - k] for k in np.argmax(probabilities[:, ::-1], axis=1)]
    return [CATEGORIES[k] for k in decide(probabilities)]


def find_stimuli(path: Path, *, dataset: str = "", category: str = "") -> list[Stimulus]:
    """Return the images of a folder, a zip file or a single file, with the categories that their names tell.

    Raises
    ------
    BadInput
        If there are none, or a name tells no category.
    """
    if category and category not in CATEGORIES:
        raise BadInput(f"{category[:40]!r} is none of the 16 categories: {', '.join(CATEGORIES)}.")
    found = list_images(path)
    return [_stimulus(place, inside, shown, category, dataset or _title(path)) for place, inside, shown in found]


def list_images(path: Path) -> list[tuple[Path, str, str]]:
    """Return the images of a folder, a zip file or a single file: the file, its name in it, and its path to show.

    Raises
    ------
    BadInput
        If there are none.
    """
    if os.path.isdir(path):  # Path.is_dir raises where a name is too long
        files = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
        found = [(each, "", each.relative_to(path).as_posix()) for each in files]
    elif path.suffix.lower() == ".zip":
        found = [(path, name, name) for name in _in_zip(path)]
    else:
        read_image(path)  # says what is wrong with it
        found = [(path, "", path.name)]
    if not found:
        raise BadInput(f"{path} holds no images; they end in {', '.join(SUFFIXES)}.")
    if len(found) > MOST_IMAGES:
        raise BadInput(f"{path} holds {len(found):,} images; give at most {MOST_IMAGES:,}.")
    return found


def read_listed(place: Path, inside: str) -> np.ndarray:
    """Return an image that ``list_images`` listed, H x W x 3 float32 in [0, 1]."""
    if not inside:
        return read_image(place).pixels
    with zipfile.ZipFile(place) as opened, opened.open(inside) as body:
        content = body.read(LARGEST_IMAGE + 1)
    return _decoded(content, inside).astype(np.float32) / 255


def read_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Return an image with its shorter side scaled to ``size`` and the middle cut out; as it is where it is that size.

    A photograph is scaled to an eighth more first, as is usual for ImageNet.
    """
    values = np.asarray(pixels, dtype=np.float32) / (255 if np.asarray(pixels).dtype == np.uint8 else 1)
    height, width = values.shape[:2]
    if (height, width) == (size, size):
        return values
    scale = round(size * 8 / 7) / min(height, width)
    wide, high = max(size, round(width * scale)), max(size, round(height * scale))
    picture = Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))
    picture = picture.resize((wide, high), Image.Resampling.BICUBIC)
    left, top = (wide - size) // 2, (high - size) // 2
    return np.asarray(picture.crop((left, top, left + size, top + size)), dtype=np.float32) / 255


@dataclasses.dataclass(frozen=True)
class _Piece:
    source: classifiers.Source
    stimuli: tuple[Stimulus, ...]


def _classify(piece: _Piece) -> list[str]:
    """Do one piece: what a worker does. The same piece gives the same answers."""
    classify = classifiers.load(piece.source)
    if isinstance(classify, classifiers.Computed):
        return decisions(classify.rows([each.name for each in piece.stimuli]))
    return decisions(classify(np.stack([each.read(piece.source.size) for each in piece.stimuli])))


def _sheet(stimuli: Sequence[Stimulus], answers: Sequence[str]) -> np.ndarray:
    """Return some of the images, evenly picked, under what was answered."""
    picks = np.unique(np.linspace(0, len(stimuli) - 1, SHOWN).astype(int))
    labels = [
        answers[k] if answers[k] == stimuli[k].category else f"{answers[k]}, not {stimuli[k].category}" for k in picks
    ]
    return contact_sheet([stimuli[k].read(160) for k in picks], labels, columns=5)


def _as_trials(dataset: str, name: str, stimuli: Sequence[Stimulus], answers: list[str]) -> Trials:
    return Trials(
        dataset, [name] * len(stimuli), answers, [each.category for each in stimuli],
        [each.condition for each in stimuli], [image_id(each.name) for each in stimuli],
    )  # fmt: skip


def _stimulus(place: Path, inside: str, shown: str, category: str, dataset: str) -> Stimulus:
    *folders, name = shown.split("/")
    stem = name.rpartition(".")[0]
    parts = stem.split("_")
    at = next((k for k in reversed(range(len(folders))) if folders[k] in CATEGORIES), None)
    leading = stem.partition("-")[0].partition("_")[0].rstrip("0123456789").lower()
    listed = [k for k, part in enumerate(parts) if part in CATEGORIES]
    condition = "0"
    if at is not None:
        found = folders[at]
        condition = folders[at - 1] if at and experiment(dataset).parametric else "0"
    elif leading in CATEGORIES:
        found = leading
    elif listed:
        found, condition = parts[listed[-1]], parts[listed[-1] - 1] if listed[-1] else "0"
    elif category:
        found = category
    else:
        raise BadInput(
            f"{shown[:120]} tells none of the 16 categories; put it into a folder of that name (cat/{name[:40]}), "
            "or say --category for all of them."
        )
    plain = dataset in EXPERIMENTS and not EXPERIMENTS[dataset].parametric
    return Stimulus(place, inside, category or found, "0" if plain else spelling(condition))


def _title(path: Path) -> str:
    """Return a data set's name from the images' folder or file: what its file name may hold."""
    plain = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in path.stem or "images")
    return plain.strip("-.")[:60] or "images"


def _in_zip(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as opened:
            names = [
                each.filename for each in opened.infolist() if not each.is_dir() and each.file_size <= LARGEST_IMAGE
            ]
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadInput(f"{path} is no zip file that can be read ({error}); pack the images again.") from error
    return sorted(each for each in names if each.lower().endswith(SUFFIXES) and "__MACOSX" not in each)


def _decoded(content: bytes, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "BMP", "TIFF")) as image:
            if image.width * image.height > 50_000_000:
                raise BadInput(f"{name[:120]} is too large: {image.width} x {image.height}; scale it down first.")
            return np.asarray(image.convert("RGB"))
    except BadInput:
        raise
    except Exception as error:  # whatever a decoder raises on a damaged file
        raise BadInput(f"{name[:120]} is damaged or no image; pack it again.") from error


def _numbers(trials: Trials) -> dict[str, float | int | str]:
    sheet = sheets.sheets_of([trials])[0]
    right = sum(a == c for a, c in zip(trials.answer, trials.category, strict=True))
    numbers: dict[str, float | int | str] = {"images": len(trials), "accuracy": right / len(trials)}
    shape = scoring.shape_decisions(sheet)[0]
    if shape.images:
        numbers["shape bias"] = shape.bias
    return numbers


def _note(title: str) -> str:
    if title in EXPERIMENTS:
        return "Score it beside people: hotpapers model-vs-human score on this file or its folder."
    return f"People saw the data sets {', '.join(EXPERIMENTS)}; say which this is with --dataset to compare with them."
