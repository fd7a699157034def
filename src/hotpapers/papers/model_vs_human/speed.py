"""How long scoring takes: benchmarks of many models made of few, and the authors' own time as it was measured."""

import contextlib
import dataclasses
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hotpapers.papers.model_vs_human import sheets
from hotpapers.papers.model_vs_human.categories import CATEGORIES
from hotpapers.papers.model_vs_human.scoring import mean_over_datasets, models_of, score_all
from hotpapers.papers.model_vs_human.sheets import NOT_SHOWN, Sheet
from hotpapers.papers.model_vs_human.trials import Trials, read_trials, write_trials

AUTHORS = Path(__file__).parent / "authors.json"
"""CPU seconds of the authors' metric code, as ``benchmarks/model_vs_human.py`` measured and kept them."""


def authors_seconds() -> list[float]:
    """Return the authors' CPU seconds, one for each run."""
    return [float(each) for each in json.loads(AUTHORS.read_text(encoding="utf-8"))["seconds"]]


def crowded(found: Sequence[Sheet], models: int, seed: int = 0) -> list[Sheet]:
    """Return the sheets with ``models`` models: those there are, then copies with a fifth of the answers redrawn."""
    rng = np.random.default_rng(seed)
    crowd = []
    for sheet in found:
        there = models_of(sheet)
        rows = [sheet.observers.index(there[k % len(there)]) for k in range(len(there), models)]
        copies = sheet.answers[rows].copy()
        redrawn = (rng.random(copies.shape) < 0.2) & (copies != NOT_SHOWN)
        copies[redrawn] = rng.integers(0, 16, int(redrawn.sum()))
        names = tuple(f"model-{k:02}" for k in range(len(there), models))
        crowd.append(
            dataclasses.replace(
                sheet, observers=sheet.observers + names, answers=np.concatenate([sheet.answers, copies])
            )
        )
    return crowd


@contextlib.contextmanager
def as_files(folder: Path, found: Sequence[Sheet], models: Sequence[str]) -> Iterator[Path]:
    """Write people's and these models' trials as CSV files, one an observer, for as long as the block takes."""
    words = (*CATEGORIES, "na")
    for sheet in found:
        wanted = [
            name for name in sheet.observers if name.startswith("subject-") or name in (models or sheet.observers)
        ]
        for observer in wanted:
            row = sheet.answers[sheet.observers.index(observer)]
            seen = np.flatnonzero(row != NOT_SHOWN)
            trials = Trials(
                sheet.dataset, [observer] * len(seen), [words[row[k]] for k in seen],
                [words[sheet.category[k]] for k in seen], [sheet.conditions[sheet.condition[k]] for k in seen],
                [f"{sheet.images[k]}.png" for k in seen],
            )  # fmt: skip
            write_trials(folder / sheet.dataset / f"{sheet.dataset}_{observer.replace('_', '-')}_session-1.csv", trials)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def our_seconds(folder: Path) -> float:
    """Return the CPU seconds from CSV files to the benchmark's table."""
    started = time.process_time()
    mean_over_datasets(score_all(sheets.sheets_of(read_trials(folder))))
    return time.process_time() - started
