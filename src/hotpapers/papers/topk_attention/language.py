"""A byte-level transformer that reads text: a language model where it is causal, a classifier where it has classes.

Its layers are this paper's modules, so that it is trained dense and then patched, or trained with top-k from the start.
"""

from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float, Int
from torch import Tensor, nn

from hotpapers.papers.topk_attention.modules import KeyValueCache, TopKFeedForward, TopKMultiheadAttention

BYTES = 256


class ByteTransformer(nn.Module, PyTorchModelHubMixin):
    """Pre-norm transformer over bytes.

    Parameters
    ----------
    width, heads, layers, hidden
        Channels, attention heads, layers, and hidden units of the feed-forward (ReLU).
    context
        The longest text that it reads at once, in bytes.
    classes
        0 for a language model; else how many classes a text is put into, by the mean over its bytes.
    attn_k, ff_k
        What attention and feed-forward keep; ``None`` is all.
    labels
        The names of the classes, where they have any.
    """

    def __init__(
        self,
        width: int = 96,
        heads: int = 4,
        layers: int = 2,
        hidden: int = 384,
        context: int = 192,
        classes: int = 0,
        attn_k: int | None = None,
        ff_k: int | None = None,
        labels: list[str] | None = None,
    ) -> None:
        super().__init__()
        self.context, self.classes, self.labels = context, classes, labels
        self.embed, self.place = nn.Embedding(BYTES, width), nn.Embedding(context, width)
        self.layers = nn.ModuleList(Layer(width, heads, hidden, attn_k, ff_k) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes or BYTES)
        for table in (self.embed, self.place):
            nn.init.normal_(table.weight, std=0.02)

    def forward(
        self,
        ids: Int[Tensor, "B L"],
        padding: Tensor | None = None,
        caches: list[KeyValueCache] | None = None,
    ) -> Float[Tensor, "..."]:
        """Return the logits of the next byte at every place (B L 256), or of the classes (B classes).

        Parameters
        ----------
        padding
            True where a text has ended (B L).
        caches
            One a layer, to go on from what was read before.

        Raises
        ------
        ValueError
            If there are more bytes than the context holds.
        """
        start = caches[0].length if caches else 0
        if start + ids.shape[1] > self.context:
            raise ValueError(f"the model reads {self.context} bytes at once, not {start + ids.shape[1]}")
        x = self.embed(ids) + self.place.weight[start : start + ids.shape[1]]
        for number, layer in enumerate(self.layers):
            x = layer(x, padding, causal=not self.classes, cache=caches[number] if caches else None)
        x = self.norm(x)
        if self.classes:
            shown = torch.ones_like(ids, dtype=x.dtype) if padding is None else (~padding).to(x.dtype)
            x = (x * shown[..., None]).sum(1) / shown.sum(1, keepdim=True)
        return self.head(x)

    @torch.no_grad()
    def continue_text(self, ids: Int[Tensor, "1 L"], count: int) -> Int[Tensor, "1 N"]:
        """Return ``ids`` and the ``count`` likeliest next bytes, one by one over key-value caches."""
        caches = [KeyValueCache() for _ in self.layers]
        new = ids
        for _ in range(count):
            new = self(new, caches=caches)[:, -1:].argmax(-1)
            ids = torch.cat([ids, new], 1)
        return ids


class Layer(nn.Module):
    """Attention and feed-forward, each on its normalised input and added to it."""

    def __init__(self, width: int, heads: int, hidden: int, attn_k: int | None, ff_k: int | None) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = TopKMultiheadAttention(width, heads, attn_k, batch_first=True)
        self.feed_forward = TopKFeedForward(width, hidden, ff_k)

    def forward(self, x: Tensor, padding: Tensor | None, causal: bool, cache: Any = None) -> Tensor:
        """Return the layer's output for ``x`` (B L width)."""
        y = self.norm1(x)
        x = x + self.attention(y, y, y, key_padding_mask=padding, is_causal=causal, cache=cache)[0]
        return x + self.feed_forward(self.norm2(x))
