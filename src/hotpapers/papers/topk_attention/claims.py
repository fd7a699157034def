"""The paper's claims, measured: exactness, memory, time, and quality without training and from scratch."""

import dataclasses
from typing import Any

import torch
from torch.nn import functional as F

from hotpapers.claims import Measurement, Scale
from hotpapers.papers.topk_attention import classify as classifying
from hotpapers.papers.topk_attention.corpus import standard_library
from hotpapers.papers.topk_attention.footprint import cost, exponent
from hotpapers.papers.topk_attention.language import ByteTransformer
from hotpapers.papers.topk_attention.listops import listops
from hotpapers.papers.topk_attention.model import topk_attention
from hotpapers.papers.topk_attention.patching import patch, unpatch
from hotpapers.papers.topk_attention.tasks import encoded
from hotpapers.papers.topk_attention.train import PRESETS, Config, bits_per_byte, fit, held_out
from hotpapers.run import Run

LANGUAGE: dict[Scale, Config] = {
    "smoke": Config(width=32, hidden=96, context=48, steps=8, batch=4),
    "laptop": dataclasses.replace(PRESETS["quick"], steps=250, batch=8),
    "paper": PRESETS["base"],
}


def exact_when_nothing_is_dropped(scale: Scale, run: Run) -> Measurement:
    """Measure how far output and gradients are from PyTorch's attention at k = n, in float64: the largest of all."""
    n = {"smoke": 64, "laptop": 512, "paper": 4096}[scale]
    values: dict[int, float] = {}
    single: dict[int, float] = {}
    for seed in run.seeds:
        for dtype, kept in ((torch.float64, values), (torch.float32, single)):
            kept[seed] = max(_difference(n, dtype, seed, causal) for causal in (False, True))
    return Measurement(values=values, method=values, extras={"n": n, "float32": {str(s): d for s, d in single.items()}})


def memory_is_linear(scale: Scale, run: Run) -> Measurement:
    """Fit the exponent of peak memory in the length, forward and backward; the baseline is plain attention's."""
    sizes = {"smoke": [256, 512], "laptop": [2048, 4096, 8192], "paper": [8192, 16384, 32768, 65536]}[scale]
    plain = {"smoke": [], "laptop": [1024, 2048, 4096], "paper": [2048, 4096, 8192]}[scale]
    shape = {"heads": 12, "k": 128} if scale == "paper" else {"heads": 4, "k": 64}
    method: dict[int, float] = {}
    baseline: dict[int, float] = {}
    curves: dict[str, Any] = {}
    for seed in run.seeds:
        for way, lengths, kept in (("topk", sizes, method), ("vanilla", plain, baseline)):
            found = {n: cost("attention", way, size=n, seed=seed, device=run.device.type, **shape) for n in lengths}
            if found:
                kept[seed] = exponent(lengths, [each["bytes"] for each in found.values()])
            curves[f"{way}, seed {seed}"] = {str(n): each for n, each in found.items()}
    return Measurement(values=method, method=method, baseline=baseline, unit="exponent", extras={"curves": curves})


def feed_forward_memory(scale: Scale, run: Run) -> Measurement:
    """Measure the peak memory of a plain feed-forward layer over that of top-k, forward and backward."""
    shape = {
        "smoke": {"size": 1024, "tokens": 256, "width": 64, "k": 32},
        "laptop": {"size": 16384, "tokens": 2048, "width": 256, "k": 256},
        "paper": {"size": 6144, "tokens": 262144, "width": 768, "k": 512},
    }[scale]
    ways = ("topk", "vanilla") if scale == "smoke" else ("topk", "vanilla", "chunks")
    found = {
        seed: {way: cost("feed-forward", way, seed=seed, device=run.device.type, **shape) for way in ways}
        for seed in run.seeds
    }
    method, baseline = ({seed: each[way]["bytes"] for seed, each in found.items()} for way in ("topk", "vanilla"))
    return Measurement(
        values={seed: baseline[seed] / method[seed] for seed in run.seeds},
        method=method, baseline=baseline, unit="bytes",
        extras={"shape": shape, "all": {str(seed): each for seed, each in found.items()}},
    )  # fmt: skip


def faster_than_exact_chunks(scale: Scale, run: Run) -> Measurement:
    """Measure the time of exact query chunks over that of top-k, forward and backward; SDPA's is in ``extras``."""
    n = {"smoke": 512, "laptop": 8192, "paper": 30 * 1024}[scale]
    ways = ("topk", "chunks") if scale == "smoke" else ("topk", "chunks", "sdpa")
    shape = {"heads": 12, "k": 128, "chunk": 1024, "causal": True} if scale == "paper" else {"heads": 4, "k": 64}
    found = {
        seed: {way: cost("attention", way, size=n, seed=seed, device=run.device.type, **shape)["seconds"]
               for way in ways}
        for seed in run.seeds
    }  # fmt: skip
    return Measurement(
        values={seed: each["chunks"] / each["topk"] for seed, each in found.items()},
        method={seed: each["topk"] for seed, each in found.items()},
        baseline={seed: each["chunks"] for seed, each in found.items()},
        unit="s" if run.device.type == "cuda" else "CPU s",
        extras={"n": n, "seconds": {str(seed): each for seed, each in found.items()}},
    )


def attention_drops_in(scale: Scale, run: Run) -> Measurement:
    """Measure by how many per cent bits per byte rise when a trained model's attention keeps a third of the keys."""
    return _drop_in(scale, run, "attn_k", LANGUAGE[scale].context)


