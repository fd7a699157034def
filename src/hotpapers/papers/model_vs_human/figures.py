"""The figures: bars with intervals, accuracy curves, consistency matrices, shape bias by category, confusion matrices.

Each is a matplotlib figure; ``write`` keeps it as PNG, ``as_svg`` gives the text that the report embeds.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.files import written_whole
from hotpapers.papers.model_vs_human.categories import CATEGORIES
from hotpapers.papers.model_vs_human.experiments import experiment
from hotpapers.papers.model_vs_human.scoring import HUMANS

INK, PEOPLE, MODELS = (
    "#262626",
    "#a51e37",
    ("#41598c", "#d29600", "#5a8f69", "#7a5195", "#50aac8", "#8c6d31", "#6e6e6e"),
)
MOST_LABELS = 60


def write(path: Path, figure: Any) -> Path:
    """Write a figure as PNG, whole or not at all."""
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    return path


def as_svg(figure: Any) -> str:
    """Return a figure as the text of an ``<svg>`` element; every word in it is drawn, none is markup."""
    stream = io.StringIO()
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "hotpapers"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def bars(
    values: Mapping[str, float],
    label: str,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    *,
    line: float | None = None,
    line_label: str = "",
) -> Any:
    """Draw one bar for each name, sorted as given, with its interval; a line across marks a value such as people's."""
    names = list(values)[:MOST_LABELS]
    figure, ax = _figure(5.4, 1.2 + 0.28 * len(names))
    heights = [values[name] for name in names]
    ax.barh(range(len(names)), heights, color=[PEOPLE if name == HUMANS else MODELS[0] for name in names], height=0.7)
    for row, name in enumerate(names):
        low, high = (intervals or {}).get(name, (np.nan, np.nan))
        if np.isfinite([low, high]).all():
            ax.plot([low, high], [row, row], color=INK, linewidth=1.5, solid_capstyle="butt")
    if line is not None:
        ax.axvline(line, color=PEOPLE, linewidth=1.2, linestyle="--")
        ax.text(line, -0.9, line_label, color=PEOPLE, ha="center", va="bottom", fontsize=8)
    ax.set_yticks(range(len(names)), [_plain(name) for name in names])
    ax.invert_yaxis()
    ax.set_xlabel(label)
    return figure


