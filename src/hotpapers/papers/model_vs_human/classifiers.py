"""Classifiers from files: our networks, ONNX, TorchScript, and tables of probabilities computed elsewhere."""

import csv
import dataclasses
import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hotpapers.errors import BadInput, MissingExtra
from hotpapers.papers.model_vs_human.categories import CATEGORIES, softmax
from hotpapers.papers.model_vs_human.trials import image_id

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
LARGEST_TABLE = 2**31
Classify = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a classifier comes from, and what it takes and gives; small enough to travel to a worker.

    Attributes
    ----------
    path
        A file; ``None`` for one of our networks.
    network
        Which of them.
    size
        Pixels of the square images that it takes.
    normalise, outputs
        As ``evaluate`` has them.
    """

    path: Path | None
    network: str | None = None
    size: int = 224
    normalise: Literal["imagenet", "half", "none"] = "imagenet"
    outputs: Literal["logits", "probabilities"] = "logits"

    def check(self) -> None:
        """Load it once here, so that what is wrong with it is said before anything is begun."""
        load(self)


class Computed:
    """Probabilities that were computed elsewhere, by image."""

    def __init__(self, names: list[str], values: np.ndarray, path: Path) -> None:
        self._at = {image_id(name): row for row, name in enumerate(names)}
        self._values, self._path = values, path

    def rows(self, names: list[str]) -> np.ndarray:
        """Return the rows of these images."""
        try:
            return self._values[[self._at[image_id(name)] for name in names]]
        except KeyError as error:
            raise BadInput(
                f"{self._path} has no row for the image {error}; compute it too, or leave it out."
            ) from error


@lru_cache(maxsize=2)
def load(source: Source) -> Classify | Computed:
    """Return the classifier; a worker keeps it for its next piece.

    Raises
    ------
    BadInput
        If the file is none, or no classifier of 1,000 classes.
    MissingExtra
        If the library that reads it is not installed.
    """
    if source.path is None:
        return _ours(source.network or "efficientnet-lite0")
    suffix = source.path.suffix.lower()
    if not os.path.isfile(source.path):
        raise BadInput(f"Cannot read {str(source.path)[:200]}: there is no such file. Check its name and place.")
    if suffix == ".csv":
        names, values = read_probabilities(source.path)
        return Computed(names, values, source.path)
    if suffix == ".onnx":
        return _onnx(source)
    if suffix in (".pt", ".pth", ".ts", ".torchscript"):
        return _torchscript(source)
    raise BadInput(f"{source.path.name} is no model known here; give .onnx, TorchScript (.pt) or probabilities (.csv).")


def read_probabilities(
    path: Path, kind: Literal["auto", "logits", "probabilities"] = "auto"
) -> tuple[list[str], np.ndarray]:
    """Read a table of an image's name and 1,000 (or 16) numbers in each row, after a header.

    Logits become probabilities by a softmax; ``auto`` takes numbers that are below 0, above 1 or do not sum to about
    one for logits.

    Returns
    -------
    tuple
        Names, and N x 1000 probabilities or N x 16 in the order of ``CATEGORIES``.
    """
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise BadInput(f"{path} is larger than 2 GB; split it.")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            names, rows, header = _rows(path, csv.reader(stream))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8 (byte {error.start}); save it as UTF-8 CSV.") from error
    except (OSError, csv.Error) as error:
        raise BadInput(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}. Give a CSV table.") from error
    values = np.array(rows)
    if values.shape[1] == 16:
        order = [name.strip().lower() for name in header[1:]]
        if sorted(order) != sorted(CATEGORIES):
            raise BadInput(f"{path} has 16 columns that are not the categories; name them {', '.join(CATEGORIES)}.")
        return names, values[:, [order.index(name) for name in CATEGORIES]]
    sums = values.sum(axis=1)
    unlike = values.min() < 0 or values.max() > 1 + 1e-6 or np.abs(sums - 1).max() > 0.02
    if kind == "probabilities" and (values.min() < 0 or values.max() > 1 + 1e-6):
        raise BadInput(f"{path} holds numbers outside of 0 to 1; they may be logits: say --kind logits.")
    return names, softmax(values) if kind == "logits" or (kind == "auto" and unlike) else values


def _rows(path: Path, reader: Any) -> tuple[list[str], list[list[float]], list[str]]:
    header: list[str] = next(reader, [])
    width = len(header) - 1
    if width not in (16, 1000):
        raise BadInput(f"{path} has {width + 1} columns; it needs the image's name and then 1,000 (or 16) numbers.")
    names, rows = [], []
    for row in reader:
        if not row:
            continue
        try:
            values = [float(each) for each in row[1:]]
        except ValueError as error:
            raise BadInput(
                f"{path}, line {reader.line_num}: {error}; every column but the first is a number."
            ) from error
        if len(values) != width or not np.isfinite(values).all():
            raise BadInput(f"{path}, line {reader.line_num} lacks numbers, or has NaN or infinity; mend that line.")
        names.append(row[0])
        rows.append(values)
    if not rows:
        raise BadInput(f"{path} has no rows; it needs one for each image.")
    return names, rows, header


def _ours(name: str) -> Classify:
    from hotpapers.papers.model_vs_human.networks import load_network

    return _from_torch(load_network(name), Source(None, normalise="none"))


def _torchscript(source: Source) -> Classify:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch would have people move on; their files are still there
            module = torch.jit.load(str(source.path), map_location="cpu").eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise BadInput(
            f"{source.path} is no TorchScript file; write one with torch.jit.trace(model, example).save('model.pt')."
        ) from error
    return _from_torch(module, source)


def _from_torch(module: "torch.nn.Module", source: Source) -> Classify:  # type: ignore[name-defined]  # noqa: F821
    import torch

    def classify(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(_prepared(images, source)).permute(0, 3, 1, 2).contiguous()
            try:
                found = module(batch)
            except RuntimeError as error:
                raise BadInput(f"{source.path} fails on images of {images.shape[1:]}: {_first_line(error)}") from error
            if not isinstance(found, torch.Tensor):
                raise BadInput(f"{source.path} gives no single tensor; wrap it so that it gives N x 1000 logits.")
            return _probabilities(found.float().numpy(), source)

    return classify


def _onnx(source: Source) -> Classify:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra("An ONNX model", ("onnx",)) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(source.path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has many of its own
        raise BadInput(f"{source.path} is no ONNX model that can be read: {_first_line(error)}") from error
    wanted = session.get_inputs()[0]

    def classify(images: np.ndarray) -> np.ndarray:
        batch = np.ascontiguousarray(_prepared(images, source).transpose(0, 3, 1, 2))
        one_by_one = isinstance(wanted.shape[0], int) and wanted.shape[0] == 1
        parts = [batch[k : k + 1] for k in range(len(batch))] if one_by_one else [batch]
        try:
            found = [session.run(None, {wanted.name: part})[0] for part in parts]
        except Exception as error:
            raise BadInput(f"{source.path} fails on images of {images.shape[1:]}: {_first_line(error)}") from error
        return _probabilities(np.concatenate(found), source)

    return classify


def _prepared(images: np.ndarray, source: Source) -> np.ndarray:
    values = np.asarray(images, dtype=np.float32)
    if source.normalise == "imagenet":
        return (values - MEAN) / STD
    return values * 2 - 1 if source.normalise == "half" else values


def _probabilities(found: np.ndarray, source: Source) -> np.ndarray:
    if found.ndim != 2 or found.shape[1] not in (16, 1000):
        raise BadInput(f"{source.path} gives {found.shape} for a batch; it must give 1,000 numbers for each image.")
    return softmax(found) if source.outputs == "logits" and found.shape[1] == 1000 else found.astype(float)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
