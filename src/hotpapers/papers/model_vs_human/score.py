"""The verb ``score``: every measure of every observer, in total, by data set and by condition, with intervals."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hotpapers import progress
from hotpapers.papers.model_vs_human import figures, intervals, metrics, outputs, scoring
from hotpapers.papers.model_vs_human.categories import CATEGORIES
from hotpapers.papers.model_vs_human.scoring import HUMANS, METRICS
from hotpapers.papers.model_vs_human.sheets import Sheet
from hotpapers.verbs import AnyFile, Outcome

Row = tuple[str, str, str, str, float, float, float]
NONE = float("nan")
MOST_SHOWN = 8


def score(
    trials: AnyFile | None = None,
    people: AnyFile | None = None,
    *,
    dataset: str = "",
    resamples: int = 1000,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Score classifiers beside people: accuracy, observed and error consistency, shape bias, entropy, with intervals.

    Parameters
    ----------
    trials
        CSV files as evaluate and the laboratory write them: one, a folder, or an archive of them. Left out, the public
        trials of 9 models and 90 people (23 MB are fetched).
    people
        Trials of people to compare with; left out, those among the trials, or else the public ones.
    dataset
        Which data set a single file is of, where its name does not tell.
    resamples
        How often the images are resampled for the 95 % intervals.
    seed
        The seed of the resampling.
    out
        The table (.csv) to write; beside the trials where left out.
    """
    outputs.check_resamples(resamples)
    sheets = outputs.read_with_people(trials, people, dataset)
    path = outputs.beside(trials, out, "scores.csv")
    resampled = intervals.resample_all(sheets, resamples, seed)
    rows = [*_totals(sheets, resampled), *_by_dataset(sheets, resampled, resamples, seed)]
    rows += _by_condition(sheets, resamples, seed)
    files = {
        "scores": outputs.write_table(
            path, ("observer", "dataset", "condition", "measure", "value", "low", "high"), rows
        ),
        "confusion": outputs.write_table(
            path.with_name(f"{path.stem}-confusion.csv"),
            ("observer", "dataset", "answer", *CATEGORIES),
            _confusions(sheets),
        ),
    }
    means = scoring.mean_over_datasets(scoring.score_all(sheets))
    first = {name: row[3] for name, row in means.items() if row[3] == row[3]}
    ends = {row[0]: (row[5], row[6]) for row in rows if row[1:4] == ("all", "", METRICS[3])}
    files["figure"] = figures.write(
        path.with_suffix(".png"), figures.bars(first, "error consistency κ to people", ends)
    )
    numbers = {name: outputs.row_in_words(row) for name, row in list(means.items())[-MOST_SHOWN:]}
    return Outcome(files, {"data sets": len(sheets), **numbers}, _note(means))


def _note(means: dict[str, tuple[float, ...]]) -> str:
    ceiling = means.get(HUMANS, (NONE,) * 4)[3]
    if np.isnan(ceiling):
        return "One person alone gives no ceiling: κ between people is not known here."
    best = max((name for name in means if name != HUMANS), key=lambda name: means[name][3], default=None)
    if best is None:
        return f"κ between people is {ceiling:.3f}."
    share = means[best][3] / ceiling
    return f"κ between people is {ceiling:.3f}, the ceiling; {best} comes nearest with {share:.0%} of it."


def _totals(sheets: Sequence[Sheet], resampled: Sequence[intervals.Resampled]) -> Iterator[Row]:
    means = scoring.mean_over_datasets(scoring.score_all(sheets))
    mean = intervals.mean_of(resampled)
    low, high = intervals.interval(mean.values)
    ceiling = means.get(HUMANS, (NONE,) * 4)[3]
    for name, values in means.items():
        row = mean.observers.index(name) if name in mean.observers else None
        for k, metric in enumerate(METRICS):
            ends = (float(low[row, k]), float(high[row, k])) if row is not None else (NONE, NONE)
            yield name, "all", "", metric, values[k], *ends
        if row is not None and HUMANS in mean.observers:
            # Both are resampled together: what makes people agree more makes models agree more
            share = mean.values[row, 3] / mean.values[mean.observers.index(HUMANS), 3]
            least, most = map(float, intervals.interval(share))
            yield name, "all", "", "share of the ceiling", values[3] / ceiling, least, most


