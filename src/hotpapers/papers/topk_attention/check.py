"""The verb ``check``: what every layer would lose at each k on the user's text, with a bound, and a k to take.

For attention, with kept mass m (the softmax weight of the k best keys), out - out_k = (1 - m)(out_rest - out_k), so the
error is at most 2 (1 - m) max|v|. A feed-forward layer keeps a share of its hidden vector's squared length.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.topk_attention.corpus import Corpus, read_text, windows
from hotpapers.papers.topk_attention.loading import Loaded, load_model, restored
from hotpapers.papers.topk_attention.model import topk_attention
from hotpapers.papers.topk_attention.modules import dense_attention, dense_ffn
from hotpapers.papers.topk_attention.patching import patch, sites
from hotpapers.papers.topk_attention.tables import picture_beside, read_numbers
from hotpapers.progress import track
from hotpapers.verbs import Model, Outcome, TextFile

WISHES = {"attention": "attn_k", "feed-forward": "ff_k"}  # what patch calls the k of a kind of layer
PIECES = 4  # of text that a layer is measured on
LONGEST = 1024  # tokens a piece


@dataclasses.dataclass(frozen=True)
class Quality:
    """How well a model does: bits a token where it predicts them, and the change of its output from another's."""

    bits: float | None
    output: Tensor
    change: float = 0.0


