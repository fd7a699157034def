"""Top-k attention and top-k feed-forward, in memory linear in the length. This file can be lifted out and used alone.

Queries go through in chunks (section 2 of the paper). Per query only the k largest scores and the indices of their keys
are kept; the activation is over those k, and all else is 0. Unlike the authors' code, nothing after the selection
touches a dense chunk: with the indices known, every product is a gather and costs O(n k d), forward and backward.

Shapes: N batch x key-value heads · G query heads a key-value head · L queries · S keys · E, Ev channels · k kept.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Activation = Callable[[Tensor], Tensor]
SCRATCH = {"cpu": 1 << 22, "cuda": 1 << 26}  # scores in work at once (chunk left out): 16 and 256 MiB
FEWEST_ROWS = 64  # of a chunk: a matrix product of fewer is slow
BLOCK = 4  # scores a match of the tournament
INT32 = 2**31 - 1


def topk_attention(
    query: Float[Tensor, "*batch L E"],
    key: Float[Tensor, "*batch S E"],
    value: Float[Tensor, "*batch S Ev"],
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    topk: int = 64,
    chunk: int | None = None,
    key_chunk: int | None = None,
    causal_offset: int = 0,
) -> Float[Tensor, "*batch L Ev"]:
    """Attend to the ``topk`` keys of largest score only, as ``torch.nn.functional.scaled_dot_product_attention`` would.

    With ``topk`` ≥ S it is softmax attention to rounding. A query whose keys are all masked gets 0. Half precisions are
    computed in float32 inside. It can be differentiated once.

    Parameters
    ----------
    query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa
        As in PyTorch. A boolean mask is True where a query may look; a float mask is added to the scores and may have a
        gradient. Unlike there, a mask and ``is_causal`` may go together. Dropout falls on the k weights.
    topk
        How many keys a query keeps (k).
    chunk
        Queries a chunk (C); left out, as many as a fixed scratch holds.
    key_chunk
        Keys a chunk: scores are then never wider, and the best k of the chunks are merged. Left out, all keys at once.
    causal_offset
        The position of the first query among the keys, for decoding over a cache.

    Raises
    ------
    ValueError
        If a size is not positive, or the shapes do not fit.
    """
    _check_positive(topk=topk, chunk=chunk, key_chunk=key_chunk)
    *leading, length, channels = query.shape
    heads = leading[-1] if enable_gqa else 1
    kv_heads = key.shape[-3] if enable_gqa else 1
    if enable_gqa and (heads % kv_heads or value.shape[-3] != kv_heads):
        raise ValueError(f"{heads} query heads cannot share {kv_heads} key and {value.shape[-3]} value heads")
    if enable_gqa:
        batch = torch.broadcast_shapes(leading[:-1], key.shape[:-3], value.shape[:-3])
        q_batch, kv_batch = (*batch, heads), (*batch, kv_heads)
    else:
        q_batch = kv_batch = tuple(torch.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2]))
    groups = heads // kv_heads
    q = query.expand(*q_batch, -1, -1).reshape(-1, groups, length, channels)
    k, v = (each.expand(*kv_batch, -1, -1).reshape(-1, *each.shape[-2:]) for each in (key, value))
    job = _Job(
        topk=min(topk, k.shape[-2]),
        activation=softmax,
        scale=channels**-0.5 if scale is None else scale,
        causal=causal_offset if is_causal else None,
        dropout=dropout_p,
        batch=q_batch,
        chunk=chunk,
        key_chunk=key_chunk,
    )
    return _compute(q, k, v, attn_mask, job).reshape(*q_batch, length, v.shape[-1])


def topk_ffn(
    x: Float[Tensor, "*batch D"],
    w1: Float[Tensor, "F D"],
    w2: Float[Tensor, "Dout F"],
    activation: Activation = torch.relu,
    b1: Float[Tensor, " F"] | None = None,
    b2: Float[Tensor, " Dout"] | None = None,
    *,
    topk: int = 256,
    dropout_p: float = 0.0,
    chunk: int | None = None,
    key_chunk: int | None = None,
) -> Float[Tensor, "*batch Dout"]:
    """Compute act(x W1ᵀ + b1) W2ᵀ + b2 from the ``topk`` hidden units alone that matter most for each token.

    The layer is attention: tokens are queries, rows of W1 keys, columns of W2 values. ReLU keeps the largest
    pre-activations, so it is exact where at most k are positive; any other activation the largest |act|, as a negative
    pre-activation may count there, too. Weights and biases have gradients.
    """
    _check_positive(topk=topk, chunk=chunk, key_chunk=key_chunk)
    tokens = x.reshape(1, 1, -1, x.shape[-1])
    job = _Job(
        topk=min(topk, w1.shape[0]),
        activation=activation,
        by_size=activation not in (torch.relu, F.relu),
        dropout=dropout_p,
        batch=(1,),
        chunk=chunk,
        key_chunk=key_chunk,
    )
    out = _compute(tokens, w1[None], w2.t()[None], b1, job).reshape(*x.shape[:-1], w2.shape[0])
    return out if b2 is None else out + b2


def softmax(scores: Float[Tensor, "... k"]) -> Float[Tensor, "... k"]:
    """Return the softmax over the kept scores; exactly 0 for a masked score, and for a row of nothing else."""
    dead = scores.amax(-1, keepdim=True) == -math.inf
    return scores.masked_fill(dead, 0).softmax(-1).masked_fill(dead, 0)


@dataclasses.dataclass(frozen=True)
class _Job:
    """The settings of one call. ``causal`` is the first query's position; ``by_size`` selects by |act|."""

    topk: int
    activation: Activation
    batch: tuple[int, ...]
    scale: float = 1.0
    causal: int | None = None
    by_size: bool = False
    dropout: float = 0.0
    chunk: int | None = None
    key_chunk: int | None = None

    def chunks(self, q: Tensor, keys: int) -> Iterator[tuple[slice, int]]:
        """Yield slices of queries, each with how many keys (from the first) the last of them may see."""
        length, rows = q.shape[2], self.chunk
        if rows is None:
            at_once = q.shape[0] * q.shape[1] * min(keys, self.key_chunk or keys)
            rows = max(FEWEST_ROWS, SCRATCH.get(q.device.type, SCRATCH["cuda"]) // max(at_once, 1))
        for start in range(0, length, rows):
            stop = min(start + rows, length)
            yield slice(start, stop), keys if self.causal is None else min(keys, max(0, stop + self.causal))


def _compute(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, job: _Job) -> Tensor:
    """Call the function in a precision that its sums can bear, whatever autocast says."""
    dtype = torch.promote_types(torch.promote_types(q.dtype, v.dtype), torch.float32)
    with torch.autocast(q.device.type, enabled=False):
        return _TopK.apply(q.to(dtype), k.to(dtype), v.to(dtype), mask, job).to(q.dtype)


class _TopK(torch.autograd.Function):
    """out = act(top-k(scale q kᵀ + mask)) v. Kept for backward: q, k, v, and for each query k scores and k indices."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, job: _Job) -> Tensor:
        heads, groups, length, _ = q.shape
        flat_k, flat_v = _rows(k), _rows(v)
        small = torch.int32 if len(flat_k) <= INT32 else torch.int64
        kept = (heads, groups, length, job.topk)
        scores, indices = q.new_full(kept, -math.inf), torch.zeros(kept, dtype=small, device=q.device)
        dropped = torch.zeros(kept, dtype=torch.bool, device=q.device) if job.dropout else None
        out = q.new_zeros(heads, groups, length, v.shape[-1])
        starts = (torch.arange(heads, device=q.device, dtype=small) * k.shape[1])[:, None, None, None]
        for part, keys in job.chunks(q, k.shape[1]):
            if keys == 0:
                continue
            top, found = _best(q[:, :, part], k, mask, part, keys, job)
            scores[:, :, part, : top.shape[-1]], indices[:, :, part, : top.shape[-1]] = top, found
            indices[:, :, part] += starts
            weights = job.activation(scores[:, :, part])
            if dropped is not None:
                dropped[:, :, part] = torch.rand_like(weights) < job.dropout
                weights = _drop(weights, dropped[:, :, part], job)
            out[:, :, part] = _weighted_sum(indices[:, :, part], flat_v, weights)
        ctx.job = job
        ctx.save_for_backward(q, k, v, mask, scores, indices, dropped)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, mask, scores, indices, dropped = ctx.saved_tensors
        job: _Job = ctx.job
        grad_mask = torch.zeros_like(mask) if ctx.needs_input_grad[3] else None
        weights, slopes = torch.empty_like(scores), torch.empty_like(scores)  # A and dS, at the kept places
        grad_q, flat_k, flat_v = torch.empty_like(q), _rows(k), _rows(v)
        for part, _keys in job.chunks(q, k.shape[1]):
            found = indices[:, :, part]
            with torch.enable_grad():
                top = scores[:, :, part].detach().requires_grad_()
                active = job.activation(top)
            slope = _dots(found, flat_v, grad[:, :, part])
            if dropped is not None:
                slope = _drop(slope, dropped[:, :, part], job)
            (slope,) = torch.autograd.grad(active, top, slope)
            weights[:, :, part] = (
                active.detach() if dropped is None else _drop(active.detach(), dropped[:, :, part], job)
            )
            if grad_mask is not None:
                _add_to_mask(grad_mask, slope, found % k.shape[1], part, k.shape[1], job)
            slopes[:, :, part] = slope.mul_(job.scale)
            grad_q[:, :, part] = _weighted_sum(found, flat_k, slopes[:, :, part])
        grad_k, grad_v = _scattered_sums(indices, (slopes, q), (weights, grad), keys=k.shape[1])
        return grad_q, grad_k, grad_v, grad_mask, None


def _best(
    q: Tensor, k: Tensor, mask: Tensor | None, part: slice, keys: int, job: _Job
) -> tuple[Float[Tensor, "N G C k"], Tensor]:
    """Return the best scores of a chunk of queries among the first ``keys`` keys, and the indices of those keys."""
    best: tuple[Tensor, Tensor, Tensor] | None = None  # rank, score, index
    width = job.key_chunk or keys
    for start in range(0, keys, width):
        stop = min(start + width, keys)
        s = _scores(q, k, mask, part, slice(start, stop), job)
        rank = job.activation(s).abs() if job.by_size else s
        if job.by_size:
            rank = _padded(rank)
        top, index = tournament(rank, min(job.topk, stop - start))
        index = index.clamp_(max=stop - start - 1)  # padding, taken only where all is masked
        score = s.gather(-1, index) if job.by_size else top
        if best is None:
            best = top, score, index + start
            continue
        merged = [torch.cat(pair, -1) for pair in zip(best, (top, score, index + start), strict=True)]
        place = merged[0].topk(min(job.topk, merged[0].shape[-1]), sorted=False).indices
        best = merged[0].gather(-1, place), merged[1].gather(-1, place), merged[2].gather(-1, place)
    assert best is not None
    return best[1], best[2]


def _scores(q: Tensor, k: Tensor, mask: Tensor | None, part: slice, columns: slice, job: _Job) -> Tensor:
    """Return scale q kᵀ + mask for a chunk of queries and of keys; padded with -inf for the tournament."""
    heads, groups, rows, channels = q.shape
    width = columns.stop - columns.start
    # A little wider than needed, so that the tournament's rounds divide it.
    s = q.new_empty(heads, groups, rows, width if job.by_size else _round_up(width))
    s[..., width:] = -math.inf
    inner = s.view(heads, groups * rows, -1)[..., :width]
    torch.matmul((q * job.scale).reshape(heads, -1, channels), k[:, columns].mT, out=inner)
    s_inner = s[..., :width]
    if mask is not None:
        piece = _piece_of_mask(mask, part, columns, job, (heads, groups, rows, width))
        if mask.dtype == torch.bool:
            s_inner.masked_fill_(~piece, -math.inf)
        else:
            s_inner.add_(piece)
    if job.causal is not None and columns.stop > part.start + job.causal + 1:
        position = torch.arange(part.start, part.stop, device=q.device)[:, None] + job.causal
        s_inner.masked_fill_(torch.arange(columns.start, columns.stop, device=q.device) > position, -math.inf)
    return s


def tournament(s: Float[Tensor, "... S"], k: int) -> tuple[Float[Tensor, "... k"], Tensor]:
    """Return the k largest of the last dimension and their indices, in no order.

    Whatever is among the k best lies in one of the k blocks of best maxima; so the blocks are found first, by the same
    means, then k x 4 candidates are left. Widths that the rounds do not divide, and CUDA, have ``topk`` at once.
    """
    width = s.shape[-1]
    if s.device.type != "cpu" or width % BLOCK or width <= 2 * BLOCK * k:
        return s.topk(min(k, width), sorted=False)
    count = width // BLOCK
    blocks = s.unflatten(-1, (BLOCK, count))  # block j holds j, j + count, …: its maximum is taken over whole rows
    _, winners = tournament(blocks.amax(-2), k)
    candidates = torch.cat([winners + row * count for row in range(BLOCK)], -1)
    top, place = s.gather(-1, candidates).topk(k, sorted=False)
    return top, candidates.gather(-1, place)


def _round_up(width: int) -> int:
    rounds = BLOCK**3
    return width if width <= 256 else -(-width // rounds) * rounds


def _padded(s: Tensor) -> Tensor:
    extra = _round_up(s.shape[-1]) - s.shape[-1]
    return F.pad(s, (0, extra), value=-math.inf) if extra else s


def _piece_of_mask(mask: Tensor, part: slice, columns: slice, job: _Job, shape: tuple[int, ...]) -> Tensor:
    """Return what a mask that broadcasts to (*batch, L, S) says of a chunk, in the chunk's shape."""
    if mask.dim() >= 2 and mask.shape[-2] != 1:
        mask = mask[..., part, :]
    if mask.shape[-1] != 1:
        mask = mask[..., columns]
    return mask.expand(*job.batch, *shape[-2:]).reshape(shape)


def _add_to_mask(grad: Tensor, slope: Tensor, index: Tensor, part: slice, keys: int, job: _Job) -> None:
    """Add dS of a chunk, given at its kept places, to the gradient of a mask that was broadcast."""
    dense = slope.new_zeros(*slope.shape[:-1], keys).scatter_add_(-1, index.long(), slope)
    dense = dense.view(*job.batch, *dense.shape[-2:])
    target = grad[..., part, :] if grad.dim() >= 2 and grad.shape[-2] != 1 else grad
    target += dense.sum_to_size(target.shape)


def _drop(x: Tensor, dropped: Tensor, job: _Job) -> Tensor:
    return x.masked_fill(dropped, 0) / (1 - job.dropout) if job.dropout < 1 else torch.zeros_like(x)


def _rows(x: Float[Tensor, "N S E"]) -> Float[Tensor, "NS E"]:
    """Return the keys or values of all heads one below the other; an index then names one of any head."""
    return x.reshape(-1, x.shape[-1])


def _weighted_sum(index: Tensor, x: Float[Tensor, "NS E"], weights: Float[Tensor, "N G C k"]) -> Tensor:
    """Return Σ_j weights_j x[index_j] for each query, without the n x k x E tensor of what is summed."""
    k = index.shape[-1]
    out = F.embedding_bag(index.reshape(-1, k), x, per_sample_weights=weights.reshape(-1, k), mode="sum")
    return out.view(*index.shape[:-1], x.shape[-1])


def _dots(index: Tensor, x: Float[Tensor, "NS E"], y: Float[Tensor, "N G C E"]) -> Float[Tensor, "N G C k"]:
    """Return x[index_j] · y for each query: what embedding_bag's backward works out for its weights."""
    k, queries = index.shape[-1], y.shape[:-1].numel()
    offsets = torch.arange(0, queries * k, k, device=x.device, dtype=index.dtype)
    owner = torch.arange(queries, device=x.device, dtype=index.dtype).repeat_interleave(k)
    found = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        y.reshape(-1, y.shape[-1]).contiguous(), x, index.reshape(-1), offsets, owner, 0
    )
    return found.view(index.shape)


