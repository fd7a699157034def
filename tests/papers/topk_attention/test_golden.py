"""The authors' code gives the same outputs and gradients: they are kept in small arrays (see golden/README.md)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hotpapers.papers.topk_attention import topk_attention, topk_ffn

GOLDEN = np.load(Path(__file__).parent / "golden" / "authors.npz")


def tensor(name):
    return torch.from_numpy(GOLDEN[name])


def assert_golden(case, out, inputs):
    grads = torch.autograd.grad(out, inputs, tensor("g").view(out.shape))
    for name, found in zip(("out", "dq", "dk", "dv"), (out, *grads), strict=True):
        torch.testing.assert_close(found, tensor(f"{case}_{name}").view(found.shape), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", ["softmax", "causal"])
def test_attention_is_the_authors(case):
    inputs = [tensor(name).requires_grad_() for name in "qkv"]
    assert_golden(case, topk_attention(*inputs, is_causal=case == "causal", topk=5, chunk=7), inputs)


def test_feed_forward_is_the_authors():
    for batch, head in np.ndindex(2, 2):
        q, k, v = (tensor(name)[batch, head].clone().requires_grad_() for name in "qkv")
        out = topk_ffn(q, k, v.t(), topk=5)
        torch.testing.assert_close(out, tensor("relu_out")[batch, head])
        grads = torch.autograd.grad(out, (q, k, v), tensor("g")[batch, head])
        for name, found in zip(("dq", "dk", "dv"), grads, strict=True):
            torch.testing.assert_close(found, tensor(f"relu_{name}")[batch, head])
