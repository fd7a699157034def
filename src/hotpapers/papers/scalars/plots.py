"""Pictures of what was learned: predictions against truth, error curves, trajectories."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from hotpapers.files import written_whole


def plot_predictions(path: Path, pairs: Mapping[str, tuple[Tensor, Tensor]], of: str) -> None:
    """Draw truth against prediction, a panel an output."""
    figure, axes = _figure(len(pairs))
    for ax, (name, (truth, found)) in zip(axes, pairs.items(), strict=True):
        x, y = truth.reshape(-1).numpy()[:20000], found.reshape(-1).numpy()[:20000]
        low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
        ax.plot([low, high], [low, high], color="0.7", linewidth=1, zorder=0)
        ax.scatter(x, y, s=5, alpha=0.5, linewidths=0)
        ax.set(xlabel=f"{name}, true", ylabel=f"{name}, predicted", title=of)
    _save(figure, path)


def plot_curves(
    path: Path, x: Sequence[float], curves: Mapping[str, Sequence[float]], labels: tuple[str, str], log_x: bool = True
) -> None:
    """Draw curves on a logarithmic scale."""
    figure, (ax,) = _figure(1)
    for name, values in curves.items():
        ax.plot(x, values, marker="o" if len(x) < 20 else None, label=name)
    ax.set(xlabel=labels[0], ylabel=labels[1], yscale="log", xscale="log" if log_x else "linear")
    ax.legend(frameon=False)
    _save(figure, path)


def plot_bars(path: Path, values: Mapping[str, float], label: str) -> None:
    """Draw bars on a logarithmic scale."""
    figure, (ax,) = _figure(1)
    ax.bar(list(values), list(values.values()))
    ax.set(ylabel=label, yscale="log")
    _save(figure, path)


def _figure(panels: int) -> tuple[Any, Sequence[Any]]:
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=(4.6 * max(panels, 1), 4), layout="constrained")
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _save(figure: Any, path: Path) -> None:
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
