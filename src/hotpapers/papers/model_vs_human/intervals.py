"""How sure the numbers are: bootstrap intervals over images, permutation tests over images, the ceiling of people.

Images are resampled within their condition, the same for all observers, so that what observers share stays shared.
People are few and are taken as they are: an interval speaks of other images, not of other people.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from hotpapers import progress
from hotpapers.papers.model_vs_human import metrics
from hotpapers.papers.model_vs_human.scoring import HUMANS, Shape
from hotpapers.papers.model_vs_human.sheets import NO_TEXTURE, Sheet

CONFIDENCE = 0.95
_BLOCK = 250  # resamples at once: what fits a cache


@dataclasses.dataclass(frozen=True)
class Resampled:
    """The four numbers of ``scoring.METRICS`` under resampling.

    Attributes
    ----------
    observers
        The models, then ``humans``.
    values
        Observers x 4 x resamples; NaN where there is nobody to compare with.
    """

    observers: tuple[str, ...]
    values: np.ndarray


def interval(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95 % percentile interval along the last axis, NaN where there are no numbers."""
    tail = 100 * (1 - CONFIDENCE) / 2
    bare = np.isnan(samples).any(axis=-1)
    filled = np.where(bare[..., None], 0.0, samples)
    low, high = np.percentile(filled, [tail, 100 - tail], axis=-1)
    return np.where(bare, np.nan, low), np.where(bare, np.nan, high)


def resample(sheet: Sheet, resamples: int = 1000, seed: int = 0, conditions: Sequence[int] | None = None) -> Resampled:
    """Resample one data set's images; as ``scoring.score_sheet``, ``resamples`` times.

    Every observer must have seen every image; else only the images that all saw are taken. ``conditions`` are those
    that count, where left out the paper's.
    """
    rng = np.random.default_rng(seed)
    people, models = np.flatnonzero(sheet.human), np.flatnonzero(~sheet.human)
    one, two = _pairs(people, models)
    pooled = np.zeros((len(sheet.observers), resamples))
    images, sums, taken = 0, np.zeros((3, len(one), resamples)), 0
    for k in sheet.kept if conditions is None else conditions:
        part = sheet.images_of(k)
        everyone = sheet.shown[:, part].all(axis=0)
        right = sheet.right[:, part][:, everyone].astype(np.float32)
        n = right.shape[1]
        if not n:
            continue
        alike = (right[one] == right[two]).astype(np.float32)
        for first in range(0, resamples, _BLOCK):
            block = slice(first, min(first + _BLOCK, resamples))
            weights = rng.multinomial(n, np.full(n, 1 / n), size=block.stop - block.start).astype(np.float32)
            counts = right @ weights.T
            p, o = counts / n, (alike @ weights.T) / n
            pooled[:, block] += counts
            p1, p2, o = (each.astype(float) for each in (p[one], p[two], o))
            sums[0, :, block] += metrics.accuracy_difference(p1, p2)
            sums[1, :, block] += o
            sums[2, :, block] += metrics.error_consistency(p1, p2, o)
        images, taken = images + n, taken + 1
    return _gather(sheet, people, models, pooled / max(images, 1), sums / max(taken, 1))


def resample_all(sheets: Sequence[Sheet], resamples: int = 1000, seed: int = 0) -> list[Resampled]:
    """Resample every data set, independently of the others."""
    return [
        resample(sheet, resamples, seed + 7919 * number)
        for number, sheet in enumerate(progress.track(sheets, "resample images"))
    ]


def mean_of(found: Sequence[Resampled]) -> Resampled:
    """Return the means over data sets of the observers that are in all of them."""
    common = [name for name in found[0].observers if all(name in each.observers for each in found)]
    stacked = np.stack([each.values[[each.observers.index(name) for name in common]] for each in found])
    return Resampled(tuple(common), stacked.mean(axis=0))


