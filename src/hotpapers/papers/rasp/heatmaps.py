"""Heatmaps: what heads attend to, queries down and keys across, beside the selectors of the program that was learned."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.files import written_whole
from hotpapers.papers.rasp.analysis import head_selectors
from hotpapers.papers.rasp.sops import SOp


def draw_heatmaps(path: Path, string: Sequence[Any], learned: list[tuple[str, np.ndarray]], sop: SOp) -> Path:
    """Write a picture of ``learned`` (label, queries x keys) above the selectors of ``sop`` on the same string."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wanted = [
        (f"RASP, layer {layer}: {selector.name}", np.array(selector(list(string)), dtype=float))
        for layer, selectors in enumerate(head_selectors(sop), start=1)
        for selector in selectors
    ]
    columns = max(len(learned), len(wanted))
    figure = Figure(figsize=(2.6 * columns, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, columns, squeeze=False)
    for row, drawn in zip(axes, (learned, wanted), strict=True):
        for place, axis in enumerate(row):
            axis.set_axis_off()
            if place >= len(drawn):
                continue
            label, weights = drawn[place]
            axis.set_axis_on()
            axis.imshow(weights, vmin=0, vmax=max(1e-9, float(weights.max())), cmap="magma")
            axis.set_title(label, fontsize=8)
            axis.set_xticks(range(len(string)), string, fontsize=7)
            axis.set_yticks(range(len(string)), string, fontsize=7)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    return path
