"""People measured twice: those of 2018 beside those of 2021, on the images and levels that both saw."""

import dataclasses
from functools import cache
from typing import Any

import numpy as np

from hotpapers import datasets
from hotpapers.cards import Scale
from hotpapers.papers.model_vs_human import metrics, sheets
from hotpapers.papers.model_vs_human.public import public_sheets
from hotpapers.papers.model_vs_human.sheets import Sheet
from hotpapers.papers.model_vs_human.simulate import simulate
from hotpapers.papers.model_vs_human.trials import Trials, joined, read_trials


@dataclasses.dataclass(frozen=True)
class Replication:
    """Right answers of people of two studies on the images and levels that they share.

    ``parts`` has for each data set, each person of the first study and each condition that person's results (images)
    and those of the second study's people (people x images): in 2018 nearly every person saw images of their own.
    """

    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]]
    extras: dict[str, Any]

    def resampled(self, rng: np.random.Generator) -> tuple[float, float]:
        """Return κ between the studies and within the second, mean over data sets, with the images resampled."""
        found = []
        for parts in self.parts.values():
            picks = [rng.integers(0, len(one), len(one)) for one, _ in parts]
            found.append(
                _between_and_within([(a[pick], b[:, pick]) for (a, b), pick in zip(parts, picks, strict=True)])
            )
        between, within = np.mean(found, axis=0)
        return float(between), float(within)


NINE = {
    "contrast-png-experiment": "contrast", "false-colour-experiment": "false-colour",
    "highpass-experiment": "high-pass",
    "lowpass-experiment": "low-pass", "phase-scrambling-experiment": "phase-scrambling",
    "power-equalisation-experiment": "power-equalisation", "rotation-experiment": "rotation",
    "noise-experiment": "uniform-noise", "eidolon-experiment": "eidolon", "colour-experiment": "colour",
}  # fmt: skip
"""Names of 2018's experiments → the data sets of today."""


@cache
def replication(scale: Scale) -> Replication:
    """Match people of 2018 with people of 2021 on the same images at the same levels."""
    if scale == "smoke":
        now = sheets.sheets_of(simulate(("low-pass", "contrast"), people=8, images=640))
        pairs = [(s.of(s.observers[:4]), s.of(s.observers[4:8])) for s in now]
    else:
        pairs = _two_studies()
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    extras = {}
    for one, two in pairs:
        found = [shared for row in range(len(one.observers)) if (shared := _shared(one, row, two))]
        if sum(len(a) for person in found for a, _ in person) >= 300:
            parts[two.dataset] = [part for person in found for part in person]
            extras[two.dataset] = {"people of 2018": len(found)} | _told(parts[two.dataset])
    return Replication(parts, extras)


def _told(parts: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Return what the two studies' κ rest on: how right their people were, and what κ that allows."""
    between, within = _between_and_within(parts)
    most_between, most_within = _between_and_within(parts, largest=True)
    return {
        "trials of 2018 on shared images": sum(len(a) for a, _ in parts),
        "right in 2018": float(np.mean([a.mean() for a, _ in parts])),
        "right in 2021": float(np.mean([crowd.mean() for _, crowd in parts])),
        "κ between": between,
        "κ within": within,
        "largest κ between": most_between,
        "largest κ within": most_within,
    }


def _shared(one: Sheet, row: int, two: Sheet) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each condition that counts one person's results and another study's people's, on shared images."""
    at = {(one.conditions[one.condition[k]], one.images[k]): k for k in np.flatnonzero(one.shown[row])}
    found = []
    for k in two.kept:
        part = two.images_of(k)
        match = [(at.get((two.conditions[k], two.images[c])), c) for c in range(part.start, part.stop)]
        left, right = [a for a, _ in match if a is not None], [b for a, b in match if a is not None]
        if len(left) >= 20:
            found.append((one.right[row, left], two.right[:, right]))
    return found


def _between_and_within(parts: list[tuple[np.ndarray, np.ndarray]], *, largest: bool = False) -> tuple[float, float]:
    """Return the mean κ of one person to another study's people, and of these people to each other.

    ``largest`` asks for the largest κ that their accuracies allow instead.
    """
    between, within = [], []
    for one, crowd in parts:
        p, people = one.mean(), crowd.mean(axis=1)
        i, j = np.triu_indices(len(crowd), 1)
        if largest:
            between.append(metrics.largest_consistency(p, people).mean())
            within.append(metrics.largest_consistency(people[i], people[j]).mean())
            continue
        between.append(metrics.error_consistency(p, people, (crowd == one).mean(axis=1)).mean())
        alike = (crowd[i] == crowd[j]).mean(axis=1)
        within.append(metrics.error_consistency(people[i], people[j], alike).mean())
    return float(np.mean(between)), float(np.mean(within))


def _two_studies() -> list[tuple[Sheet, Sheet]]:
    folder = datasets.fetch("human-trials-2018")
    by_dataset: dict[str, list[Trials]] = {}
    for file in sorted(folder.glob("*.csv")):
        name = NINE.get(file.name.partition("_")[0])
        for trials in read_trials(file, dataset=name) if name else []:
            for dataset, part in _by_coherence(trials):
                by_dataset.setdefault(dataset, []).append(part)
    now = {sheet.dataset: sheet for sheet in public_sheets()}
    pairs = []
    for dataset, parts in by_dataset.items():
        then = sheets.sheets_of([joined(parts)])[0]
        people = now[dataset].of([name for name in now[dataset].observers if name.startswith("subject-")])
        pairs.append((then, people))
    return pairs


def _by_coherence(trials: Trials) -> list[tuple[str, Trials]]:
    """Part 2018's one eidolon experiment into the three of today, by the coherence in the condition's code."""
    if trials.dataset != "eidolon":
        return [(trials.dataset, trials)]
    parts = []
    for dataset, code in (("eidolonI", "10"), ("eidolonII", "3"), ("eidolonIII", "0")):
        rows = [k for k, each in enumerate(trials.condition) if each.split("-")[1] == code]
        columns = [[getattr(trials, f.name)[k] for k in rows] for f in dataclasses.fields(Trials)[1:]]
        parts.append((dataset, Trials(dataset, *columns)))
    return parts
