"""Top-k attention against the authors' code and PyTorch's attention: CPU seconds, forward and backward, one thread.

python benchmarks/topk_attention.py --authors /path/to/top_k_attention --n 8192
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from hotpapers.papers.topk_attention import topk_attention

Attend = Callable[..., torch.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--authors", type=Path, help="a checkout of ag1988/top_k_attention")
    parser.add_argument("--n", type=int, default=8192)
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3, help="every contender is timed so often; the least counts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    contenders: dict[str, Attend] = {
        "here": lambda q, k, v: topk_attention(q, k, v, topk=options.k),
        "SDPA": F.scaled_dot_product_attention,
    }
    if options.authors:
        contenders["authors"] = authors_attention(options.authors, options.k)
    else:
        print("The authors' code is not measured: give its checkout with --authors.")
    shape = (1, options.heads, options.n, options.width)
    inputs = [torch.randn(shape, requires_grad=True) for _ in range(3)]
    best = {name: min(seconds(attend, inputs) for _ in range(options.rounds)) for name, attend in contenders.items()}
    for name, least in best.items():
        print(f"{name:8} {least:7.2f} CPU s  {least / best['here']:.2f} x")


def authors_attention(checkout: Path, k: int, chunk: int = 256) -> Attend:
    sys.path.insert(0, str(checkout / "nocache_attention"))
    from nocache_attention import AttentionNoCache

    class Scaled(torch.nn.Module):
        def forward(self, scores: Any) -> Any:
            return torch.softmax(scores * self.scale, -1)

    activation = Scaled()
    module = AttentionNoCache(activation)

    def attend(q: torch.Tensor, k_: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        activation.scale = q.shape[-1] ** -0.5
        return module(q, k_, v, args={"topk": k, "Q_chunk_size": chunk})

    return attend


def seconds(attend: Attend, inputs: list[torch.Tensor]) -> float:
    started = time.process_time()
    torch.autograd.grad(attend(*inputs).sum(), inputs)
    return time.process_time() - started


if __name__ == "__main__":
    main()
