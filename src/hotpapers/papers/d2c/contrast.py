"""Contrast: MoCo v2 (He et al., 2020; Chen et al., 2020) on the latents, so that alike images lie close together.

A *query* and a *key* are two views of one image, seen by the encoder and by its slow copy; the *queue* holds keys of
other images. ``L_C = -log softmax(q·k / T)`` of the right key among all.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class Contrast(nn.Module):
    """The head of the encoder, the slow copies of both, and the queue.

    Parameters
    ----------
    encoder
        What the queries come from; it is not part of this module, its slow copy is.
    features
        Numbers in a latent.
    hidden, dim
        Of the head, two layers; with 2560 and 2048 on CIFAR's latents: 11,801,088 parameters.
    queue
        Keys that are kept; a multiple of the batch.
    momentum
        How much of the slow copies stays at each step.
    temperature
        T.
    """

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        *,
        hidden: int = 2560,
        dim: int = 2048,
        queue: int = 65_536,
        momentum: float = 0.999,
        temperature: float = 0.07,
    ) -> None:
        super().__init__()
        self.momentum, self.temperature = momentum, temperature
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, dim))
        self.slow_encoder, self.slow_head = copy.deepcopy(encoder), copy.deepcopy(self.head)
        for each in (self.slow_encoder, self.slow_head):
            each.requires_grad_(False)
        self.queue: Tensor
        self.place: Tensor
        self.register_buffer("queue", F.normalize(torch.randn(queue, dim), dim=1))
        self.register_buffer("place", torch.zeros((), dtype=torch.long))

    def query(self, z: Float[Tensor, "B c s s"]) -> Float[Tensor, "B dim"]:
        """Return the query of a latent, of length 1."""
        return F.normalize(self.head(z), dim=1)

    @torch.no_grad()
    def key(self, pixels: Float[Tensor, "B C H W"]) -> Float[Tensor, "B dim"]:
        """Return the key of what the encoder takes; it has no gradient."""
        return F.normalize(self.slow_head(self.slow_encoder(pixels)), dim=1)

    def loss(self, query: Float[Tensor, "B dim"], key: Float[Tensor, "B dim"]) -> Float[Tensor, ""]:
        """Return L_C in nats; ``ln(1 + K)`` where nothing is told apart from the K keys of the queue."""
        right = (query * key).sum(1, keepdim=True)
        logits = torch.cat([right, query @ self.queue.clone().T], 1) / self.temperature  # the queue moves on later
        return F.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long, device=query.device))

    @torch.no_grad()
    def enqueue(self, key: Float[Tensor, "B dim"]) -> None:
        """Put keys into the queue, over its oldest."""
        if len(self.queue) % len(key):
            raise ValueError(f"a queue of {len(self.queue)} is no multiple of a batch of {len(key)}")
        first = int(self.place)
        self.queue[first : first + len(key)] = key
        self.place.fill_((first + len(key)) % len(self.queue))

    @torch.no_grad()
    def follow(self, encoder: nn.Module) -> None:
        """Move the slow copies towards the encoder and its head."""
        pairs = [*zip(self.slow_encoder.parameters(), encoder.parameters(), strict=True),
                 *zip(self.slow_head.parameters(), self.head.parameters(), strict=True)]  # fmt: skip
        slow, fast = zip(*pairs, strict=True)
        torch._foreach_lerp_(list(slow), [each.detach() for each in fast], 1 - self.momentum)