def _scattered_sums(
    indices: Tensor, *terms: tuple[Float[Tensor, "N G L k"], Float[Tensor, "N G L E"]], keys: int
) -> list[Float[Tensor, "N S E"]]:
    """Return for each (weights, x) the sum at every key of weights x over the queries that kept it.

    The kept places sorted by key are bags of queries: no atomic addition, so it is deterministic on a GPU as well.
    """
    heads, k = indices.shape[0], indices.shape[-1]
    sums = [x.new_empty(heads, keys, x.shape[-1]) for _, x in terms]
    for head in range(heads):
        key, place = torch.sort(indices[head].reshape(-1), stable=True)
        every = torch.arange(head * keys, (head + 1) * keys, device=key.device, dtype=key.dtype)
        offsets, query = torch.searchsorted(key, every), place // k
        for total, (weights, x) in zip(sums, terms, strict=True):
            ordered = weights[head].reshape(-1).index_select(0, place)  # eight times as fast as indexing
            total[head] = F.embedding_bag(query, _rows(x[head]), offsets, per_sample_weights=ordered, mode="sum")
    return sums


def _check_positive(**sizes: int | None) -> None:
    for name, size in sizes.items():
        if size is not None and size < 1:
            raise ValueError(f"{name} must be at least 1, not {size}")
