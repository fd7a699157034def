"""Sheets: a data set's trials as arrays, images by observers, with right and wrong packed eight to a byte.

What two observers share is counted by the bits of their exclusive or, so that a benchmark of fifty models takes
fractions of a second. A sheet is kept in an ``.npz`` file of plain arrays.
"""

import contextlib
import dataclasses
import zipfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.model_vs_human.categories import CATEGORIES
from hotpapers.papers.model_vs_human.experiments import experiment
from hotpapers.papers.model_vs_human.trials import Trials, texture_of

NO_ANSWER = 16
NOT_SHOWN = 255
NO_TEXTURE = 255


@dataclasses.dataclass(frozen=True)
class Counts:
    """For each pair of observers of one condition, on the images that both saw: how many, how many right, how alike.

    Attributes
    ----------
    shown
        Images that both saw.
    right
        ``right[i, j]``: how many of these i got right; j got ``right[j, i]``.
    agree
        On how many both were right or both wrong.
    """

    shown: np.ndarray
    right: np.ndarray
    agree: np.ndarray


@dataclasses.dataclass(frozen=True)
class Sheet:
    """One data set: answers of all observers to all images.

    Attributes
    ----------
    dataset
        Its name.
    observers
        Their names; people's begin with ``subject-``.
    conditions
        In the paper's order, then by name.
    images
        Ids, in the order of their conditions.
    condition, category, texture
        For each image, indices; ``texture`` is ``NO_TEXTURE`` outside of cue conflicts.
    answers
        Observers x images, ``uint8``: a category's index, ``NO_ANSWER`` or ``NOT_SHOWN``.
    """

    dataset: str
    observers: tuple[str, ...]
    conditions: tuple[str, ...]
    images: tuple[str, ...]
    condition: np.ndarray
    category: np.ndarray
    texture: np.ndarray
    answers: np.ndarray

    @cached_property
    def human(self) -> np.ndarray:
        """Observers who are people, a truth value each."""
        return np.array([each.startswith("subject-") for each in self.observers])

    @cached_property
    def right(self) -> np.ndarray:
        """Observers x images: whether the answer is right."""
        return self.answers == self.category

    @cached_property
    def shown(self) -> np.ndarray:
        """Observers x images: whether there was a trial."""
        return self.answers != NOT_SHOWN

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """The conditions that aggregates count, by index."""
        excluded = experiment(self.dataset).excluded
        return tuple(k for k, each in enumerate(self.conditions) if each not in excluded)

    def images_of(self, condition: int) -> slice:
        """Return the images of a condition."""
        first, last = np.searchsorted(self.condition, [condition, condition + 1])
        return slice(int(first), int(last))

    @cached_property
    def packed(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """For each condition, right and shown, observers x bytes."""
        return tuple(
            (np.packbits(self.right[:, part], axis=1), np.packbits(self.shown[:, part], axis=1))
            for part in map(self.images_of, range(len(self.conditions)))
        )

    def counts(self, condition: int, rows: Sequence[int] | None = None, columns: Sequence[int] | None = None) -> Counts:
        """Return the counts of one condition for ``rows`` x ``columns`` of observers, all where left out."""
        right, shown = self.packed[condition]
        one = slice(None) if rows is None else np.asarray(rows, dtype=int)
        two = slice(None) if columns is None else np.asarray(columns, dtype=int)
        both = shown[one, None] & shown[None, two]
        unlike = (right[one, None] ^ right[None, two]) & both
        seen = _bits(both)
        return Counts(seen, _bits(right[one, None] & both), seen - _bits(unlike))

    def of(self, observers: Sequence[str]) -> "Sheet":
        """Return the sheet of these observers alone."""
        rows = [self.observers.index(each) for each in observers]
        return dataclasses.replace(self, observers=tuple(observers), answers=self.answers[rows])


def sheets_of(trials: Sequence[Trials]) -> list[Sheet]:
    """Lay trials out as sheets, one for each data set.

    Raises
    ------
    BadInput
        If an observer has two different answers to one image, or an image has two right answers.
    """
    return [_sheet(each) for each in trials]


def join(one: Sequence[Sheet], two: Sequence[Sheet]) -> list[Sheet]:
    """Return the sheets of ``one`` with the observers of ``two`` beside them, matched by condition and image.

    Images that ``one`` does not have are left out: there is nobody to compare them with.

    Raises
    ------
    BadInput
        If an observer is in both.
    """
    joined = []
    others = {sheet.dataset: sheet for sheet in two}
    for sheet in one:
        other = others.get(sheet.dataset)
        if other is None:
            joined.append(sheet)
            continue
        if again := sorted(set(sheet.observers) & set(other.observers)):
            raise BadInput(
                f"{again[0]!r} is an observer in both sets of trials; give one of them another name in subj."
            )
        places = {key: column for column, key in enumerate(_keys(other))}
        taken = np.array([places.get(key, -1) for key in _keys(sheet)])
        answers = np.where(taken >= 0, other.answers[:, taken], NOT_SHOWN).astype(np.uint8)
        joined.append(
            dataclasses.replace(
                sheet, observers=sheet.observers + other.observers, answers=np.concatenate([sheet.answers, answers])
            )
        )
    return joined


def save(path: Path, sheets: Sequence[Sheet]) -> Path:
    """Keep sheets in one ``.npz`` file, whole or not at all."""
    arrays: dict[str, np.ndarray] = {"datasets": np.array([sheet.dataset for sheet in sheets])}
    for number, sheet in enumerate(sheets):
        for field in dataclasses.fields(Sheet)[1:]:
            arrays[f"{number}.{field.name}"] = np.asarray(getattr(sheet, field.name))
    with written_whole(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    return path


def load(path: Path) -> list[Sheet]:
    """Read what ``save`` wrote; nothing in it is unpickled.

    Raises
    ------
    BadInput
        If the file is something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [_loaded(arrays, number, str(name)) for number, name in enumerate(arrays["datasets"])]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} holds no scored trials ({error}); give the trials' CSV files instead.") from error


def _loaded(arrays: np.lib.npyio.NpzFile, number: int, name: str) -> Sheet:
    part = {field.name: arrays[f"{number}.{field.name}"] for field in dataclasses.fields(Sheet)[1:]}
    words = {key: tuple(map(str, part.pop(key))) for key in ("observers", "conditions", "images")}
    images, observers = len(words["images"]), len(words["observers"])
    if part["answers"].shape != (observers, images) or any(
        part[key].shape != (images,) for key in ("condition", "category", "texture")
    ):
        raise ValueError("its arrays do not fit each other")
    if images and (
        part["condition"].max() >= len(words["conditions"]) or (np.diff(part["condition"].astype(int)) < 0).any()
    ):
        raise ValueError("its conditions are out of order")
    return Sheet(dataset=name, **words, **{key: value.astype(np.uint8) for key, value in part.items()})


def _sheet(trials: Trials) -> Sheet:
    known = experiment(trials.dataset).conditions
    found = set(trials.condition)
    conditions = tuple([each for each in known if each in found] + sorted(found.difference(known)))
    if len(conditions) > 250:
        raise BadInput(f"{trials.dataset} has {len(conditions)} conditions; more than 250 are no conditions.")
    rank = {each: k for k, each in enumerate(conditions)}
    right: dict[tuple[int, str], str] = {}
    for condition, image, category in zip(trials.condition, trials.image, trials.category, strict=True):
        if right.setdefault((rank[condition], image), category) != category:
            raise BadInput(f"{trials.dataset}: the image {image[:60]!r} has two right answers, {category} for one.")
    items = sorted(right)
    columns = {item: column for column, item in enumerate(items)}
    observers = tuple(dict.fromkeys(trials.observer))
    rows = {name: row for row, name in enumerate(observers)}
    code = {name: k for k, name in enumerate((*CATEGORIES, "na"))}
    at = np.array([rows[each] for each in trials.observer])
    to = np.array([columns[rank[c], i] for c, i in zip(trials.condition, trials.image, strict=True)])
    given = np.array([code[each] for each in trials.answer], dtype=np.uint8)
    answers = np.full((len(observers), len(items)), NOT_SHOWN, dtype=np.uint8)
    answers[at, to] = given
    if (again := np.flatnonzero(answers[at, to] != given)).size:
        first = again[0]
        raise BadInput(
            f"{trials.dataset}: {trials.observer[first][:60]!r} answers the image {trials.image[first][:60]!r} twice, "
            "differently; keep one of the trials."
        )
    textures = [texture_of(image) for _, image in items]
    return Sheet(
        dataset=trials.dataset, observers=observers, conditions=conditions, images=tuple(image for _, image in items),
        condition=np.array([condition for condition, _ in items], dtype=np.uint8),
        category=np.array([code[right[item]] for item in items], dtype=np.uint8),
        texture=np.array([NO_TEXTURE if each is None else code[each] for each in textures], dtype=np.uint8),
        answers=answers,
    )  # fmt: skip


def _keys(sheet: Sheet) -> list[tuple[str, str]]:
    names = [sheet.conditions[k] for k in sheet.condition]
    return list(zip(names, sheet.images, strict=True))


_ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


def _bits(packed: np.ndarray) -> np.ndarray:
    """Count the bits of the last axis."""
    with contextlib.suppress(AttributeError):  # NumPy before 2.0 has no such function
        return np.bitwise_count(packed).sum(axis=-1, dtype=np.int64)
    return _ONES[packed].sum(axis=-1, dtype=np.int64)