def _by_dataset(
    sheets: Sequence[Sheet], resampled: Sequence[intervals.Resampled], resamples: int, seed: int
) -> Iterator[Row]:
    for sheet, each in zip(sheets, resampled, strict=True):
        low, high = intervals.interval(each.values)
        for found in scoring.score_sheet(sheet):
            row = each.observers.index(found.observer)
            for k, metric in enumerate(METRICS):
                yield (
                    found.observer,
                    sheet.dataset,
                    "",
                    metric,
                    found.values[k],
                    float(low[row, k]),
                    float(high[row, k]),
                )
        for shape in scoring.shape_decisions(sheet):
            if shape.images:
                ends = intervals.shape_interval(sheet, shape, resamples, seed)
                yield shape.observer, sheet.dataset, "", "shape bias", shape.bias, *ends
        yield from _highest(sheet)


def _highest(sheet: Sheet) -> Iterator[Row]:
    """Yield the largest κ to people that each model's accuracies allow."""
    people, models = np.flatnonzero(sheet.human), np.flatnonzero(~sheet.human)
    if not len(people) or not len(models):
        return
    found = []
    for k in sheet.kept:
        one, two = sheet.counts(k, models, people), sheet.counts(k, people, models)
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(metrics.largest_consistency(one.right / one.shown, two.right.T / one.shown))
    for model, value in zip(models, np.mean(found, axis=(0, 2)) if found else [], strict=False):
        yield sheet.observers[model], sheet.dataset, "", "largest κ possible", float(value), NONE, NONE


def _by_condition(sheets: Sequence[Sheet], resamples: int, seed: int) -> Iterator[Row]:
    several = [sheet for sheet in sheets if len(sheet.conditions) > 1]
    for sheet in progress.track(several, "conditions"):
        entropy = [scoring.entropies(sheet, k) for k in range(len(sheet.conditions))]
        for k, condition in enumerate(sheet.conditions):
            each = intervals.resample(sheet, resamples, seed + k, (k,))
            low, high = intervals.interval(each.values)
            for row, name in enumerate(each.observers):
                plain = _plain(sheet, name, k)
                for m, metric in enumerate(METRICS):
                    yield name, sheet.dataset, condition, metric, plain[m], float(low[row, m]), float(high[row, m])
            for row, name in enumerate(sheet.observers):
                yield name, sheet.dataset, condition, "entropy (bits)", float(entropy[k][row]), NONE, NONE


def _plain(sheet: Sheet, name: str, condition: int) -> tuple[float, float, float, float]:
    """Return the four numbers of one observer, or of people, in one condition."""
    people = np.flatnonzero(sheet.human)
    rows = people if name == HUMANS else np.array([sheet.observers.index(name)])
    part = sheet.images_of(condition)
    shown = int(sheet.shown[rows, part].sum())
    accuracy = int(sheet.right[rows, part].sum()) / shown if shown else NONE
    if not len(people) or (name == HUMANS and len(people) < 2):
        return accuracy, NONE, NONE, NONE
    found = scoring.condition_metrics(sheet, condition, rows, people)
    pairs = found[:, *np.triu_indices(len(people), 1)] if name == HUMANS else found[:, 0]
    difference, observed, kappa = map(float, pairs.mean(axis=1))
    return accuracy, difference, observed, kappa


def _confusions(sheets: Sequence[Sheet]) -> Iterator[tuple[object, ...]]:
    for sheet in sheets:
        people = [name for name, human in zip(sheet.observers, sheet.human, strict=True) if human]
        groups = {name: [name] for name in scoring.models_of(sheet)} | ({HUMANS: people} if people else {})
        for name, observers in groups.items():
            counts = scoring.confusion(sheet, observers)
            for answer, row in zip((*CATEGORIES, "na"), counts, strict=True):
                yield (name, sheet.dataset, answer, *row.tolist())