def feed_forward_drops_in(scale: Scale, run: Run) -> Measurement:
    """Measure by how many per cent bits per byte rise when the feed-forward layers keep a third of their units."""
    return _drop_in(scale, run, "ff_k", LANGUAGE[scale].hidden)


def from_scratch_is_as_good(scale: Scale, run: Run) -> Measurement:
    """Measure by how many per cent bits per byte are higher after training with a sixth of the keys than with all."""
    k = LANGUAGE[scale].context // 6
    method = {seed: _bits(_trained(scale, run, seed, k), scale, run) for seed in run.seeds}
    baseline = {seed: _bits(_trained(scale, run, seed), scale, run) for seed in run.seeds}
    values = {seed: 100 * (method[seed] / baseline[seed] - 1) for seed in run.seeds}
    return Measurement(values=values, method=method, baseline=baseline, unit="bits per byte", extras={"k": k})


def training_with_few_keys_beats_swapping(scale: Scale, run: Run) -> Measurement:
    """Measure bits per byte of a model trained dense and swapped to few keys, less those of one trained with them."""
    k = max(2, LANGUAGE[scale].context // 24)
    method = {seed: _bits(_trained(scale, run, seed, k), scale, run) for seed in run.seeds}
    baseline = {seed: _bits(_trained(scale, run, seed), scale, run, attn_k=k) for seed in run.seeds}
    values = {seed: baseline[seed] - method[seed] for seed in run.seeds}
    return Measurement(values=values, method=method, baseline=baseline, unit="bits per byte", extras={"k": k})


def listops_from_scratch(scale: Scale, run: Run) -> Measurement:
    """Measure the accuracy on ListOps after training with top-32 attention less that with all keys, in points."""
    config = {
        "smoke": Config(width=16, hidden=32, context=64, steps=4, batch=8, attn_k=8),
        "laptop": Config(width=64, hidden=128, context=128, steps=200, batch=16, attn_k=32, learning_rate=1e-3),
        "paper": Config(width=512, heads=8, layers=4, hidden=1024, context=2000, steps=5000, attn_k=128),
    }[scale]
    count, labels = {"smoke": 60, "laptop": 4000, "paper": 96000}[scale], [str(n) for n in range(10)]
    found: dict[str, dict[int, float]] = {"topk": {}, "all": {}}
    for seed in run.seeds:
        examples = encoded(listops(count, config.context, seed))
        learned, judged = examples[: count * 3 // 4], examples[count * 3 // 4 :]
        for way, wish in (("topk", config), ("all", dataclasses.replace(config, attn_k=0))):
            with run.inner(seed) as inner:
                model = classifying.fit(learned, labels, wish, inner)
            found[way][seed] = 100 * classifying.accuracy(model, judged)
    values = {seed: found["topk"][seed] - found["all"][seed] for seed in run.seeds}
    return Measurement(values=values, method=found["topk"], baseline=found["all"], unit="% right")


def _difference(n: int, dtype: torch.dtype, seed: int, causal: bool) -> float:
    generator = torch.Generator().manual_seed(seed)
    inputs = [torch.randn(1, 2, n, 32, generator=generator, dtype=dtype).requires_grad_() for _ in range(3)]
    weights = torch.randn(1, 2, n, 32, generator=generator, dtype=dtype)
    q, k, v = inputs
    ours = topk_attention(q, k, v, is_causal=causal, topk=n)
    theirs = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    pairs = [(ours, theirs)]
    pairs += zip(*(torch.autograd.grad((out * weights).sum(), inputs) for out in (ours, theirs)), strict=True)
    return max(float((mine - other).detach().abs().max()) for mine, other in pairs)


def _drop_in(scale: Scale, run: Run, what: str, whole: int) -> Measurement:
    method, baseline, curves = {}, {}, {}
    for seed in run.seeds:
        model = _trained(scale, run, seed)
        baseline[seed] = _bits(model, scale, run)
        counts = [max(1, whole // part) for part in (48, 24, 12, 6, 3)]
        curve = {k: _bits(model, scale, run, **{what: k}) for k in counts}
        method[seed] = curve[whole // 3]
        curves[str(seed)] = {str(k): bits for k, bits in curve.items()}
    values = {seed: 100 * (method[seed] / baseline[seed] - 1) for seed in run.seeds}
    extras: dict[str, Any] = {"of": whole, "bits_by_k": curves}
    return Measurement(values=values, method=method, baseline=baseline, unit="bits per byte", extras=extras)


def _bits(model: ByteTransformer, scale: Scale, run: Run, **kept: int) -> float:
    pieces = held_out(standard_library(), LANGUAGE[scale].context).to(run.device)
    if kept:
        patch(model, **kept)
    bits = bits_per_byte(model, pieces[:4] if scale == "smoke" else pieces)
    if kept:
        unpatch(model)
    return bits


def _trained(scale: Scale, run: Run, seed: int, attn_k: int = 0) -> ByteTransformer:
    """Return a language model; the dense ones are trained once a process, several claims start from them."""
    if attn_k:
        return _train(scale, run, seed, attn_k)
    key = (scale, seed, str(run.device))
    if key not in _dense:
        _dense[key] = _train(scale, run, seed, 0)
    return _dense[key]


_dense: dict[tuple[str, int, str], ByteTransformer] = {}


def _train(scale: Scale, run: Run, seed: int, attn_k: int) -> ByteTransformer:
    with run.inner(seed) as inner:
        return fit(standard_library(), dataclasses.replace(LANGUAGE[scale], attn_k=attn_k), inner)
