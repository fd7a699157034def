"""What a classifier learns: a user's table, ListOps, film reviews, pairs of papers, or digits pixel by pixel."""

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from hotpapers.errors import BadInput
from hotpapers.media import cells_up_to
from hotpapers.papers.topk_attention.corpus import read_text
from hotpapers.papers.topk_attention.listops import listops

Example = tuple[bytes, int]
TaskName = Literal["listops", "imdb", "mnist"]

HELD_OUT = 0.2
EXPRESSIONS = 4000  # of ListOps
CONTEXT = {"mnist": 28 * 28}  # bytes of a text that are read, where nothing else is wished
USUAL_CONTEXT = 256


@dataclasses.dataclass(frozen=True)
class Task:
    """Texts to learn from and to be judged by, with the numbers of their classes, and the classes' names."""

    learned: Sequence[Example]
    judged: Sequence[Example]
    labels: list[str]


def read_task(table: Path | None, name: TaskName, context: int, seed: int) -> Task:
    """Return the task of a table, or without one the task ``name``.

    IMDb and MNIST are judged by their own test sets; elsewhere a fifth of the texts, drawn by the seed, is held out.
    """
    if table is None and name == "imdb":
        from hotpapers.datasets import imdb
        from hotpapers.datasets.imdb import CLASSES

        learned, judged = ([(text.encode()[:context], label) for text, label in imdb(part)] for part in _SPLITS)
        return Task(learned, judged, list(CLASSES))
    if table is None and name == "mnist":
        from hotpapers.datasets import mnist

        return Task(*(_rows_of_pixels(*mnist(part)) for part in _SPLITS), _DIGITS)
    if table is None:
        examples, labels = encoded(listops(EXPRESSIONS, min(context, 256), seed)), _DIGITS
    elif Path(table).suffix.lower() == ".tsv":
        examples, labels = read_pairs(Path(table), context)
    else:
        examples, labels = read_examples(Path(table))
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed)).tolist()
    border = max(1, round(len(order) * HELD_OUT))
    judged, learned = ([examples[place] for place in part] for part in (order[:border], order[border:]))
    return Task(learned, judged, labels)


def read_examples(path: Path) -> tuple[list[Example], list[str]]:
    """Return the texts of a table with their classes, and the classes' names."""
    content = bytes(read_text(path, at_least=1).tolist()).decode("utf-8-sig")
    try:
        with cells_up_to(len(content)):  # a text may be long
            rows = list(csv.DictReader(io.StringIO(content)))
    except csv.Error as error:
        raise BadInput(f"{path} is not a table in CSV ({error}); save it as CSV in UTF-8.") from error
    if not rows or not {"text", "label"} <= set(rows[0]):
        raise BadInput(f"{path} needs rows and the columns text and label; name them in its first line.")
    rows = [row for row in rows if row["text"] and row["label"]]
    labels = sorted({row["label"] for row in rows})
    if len(labels) < 2 or len(rows) < 10:
        raise BadInput(f"{path} has {len(rows)} labelled texts of {len(labels)} classes; give at least 10 of 2.")
    return [(row["text"].encode(), labels.index(row["label"])) for row in rows], labels


def read_pairs(path: Path, context: int) -> tuple[list[Example], list[str]]:
    """Return pairs of texts as one text each: half of what is read from either, with a zero byte between."""
    from hotpapers.datasets import aan
    from hotpapers.datasets.aan import CLASSES

    half = (context - 1) // 2
    examples = [(first.encode()[:half] + b"\0" + second.encode()[:half], label) for first, second, label in aan(path)]
    found = {label for _, label in examples}
    if len(found) < 2 or len(examples) < 10:
        raise BadInput(f"{path} has {len(examples)} pairs of {len(found)} kinds; give at least 10 of both.")
    return examples, list(CLASSES)


def encoded(texts: Sequence[tuple[str, int]]) -> list[Example]:
    """Return texts as bytes."""
    return [(text.encode(), label) for text, label in texts]


_SPLITS: tuple[Literal["train"], Literal["test"]] = ("train", "test")
_DIGITS = [str(number) for number in range(10)]


def _rows_of_pixels(images: np.ndarray, labels: np.ndarray) -> list[Example]:
    return [(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)]
