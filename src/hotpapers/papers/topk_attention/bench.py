"""The verb ``bench``: memory and time of attention or feed-forward layers on this machine, and who wins where."""

from pathlib import Path
from typing import Any, Literal

import torch

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import written_whole
from hotpapers.papers.topk_attention.footprint import WAYS, Way, cost, exponent
from hotpapers.papers.topk_attention.tables import LARGEST, picture_beside, read_numbers
from hotpapers.papers.topk_attention.wins import compare, plot_map, table_of_map, where_topk_wins
from hotpapers.progress import track
from hotpapers.verbs import Outcome

VANILLA_UP_TO = 8192  # longer, plain attention does not fit a laptop

Row = dict[str, Any]


def bench(
    *,
    chart: Literal["curves", "map"] = "curves",
    layer: Literal["attention", "feed-forward"] = "attention",
    sizes: str = "1024,2048,4096",
    ks: str = "32,64,128",
    heads: int = 4,
    width: int = 64,
    tokens: int = 2048,
    causal: bool = False,
    forward_only: bool = False,
    rounds: int = 1,
    device: Literal["cpu", "cuda"] = "cpu",
    out: Path | None = None,
) -> Outcome:
    """Measure memory and time of a layer by top-k, plainly, in exact chunks, and by PyTorch's own attention.

    Each measurement has a process of its own. Writes a table, a picture, and prints who wins.

    Parameters
    ----------
    chart
        Curves of all ways over the size, or a map over size and k of how many times as much PyTorch's attention (for
        the feed-forward: the plain layer) takes as top-k.
    layer
        Attention, or feed-forward.
    sizes
        Lengths of the input, or hidden units of the feed-forward, as numbers with commas.
    ks
        What top-k keeps, as numbers with commas.
    heads
        Attention heads.
    width
        Channels of a head, or of the feed-forward's input.
    tokens
        Tokens that the feed-forward is given.
    causal
        Whether a query sees only what came before.
    forward_only
        Leave the backward pass out.
    rounds
        How often each is timed; the least counts.
    device
        Where to compute; on a CPU time is CPU seconds.
    out
        The table's file (CSV); ``topk-bench.csv`` when left out.
    """
    lengths, kept = read_numbers(sizes, "--sizes"), read_numbers(ks, "--ks")
    if min(heads, width, tokens) < 1 or heads * width > 1 << 16 or tokens > LARGEST:
        raise BadInput(
            f"--heads, --width and --tokens are at least 1, heads times width at most 65536, tokens at most {LARGEST}."
        )
    if not 1 <= rounds <= 100:
        raise BadInput(f"--rounds is 1 to 100, not {rounds}.")
    if min(kept) > max(lengths):
        raise BadInput(f"Every k is above every size: give --ks of at most {max(lengths)}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("There is no CUDA device here that PyTorch can use: say --device cpu.")
    out = Path(out) if out else Path("topk-bench.csv")
    picture = picture_beside(out)
    shape = {"heads": heads, "width": width, "tokens": tokens, "causal": causal, "backward": not forward_only,
             "device": device, "rounds": rounds}  # fmt: skip
    if chart == "map":
        other: Way = "sdpa" if layer == "attention" else "vanilla"
        rows = _measured(layer, _cases_of_map(other, lengths, kept), shape)
        wins = compare(rows, other)
        table, numbers = table_of_map(wins, other), where_topk_wins(wins, layer)
    else:
        rows = _measured(layer, _cases_of_curves(layer, lengths, kept), shape)
        table, numbers = _table(rows), _numbers_to_show(rows)
    with written_whole(out) as temporary:
        temporary.write_text(table, encoding="utf-8")
    with written_whole(picture) as temporary:
        if chart == "map":
            plot_map(wins, layer, other, temporary)
        else:
            _plot(rows, layer, temporary)
    return Outcome({"table": out, "picture": picture}, numbers, "")


def _cases_of_curves(layer: str, lengths: list[int], kept: list[int]) -> list[tuple[Way, int, int]]:
    """Return way, size and k of what the curves need; k is 0 where it means nothing."""
    return [
        (way, size, k)
        for way in WAYS
        if layer == "attention" or way != "sdpa"
        for size in lengths
        if not (way == "vanilla" and layer == "attention" and size > VANILLA_UP_TO)
        for k in (kept if way == "topk" else [0])
        if k <= size
    ]


def _cases_of_map(other: Way, lengths: list[int], kept: list[int]) -> list[tuple[Way, int, int]]:
    """Return way, size and k of what the map needs, the two that are compared close in time."""
    cases: list[tuple[Way, int, int]] = []
    for size in lengths:
        cases.append((other, size, 0))
        cases += [("topk", size, k) for k in kept if k <= size]
    return cases


def _measured(layer: Any, cases: list[tuple[Way, int, int]], shape: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for way, size, k in track(cases, "Measuring"):
        row: Row = {"way": f"top-{k}" if way == "topk" else way, "size": size, "k": k}
        try:
            rows.append(row | cost(layer, way, size=size, k=k, **shape))
        except HotpapersError as error:
            rows.append(row | {"error": str(error)})
    if all("error" in row for row in rows):
        raise HotpapersError(rows[0]["error"])
    return rows


def _numbers_to_show(rows: list[Row]) -> dict[str, float | int | str]:
    measured = [row for row in rows if "error" not in row]
    largest = max(row["size"] for row in measured)
    last = [row for row in measured if row["size"] == largest]
    numbers: dict[str, float | int | str] = {
        f"least time at {largest}": min(last, key=lambda row: row["seconds"])["way"],
        f"least memory at {largest}": min(last, key=lambda row: row["bytes"])["way"],
    }
    for row in last:
        numbers[f"{row['way']} at {largest}"] = f"{row['seconds']:.2f} s, {row['bytes'] / 2**20:.0f} MiB"
    for way in dict.fromkeys(row["way"] for row in measured):
        mine = [row for row in measured if row["way"] == way]
        if len(mine) > 1:
            power = exponent([row["size"] for row in mine], [row["bytes"] for row in mine])
            numbers[f"memory of {way} grows as"] = f"size^{power:.2f}"
    return numbers


def _table(rows: list[Row]) -> str:
    lines = ["way,size,seconds,mebibytes"]
    for row in rows:
        cells = ("", "") if "error" in row else (f"{row['seconds']:.4f}", f"{row['bytes'] / 2**20:.1f}")
        lines.append(f"{row['way']},{row['size']},{cells[0]},{cells[1]}")
    return "\n".join(lines) + "\n"


def _plot(rows: list[Row], layer: str, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 3.8), layout="constrained")
    for number, (key, unit, label) in enumerate((("bytes", 2**20, "peak memory, MiB"), ("seconds", 1, "time, s"))):
        axes = figure.add_subplot(1, 2, number + 1)
        for way in dict.fromkeys(row["way"] for row in rows):
            mine = [row for row in rows if row["way"] == way and key in row]
            axes.plot([row["size"] for row in mine], [row[key] / unit for row in mine], marker="o", label=way)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set(xlabel="length n" if layer == "attention" else "hidden units", ylabel=label)
        axes.legend(fontsize="x-small")
    figure.savefig(path, format="png", dpi=120)