def shape_interval(sheet: Sheet, shape: Shape, resamples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a shape bias; images are resampled."""
    rows = sheet.human if shape.observer == HUMANS else np.array([n == shape.observer for n in sheet.observers])
    conflict = (sheet.texture != NO_TEXTURE) & (sheet.texture != sheet.category)
    by_shape = ((sheet.answers == sheet.category) & conflict)[rows].sum(axis=0)[conflict]
    by_texture = ((sheet.answers == sheet.texture) & conflict)[rows].sum(axis=0)[conflict]
    n = int(conflict.sum())
    if not n or not shape.shape + shape.texture:
        return float("nan"), float("nan")
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    shapes, textures = weights @ by_shape, weights @ by_texture
    low, high = interval(shapes / np.maximum(shapes + textures, 1))
    return float(low), float(high)


def permutation_test(
    sheet: Sheet, one: str, two: str, *, permutations: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Test whether two observers' errors agree beyond chance.

    One observer's right and wrong answers are shuffled among the images of each condition, which keeps all accuracies
    and breaks what the two share.

    Returns
    -------
    tuple of float
        κ, mean over the kept conditions, and the one-sided p value (1 + as large ones) / (1 + permutations).
    """
    rng = np.random.default_rng(seed)
    rows = [sheet.observers.index(each) for each in (one, two)]
    found, shuffled, conditions = 0.0, np.zeros(permutations), 0
    for k in sheet.kept:
        a, b = _common(sheet, rows, k)
        if not len(a):
            continue
        n, p1, p2 = len(a), a.mean(), b.mean()
        orders = rng.permuted(np.broadcast_to(b, (permutations, n)), axis=1)
        found += float(metrics.error_consistency(p1, p2, (a == b).mean()))
        shuffled += metrics.error_consistency(p1, p2, (orders == a).mean(axis=1))
        conditions += 1
    if not conditions:
        return float("nan"), float("nan")
    as_large = int((shuffled >= found * (1 - 1e-12) - 1e-12).sum())
    return found / conditions, (1 + as_large) / (1 + permutations)


def difference_test(
    sheet: Sheet, one: str, two: str, *, permutations: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Test whether one observer's errors are more like people's than another's.

    On each image the two observers' results are swapped or not, by chance: if they were interchangeable nothing would
    change.

    Returns
    -------
    tuple of float
        The difference of their mean κ to people, and the two-sided p value.
    """
    rng = np.random.default_rng(seed)
    people = np.flatnonzero(sheet.human)
    rows = [sheet.observers.index(each) for each in (one, two)]
    found, swapped, conditions = 0.0, np.zeros(permutations), 0
    for k in sheet.kept:
        seen = _common(sheet, [*rows, *people], k).astype(np.float32)
        if not seen.shape[1]:
            continue
        a, b, crowd = seen[0], seen[1], seen[2:]
        found += float(_kappas(a[None], crowd)[0] - _kappas(b[None], crowd)[0])
        swap = rng.random((permutations, len(a))) < 0.5
        swapped += _kappas(np.where(swap, b, a), crowd) - _kappas(np.where(swap, a, b), crowd)
        conditions += 1
    if not conditions or not len(people):
        return float("nan"), float("nan")
    as_large = int((np.abs(swapped) >= abs(found) - 1e-9).sum())
    return found / conditions, (1 + as_large) / (1 + permutations)


def _kappas(observer: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """Return the mean κ of each row of ``observer`` (results, n images) to the people of ``crowd``."""
    n = crowd.shape[1]
    p1, p2 = observer.mean(axis=1, dtype=float)[:, None], crowd.mean(axis=1, dtype=float)[None]
    both = (observer @ crowd.T).astype(float) / n
    return metrics.error_consistency(p1, p2, 1 - p1 - p2 + 2 * both).mean(axis=1)


def _common(sheet: Sheet, rows: Sequence[int], condition: int) -> np.ndarray:
    part = sheet.images_of(condition)
    seen = sheet.shown[rows, part].all(axis=0)
    return sheet.right[rows, part][:, seen]


def _pairs(people: np.ndarray, models: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs whose measures are wanted: each model with each person, then people with each other."""
    first, second = np.triu_indices(len(people), 1)
    one = np.concatenate([np.repeat(models, len(people)), people[first]]).astype(int)
    two = np.concatenate([np.tile(people, len(models)), people[second]]).astype(int)
    return one, two


def _gather(sheet: Sheet, people: np.ndarray, models: np.ndarray, accuracy: np.ndarray, sums: np.ndarray) -> Resampled:
    resamples = accuracy.shape[1]
    values = np.full((len(models) + bool(len(people)), 4, resamples), np.nan)
    values[: len(models), 0] = accuracy[models]
    if len(people):
        values[-1, 0] = accuracy[people].mean(axis=0)
        between = sums[:, : len(models) * len(people)].reshape(3, len(models), len(people), resamples)
        values[: len(models), 1:] = between.mean(axis=2).transpose(1, 0, 2)
        if len(people) > 1:
            values[-1, 1:] = sums[:, len(models) * len(people) :].mean(axis=1)
    names = tuple(sheet.observers[k] for k in models) + ((HUMANS,) if len(people) else ())
    return Resampled(names, values)
