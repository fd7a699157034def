"""The verb ``report``: the whole benchmark on one page, tables and figures, in one HTML file that needs nothing else.

Every word from the trials is escaped, and figures are embedded as images, in which nothing runs.
"""

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers import progress
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.model_vs_human import compare, figures, intervals, outputs, scoring
from hotpapers.papers.model_vs_human.rank import mean_ranks
from hotpapers.papers.model_vs_human.scoring import HUMANS, METRICS
from hotpapers.papers.model_vs_human.sheets import Sheet
from hotpapers.verbs import AnyFile, Outcome

MOST_MODELS = 100
MOST_CURVES = 6


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of the page: an ``img`` address that holds it, what it shows, and its section."""

    section: str
    caption: str
    source: str


def report(
    trials: AnyFile | None = None,
    people: AnyFile | None = None,
    *,
    title: str = "Model vs human",
    resamples: int = 1000,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Write every table and figure of the benchmark to one HTML page that needs nothing else.

    Parameters
    ----------
    trials
        CSV files of trials: one, a folder, or an archive. Left out, the public trials (23 MB are fetched).
    people
        Trials of people to compare with; left out, those among the trials, or else the public ones.
    title
        The page's title.
    resamples
        How often the images are resampled for the 95 % intervals.
    seed
        The seed of the resampling.
    out
        The page (.html) to write; beside the trials where left out.
    """
    outputs.check_resamples(resamples)
    if not title.strip() or len(title) > 200:
        raise BadInput("The title needs 1 to 200 characters.")
    sheets = outputs.read_with_people(trials, people)
    path = outputs.beside(trials, out, "report.html")
    if path.suffix.lower() not in (".html", ".htm"):
        raise BadInput(f"Cannot write {path.name}: the report is a web page. End it in .html.")
    means = scoring.mean_over_datasets(scoring.score_all(sheets))
    if len(means) - 1 > MOST_MODELS:
        raise BadInput(f"{len(means) - 1} models make no page to look at; give at most {MOST_MODELS}.")
    resampled = intervals.resample_all(sheets, resamples, seed)
    drawn = _figures(sheets, means, intervals.mean_of(resampled))
    page = _template().render(
        title=title.strip(),
        table=_table(means, intervals.mean_of(resampled)),
        metrics=METRICS,
        figures=_by_section(drawn),
        datasets=_datasets(sheets),
        resamples=resamples,
        shape=_shape_rows(sheets, resamples, seed),
    )
    with written_whole(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    numbers = {"data sets": len(sheets), "observers": len(means), "figures": len(drawn)}
    return Outcome({"report": path}, numbers, "Open it in any browser; it asks nothing of the network.")


def _template() -> Any:
    import jinja2

    source = (Path(__file__).parent / "report.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)


def _by_section(drawn: Sequence[Figure]) -> list[tuple[str, list[Figure]]]:
    order = ("Benchmark", "Level by level", "Shape and texture", "Who errs like whom", "Confusions")
    groups = [(section, [each for each in drawn if each.section == section]) for section in order]
    return [(section, group) for section, group in groups if group]


def _table(means: dict[str, tuple[float, ...]], mean: intervals.Resampled) -> list[dict[str, Any]]:
    """Return the rows of the benchmark's table: most human-like first, people last."""
    models = [name for name in means if name != HUMANS]
    ranks = dict(zip(models, mean_ranks(np.array([means[name] for name in models])), strict=True)) if models else {}
    low, high = intervals.interval(mean.values)
    rows = []
    for name in [*sorted(models, key=lambda each: (ranks[each], each)), *([HUMANS] if HUMANS in means else [])]:
        at = mean.observers.index(name) if name in mean.observers else None
        cells = [_cell(v, None if at is None else (low[at, k], high[at, k])) for k, v in enumerate(means[name])]
        rank = ranks.get(name)
        rows.append({"name": name, "cells": cells, "rank": "" if rank is None or np.isnan(rank) else f"{rank:.1f}"})
    return rows


def _cell(value: float, ends: tuple[float, float] | None) -> dict[str, str]:
    shown = "–" if np.isnan(value) else f"{value:.3f}"
    return {"value": shown, "ends": "" if ends is None or np.isnan(ends[0]) else f"{ends[0]:.3f} … {ends[1]:.3f}"}


def _datasets(sheets: Sequence[Sheet]) -> list[dict[str, Any]]:
    rows = []
    for sheet in sheets:
        scores = scoring.score_sheet(sheet)
        models = [each for each in scores if each.observer != HUMANS]
        crowd = next((each for each in scores if each.observer == HUMANS), None)
        best = max(models, key=lambda each: (np.nan_to_num(each.values[3], nan=-9), each.observer), default=None)
        rows.append({
            "name": sheet.dataset, "people": int(sheet.human.sum()), "models": len(models), "images": len(sheet.images),
            "accuracy": "–" if crowd is None else f"{crowd.values[0]:.3f}",
            "kappa": "–" if crowd is None or np.isnan(crowd.values[3]) else f"{crowd.values[3]:.3f}",
            "best": "–" if best is None or np.isnan(best.values[3]) else f"{best.observer} ({best.values[3]:.3f})",
        })  # fmt: skip
    return rows


def _shape_rows(sheets: Sequence[Sheet], resamples: int, seed: int) -> list[dict[str, str]]:
    rows = []
    for sheet in sheets:
        for each in scoring.shape_decisions(sheet):
            if each.images and not each.observer.startswith("subject-"):
                low, high = intervals.shape_interval(sheet, each, resamples, seed)
                rows.append({"name": each.observer, "shape": f"{each.shape:,}", "texture": f"{each.texture:,}",
                             "bias": f"{each.bias:.3f}", "ends": f"{low:.3f} … {high:.3f}"})  # fmt: skip
    return sorted(rows, key=lambda row: row["bias"], reverse=True)


def _figures(sheets: Sequence[Sheet], means: dict[str, tuple[float, ...]], mean: intervals.Resampled) -> list[Figure]:
    found: list[Figure] = []

    def add(section: str, caption: str, figure: Any) -> None:
        coded = base64.b64encode(figures.as_svg(figure).encode()).decode()
        found.append(Figure(section, caption, f"data:image/svg+xml;base64,{coded}"))

    low, high = intervals.interval(mean.values)
    for k, metric in enumerate(METRICS):
        values = {name: row[k] for name, row in means.items() if not np.isnan(row[k])}
        ends = {name: (float(low[i, k]), float(high[i, k])) for i, name in enumerate(mean.observers)}
        order = sorted(values, key=lambda name: values[name], reverse=k != 1)
        if values:
            add("Benchmark", f"{metric}, mean over data sets, with 95 % intervals",
                figures.bars({name: values[name] for name in order}, metric, ends))  # fmt: skip
    points = {name: (row[0], row[3]) for name, row in means.items() if not np.isnan(row[3])}
    if points:
        add(
            "Benchmark", "Accuracy and human-likeness are two things", figures.scatter(points, (METRICS[0], METRICS[3]))
        )
    chosen = sorted((n for n in means if n != HUMANS), key=lambda n: means[n][0], reverse=True)[:MOST_CURVES]
    with progress.bar("figures") as bar:
        for label, curves in _curves(sheets, chosen).items():
            if any(curves.values()):
                add(
                    "Level by level",
                    f"{label[:1].upper()}{label[1:]} against the level of distortion",
                    figures.curves(curves, label),
                )
        for sheet in sheets:
            bar.update(len(found), sheet.dataset)
            _add_matrix(add, [sheet], sheet.dataset)
            if by_category := _by_category(sheet, chosen):
                add(
                    "Shape and texture",
                    "Shape bias by category; lines are means",
                    figures.shape_by_category(by_category),
                )
        if len(sheets) > 1:
            _add_matrix(add, sheets, f"mean over {len(sheets)} data sets")
        for name in [HUMANS, *chosen[:2]]:
            counts = _confusion(sheets, name)
            if counts.sum():
                add("Confusions", f"Answers of {name}, all data sets", figures.confusion(counts, name))
    return found


def _add_matrix(add: Any, sheets: Sequence[Sheet], label: str) -> None:
    try:
        names, matrix = compare.consistency_matrix(sheets)
    except BadInput:
        return  # too few observers, or too many to look at
    add(
        "Who errs like whom",
        f"Error consistency κ between all observers, {label}",
        figures.matrix(matrix, names, label),
    )


def _curves(sheets: Sequence[Sheet], models: Sequence[str]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Return accuracy and κ to people: measure → observer → data set → condition → value."""
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {"accuracy": {}, "error consistency κ": {}}
    for sheet in sheets:
        if len(sheet.conditions) < 2:
            continue
        people = np.flatnonzero(sheet.human)
        groups = ([(HUMANS, people)] if len(people) else []) + [
            (name, np.array([sheet.observers.index(name)])) for name in models if name in sheet.observers
        ]
        for name, rows in groups:
            for k, condition in enumerate(sheet.conditions):
                part = sheet.images_of(k)
                if shown := int(sheet.shown[rows, part].sum()):
                    accuracy = float(sheet.right[rows, part].sum() / shown)
                    found["accuracy"].setdefault(name, {}).setdefault(sheet.dataset, {})[condition] = accuracy
                if len(people) > 1:
                    kappas = scoring.condition_metrics(sheet, k, rows, people)[2]
                    pairs = kappas[np.triu_indices(len(people), 1)] if name == HUMANS else kappas[0]
                    by_set = found["error consistency κ"].setdefault(name, {}).setdefault(sheet.dataset, {})
                    by_set[condition] = float(np.mean(pairs))
    return found


def _by_category(sheet: Sheet, models: Sequence[str]) -> dict[str, np.ndarray]:
    conflict = (sheet.texture != 255) & (sheet.texture != sheet.category)
    if not conflict.any():
        return {}
    groups = {HUMANS: np.flatnonzero(sheet.human)} | {
        name: np.array([sheet.observers.index(name)]) for name in models if name in sheet.observers
    }
    found = {}
    for name, rows in groups.items():
        if len(rows):
            shape = ((sheet.answers == sheet.category) & conflict)[rows].sum(axis=0)
            texture = ((sheet.answers == sheet.texture) & conflict)[rows].sum(axis=0)
            by = [np.bincount(sheet.category, each, minlength=16) for each in (shape, texture)]
            with np.errstate(invalid="ignore", divide="ignore"):
                found[name] = by[0] / (by[0] + by[1])
    return found


def _confusion(sheets: Sequence[Sheet], name: str) -> np.ndarray:
    counts = np.zeros((17, 16), dtype=np.int64)
    for sheet in sheets:
        rows = [o for o, h in zip(sheet.observers, sheet.human, strict=True) if (h if name == HUMANS else o == name)]
        if rows:
            counts += scoring.confusion(sheet, rows)
    return counts
