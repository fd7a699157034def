"""Patching: a model's attention and feed-forward layers computed by top-k, in place, with the same weights.

A *site* is a layer that can be patched: it says where it is, and takes another way to compute (``install``) until it is
given its own back (``remove``). Known are this paper's modules, PyTorch's, and the BERT, GPT-2 and T5 of transformers.
"""

import dataclasses
import types
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.papers.topk_attention.modules import (
    TopKFeedForward,
    TopKMultiheadAttention,
    make_attend,
    make_feed,
    multihead_forward,
)

OWN = "_before_patch"  # where this paper's modules keep the call that they had
IMPLEMENTATION = "hotpapers_topk"  # our name among transformers' attention functions
HF_ATTENTION = ("BertSelfAttention", "BertCrossAttention", "GPT2Attention", "T5Attention")
PerLayer = int | Sequence[int] | None


def patch(
    model: nn.Module, *, attn_k: PerLayer = None, ff_k: PerLayer = None, chunk: int | None = None
) -> dict[str, int]:
    """Let the model's layers keep only their largest scores; return what was patched: layer → k.

    Parameters
    ----------
    model
        Patched in place; ``unpatch`` undoes it. Weights, ``state_dict`` and gradients stay where they are.
    attn_k, ff_k
        Keys a query keeps, hidden units a token keeps: for all layers, or one for each in the order of
        ``model.named_modules``. Left out, that kind of layer stays as it is.
    chunk
        Queries (tokens) a chunk; left out, chosen by memory.

    Raises
    ------
    ValueError
        If the model has no such layer, or another number of them than was given, or a k below 1.
    """
    made: dict[str, int] = {}
    plans: list[tuple[Site, int, Callable[..., Tensor]]] = []
    for kind, wish, make in (("attention", attn_k, make_attend), ("feed-forward", ff_k, make_feed)):
        if wish is None:
            continue
        found = [site for site in sites(model) if site.kind == kind]
        if not found:
            raise ValueError(f"the model has no {kind} layer that can be patched")
        each = [wish] * len(found) if isinstance(wish, int) else list(wish)
        if len(each) != len(found):
            raise ValueError(f"the model has {len(found)} {kind} layers, not {len(each)}")
        if min(each) < 1:
            raise ValueError(f"k must be at least 1, not {min(each)}")
        plans += [(site, k, make(k, chunk)) for site, k in zip(found, each, strict=True)]
    _close_fast_path(model)
    for site, k, call in plans:
        site.install(call)
        made[site.name] = k
    return made


def unpatch(model: nn.Module) -> None:
    """Give every layer back its own way to compute."""
    for site in sites(model):
        site.remove()
    for part in model.modules():
        if before := part.__dict__.pop("_attention_before", None):
            part.set_attn_implementation(before)  # type: ignore[operator]
        if "_fast_before" in part.__dict__:
            part.activation_relu_or_gelu = part.__dict__.pop("_fast_before")
        if "_nested_before" in part.__dict__:
            part.use_nested_tensor = part.__dict__.pop("_nested_before")


@dataclasses.dataclass(frozen=True)
class Site:
    """A layer that can be patched. Its ``method`` is bound to ``function``, which finds the call as ``attribute``."""

    name: str
    kind: Literal["attention", "feed-forward"]
    module: nn.Module
    attribute: str
    method: str = ""
    function: Callable[..., Any] | None = None
    model: nn.Module | None = None  # of transformers, whose attention function is chosen for all layers at once

    def install(self, call: Callable[..., Tensor]) -> None:
        """Compute by ``call`` from now on."""
        if (own := self.own) is not None:
            self.module.__dict__.setdefault(OWN, own)
        self.module.__dict__[self.attribute] = call
        if self.function is not None:
            self.module.__dict__[self.method] = types.MethodType(self.function, self.module)
        if self.model is not None:
            _use_in_transformers(self.model)

    def remove(self) -> None:
        """Compute as before."""
        if (own := self.own) is not None:
            self.module.__dict__[self.attribute] = own
            self.module.__dict__.pop(OWN, None)
            return
        self.module.__dict__.pop(self.attribute, None)
        if self.method:
            self.module.__dict__.pop(self.method, None)

    @property
    def own(self) -> Callable[..., Tensor] | None:
        """The call that this paper's modules compute by where they are not patched; others have none."""
        if not isinstance(self.module, TopKMultiheadAttention | TopKFeedForward):
            return None
        return self.module.__dict__.get(OWN, self.module.__dict__[self.attribute])


def sites(model: nn.Module) -> list[Site]:
    """Return the layers of ``model`` that can be patched, in the order of ``named_modules``."""
    found = [_site(name, module, model) for name, module in model.named_modules()]
    return [site for each in found for site in each]


