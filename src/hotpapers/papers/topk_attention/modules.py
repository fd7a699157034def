"""The layers as modules: multi-head attention with the parameters of ``nn.MultiheadAttention``, and the feed-forward.

Each holds what it computes with (``attend``, ``feed``) in an attribute, so that a model can be patched, probed and put
back without touching a weight.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.papers.topk_attention.model import Activation, topk_attention, topk_ffn

Attend = Callable[..., Tensor]  # of query, key, value and the keywords of topk_attention
Feed = Callable[..., Tensor]  # of x, w1, w2, activation, b1, b2 and dropout_p


class KeyValueCache:
    """The keys and values of what has been read, which grow in place by doubling."""

    def __init__(self) -> None:
        self.length = 0
        self._keys: Tensor | None = None
        self._values: Tensor | None = None

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add new keys and values (batch, heads, new, E) and return all there are."""
        end = self.length + key.shape[-2]
        self._keys = self._grown(self._keys, key, end)
        self._values = self._grown(self._values, value, end)
        self._keys[..., self.length : end, :], self._values[..., self.length : end, :] = key, value
        self.length = end
        return self._keys[..., :end, :], self._values[..., :end, :]

    def _grown(self, held: Tensor | None, new: Tensor, end: int) -> Tensor:
        if held is not None and held.shape[-2] >= end:
            return held
        larger = new.new_empty(*new.shape[:-2], max(64, 2 * end), new.shape[-1])
        if held is not None:
            larger[..., : self.length, :] = held[..., : self.length, :]
        return larger


class TopKMultiheadAttention(nn.MultiheadAttention):
    """``nn.MultiheadAttention`` that attends to ``topk`` keys a query; its ``state_dict`` is the same.

    Attention weights are never made: the second thing returned is ``None``, whatever ``need_weights`` says.

    Parameters
    ----------
    topk
        Keys a query keeps; ``None`` attends to all of them by PyTorch's own function.
    chunk
        Queries a chunk; left out, chosen by memory.
    """

    def __init__(
        self, embed_dim: int, num_heads: int, topk: int | None = None, chunk: int | None = None, **settings: Any
    ) -> None:
        super().__init__(embed_dim, num_heads, **settings)
        if self.bias_k is not None or self.add_zero_attn:
            raise ValueError("top-k attention has no bias_k and no zero attention")
        self.attend = make_attend(topk, chunk)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> tuple[Tensor, None]:
        """Attend as ``nn.MultiheadAttention`` does; with a ``cache``, to what it holds and then to the new keys."""
        return multihead_forward(
            self, query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal, cache
        )


class TopKFeedForward(nn.Module):
    """Two linear layers and an activation, computed from ``topk`` hidden units a token; ``None`` takes all."""

    def __init__(
        self,
        width: int,
        hidden: int,
        topk: int | None = None,
        chunk: int | None = None,
        activation: Activation = torch.relu,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.activation, self.dropout = activation, dropout
        self.feed = make_feed(topk, chunk)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output for tokens ``x`` (…, width)."""
        first, second = self.linear1, self.linear2
        dropout = self.dropout if self.training else 0.0
        return self.feed(x, first.weight, second.weight, self.activation, first.bias, second.bias, dropout_p=dropout)


def make_attend(topk: int | None, chunk: int | None = None) -> Attend:
    """Return attention to ``topk`` keys, or to all."""
    return dense_attention if topk is None else partial(topk_attention, topk=topk, chunk=chunk)


def make_feed(topk: int | None, chunk: int | None = None) -> Feed:
    """Return the feed-forward layer of ``topk`` hidden units, or of all."""
    return dense_ffn if topk is None else partial(topk_ffn, topk=topk, chunk=chunk)


def dense_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    causal_offset: int = 0,
) -> Tensor:
    """Attend to all keys by PyTorch's function, which knows neither an offset nor a mask beside ``is_causal``."""
    if is_causal and (causal_offset or attn_mask is not None):
        rows, columns = (torch.arange(each.shape[-2], device=query.device) for each in (query, key))
        causal = columns <= rows[:, None] + causal_offset
        if attn_mask is None or attn_mask.dtype == torch.bool:
            attn_mask = causal if attn_mask is None else causal & attn_mask
        else:
            attn_mask = attn_mask.masked_fill(~causal, -torch.inf)
        is_causal = False
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
    )


def dense_ffn(
    x: Tensor, w1: Tensor, w2: Tensor, activation: Activation, b1: Tensor | None = None, b2: Tensor | None = None,
    *, dropout_p: float = 0.0,
) -> Tensor:  # fmt: skip
    """Compute act(x W1ᵀ + b1) W2ᵀ + b2 with all hidden units."""
    return F.linear(F.dropout(activation(F.linear(x, w1, b1)), dropout_p), w2, b2)


def multihead_forward(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = False,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    cache: KeyValueCache | None = None,
) -> tuple[Tensor, None]:
    """Do what ``nn.MultiheadAttention.forward`` does, with ``module.attend`` in the middle."""
    batched = query.dim() == 3
    inputs = [each if batched else each.unsqueeze(0 if module.batch_first else 1) for each in (query, key, value)]
    if not module.batch_first:
        inputs = [each.transpose(0, 1) for each in inputs]
    weights = (
        module.in_proj_weight.chunk(3)
        if module._qkv_same_embed_dim
        else (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
    )
    biases = (None,) * 3 if module.in_proj_bias is None else module.in_proj_bias.chunk(3)
    q, k, v = (
        F.linear(x, weight, bias).unflatten(-1, (module.num_heads, -1)).transpose(1, 2)
        for x, weight, bias in zip(inputs, weights, biases, strict=True)
    )
    offset = 0
    if cache is not None:
        offset = cache.length
        k, v = cache.append(k, v)
    if is_causal:
        attn_mask = None  # there, the mask only says the same again
    mask = _merged(attn_mask, key_padding_mask, module.num_heads)
    dropout = module.dropout if module.training else 0.0
    out = module.attend(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=is_causal, causal_offset=offset)
    out = module.out_proj(out.transpose(1, 2).flatten(2))
    if not module.batch_first:
        out = out.transpose(0, 1)
    return (out if batched else out.squeeze(0 if module.batch_first else 1)), None


def _merged(mask: Tensor | None, padding: Tensor | None, heads: int) -> Tensor | None:
    """Return the two masks of ``nn.MultiheadAttention``, where True hides, as one where True shows."""
    if mask is not None:
        mask = mask.view(-1, heads, *mask.shape[-2:]) if mask.dim() == 3 else mask
        mask = ~mask if mask.dtype == torch.bool else mask
    if padding is None:
        return mask
    padding = padding[..., None, None, :] if padding.dim() == 2 else padding
    shown = ~padding if padding.dtype == torch.bool else padding
    if mask is None:
        return shown
    if mask.dtype == torch.bool == shown.dtype:
        return mask & shown
    as_scores = (
        torch.zeros(each.shape, device=each.device).masked_fill(~each, -torch.inf) if each.dtype == torch.bool else each
        for each in (mask, shown)
    )
    return sum(as_scores)  # type: ignore[return-value]