def curves(found: Mapping[str, Mapping[str, Mapping[str, float]]], label: str = "accuracy") -> Any:
    """Draw value against level: observer → data set → condition → value; a panel for each data set."""
    kinds = list(dict.fromkeys(kind for each in found.values() for kind in each))
    columns = min(4, max(1, len(kinds)))
    rows = -(-len(kinds) // columns)
    figure, axes = _figure(3.0 * columns, 2.6 * rows, rows, columns)
    panels = np.ravel(np.asarray(axes))
    for ax, kind in zip(panels, kinds, strict=False):
        names: list[str] = []
        for number, (observer, by_kind) in enumerate(found.items()):
            curve = by_kind.get(kind, {})
            names = list(curve) if len(curve) > len(names) else names
            at = [list(levels_of(kind, names)).index(each) for each in curve]
            human = observer in (HUMANS, "people")
            ax.plot(at, list(curve.values()), marker="D" if human else "o", markersize=3.5, linewidth=1.3,
                    color=PEOPLE if human else MODELS[(number - 1) % len(MODELS)], label=_plain(observer))  # fmt: skip
        ax.set_xticks(range(len(names)), [_level(kind, each) for each in names], fontsize=7)
        ax.set_title(_plain(kind), fontsize=9)
        ax.set_ylim(min(0, ax.get_ylim()[0]), max(1, ax.get_ylim()[1]))
        ax.set_xlabel(experiment(kind).axis, fontsize=8)
    for ax in panels[len(kinds) :]:
        ax.set_visible(False)
    if kinds:
        panels[0].set_ylabel(label)
        panels[0].legend(frameon=False, fontsize=7)
    return figure


def _level(kind: str, condition: str) -> str:
    """Return a condition as an axis shows it: ``c05`` is 05 per cent, of an eidolon's code the reach."""
    return condition.removeprefix("c") if kind == "contrast" else condition.partition("-")[0] or condition


def levels_of(kind: str, names: Sequence[str]) -> Sequence[str]:
    """Return the conditions in the order of their distortion."""
    known = experiment(kind).conditions
    return [each for each in known if each in names] + [each for each in names if each not in known]


def matrix(values: np.ndarray, names: Sequence[str], title: str) -> Any:
    """Draw a square matrix of κ, blue below and red above zero."""
    names = list(names)[:MOST_LABELS]
    size = 1.8 + 0.24 * len(names)
    figure, ax = _figure(size + 0.8, size)
    shown = ax.imshow(values[: len(names), : len(names)], cmap="RdBu_r", vmin=-1, vmax=1)
    if len(names) <= 14:
        for i, j in np.ndindex(len(names), len(names)):
            if np.isfinite(values[i, j]):
                ax.text(j, i, f"{values[i, j]:.2f}".replace("0.", "."), ha="center", va="center", fontsize=6,
                        color="white" if abs(values[i, j]) > 0.6 else INK)  # fmt: skip
    ax.set_xticks(range(len(names)), [_plain(name) for name in names], rotation=90, fontsize=7)
    ax.set_yticks(range(len(names)), [_plain(name) for name in names], fontsize=7)
    figure.suptitle(_plain(title, 60), fontsize=9)  # a few observers make axes narrower than the title
    figure.colorbar(shown, ax=ax, shrink=0.6)
    return figure


def confusion(counts: np.ndarray, title: str) -> Any:
    """Draw a 17 x 16 confusion matrix in per cent of the right category's trials: answers down, categories across."""
    share = 100 * counts / np.maximum(counts.sum(axis=0), 1)
    figure, ax = _figure(5.4, 5.0)
    shown = ax.imshow(share, cmap="Greys", vmin=0, vmax=100)
    ax.set_xticks(range(16), CATEGORIES, rotation=90, fontsize=7)
    ax.set_yticks(range(17), [*CATEGORIES, "no answer"], fontsize=7)
    ax.set(xlabel="right category", ylabel="answer")
    ax.set_title(_plain(title), fontsize=9)
    figure.colorbar(shown, ax=ax, shrink=0.6)
    return figure


def shape_by_category(found: Mapping[str, np.ndarray]) -> Any:
    """Draw each observer's shape bias in each category: texture to the left, shape to the right."""
    figure, ax = _figure(6.0, 5.0)
    for number, (observer, bias) in enumerate(found.items()):
        human = observer == HUMANS
        colour = PEOPLE if human else MODELS[number % len(MODELS)]
        ax.scatter(bias, range(16), marker="D" if human else "o", s=22, color=colour, label=_plain(observer))
        ax.axvline(np.nanmean(bias), color=colour, linewidth=1, alpha=0.6)
    ax.set_yticks(range(16), CATEGORIES, fontsize=8)
    ax.set(xlim=(-0.03, 1.03), xlabel="shape bias (0: all texture, 1: all shape)")
    ax.invert_yaxis()
    ax.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def scatter(points: Mapping[str, tuple[float, float]], labels: tuple[str, str]) -> Any:
    """Draw one point for each observer, named."""
    figure, ax = _figure(5.4, 4.2)
    for number, (observer, (x, y)) in enumerate(points.items()):
        human = observer == HUMANS
        ax.scatter([x], [y], marker="D" if human else "o", color=PEOPLE if human else MODELS[number % len(MODELS)])
        ax.annotate(_plain(observer), (x, y), xytext=(4, 3), textcoords="offset points", fontsize=6.5)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    return figure


def _plain(name: str, most: int = 34) -> str:
    """Return a name as it is to be drawn: without TeX, and not too long."""
    return name[:most].replace("$", r"\$")


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns)
    for ax in np.ravel(np.asarray(axes)):
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes
