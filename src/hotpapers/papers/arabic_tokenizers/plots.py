"""Pictures: bars with intervals for each task, curves over the vocabulary, distributions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.files import written_whole


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean."""
    array = np.asarray(values, float)
    drawn = np.random.default_rng(seed).choice(array, (2000, len(array))).mean(1)
    return float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def plot_bars(path: Path, groups: Mapping[str, Mapping[str, Sequence[float]]], label: str) -> None:
    """Draw a group of bars for each task, a bar for each tokenizer, with the interval of its mean over seeds."""
    figure, (ax,) = _figure(1, wide=2.0)
    names = list(next(iter(groups.values())))
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        values = [groups[group][name] for group in groups]
        means = [float(np.mean(each)) for each in values]
        bounds = [interval(each) for each in values]
        errors = [[mean - low for mean, (low, _) in zip(means, bounds, strict=True)],
                  [high - mean for mean, (_, high) in zip(means, bounds, strict=True)]]  # fmt: skip
        x = np.arange(len(groups)) + (place - (len(names) - 1) / 2) * width
        ax.bar(x, means, width * 0.9, yerr=np.clip(errors, 0, None), label=name, error_kw={"linewidth": 0.8})
    ax.set_xticks(range(len(groups)), list(groups))
    ax.set(ylabel=label, ylim=(0, 1))
    ax.legend(frameon=False, ncol=len(names), fontsize="small", loc="upper center", bbox_to_anchor=(0.5, 1.12))
    _save(figure, path)


def plot_curves(
    path: Path, x: Sequence[float], curves: Mapping[str, Sequence[Sequence[float]]], labels: tuple[str, str]
) -> None:
    """Draw a curve of means for each tokenizer, with the interval of each mean."""
    figure, (ax,) = _figure(1)
    for name, points in curves.items():
        bounds = np.array([interval(point) for point in points])
        (line,) = ax.plot(x, [float(np.mean(point)) for point in points], marker="o", label=name)
        ax.fill_between(x, bounds[:, 0], bounds[:, 1], color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.legend(frameon=False, fontsize="small")
    _save(figure, path)


def plot_distributions(
    path: Path, lengths: Mapping[str, Mapping[int, int]], frequencies: Mapping[str, Sequence[int]],
    factors: Mapping[str, Mapping[int, float]],
) -> None:  # fmt: skip
    """Draw compression over the vocabulary, the letters of the pieces, and how often the pieces come by rank."""
    figure, (factor, length, frequency, names) = _figure(2, rows=2)
    for name, by_size in factors.items():
        factor.plot(list(by_size), list(by_size.values()), marker="o", label=name)
    factor.set(xlabel="vocabulary", ylabel="compression factor (lower is better)")
    for by_length in lengths.values():
        total = sum(by_length.values())
        length.plot(list(by_length), [count / total for count in by_length.values()], marker=".")
    length.set(xlabel="letters of a piece", ylabel="share of the vocabulary", xlim=(0, 16))
    for counts in frequencies.values():
        frequency.plot(np.arange(1, len(counts) + 1), counts)
    frequency.set(xlabel="rank of a piece", ylabel="times in the text", xscale="log", yscale="log")
    names.axis("off")
    names.legend(*factor.get_legend_handles_labels(), frameon=False, loc="center", ncol=1 + len(factors) // 14)
    _save(figure, path)


def _figure(columns: int, wide: float = 1.0, rows: int = 1) -> tuple[Any, Sequence[Any]]:
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=(4.6 * columns * wide, 4 * rows), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _save(figure: Any, path: Path) -> None:
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
