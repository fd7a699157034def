"""Where top-k wins: over every size and every k, how many times as much time and memory the other way takes."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAMES = {"sdpa": "SDPA", "vanilla": "plain layer"}
DARKEST, READABLE = 3.0, 1.8  # log2 of a ratio: where colours end, where black ink does


@dataclasses.dataclass(frozen=True)
class Win:
    """One size and one k: seconds and bytes by top-k and the other way. A ratio above 1 says that top-k wins."""

    size: int
    k: int
    seconds: tuple[float, float]
    bytes: tuple[float, float]

    @property
    def time(self) -> float:
        """Time of the other way / of top-k."""
        return self.seconds[1] / self.seconds[0]

    @property
    def memory(self) -> float:
        """Memory of the other way / of top-k."""
        return self.bytes[1] / self.bytes[0]


def compare(rows: Sequence[dict[str, Any]], other: str) -> list[Win]:
    """Return the wins among measured rows (way, size, k, seconds, bytes), where both ways could be measured."""
    measured = [row for row in rows if "error" not in row]
    theirs = {row["size"]: row for row in measured if row["way"] == other}
    return [
        Win(row["size"], row["k"], *((row[key], theirs[row["size"]][key]) for key in ("seconds", "bytes")))
        for row in measured
        if row["way"] != other and row["size"] in theirs
    ]


def where_topk_wins(wins: Sequence[Win], layer: str) -> dict[str, float | int | str]:
    """Return from which size on each k is faster, and from which it takes less memory, at all larger ones as well."""
    what = "n" if layer == "attention" else "hidden units"
    numbers: dict[str, float | int | str] = {}
    for k in sorted({win.k for win in wins}):
        for said, ratio in (("faster", "time"), ("smaller", "memory")):
            first = None
            for win in sorted((win for win in wins if win.k == k), key=lambda win: -win.size):
                if getattr(win, ratio) <= 1:
                    break
                first = win.size
            numbers[f"top-{k} is {said} from"] = f"{what} = {first}" if first else "no size measured"
    return numbers


def table_of_map(wins: Sequence[Win], other: str) -> str:
    """Return the wins as CSV."""
    lines = [
        f"size,k,topk_seconds,{other}_seconds,{other}/topk_time,topk_mebibytes,{other}_mebibytes,{other}/topk_memory"
    ]
    for win in wins:
        mebibytes = [each / 2**20 for each in win.bytes]
        lines.append(
            f"{win.size},{win.k},{win.seconds[0]:.4f},{win.seconds[1]:.4f},{win.time:.3f},"
            f"{mebibytes[0]:.1f},{mebibytes[1]:.1f},{win.memory:.3f}"
        )
    return "\n".join(lines) + "\n"


def plot_map(wins: Sequence[Win], layer: str, other: str, path: Path) -> None:
    """Draw both ratios, time and memory, over size and k; green is where top-k wins."""
    from matplotlib.colors import TwoSlopeNorm
    from matplotlib.figure import Figure

    sizes, ks = sorted({win.size for win in wins}), sorted({win.k for win in wins})
    label = "length n" if layer == "attention" else "hidden units"
    figure = Figure(figsize=(max(7, 3 + 1.3 * len(sizes)), 1.8 + 0.5 * len(ks)), layout="constrained")
    for number, ratio in enumerate(("time", "memory")):
        axes = figure.add_subplot(1, 2, number + 1)
        values = [[math.nan] * len(sizes) for _ in ks]
        for win in wins:
            values[ks.index(win.k)][sizes.index(win.size)] = getattr(win, ratio)
        colours = [[math.log2(value) for value in row] for row in values]
        axes.imshow(colours, cmap="PiYG", norm=TwoSlopeNorm(0, -DARKEST, DARKEST), aspect="auto", origin="lower")
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                if not math.isnan(value):
                    ink = "white" if abs(math.log2(value)) > READABLE else "black"
                    axes.text(x, y, f"{value:.2g}", ha="center", va="center", fontsize="small", color=ink)
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        axes.set_yticks(range(len(ks)), [str(k) for k in ks])
        axes.set(title=f"{ratio}: {NAMES[other]} / top-k", xlabel=label, ylabel="k")
    figure.savefig(path, format="png", dpi=120)
