"""The benchmark: OOD accuracy, accuracy difference, observed and error consistency, as the paper aggregates them.

Accuracy pools the trials of the conditions that count. The other three are taken for each pair of observers and each
condition, then averaged over conditions, over people, and over data sets: a difference is squared, and κ taken, before
anything is averaged, so that hard conditions do not pass for shared errors.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from hotpapers.papers.model_vs_human import metrics
from hotpapers.papers.model_vs_human.sheets import NO_TEXTURE, Sheet

METRICS = ("OOD accuracy", "accuracy difference", "observed consistency", "error consistency")
HUMANS = "humans"


@dataclasses.dataclass(frozen=True)
class Score:
    """What one observer, or all people together, scores on one data set.

    Attributes
    ----------
    values
        The four numbers of ``METRICS``; NaN where nobody is there to compare with.
    """

    observer: str
    dataset: str
    values: tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Shape:
    """Shape and texture decisions of one observer, or of all people pooled, on images whose cues conflict."""

    observer: str
    shape: int
    texture: int
    images: int

    @property
    def bias(self) -> float:
        """The shape bias."""
        return metrics.shape_bias(self.shape, self.texture)


def models_of(sheet: Sheet) -> list[str]:
    """Return the observers of a sheet who are no people."""
    return [name for name, human in zip(sheet.observers, sheet.human, strict=True) if not human]


def score_all(sheets: Sequence[Sheet]) -> list[Score]:
    """Score every model, and people among each other, on every data set."""
    return [score for sheet in sheets for score in score_sheet(sheet)]


def score_sheet(sheet: Sheet) -> list[Score]:
    """Score every model, and people among each other, on one data set: the models first."""
    people, models = np.flatnonzero(sheet.human), np.flatnonzero(~sheet.human)
    accuracy = pooled_accuracy(sheet)
    crowd = _pooled(sheet, people)
    scores = []
    if len(people):
        between = pair_metrics(sheet, models, people)  # 3 x models x people, means over conditions
        for row, model in enumerate(models):
            rest = _mean(between[:, row].T)
            scores.append(Score(sheet.observers[model], sheet.dataset, (float(accuracy[model]), *rest)))
        one, two = np.triu_indices(len(people), 1)
        among = pair_metrics(sheet, people, people)[:, one, two]
        scores.append(Score(HUMANS, sheet.dataset, (crowd, *_mean(among.T))))
    else:
        nothing = (float("nan"),) * 3
        scores += [Score(sheet.observers[model], sheet.dataset, (float(accuracy[model]), *nothing)) for model in models]
    return scores


def pair_metrics(sheet: Sheet, rows: Sequence[int], columns: Sequence[int]) -> np.ndarray:
    """Return 3 x rows x columns: accuracy difference, observed and error consistency, means over kept conditions.

    A condition of which two observers share no image does not count for them.
    """
    found = np.stack([condition_metrics(sheet, k, rows, columns) for k in sheet.kept]) if sheet.kept else np.empty(0)
    if not found.size:
        return np.full((3, len(rows), len(columns)), np.nan)
    there = ~np.isnan(found)
    with np.errstate(invalid="ignore"):
        return np.where(there, found, 0).sum(axis=0) / there.sum(axis=0)


def condition_metrics(sheet: Sheet, condition: int, rows: Sequence[int], columns: Sequence[int]) -> np.ndarray:
    """Return 3 x rows x columns, as ``pair_metrics``, of one condition."""
    ours = sheet.counts(condition, rows, columns)
    theirs = sheet.counts(condition, columns, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p2, o = ours.right / ours.shown, theirs.right.T / ours.shown, ours.agree / ours.shown
        return np.stack([metrics.accuracy_difference(p1, p2), o, metrics.error_consistency(p1, p2, o)])


def pooled_accuracy(sheet: Sheet) -> np.ndarray:
    """Return each observer's share of right answers over the kept conditions together."""
    right, shown = _sums(sheet)
    with np.errstate(divide="ignore", invalid="ignore"):
        return right / shown


def mean_over_datasets(scores: Sequence[Score]) -> dict[str, tuple[float, ...]]:
    """Return for each observer the four numbers averaged over data sets; people come last."""
    by_observer: dict[str, list[tuple[float, ...]]] = {}
    for score in scores:
        by_observer.setdefault(score.observer, []).append(score.values)
    order = sorted(by_observer, key=lambda name: name == HUMANS)
    return {name: _mean(np.array(by_observer[name])) for name in order}


def shape_decisions(sheet: Sheet) -> list[Shape]:
    """Count shape and texture decisions on images whose cues conflict: each observer's, then all people's pooled."""
    conflict = (sheet.texture != NO_TEXTURE) & (sheet.texture != sheet.category)
    by_shape = ((sheet.answers == sheet.category) & conflict).sum(axis=1)
    by_texture = ((sheet.answers == sheet.texture) & conflict).sum(axis=1)
    shown = (sheet.shown & conflict).sum(axis=1)
    columns = (map(int, counts) for counts in (by_shape, by_texture, shown))
    found = [Shape(*row) for row in zip(sheet.observers, *columns, strict=True)]
    if sheet.human.any():
        pooled = [int(counts[sheet.human].sum()) for counts in (by_shape, by_texture, shown)]
        found.append(Shape(HUMANS, *pooled))
    return found


def confusion(sheet: Sheet, observers: Sequence[str], conditions: Sequence[int] | None = None) -> np.ndarray:
    """Return 17 x 16 counts: answers (the categories, then none) by right categories, of these observers together."""
    rows = [sheet.observers.index(each) for each in observers]
    chosen = np.isin(sheet.condition, sheet.kept if conditions is None else conditions)
    answers = sheet.answers[rows][:, chosen]
    right = np.broadcast_to(sheet.category[chosen], answers.shape)
    counts = np.zeros((17, 16), dtype=np.int64)
    np.add.at(counts, (answers[answers <= 16], right[answers <= 16]), 1)
    return counts


def entropies(sheet: Sheet, condition: int) -> np.ndarray:
    """Return the entropy of each observer's answers in one condition, in bits."""
    part = sheet.answers[:, sheet.images_of(condition)]
    return np.array([metrics.entropy(row[row <= 16]) for row in part])


def _sums(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    kept = np.isin(sheet.condition, sheet.kept)
    return sheet.right[:, kept].sum(axis=1), sheet.shown[:, kept].sum(axis=1)


def _pooled(sheet: Sheet, rows: np.ndarray) -> float:
    right, shown = _sums(sheet)
    return float(right[rows].sum() / shown[rows].sum()) if shown[rows].sum() else float("nan")


def _mean(values: np.ndarray) -> tuple[float, ...]:
    """Return the means of the columns, of what is no NaN."""
    there = (~np.isnan(values)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return tuple(map(float, np.nansum(values, axis=0) / there))
