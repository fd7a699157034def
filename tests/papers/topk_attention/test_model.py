"""Top-k attention is attention where nothing is dropped, and off by a known amount where something is."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from hotpapers.papers.topk_attention import topk_attention, topk_ffn
from hotpapers.papers.topk_attention.model import tournament

DOUBLE = torch.float64


def tensors(*shapes, dtype=DOUBLE, seed=0, grad=True):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_(grad) for shape in shapes]


def qkv(length=23, keys=None, dtype=DOUBLE, seed=0, heads=3):
    keys = keys or length
    return tensors((2, heads, length, 8), (2, heads, keys, 8), (2, heads, keys, 5), dtype=dtype, seed=seed)


def gradients(out, inputs):
    weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    return torch.autograd.grad((out * weights).sum(), inputs)


def assert_same(ours, theirs, inputs, tolerance):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)
    for mine, other in zip(gradients(ours, inputs), gradients(theirs, inputs), strict=True):
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (DOUBLE, 1e-12)])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("chunk", "key_chunk"), [(None, None), (5, None), (4, 7), (1, 1)])
def test_it_is_attention_where_k_reaches_the_keys(dtype, tolerance, causal, chunk, key_chunk):
    inputs = qkv(dtype=dtype)
    ours = topk_attention(*inputs, is_causal=causal, topk=99, chunk=chunk, key_chunk=key_chunk)
    assert_same(ours, F.scaled_dot_product_attention(*inputs, is_causal=causal), inputs, tolerance)


@pytest.mark.parametrize("shape", [(23, 19), (1, 19), (1, 1, 1, 19), (2, 1, 23, 19), (2, 6, 23, 19), (23, 1)])
@pytest.mark.parametrize("kind", ["bool", "float"])
def test_masks_of_every_shape_act_as_in_pytorch(shape, kind):
    q, k, v = tensors((2, 6, 23, 8), (2, 2, 19, 8), (2, 2, 19, 5))
    (mask,) = tensors(shape, seed=1)
    inputs = [q, k, v] if kind == "bool" else [q, k, v, mask]
    mask = mask.detach() > -0.5 if kind == "bool" else mask
    ours = topk_attention(q, k, v, mask, scale=0.3, enable_gqa=True, topk=19, chunk=7, key_chunk=6)
    theirs = F.scaled_dot_product_attention(q, k, v, mask, scale=0.3, enable_gqa=True)
    assert_same(ours, theirs, inputs, 1e-12)


def test_gradients_are_right_where_keys_are_dropped():
    q, k, v, mask = tensors((1, 4, 5, 3), (1, 2, 9, 3), (1, 2, 9, 2), (5, 9))
    for topk, key_chunk in ((3, None), (2, 4)):

        def attend(q, k, v, mask, topk=topk, key_chunk=key_chunk):
            return topk_attention(q, k, v, mask, enable_gqa=True, topk=topk, key_chunk=key_chunk, chunk=2)

        assert torch.autograd.gradcheck(attend, (q, k, v, mask))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(1, 30), st.booleans())
def test_the_error_is_the_mass_dropped_times_how_far_the_rest_lies(seed, topk, causal):
    q, k, v = (each.detach() for each in qkv(30, seed=seed))
    scores = q @ k.mT / math.sqrt(8)
    if causal:
        scores.masked_fill_(torch.ones(30, 30).triu(1).bool(), -math.inf)
    p = scores.softmax(-1)
    place = p.topk(topk).indices
    kept = torch.zeros_like(p).scatter(-1, place, p.gather(-1, place))
    mass = kept.sum(-1, keepdim=True)
    out_k = topk_attention(q, k, v, is_causal=causal, topk=topk)
    out_rest = (p - kept) @ v  # (1 - m) out_rest
    torch.testing.assert_close(p @ v - out_k, out_rest - (1 - mass) * out_k, rtol=0, atol=1e-12)
    bound = 2 * (1 - mass[..., 0]) * v.norm(dim=-1).amax(-1, keepdim=True)
    assert ((p @ v - out_k).norm(dim=-1) <= bound + 1e-12).all()


def test_one_key_gives_its_value_and_no_gradient_to_the_scores():
    q, k, v = qkv()
    out = topk_attention(q, k, v, topk=1)
    best = (q @ k.mT).argmax(-1)
    assert torch.equal(out, v.gather(-2, best[..., None].expand(*best.shape, 5)))
    grad_q, grad_k, _ = gradients(out, (q, k, v))
    assert not grad_q.any()
    assert not grad_k.any()


def test_chunks_and_the_order_of_keys_change_nothing():
    q, k, v = qkv(40)
    whole = topk_attention(q, k, v, topk=6)
    for chunk, key_chunk in itertools.product((1, 7, 40), (3, 16, 40)):
        torch.testing.assert_close(topk_attention(q, k, v, topk=6, chunk=chunk, key_chunk=key_chunk), whole)
    order = torch.randperm(40)
    torch.testing.assert_close(topk_attention(q, k[..., order, :], v[..., order, :], topk=6), whole)


def test_a_causal_row_depends_on_no_later_key():
    q, k, v = qkv(20)
    out = topk_attention(q, k, v, is_causal=True, topk=4, chunk=6)
    for grad in torch.autograd.grad(out[..., 7, :].sum(), (k, v)):
        assert not grad[..., 8:, :].any()
        assert grad[..., :8, :].any()


def test_masked_keys_weigh_exactly_nothing_and_a_blind_query_gets_0():
    q, k, v = qkv(10)
    mask = torch.zeros(10, 10, dtype=torch.bool)
    mask[1:, :2] = True
    v = v.detach().clone()
    v[..., 2:, :] = 1e300
    out = topk_attention(q, k, v, mask, topk=8)
    assert not out[..., 0, :].any()
    assert out.abs().max() < 10
    assert all(torch.isfinite(grad).all() for grad in gradients(out, (q, k)))


def test_dropout_keeps_the_mean_follows_the_seed_and_reaches_the_gradient():
    q, k, v = qkv(64)
    torch.manual_seed(1)
    first = topk_attention(q, k, v, topk=64, dropout_p=0.4)
    torch.manual_seed(1)
    assert torch.equal(first, topk_attention(q, k, v, topk=64, dropout_p=0.4))
    (grad,) = torch.autograd.grad(first.sum(), v)  # the same weights on the way back: Σ_ij A_ij over 5 channels
    torch.testing.assert_close((grad * v).sum(), first.sum())
    many = torch.stack([topk_attention(q, k, v, topk=64, dropout_p=0.4) for _ in range(200)])
    spread = many.std(0) / math.sqrt(200)
    assert ((many.mean(0) - topk_attention(q, k, v, topk=64)).abs() < 6 * spread).all()
    assert not topk_attention(q, k, v, topk=64, dropout_p=1.0).any()


@pytest.mark.parametrize("width", [64, 256, 512, 1024, 1000, 2048])
@pytest.mark.parametrize("k", [1, 7, 32])
def test_the_tournament_finds_the_k_largest(width, k):
    scores = torch.randn(3, 5, width, generator=torch.Generator().manual_seed(width + k))
    top, index = tournament(scores, k)
    assert torch.equal(top.sort(-1, descending=True).values, scores.topk(k).values)
    assert torch.equal(scores.gather(-1, index), top)
    assert all(len(set(row)) == k for row in index.view(-1, k).tolist())


@pytest.mark.parametrize("causal", [False, True])
def test_long_inputs_keep_the_best_keys(causal):
    q, k, v = (each.detach().float() for each in tensors((1, 2, 600, 8), (1, 2, 600, 8), (1, 2, 600, 4)))
    scores = q @ k.mT / math.sqrt(8)
    if causal:
        scores.masked_fill_(torch.ones(600, 600).triu(1).bool(), -math.inf)
    limit = scores.topk(20).values[..., -1:]
    expected = scores.masked_fill(scores < limit, -math.inf).softmax(-1) @ v
    torch.testing.assert_close(topk_attention(q, k, v, is_causal=causal, topk=20), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", [torch.relu, F.gelu, torch.tanh])
def test_feed_forward_is_exact_with_all_hidden_units_and_better_the_more_it_keeps(activation):
    inputs = tensors((2, 7, 6), (48, 6), (5, 48), (48,), (5,))
    x, w1, w2, b1, b2 = inputs
    full = F.linear(activation(F.linear(x, w1, b1)), w2, b2)
    assert_same(topk_ffn(x, w1, w2, activation, b1, b2, topk=48, chunk=4, key_chunk=11), full, inputs, 1e-12)
    hidden = activation(F.linear(x, w1, b1))
    identity = torch.eye(48, dtype=DOUBLE)
    errors = [(topk_ffn(x, w1, identity, activation, b1, topk=k) - hidden).norm() for k in (4, 12, 24, 36, 48)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-12


def test_feed_forward_with_relu_needs_no_more_units_than_are_positive():
    x, w1, w2 = tensors((9, 6), (48, 6), (5, 48))
    most = int((F.linear(x, w1) > 0).sum(-1).max())
    assert most < 48
    torch.testing.assert_close(topk_ffn(x, w1, w2, topk=most), F.linear(F.linear(x, w1).relu(), w2))
    assert torch.autograd.gradcheck(lambda x, w1, w2: topk_ffn(x, w1, w2, topk=5), (x, w1, w2))


def test_half_precision_comes_back_as_it_came_and_autocast_does_not_reach_inside():
    q, k, v = (each.detach().bfloat16() for each in qkv())
    out = topk_attention(q, k, v, topk=23)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out, F.scaled_dot_product_attention(q, k, v), rtol=2e-2, atol=2e-2)
    inputs = [each.detach().float().requires_grad_() for each in (q, k, v)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = topk_attention(*inputs, topk=23)
    torch.testing.assert_close(out, F.scaled_dot_product_attention(*inputs), rtol=1e-5, atol=1e-6)


def test_it_goes_through_torch_compile():
    inputs = qkv()
    compiled = torch.compile(lambda q, k, v: topk_attention(q + 0, k, v, topk=4) * 1, backend="eager")
    assert_same(compiled(*inputs), topk_attention(*inputs, topk=4), inputs, 1e-12)


@pytest.mark.parametrize("settings", [{"topk": 0}, {"topk": 3, "chunk": 0}, {"topk": 3, "key_chunk": -1}])
def test_sizes_below_1_are_refused(settings):
    with pytest.raises(ValueError, match="must be at least 1"):
        topk_attention(*qkv(), **settings)
