"""Top-k attention against the authors' code, PyTorch's attention and peers: CPU seconds and memory, one thread.

    python benchmarks/topk_attention.py --authors CHECKOUT [--peers FOLDER] [--json FILE]

One forward and one backward pass of a layer at a time, on the same inputs. Every pass has a process of its own, in
which a small one ran before; the contenders take turns, round after round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Attend = Callable[..., Any]  # of q, k and v: 1 x heads x n x width
Row = dict[str, Any]

QUADRATIC_UP_TO = 4096  # longer, those that keep all n² scores need several GiB
WIDEST = 256  # queries a chunk, of contenders that have no choice of their own


def main() -> int:
    """Measure every contender at every length, and print the table with its ratios."""
    options = arguments()
    if options.worker:
        print(json.dumps(work(options)))
        return 0
    kept: dict[str, Row] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    names = contenders(options)
    for number in range(options.rounds):
        for n in options.lengths:
            for name in names:
                key = f"{name} at {n}, k = {options.k}, round {number}"
                if key in kept or (KINDS[name][1] == "n² scores" and n > QUADRATIC_UP_TO):
                    continue
                print(f"measuring {key} …", file=sys.stderr, flush=True)
                kept[key] = {"contender": name, "n": n, "k": options.k, "round": number} | run(name, n, options)
                if options.json:
                    options.json.write_text(json.dumps(kept, indent=1) + "\n")
    print(table([row for row in kept.values() if row["k"] == options.k]))
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="checkout of the authors' code (ag1988/top_k_attention)")
    parser.add_argument("--peers", type=Path, help="folder that peers were installed to (pip install --target)")
    parser.add_argument("--lengths", type=int, nargs="+", default=[4096, 8192, 16384])
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=64, help="channels of a head")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to keep the numbers; what it has is not measured again")
    parser.add_argument("--worker", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--n", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def contenders(options: argparse.Namespace) -> list[str]:
    """Return who takes part, and say who cannot."""
    names = ["here", "SDPA", "exact chunks"]
    if options.authors:
        names += ["authors", "authors, C = 1024", "authors, sparse"]
    else:
        print("No --authors CHECKOUT given: the authors' code does not take part.")
    for name, module in (("mem-efficient", "memory_efficient_attention_pytorch"), ("Performer", "performer_pytorch"),
                         ("x-transformers", "x_transformers")):  # fmt: skip
        if options.peers and (options.peers / module).is_dir():
            names.append(name)
        else:
            print(f"No --peers FOLDER with {module} given: {name} does not take part.")
    return names


def run(name: str, n: int, options: argparse.Namespace) -> Row:
    """Measure one pass of a contender in a process of its own."""
    command = [sys.executable, __file__, "--worker", name, "--n", str(n)]
    for option in ("authors", "peers", "k", "heads", "width", "threads"):
        if (value := getattr(options, option)) is not None:
            command += [f"--{option}", str(value)]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def work(options: argparse.Namespace) -> Row:
    """Time one pass, and say how far its output is from exact attention and from exact top-k attention."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    attend = KINDS[options.worker][0](options)
    inputs = [torch.randn(1, options.heads, options.n, options.width, requires_grad=True) for _ in range(3)]
    weights = torch.randn(1, options.heads, options.n, options.width)
    few = max(4 * options.k, 256)
    once(attend, [each[:, :, :few].detach().requires_grad_() for each in inputs], weights[:, :, :few])
    before = peak(start_again=True)
    started = time.process_time()
    out = once(attend, inputs, weights)
    seconds = time.process_time() - started
    grown = peak() - before
    with torch.no_grad():  # a few rows by the definitions
        q, k, v = inputs
        rows = torch.arange(0, options.n, options.n // 16)
        scores = (q[:, :, rows] @ k.mT) * options.width**-0.5
        exact = scores.softmax(-1) @ v
        least = scores.topk(options.k).values[..., -1:]
        top = scores.masked_fill(scores < least, -torch.inf).softmax(-1) @ v
        found = out.view(1, options.heads, options.n, -1)[:, :, rows]
        errors = {f"from {what}": float((found - true).norm() / true.norm())
                  for what, true in (("attention", exact), ("top-k", top))}  # fmt: skip
    return {"seconds": seconds, "bytes": grown, **errors}


def once(attend: Attend, inputs: list[Any], weights: Any) -> Any:
    """Do one forward and one backward pass and return the output."""
    out = attend(*inputs)
    out.backward(weights.view(out.shape))
    return out.detach()


def peak(start_again: bool = False) -> int:
    """Return the bytes that the process held at most, since the last time it was started again."""
    if start_again:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def make_here(options: argparse.Namespace) -> Attend:
    """Make this project's."""
    from hotpapers.papers.topk_attention import topk_attention

    return lambda q, k, v: topk_attention(q, k, v, topk=options.k)


def make_sdpa(_options: argparse.Namespace) -> Attend:
    """Make PyTorch's fused attention."""
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention


def make_chunks(_options: argparse.Namespace) -> Attend:
    """Make exact attention in chunks of queries, each computed again in backward: the paper's query chunking."""
    from hotpapers.papers.topk_attention.footprint import chunked_attention

    return lambda q, k, v: chunked_attention(q, k, v, causal=False, chunk=WIDEST)


def make_authors(options: argparse.Namespace) -> Attend:
    """Make the authors' attention; its scale belongs into the activation, the sparse one takes three axes."""
    import torch

    sys.path.insert(0, str(options.authors / "nocache_attention"))
    import nocache_attention

    class ScaledSoftmax(torch.nn.Module):
        def forward(self, scores: Any) -> Any:
            return torch.softmax(scores * options.width**-0.5, -1)

    sparse = options.worker == "authors, sparse"
    kind = nocache_attention.AttentionNoCacheSparse if sparse else nocache_attention.AttentionNoCache
    module = kind(ScaledSoftmax())
    chunk = 1024 if options.worker.endswith("1024") else WIDEST

    def attend(q: Any, k: Any, v: Any) -> Any:
        if sparse:
            q, k, v = q[0], k[0], v[0]
        return module(q, k, v, args={"topk": options.k, "Q_chunk_size": chunk})

    return attend


def make_memory_efficient(options: argparse.Namespace) -> Attend:
    """Make exact attention in chunks of queries and of keys (memory-efficient-attention-pytorch, its own sizes)."""
    sys.path.append(str(options.peers))
    from memory_efficient_attention_pytorch.memory_efficient_attention import memory_efficient_attention

    return memory_efficient_attention


def make_performer(options: argparse.Namespace) -> Attend:
    """Make Performer's approximation by random features (performer-pytorch, its own number of them)."""
    sys.path.append(str(options.peers))
    from performer_pytorch import FastAttention

    return FastAttention(dim_heads=options.width)


def make_x_transformers(options: argparse.Namespace) -> Attend:
    """Make top-k attention that masks all n² scores (x-transformers, ``sparse_topk``)."""
    sys.path.append(str(options.peers))
    from x_transformers.attend import Attend

    module = Attend(sparse_topk=options.k, scale=options.width**-0.5)
    return lambda q, k, v: module(q, k, v)[0]


KINDS: dict[str, tuple[Callable[[argparse.Namespace], Attend], str]] = {
    "here": (make_here, "top-k"),
    "SDPA": (make_sdpa, "exact"),
    "exact chunks": (make_chunks, "exact"),
    "authors": (make_authors, "top-k"),
    "authors, C = 1024": (make_authors, "top-k"),
    "authors, sparse": (make_authors, "top-k"),
    "mem-efficient": (make_memory_efficient, "exact"),
    "Performer": (make_performer, "approximates"),
    "x-transformers": (make_x_transformers, "n² scores"),
}


def table(rows: list[Row]) -> str:
    """Return the least and the median time of every contender, its memory, and how many times ours that is."""
    lines = [
        f"{'n':>6} {'contender':18} {'computes':13} {'CPU s':>7} {'median':>7} {'MiB':>6} {'time':>6} {'memory':>7} "
        f"{'off attention':>14} {'off top-k':>10}"
    ]
    for n in sorted({row["n"] for row in rows}):
        found = {name: [row for row in rows if row["n"] == n and row["contender"] == name] for name in KINDS}
        least = {name: min(row["seconds"] for row in each) for name, each in found.items() if each}
        memory = {name: statistics.median(row["bytes"] for row in found[name]) for name in least}
        for name, seconds in least.items():
            middle = statistics.median(row["seconds"] for row in found[name])
            lines.append(
                f"{n:6} {name:18} {KINDS[name][1]:13} {seconds:7.2f} {middle:7.2f} {memory[name] / 2**20:6.0f} "
                f"{seconds / least['here']:5.2f}x {memory[name] / memory['here']:6.2f}x "
                f"{found[name][0]['from attention']:14.1e} {found[name][0]['from top-k']:10.1e}"
            )
    return "\n".join([*lines, "time, memory: as many times ours; off: relative difference of 16 rows of the output"])


if __name__ == "__main__":
    sys.exit(main())
