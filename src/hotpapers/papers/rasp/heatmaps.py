"""Heatmaps: what heads attend to, queries down and keys across."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.files import written_whole
from hotpapers.papers.rasp.analysis import head_selectors
from hotpapers.papers.rasp.sops import SOp

Labelled = list[tuple[str, np.ndarray]]
SINK = "∅"


def draw_heatmaps(path: Path, string: Sequence[Any], learned: Labelled, sop: SOp) -> Path:
    """Write a picture of ``learned`` (label, queries x keys) above the selectors of ``sop`` on the same string."""
    wanted = [
        (f"RASP, layer {layer}: {selector.name}", np.array(selector(list(string)), dtype=float))
        for layer, selectors in enumerate(head_selectors(sop), start=1)
        for selector in selectors
    ]
    return _draw(path, string, [learned, wanted])


def draw_weights(path: Path, string: Sequence[Any], patterns: Sequence[np.ndarray]) -> Path:
    """Write a picture of the weights of each layer (heads x queries x keys), one row a layer."""
    rows = [
        [(f"layer {layer}, head {head}", weights) for head, weights in enumerate(heads, start=1)]
        for layer, heads in enumerate(patterns, start=1)
    ]
    return _draw(path, string, rows)


def _draw(path: Path, string: Sequence[Any], rows: list[Labelled]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(map(len, rows))
    figure = Figure(figsize=(max(3.2, 2.6 * columns), 2.9 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, drawn in zip(axes, rows, strict=True):
        for place, axis in enumerate(line):
            axis.set_axis_off()
            if place >= len(drawn):
                continue
            label, weights = drawn[place]
            axis.set_axis_on()
            axis.imshow(weights, vmin=0, vmax=max(1e-9, float(weights.max())), cmap="magma")
            axis.set_title(label, fontsize=8)
            keys = [*string, SINK][: weights.shape[1]]
            axis.set_xticks(range(len(keys)), keys, fontsize=7)
            axis.set_yticks(range(len(string)), string, fontsize=7)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    return path