def _site(name: str, module: nn.Module, model: nn.Module) -> list[Site]:
    known = type(module).__name__ if type(module).__module__.startswith("transformers.") else ""
    if isinstance(module, TopKMultiheadAttention):
        return [Site(name, "attention", module, "attend")]
    if isinstance(module, TopKFeedForward):
        return [Site(name, "feed-forward", module, "feed")]
    if isinstance(module, nn.MultiheadAttention) and module.bias_k is None and not module.add_zero_attn:
        return [Site(name, "attention", module, "attend", "forward", multihead_forward)]
    if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        return [Site(name, "feed-forward", module, "feed", "_ff_block", _torch_feed)]
    if known in HF_ATTENTION:
        return [Site(name, "attention", module, "topk_attend", model=model)]
    if known == "T5DenseActDense":
        return [Site(name, "feed-forward", module, "topk_feed", "forward", _t5_feed)]
    if known == "GPT2MLP":
        return [Site(name, "feed-forward", module, "topk_feed", "forward", _gpt2_feed)]
    if known == "BertLayer":
        return [Site(name, "feed-forward", module, "topk_feed", "feed_forward_chunk", _bert_feed)]
    return []


def _close_fast_path(model: nn.Module) -> None:
    """PyTorch's encoder layer has a fused path for inference that calls neither its attention nor its feed-forward."""
    for layer in model.modules():
        if isinstance(layer, nn.TransformerEncoderLayer) and "_fast_before" not in layer.__dict__:
            layer.__dict__["_fast_before"] = layer.activation_relu_or_gelu
            layer.activation_relu_or_gelu = 0
        if isinstance(layer, nn.TransformerEncoder) and "_nested_before" not in layer.__dict__:
            layer.__dict__["_nested_before"] = layer.use_nested_tensor
            layer.use_nested_tensor = False


def _torch_feed(layer: Any, x: Tensor) -> Tensor:
    dropout = layer.dropout.p if layer.training else 0.0
    first, second = layer.linear1, layer.linear2
    fed = layer.feed(x, first.weight, second.weight, layer.activation, first.bias, second.bias, dropout_p=dropout)
    last = layer.dropout3 if isinstance(layer, nn.TransformerDecoderLayer) else layer.dropout2
    return last(fed)


def _t5_feed(layer: Any, x: Tensor) -> Tensor:
    dropout = layer.dropout.p if layer.training else 0.0
    return layer.topk_feed(x, layer.wi.weight, layer.wo.weight, _plain(layer.act), dropout_p=dropout)


def _gpt2_feed(layer: Any, x: Tensor) -> Tensor:
    first, second = layer.c_fc, layer.c_proj  # Conv1D: weights are in x out
    fed = layer.topk_feed(x, first.weight.t(), second.weight.t(), _plain(layer.act), first.bias, second.bias)
    return layer.dropout(fed)


def _bert_feed(layer: Any, x: Tensor) -> Tensor:
    first, last = layer.intermediate, layer.output
    act = _plain(first.intermediate_act_fn)
    fed = layer.topk_feed(x, first.dense.weight, last.dense.weight, act, first.dense.bias, last.dense.bias)
    return last.LayerNorm(last.dropout(fed) + x)


def _plain(activation: Any) -> Any:
    """Return ReLU by the name that top-k knows it by, since it alone is selected by value."""
    return torch.relu if isinstance(activation, nn.ReLU) or activation is F.relu else activation


def _use_in_transformers(model: Any) -> None:
    """Register our attention with transformers and choose it for ``model``."""
    if "_attention_before" in model.__dict__:
        return
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import flash_attention_mask

    AttentionInterface.register(IMPLEMENTATION, attend_for_transformers)
    AttentionMaskInterface.register(IMPLEMENTATION, flash_attention_mask)  # padding alone, never n x n
    model.__dict__["_attention_before"] = model.config._attn_implementation
    model.set_attn_implementation(IMPLEMENTATION)


def attend_for_transformers(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    position_bias: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend for a layer of transformers: padding as batch x keys, causal by its own flag, T5's bias added."""
    causal = module.is_causal if is_causal is None else is_causal
    mask = attention_mask
    if mask is not None and mask.dim() == 2:
        if mask.shape[1] != key.shape[-2]:
            raise ValueError("top-k attention decodes over a dynamic cache, not over one of fixed length")
        mask = mask[:, None, None, :].bool()
    elif mask is not None:
        causal = False  # a mask of four dimensions says it all
    if position_bias is not None:
        if mask is None:
            mask = position_bias
        else:
            mask = position_bias.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else position_bias + mask
    attend = module.__dict__.get("topk_attend") or make_attend(None)
    offset = key.shape[-2] - query.shape[-2]
    out = attend(
        query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=causal, scale=scaling, causal_offset=offset,
        enable_gqa=key.shape[1] != query.shape[1],
    )  # fmt: skip
    return out.transpose(1, 2).contiguous(), None
