"""The verb ``rank``: the paper's two tables, most human-like and most accurate first, and how sure each rank is."""

from pathlib import Path

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human import figures, intervals, outputs, scoring
from hotpapers.papers.model_vs_human.scoring import HUMANS, METRICS
from hotpapers.verbs import AnyFile, Outcome


def rank(
    trials: AnyFile | None = None,
    people: AnyFile | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Rank classifiers by how human-like their errors are and by accuracy, with the ranks' 95 % intervals.

    Parameters
    ----------
    trials
        CSV files of trials: one, a folder, or an archive. Left out, the public trials (23 MB are fetched).
    people
        Trials of people to compare with; left out, those among the trials, or else the public ones.
    resamples
        How often the images are resampled for the intervals.
    seed
        The seed of the resampling.
    out
        The table (.csv) to write; beside the trials where left out.
    """
    outputs.check_resamples(resamples)
    sheets = outputs.read_with_people(trials, people)
    path = outputs.beside(trials, out, "ranks.csv")
    means = scoring.mean_over_datasets(scoring.score_all(sheets))
    found = intervals.mean_of(intervals.resample_all(sheets, resamples, seed))
    models = [name for name in found.observers if name != HUMANS]
    if not models:
        raise BadInput("There is no model in every data set of these trials; rank needs one at least.")
    values = np.array([means[name] for name in models])
    human, accurate = mean_ranks(values), ranks(-values[:, 0])
    drawn = found.values[[found.observers.index(name) for name in models]]
    sure = np.stack([mean_ranks(drawn[..., k]) for k in range(resamples)], axis=1)
    low, high = intervals.interval(sure)
    order = np.argsort(human, kind="stable")
    rows = [(models[k], *map(float, values[k, 1:]), float(human[k]), float(low[k]), float(high[k]), float(values[k, 0]),
             float(accurate[k])) for k in order]  # fmt: skip
    if HUMANS in means:
        rows.append((HUMANS, *means[HUMANS][1:], *(float("nan"),) * 3, means[HUMANS][0], float("nan")))
    header = ("observer", *METRICS[1:], "mean rank", "low", "high", METRICS[0], "accuracy rank")
    table = outputs.write_table(path, header, rows)
    ends = {models[k]: (float(low[k]), float(high[k])) for k in order}
    bars = figures.bars({models[k]: float(human[k]) for k in order}, "mean rank (1 is most human-like)", ends)
    picture = figures.write(path.with_suffix(".png"), bars)
    best = models[int(np.argmax(values[:, 0]))]
    numbers = {f"{place}.": models[k] for place, k in enumerate(order[:10], start=1)} | {"most accurate": best}
    note = (
        "The mean rank is over accuracy difference, observed and error consistency; people are the goal, not a rival."
    )
    return Outcome({"ranks": table, "figure": picture}, numbers, note)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1 for the least; equal values share the mean of their ranks."""
    less = (values[None] < values[:, None]).sum(axis=1)
    equal = (values[None] == values[:, None]).sum(axis=1)
    return less + (equal + 1) / 2


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Return the mean of the ranks in accuracy difference (ascending), observed and error consistency (descending)."""
    return (ranks(values[:, 1]) + ranks(-values[:, 2]) + ranks(-values[:, 3])) / 3