@dataclasses.dataclass(frozen=True)
class Loss:
    """What one layer loses at one k: the mean share kept, the largest error of its output and its bound (attention)."""

    layer: str
    kind: str
    k: int
    kept: float
    error: float = math.nan
    bound: float = math.nan


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a model loses with one k in all layers of a kind."""

    kind: str
    k: int
    quality: Quality


def check(
    model: Model,
    text: TextFile | None = None,
    *,
    corpus: Corpus = "python",
    ks: str = "4,8,16,32,64,128,256",
    keep: float = 0.99,
    out: Path | None = None,
) -> Outcome:
    """Measure what a model's layers would lose by keeping k keys or hidden units, and suggest a k for each.

    Writes a table and a picture: the share that every layer keeps at every k, the largest error of its output, and the
    bound 2(1 - m) max|v| that this error cannot pass; and what the whole model loses with one k in all its layers.

    Parameters
    ----------
    model
        A directory that ``train-lm`` made, or a BERT, GPT-2 or T5 that transformers saved.
    text
        The text to measure on, in UTF-8.
    corpus
        What to measure on where no text is given: Python's standard library, or enwik8 (downloaded once).
    ks
        The k to try, as numbers with commas.
    keep
        The share that a suggested k must keep in the mean: of attention mass, of a hidden vector's squared length.
    out
        The table's file (CSV); beside the model when left out. The picture lies beside it.
    """
    counts = read_numbers(ks, "--ks", most=32)
    if not 0 < keep <= 1:
        raise BadInput(f"--keep is a share above 0 and at most 1, not {keep}.")
    out = Path(out) if out else Path(model).with_name(f"{Path(model).name}-check.csv")
    picture = picture_beside(out)
    content = read_text(text, at_least=64, corpus=corpus)
    loaded = restored(load_model(model))
    losses = measure_losses(loaded, content, counts)
    whole = measure_quality(loaded, content)
    costs = measure_costs(loaded, content, counts, whole)
    suggested = suggest(losses, keep)
    patch(loaded.model, **suggested)
    after = measure_quality(loaded, content, like=whole.output)
    with written_whole(out) as temporary:
        temporary.write_text(_table(losses, costs), encoding="utf-8")
    with written_whole(picture) as temporary:
        _plot(losses, costs, keep, whole.bits, temporary)
    numbers: dict[str, float | int | str] = {
        f"suggested {name.replace('_', '-')}, layer by layer": ", ".join(map(str, each))
        for name, each in suggested.items()
    }
    if whole.bits is not None and after.bits is not None:
        numbers |= {"bits per token, all": whole.bits, "bits per token, suggested k": after.bits}
    numbers["relative change of the output"] = after.change
    return Outcome(
        {"table": out, "picture": picture},
        numbers,
        "Where the largest k is suggested, a larger one may be needed: give --ks more.",
    )


def measure_losses(loaded: Loaded, text: Tensor, ks: Sequence[int]) -> list[Loss]:
    """Return what each layer loses at each k on the text, the model running as it is."""
    probes = [(site, Probe(site.name, site.kind, ks, site.own)) for site in sites(loaded.model)]
    if not probes:
        raise BadInput("The model has no attention or feed-forward layer that can be measured.")
    patch(loaded.model, **{WISHES[site.kind]: 1 for site, _ in probes})  # opens every site for its probe
    for site, probe in probes:
        site.install(probe)
    with torch.no_grad():
        for piece in track(_pieces(loaded, text), "Measuring layers"):
            loaded(piece[None, :-1])
    restored(loaded)
    return [loss for _, probe in probes for loss in probe.losses()]


def measure_costs(loaded: Loaded, text: Tensor, ks: Sequence[int], whole: Quality) -> list[Cost]:
    """Return how well the model does with each k in all its layers of a kind; ``whole`` is how well it does dense."""
    kinds = dict.fromkeys(site.kind for site in sites(loaded.model))
    costs = []
    for kind, k in track([(kind, k) for kind in kinds for k in ks], "Measuring the model"):
        patch(loaded.model, **{WISHES[kind]: k})
        costs.append(Cost(kind, k, measure_quality(loaded, text, like=whole.output)))
        restored(loaded)
    return costs


class Probe:
    """Stands in a layer's place, computes all of it, and adds up what each k would have kept.

    ``own`` is how the layer computes its output, where that is not with all keys and units.
    """

    def __init__(self, layer: str, kind: str, ks: Sequence[int], own: Callable[..., Tensor] | None = None) -> None:
        self.layer, self.kind, self.ks, self.rows, self.own = layer, kind, list(ks), 0, own
        self.kept, self.error, self.bound = ([0.0] * len(ks) for _ in range(3))

    def __call__(self, *inputs: Any, **settings: Any) -> Tensor:
        """Do the layer's work and measure it."""
        if self.kind == "attention":
            return self._attention(*inputs, **settings)
        return self._feed_forward(*inputs, **settings)

    def losses(self) -> list[Loss]:
        """Return what was measured."""
        errors = (
            zip(self.error, self.bound, strict=True) if self.kind == "attention" else [(math.nan,) * 2] * len(self.ks)
        )
        return [
            Loss(self.layer, self.kind, k, kept / max(self.rows, 1), *pair)
            for k, kept, pair in zip(self.ks, self.kept, errors, strict=True)
        ]

    def _attention(self, q: Tensor, k: Tensor, v: Tensor, **settings: Any) -> Tensor:
        settings["dropout_p"] = 0.0
        whole = dense_attention(q, k, v, **settings)
        # Softmax weights by the same function: with the identity as values, attention returns its weights.
        weights = dense_attention(q, k, torch.eye(k.shape[-2], dtype=v.dtype).expand(*k.shape[:-1], -1), **settings)
        mass = weights.topk(min(max(self.ks), k.shape[-2])).values.cumsum(-1)
        norms = v.norm(dim=-1)
        if norms.shape[-2] != q.shape[-3]:
            norms = norms.repeat_interleave(q.shape[-3] // norms.shape[-2], -2)
        largest = norms.amax(-1, keepdim=True)
        self.rows += mass[..., 0].numel()
        for number, count in enumerate(self.ks):
            kept = mass[..., min(count, mass.shape[-1]) - 1].clamp(max=1)
            error = (whole - topk_attention(q, k, v, **settings, topk=count)).norm(dim=-1)
            self.kept[number] += float(kept.sum())
            self.error[number] = max(self.error[number], float(error.max()))
            self.bound[number] = max(self.bound[number], float((2 * (1 - kept) * largest).max()))
        return whole if self.own is None else self.own(q, k, v, **settings)

    def _feed_forward(self, x: Tensor, w1: Tensor, w2: Tensor, activation: Any, b1: Any = None, b2: Any = None,
                      *, dropout_p: float = 0.0) -> Tensor:  # fmt: skip
        squares = activation(F.linear(x, w1, b1)).square().flatten(0, -2)
        share = squares.topk(min(max(self.ks), squares.shape[-1])).values.cumsum(-1)
        share /= squares.sum(-1, keepdim=True).clamp(min=torch.finfo(share.dtype).tiny)
        self.rows += len(share)
        for number, count in enumerate(self.ks):
            self.kept[number] += float(share[:, min(count, share.shape[-1]) - 1].sum())
        return (self.own or dense_ffn)(x, w1, w2, activation, b1, b2)


def suggest(losses: Sequence[Loss], keep: float) -> dict[str, list[int]]:
    """Return a layer's smallest k that keeps ``keep`` in the mean, else the largest, as ``patch`` takes them."""
    chosen: dict[str, list[int]] = {}
    for kind, name in WISHES.items():
        layers = list(dict.fromkeys(loss.layer for loss in losses if loss.kind == kind))
        for layer in layers:
            mine = sorted((loss.k, loss.kept) for loss in losses if loss.layer == layer and loss.kind == kind)
            chosen.setdefault(name, []).append(next((k for k, kept in mine if kept >= keep), mine[-1][0]))
    return chosen


@torch.no_grad()
def measure_quality(loaded: Loaded, text: Tensor, like: Tensor | None = None) -> Quality:
    """Run a model on pieces of a text; ``like`` is another's output to compare with."""
    outputs, bits, count = [], 0.0, 0
    for piece in _pieces(loaded, text):
        output = loaded(piece[None, :-1])
        outputs.append(output.flatten(0, -2))
        if loaded.predicts:
            bits += float(F.cross_entropy(output[0], piece[1:], reduction="sum")) / math.log(2)
            count += len(piece) - 1
    output = torch.cat(outputs)
    change = 0.0 if like is None else float((output - like).norm() / like.norm())
    return Quality(bits / count if count else None, output, change)


def _pieces(loaded: Loaded, text: Tensor) -> Tensor:
    """Return the same few pieces of the text each time, as tokens; one longer than is read, for the last target."""
    length = min(loaded.context, LONGEST)
    ids = loaded.encode(text[: PIECES * length * 16])
    if len(ids) < 9:
        raise BadInput(f"The text has {len(ids)} tokens; at least 9 are needed, so give a longer one.")
    return windows(ids, min(length, len(ids) - 1), PIECES)


def _table(losses: Sequence[Loss], costs: Sequence[Cost]) -> str:
    lines = ["layer,kind,k,kept,largest_error,error_bound,bits_per_token,output_change"]
    for loss in losses:
        pair = ("", "") if math.isnan(loss.error) else (f"{loss.error:.6g}", f"{loss.bound:.6g}")
        lines.append(f"{loss.layer},{loss.kind},{loss.k},{loss.kept:.6f},{pair[0]},{pair[1]},,")
    for cost in costs:
        bits = "" if cost.quality.bits is None else f"{cost.quality.bits:.6g}"
        lines.append(f"all,{cost.kind},{cost.k},,,,{bits},{cost.quality.change:.6g}")
    return "\n".join(lines) + "\n"


def _plot(losses: Sequence[Loss], costs: Sequence[Cost], keep: float, bits: float | None, path: Path) -> None:
    from matplotlib.figure import Figure

    kinds = [kind for kind in WISHES if any(loss.kind == kind for loss in losses)]
    figure = Figure(figsize=(4.6 * (len(kinds) + 1), 3.8), layout="constrained")
    panels = figure.subplots(1, len(kinds) + 1)
    for kind, axes in zip(kinds, panels, strict=False):
        for layer in dict.fromkeys(loss.layer for loss in losses if loss.kind == kind):
            mine = [loss for loss in losses if loss.layer == layer and loss.kind == kind]
            axes.plot([loss.k for loss in mine], [loss.kept for loss in mine], marker="o", label=layer)
        axes.axhline(keep, color="grey", linewidth=0.8, linestyle="--")
        axes.set(title=kind, ylabel="share kept, mean")
    for kind in kinds:
        all_of = [cost for cost in costs if cost.kind == kind]
        values = [cost.quality.change if bits is None else cost.quality.bits for cost in all_of]
        panels[-1].plot([cost.k for cost in all_of], values, marker="o", label=f"{kind} alone")
    if bits is not None:
        panels[-1].axhline(bits, color="grey", linewidth=0.8, linestyle="--", label="dense")
    panels[-1].set(
        title="the model, k in all layers", ylabel="relative change of the output" if bits is None else "bits per token"
    )
    for axes in panels:
        axes.set_xscale("log", base=2)
        axes.set_xlabel("k")
        axes.legend(fontsize="x-small")
    figure.savefig(path, format="png", dpi=120)
