"""The networks: the paper's encoder-decoder Transformer, and the edit model, one softmax over all edits of a sequence.

``Transformer`` writes the whole fixed sequence, as the paper's. ``EditModel`` names one edit at a time and spends
nothing on learning to copy; what it is told besides the tokens is where the critic objects, and how the brackets stand.
"""

import math
from typing import cast

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.papers.bifi.vocabulary import Vocabulary

PAD, START, END, UNKNOWN = range(4)
FAR = 12
"""Distances to the critic's place are told apart up to this."""
BRACKETS = 8
"""States of brackets at a token; see ``bracket_states`` in ``judging``."""


class Attention(nn.Module):
    """Multi-head attention, with keys and values of its own sequence or of another, and a cache of them."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def keys_values(self, x: Float[Tensor, "b n d"]) -> tuple[Tensor, Tensor]:
        """Return keys and values, each (b, heads, n, d / heads)."""
        return self._split(self.key(x)), self._split(self.value(x))

    def forward(
        self, x: Float[Tensor, "b m d"], kv: tuple[Tensor, Tensor], allowed: Tensor | None
    ) -> Float[Tensor, "b m d"]:
        """Attend from ``x`` to keys and values where ``allowed`` (broadcast to b, heads, m, n) is true."""
        dropout = self.dropout if self.training else 0.0
        found = F.scaled_dot_product_attention(self._split(self.query(x)), *kv, attn_mask=allowed, dropout_p=dropout)
        return self.out(found.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear maps with a ReLU between."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.inner, self.outer, self.dropout = nn.Linear(width, hidden), nn.Linear(hidden, width), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map each position."""
        return self.outer(self.dropout(F.relu(self.inner(x))))


class EncoderLayer(nn.Module):
    """Pre-norm: attention to all, then a feed-forward network."""

    def __init__(self, width: int, hidden: int, heads: int, dropouts: tuple[float, float, float]) -> None:
        super().__init__()
        self.attention_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropouts[1])
        self.feed = FeedForward(width, hidden, dropouts[2])
        self.dropout = nn.Dropout(dropouts[0])

    def forward(self, x: Tensor, there: Bool[Tensor, "b n"]) -> Tensor:
        """Return the layer's output (b, n, d)."""
        y = self.attention_norm(x)
        x = x + self.dropout(self.attention(y, self.attention.keys_values(y), there[:, None, None]))
        return x + self.dropout(self.feed(self.feed_norm(x)))


