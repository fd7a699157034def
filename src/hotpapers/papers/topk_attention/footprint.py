"""What a layer costs, forward and backward: peak memory and time of one way at one size, in a process of its own.

Peak memory of a process counts what its allocator once held, so each measurement has a process that did nothing else.
On a CPU, memory is the growth of the peak resident set and time is CPU seconds; on CUDA, both are the device's.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from hotpapers.errors import HotpapersError
from hotpapers.papers.topk_attention.model import topk_attention, topk_ffn
from hotpapers.papers.topk_attention.modules import dense_ffn

Way = Literal["vanilla", "chunks", "sdpa", "topk"]
WAYS: tuple[Way, ...] = ("vanilla", "chunks", "sdpa", "topk")
TIMEOUT = 600  # seconds


def cost(
    layer: Literal["attention", "feed-forward"],
    way: Way,
    *,
    size: int,
    k: int,
    heads: int = 4,
    width: int = 64,
    tokens: int = 0,
    chunk: int = 256,
    causal: bool = False,
    backward: bool = True,
    device: str = "cpu",
    seed: int = 0,
    rounds: int = 1,
) -> dict[str, float]:
    """Return ``bytes`` and ``seconds`` of one forward pass, and backward, of a layer.

    Parameters
    ----------
    size
        The length n for attention; hidden units d_ff for feed-forward.
    k
        What top-k keeps.
    heads, width
        Attention heads and channels of each; ``width`` alone is the feed-forward's model width.
    tokens
        Of the feed-forward.
    chunk
        Queries a chunk, of ``chunks`` alone; top-k chooses its own.
    rounds
        How often the pass is timed; the least counts.

    Raises
    ------
    HotpapersError
        If the process fails, as when memory does not suffice.
    """
    order = {"layer": layer, "way": way, "size": size, "k": k, "heads": heads, "width": width, "tokens": tokens,
             "chunk": chunk, "causal": causal, "backward": backward, "device": device, "seed": seed,
             "rounds": rounds}  # fmt: skip
    command = [sys.executable, "-m", __name__, json.dumps(order | {"threads": torch.get_num_threads()})]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise HotpapersError(f"{layer} by {way} at {size} takes more than {TIMEOUT} seconds.") from error
    except (subprocess.CalledProcessError, IndexError, ValueError) as error:
        last = (getattr(error, "stderr", "") or "killed").strip().splitlines()[-1:]
        raise HotpapersError(f"{layer} by {way} at {size} does not run here ({' '.join(last)[:120]}).") from error


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return p of the law values ~ sizes^p that fits best in logarithms."""
    x, y = (torch.tensor(each, dtype=torch.float64).log() for each in (sizes, values))
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / x.square().sum())


def vanilla_attention(q: Tensor, k: Tensor, v: Tensor, causal: bool, first: int = 0) -> Tensor:
    """Compute softmax attention with all scores at once; ``first`` is the position of the first query."""
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    if causal:
        rows = torch.arange(q.shape[-2], device=q.device)[:, None] + first
        scores = scores.masked_fill(torch.arange(k.shape[-2], device=q.device) > rows, -torch.inf)
    return scores.softmax(-1) @ v


def chunked_attention(q: Tensor, k: Tensor, v: Tensor, causal: bool, chunk: int) -> Tensor:
    """Compute exact attention in chunks of queries, each computed again in backward (the paper's query chunking)."""
    firsts = range(0, q.shape[-2], chunk)
    parts = zip(firsts, q.split(chunk, -2), strict=True)
    return torch.cat(
        [checkpoint(vanilla_attention, part, k, v, causal, first, use_reentrant=False) for first, part in parts], -2
    )


def chunked_ffn(x: Tensor, w1: Tensor, w2: Tensor, chunk: int) -> Tensor:
    """Compute a ReLU feed-forward layer in chunks of tokens, each computed again in backward."""
    return torch.cat([checkpoint(dense_ffn, part, w1, w2, torch.relu, use_reentrant=False) for part in x.split(chunk)])


def _layer(order: dict[str, Any]) -> tuple[Callable[..., Tensor], Callable[[int], list[Tensor]]]:
    """Return the way to compute, and what makes its inputs of a size."""
    way, k, causal, chunk, width = (order[name] for name in ("way", "k", "causal", "chunk", "width"))
    device = order["device"]

    def make(*shapes: tuple[int, ...]) -> list[Tensor]:
        return [(torch.randn(shape, device=device) * shape[-1] ** -0.25).requires_grad_() for shape in shapes]

    if order["layer"] == "attention":
        ways: dict[str, Callable[..., Tensor]] = {
            "vanilla": lambda q, k_, v: vanilla_attention(q, k_, v, causal),
            "chunks": lambda q, k_, v: chunked_attention(q, k_, v, causal, chunk),
            "sdpa": lambda q, k_, v: F.scaled_dot_product_attention(q, k_, v, is_causal=causal),
            "topk": lambda q, k_, v: topk_attention(q, k_, v, is_causal=causal, topk=k),
        }
        return ways[way], lambda n: make(*[(1, order["heads"], n, width)] * 3)
    ways = {
        "vanilla": lambda x, w1, w2: dense_ffn(x, w1, w2, torch.relu),
        "chunks": lambda x, w1, w2: chunked_ffn(x, w1, w2, chunk),
        "topk": lambda x, w1, w2: topk_ffn(x, w1, w2, topk=k),
    }
    return ways[way], lambda n: make((order["tokens"], width), (n, width), (width, n))


def _main(order: dict[str, Any]) -> dict[str, float]:
    torch.set_num_threads(order["threads"])
    torch.manual_seed(order["seed"])
    compute, make = _layer(order)
    on_gpu = order["device"] == "cuda"

    def once(inputs: list[Tensor]) -> None:
        with contextlib.nullcontext() if order["backward"] else torch.no_grad():
            out = compute(*inputs)
        if order["backward"]:
            out.backward(torch.ones_like(out))

    once(make(32))  # libraries and thread pools come up outside the measurement
    inputs = make(order["size"])
    before = _start_memory(on_gpu)
    seconds = []
    for _ in range(order["rounds"]):
        for each in inputs:
            each.grad = None
        started = _now(on_gpu)
        once(inputs)
        seconds.append(_now(on_gpu) - started)
    return {"bytes": max(1.0, _peak(on_gpu) - before), "seconds": min(seconds)}


def _now(on_gpu: bool) -> float:
    if on_gpu:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def _start_memory(on_gpu: bool) -> float:
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
        return float(torch.cuda.memory_allocated())
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is held now
    return _peak(False)


def _peak(on_gpu: bool) -> float:
    if on_gpu:
        return float(torch.cuda.max_memory_allocated())
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024.0 * int(line.split()[1])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_main(json.loads(sys.argv[1]))) + "\n")
