"""The encoder that RASP abstracts: attention and feed-forward sublayers over a residual stream.

One class serves both uses: trained (layer norm after each sublayer, sinusoidal positions, as the paper's) and compiled
(no norm, a sink that attention falls to where nothing is chosen, weights set by ``compiler``).
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

PADDING = 0
"""The token that stands after the end of a sequence; tokens of the vocabulary count from 1."""


class Attention(nn.Module):
    """Multi-head attention. With a ``sink``, one more key is there to attend to, whose key and value are learned."""

    def __init__(self, width: int, heads: int, head_width: int, *, sink: bool) -> None:
        super().__init__()
        self.heads, self.head_width = heads, head_width
        self.queries, self.keys, self.values = (nn.Linear(width, heads * head_width) for _ in range(3))
        self.out = nn.Linear(heads * head_width, width)
        self.sink_key = nn.Parameter(torch.zeros(heads, head_width)) if sink else None
        self.sink_value = nn.Parameter(torch.zeros(heads, head_width)) if sink else None

    def forward(
        self, x: Float[Tensor, "b n d"], there: Bool[Tensor, "b n"]
    ) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "b h n m"]]:
        """Return what each position gathers, and the weights with which it does; a sink is the last of the m."""
        b, n, _ = x.shape

        def split(y: Tensor) -> Tensor:
            return y.view(b, n, self.heads, self.head_width).transpose(1, 2)  # b h n e

        q, k, v = split(self.queries(x)), split(self.keys(x)), split(self.values(x))
        if self.sink_key is not None and self.sink_value is not None:
            k = torch.cat([k, self.sink_key[None, :, None].expand(b, -1, 1, -1)], dim=2)
            v = torch.cat([v, self.sink_value[None, :, None].expand(b, -1, 1, -1)], dim=2)
            there = torch.cat([there, there.new_ones(b, 1)], dim=1)
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.head_width)
        weights = scores.masked_fill(~there[:, None, None], -torch.inf).softmax(dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, n, -1)), weights


class FeedForward(nn.Sequential):
    """What happens at each position by itself: one hidden layer of rectifiers."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    @property
    def parts(self) -> tuple[nn.Linear, nn.Linear]:
        """What leads into the hidden units and out of them."""
        into, out = self[0], self[2]
        assert isinstance(into, nn.Linear)
        assert isinstance(out, nn.Linear)
        return into, out


class Encoder(nn.Module, PyTorchModelHubMixin):
    """A transformer encoder.

    Parameters
    ----------
    vocabulary
        The tokens it knows; ``vocabulary[t - 1]`` is token t.
    outputs
        The values it can answer, one class each.
    width
        Size of the residual stream.
    order
        Its sublayers: ``a`` for attention, ``f`` for feed-forward; ``afaf`` has two ordinary layers.
    heads
        Heads of each attention, in order; one of none passes the stream on.
    hidden
        Hidden units of each feed-forward, in order.
    head_width
        Size of a head; ``width`` divided by the heads when it is left out.
    norm, sink
        Whether there is layer norm after each sublayer, and a sink in each attention.
    max_length
        The longest sequence it has positions for.
    sop
        What it computes, for people to read.
    """

    def __init__(
        self,
        vocabulary: Sequence[Any],
        outputs: Sequence[Any],
        width: int,
        order: str,
        heads: Sequence[int],
        hidden: Sequence[int],
        max_length: int,
        head_width: int | None = None,
        norm: bool = True,
        sink: bool = False,
        sop: str = "",
    ) -> None:
        super().__init__()
        self.vocabulary, self.outputs, self.max_length, self.order, self.sop = (
            list(vocabulary), list(outputs), max_length, order, sop,
        )  # fmt: skip
        self.tokens = nn.Embedding(len(self.vocabulary) + 1, width, padding_idx=PADDING)
        self.positions: Tensor
        self.register_buffer("positions", sinusoids(max_length, width))
        attentions = iter(Attention(width, each, head_width or width // each, sink=sink) for each in heads if each)
        empty = iter(each == 0 for each in heads)
        forwards = iter(FeedForward(width, each) for each in hidden)
        self.sublayers = nn.ModuleList(
            (nn.Identity() if next(empty) else next(attentions)) if kind == "a" else next(forwards) for kind in order
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) if norm else nn.Identity() for _ in order)
        self.answer = nn.Linear(width, len(self.outputs))

    def forward(self, tokens: Int[Tensor, "b n"]) -> tuple[Float[Tensor, "b n c"], list[Float[Tensor, "b h n m"]]]:
        """Return the logits of each position's answer, and every attention's weights."""
        there = tokens != PADDING
        x = self.tokens(tokens) + self.positions[: tokens.shape[1]]
        patterns = []
        for sublayer, norm in zip(self.sublayers, self.norms, strict=True):
            if isinstance(sublayer, Attention):
                gathered, weights = sublayer(x, there)
                patterns.append(weights)
                x = norm(x + gathered)
            elif not isinstance(sublayer, nn.Identity):
                x = norm(x + sublayer(x))
        return self.answer(x), patterns

    def encode(self, sequences: Sequence[Iterable[Any]]) -> Int[Tensor, "b n"]:
        """Return sequences as tokens, padded to the longest.

        Raises
        ------
        ValueError
            If a sequence is empty or too long, or has an element that is not in the vocabulary.
        """
        known = {value: place for place, value in enumerate(self.vocabulary, start=1)}
        rows = [list(each) for each in sequences]
        longest = max(map(len, rows), default=0)
        if longest > self.max_length or any(not row for row in rows):
            raise ValueError(f"the model takes sequences of 1 to {self.max_length} elements")
        unknown = next((each for row in rows for each in row if each not in known), None)
        if unknown is not None:
            raise ValueError(f"the model does not know {unknown!r}; it knows {self.vocabulary}")
        return torch.tensor([[known[each] for each in row] + [PADDING] * (longest - len(row)) for row in rows])

    @torch.no_grad()
    def values(self, sequences: Sequence[Iterable[Any]]) -> list[list[Any]]:
        """Return the values that the model answers on each sequence."""
        tokens = self.encode(sequences).to(self.positions.device)
        chosen = self(tokens)[0].argmax(dim=-1).tolist()
        lengths = (tokens != PADDING).sum(dim=1).tolist()
        return [[self.outputs[each] for each in row[:n]] for row, n in zip(chosen, lengths, strict=True)]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """On a string or a list of elements, return the model's values; on tokens, do as ``forward``."""
        if arguments and isinstance(arguments[0], str | list):
            return self.values([arguments[0]])[0]
        return super().__call__(*arguments, **named)


def sinusoids(length: int, width: int) -> Float[Tensor, "n d"]:
    """Return the sinusoidal positions of Vaswani et al. (2017), section 3.5."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(length, -1)[:, :width].clone()


def layered(layers: int) -> str:
    """Return the order of the sublayers of ordinary layers: attention, then feed-forward."""
    return "af" * layers