class DecoderLayer(nn.Module):
    """Pre-norm: attention to what was written, attention to the source, then a feed-forward network."""

    def __init__(self, width: int, hidden: int, heads: int, dropouts: tuple[float, float, float]) -> None:
        super().__init__()
        self.self_norm, self.cross_norm, self.feed_norm = (nn.LayerNorm(width) for _ in range(3))
        self.attention, self.cross = (Attention(width, heads, dropouts[1]) for _ in range(2))
        self.feed = FeedForward(width, hidden, dropouts[2])
        self.dropout = nn.Dropout(dropouts[0])

    def forward(
        self,
        x: Tensor,
        source: tuple[Tensor, Tensor],
        there: Tensor,
        past: tuple[Tensor, Tensor] | None,
        causal: Tensor | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the layer's output (b, m, d), and its keys and values with those of the ``past`` before them."""
        y = self.self_norm(x)
        own = self.attention.keys_values(y)
        if past is not None:
            own = torch.cat([past[0], own[0]], 2), torch.cat([past[1], own[1]], 2)
        x = x + self.dropout(self.attention(y, own, causal))
        x = x + self.dropout(self.cross(self.cross_norm(x), source, there[:, None, None]))
        return x + self.dropout(self.feed(self.feed_norm(x))), own


class Transformer(nn.Module, PyTorchModelHubMixin):
    """The paper's model: encoder and decoder, pre-norm, one embedding for source, target and output, sine positions.

    Parameters
    ----------
    types
        The vocabulary's types; kept with the weights.
    width, hidden, heads, layers
        The paper's are 256, 1024, 8 and 4 + 4.
    dropout, attention_dropout, relu_dropout
        The paper's are 0.4, 0.2 and 0.2.
    """

    def __init__(
        self, types: list[str], language: str = "python", form: str = "raw", width: int = 256, hidden: int = 1024,
        heads: int = 8, layers: int = 4, dropout: float = 0.4, attention_dropout: float = 0.2,
        relu_dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.vocabulary = Vocabulary(types, language, form)
        self.width = width
        self.embedding = nn.Embedding(len(types), width, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        with torch.no_grad():
            self.embedding.weight[PAD].zero_()
        rates = (dropout, attention_dropout, relu_dropout)
        self.encoder = nn.ModuleList(EncoderLayer(width, hidden, heads, rates) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(width, hidden, heads, rates) for _ in range(layers))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        for name, weight in self.named_parameters():
            if weight.dim() == 2 and not name.startswith("embedding"):
                nn.init.xavier_uniform_(weight)

    def encode(self, source: Int[Tensor, "b n"]) -> tuple[Tensor, Tensor]:
        """Return what the decoder attends to (b, n, d), and where it is no padding (b, n)."""
        there = source != PAD
        x = self._embed(source, 0)
        for layer in self.encoder:
            x = layer(x, there)
        return self.encoder_norm(x), there

    def sources(self, memory: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return each decoder layer's keys and values of the source, made once."""
        return [cast(DecoderLayer, layer).cross.keys_values(memory) for layer in self.decoder]

    def decode(
        self, target: Int[Tensor, "b m"], sources: list[tuple[Tensor, Tensor]], there: Tensor,
        past: list[tuple[Tensor, Tensor]] | None = None,
    ) -> tuple[Float[Tensor, "b m v"], list[tuple[Tensor, Tensor]]]:  # fmt: skip
        """Return logits of the next token after each of ``target``, and the cache; ``past`` is that of those before."""
        done = past[0][0].shape[2] if past else 0
        x = self._embed(target, done)
        m = target.shape[1]
        causal = None if m == 1 else torch.ones(m, done + m, dtype=torch.bool, device=x.device).tril(done)
        cache = []
        for number, layer in enumerate(self.decoder):
            x, own = layer(x, sources[number], there, past[number] if past else None, causal)
            cache.append(own)
        return F.linear(self.decoder_norm(x), self.embedding.weight), cache

    def forward(self, source: Int[Tensor, "b n"], target: Int[Tensor, "b m"]) -> Float[Tensor, "b m v"]:
        """Return logits of the token after each of ``target``, which begins with ``<start>``."""
        memory, there = self.encode(source)
        return self.decode(target, self.sources(memory), there)[0]

    def loss(self, batch: dict[str, Tensor], smoothing: float = 0.1) -> Tensor:
        """Return the cross-entropy a token, smoothed, of ``target`` given ``source``."""
        target = batch["target"]
        logits = self(batch["source"], target[:, :-1])
        return F.cross_entropy(
            logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=smoothing
        )

    def _embed(self, ids: Tensor, offset: int) -> Tensor:
        positions = sine_positions(offset + ids.shape[1], self.width).to(ids.device)[offset:]
        return self.dropout(self.embedding(ids) * math.sqrt(self.width) + positions)


def sine_positions(length: int, width: int) -> Float[Tensor, "n d"]:
    """Return the positions' code: sines in the first half, cosines in the second."""
    half = width // 2
    rates = torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
    angles = torch.arange(length)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Convolution(nn.Module):
    """Pre-norm: a gated mix of neighbours, ``dilation`` apart."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 2 * width)
        self.mix = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation, groups=width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "b n d"], there: Float[Tensor, "b n 1"]) -> Float[Tensor, "b n d"]:
        """Return the layer's output."""
        y = F.glu(self.gate(self.norm(x)), -1) * there
        y = F.silu(self.mix(y.transpose(1, 2)).transpose(1, 2))
        return x + self.dropout(self.out(y))


class EditModel(nn.Module, PyTorchModelHubMixin):
    """p(edit | tokens): logits of inserting, replacing and deleting at every place, and of being done.

    Parameters
    ----------
    types
        The vocabulary's types; kept with the weights.
    width, heads, layers
        The size; ``layers`` gated convolutions, an attention after every second.
    kinds
        Messages of the critic that are told apart.
    """

    def __init__(
        self, types: list[str], language: str = "python", form: str = "abstract", width: int = 96, heads: int = 4,
        layers: int = 4, kinds: int = 512, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.vocabulary = Vocabulary(types, language, form)
        self.tokens = nn.Embedding(len(types), width)
        self.brackets = nn.Embedding(BRACKETS, width)
        self.kinds = nn.Embedding(kinds, width)
        self.distances = nn.Embedding(2 * FAR + 2, width)
        for table in (self.tokens, self.brackets, self.kinds, self.distances):
            nn.init.normal_(table.weight, std=0.3)
        nn.init.zeros_(self.kinds.weight)  # a message that was never learned from, as of another Python, says nothing
        self.convolutions = nn.ModuleList(Convolution(width, 2 ** (n % 3), dropout) for n in range(layers))
        self.attentions = nn.ModuleList(
            EncoderLayer(width, 2 * width, heads, (dropout, 0.0, 0.0)) for _ in range(layers // 2)
        )
        self.norm = nn.LayerNorm(width)
        self.change = nn.Linear(width, 2 * len(types) + 1)
        self.where = nn.Linear(width, 1)

    def forward(
        self, ids: Int[Tensor, "b n"], brackets: Int[Tensor, "b n"], place: Int[Tensor, " b"], kind: Int[Tensor, " b"]
    ) -> Float[Tensor, "b n*(2v+1)"]:
        """Return the logits of all actions.

        Parameters
        ----------
        ids
            Tokens with ``<end>`` after the last, padded.
        brackets
            The state of the brackets at each.
        place, kind
            Where the critic objects, and to what; −1 and 0 where it does not, or was not asked.
        """
        there = ids != PAD
        mask = there[..., None].float()
        n = ids.shape[1]
        off = (torch.arange(n, device=ids.device) - place[:, None]).clamp(-FAR, FAR) + FAR
        off = torch.where(place[:, None] < 0, 2 * FAR + 1, off)
        x = self.tokens(ids) + self.brackets(brackets) + self.distances(off) + self.kinds(kind)[:, None]
        for number, convolution in enumerate(self.convolutions):
            x = convolution(x, mask)
            if number % 2:
                x = self.attentions[number // 2](x, there)
        x = self.norm(x)
        logits = self.change(x) + self.where(x)
        types = len(self.vocabulary)
        # Nothing but an insertion or being done can stand at the end; padding has no edits, and is never written.
        change = torch.arange(2 * types + 1, device=ids.device)
        special = (change % types < UNKNOWN) & (change < 2 * types)
        impossible = (ids == END)[..., None] & (change >= types) & (change < 2 * types)
        return logits.masked_fill(impossible | special | ~there[..., None], -1e4).flatten(1)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the cross-entropy of the ``action`` of each example."""
        logits = self(batch["ids"], batch["brackets"], batch["place"], batch["kind"])
        return F.cross_entropy(logits, batch["action"])
