"""Discretised logistics: what the decoder says of each pixel, a mixture of logistics on the grid of ``2^bits`` values.

Salimans et al. (PixelCNN++, 2017): the first and the last value take the tails; green leans on red, and blue on both.
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional as F

LEAST_LOG_SCALE = -7.0


def channels_out(channels: int, mixtures: int) -> int:
    """Return how many numbers a pixel needs: 100 for colour and 10 mixtures, 30 for grey."""
    return mixtures * (1 + 2 * channels + channels * (channels - 1) // 2)


def quantise(x: Float[Tensor, "..."], bits: int) -> Float[Tensor, "..."]:
    """Return pixels in [0, 1] on the grid of ``2^bits`` values, 0 and 1 among them."""
    byte = (x * 255).round()
    return byte / 255 if bits == 8 else (byte / 2 ** (8 - bits)).floor() / (2**bits - 1)


class Mixture:
    """The distribution of images, each pixel by itself.

    Parameters
    ----------
    numbers
        What the decoder gives: B x ``channels_out(C, K)`` x H x W; K logits, then means, log-scales and, in colour,
        couplings, each K times C.
    channels
        1 for grey, 3 for colour.
    bits
        Of the grid.
    """

    def __init__(self, numbers: Float[Tensor, "B N H W"], channels: int, bits: int) -> None:
        batch, count, height, width = numbers.shape
        self.channels, self.bits = channels, bits
        mixtures = count // channels_out(channels, 1)
        if channels_out(channels, mixtures) != count:
            raise ValueError(f"{count} numbers a pixel are no mixture for {channels} channels")
        self.logits = numbers[:, :mixtures]
        # B x C x (means, log-scales, couplings) K x H x W; grey has no couplings
        parts = 3 if channels == 3 else 2
        rest = numbers[:, mixtures:].reshape(batch, channels, parts * mixtures, height, width)
        self.means, log_scales = rest[:, :, :mixtures], rest[:, :, mixtures : 2 * mixtures]
        self.log_scales = log_scales.clamp(min=LEAST_LOG_SCALE)
        self.couplings = rest[:, :, 2 * mixtures :].tanh() if channels == 3 else None

    def log_prob(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, " B"]:
        """Return the log-probability in nats of images in [0, 1] on the grid."""
        value = (2 * x - 1)[:, :, None]  # B x C x 1 x H x W
        half = 1 / (2**self.bits - 1)
        centred = value - self._means_given(value)
        shrink = (-self.log_scales).exp()
        plus, minus = shrink * (centred + half), shrink * (centred - half)
        # P = sigmoid(plus) - sigmoid(minus) = (e^width - 1) sigmoid(minus) sigmoid(-plus), width = plus - minus
        width = 2 * half * shrink
        inside = F.logsigmoid(minus) + F.logsigmoid(-plus) + _log_expm1(width)
        log_p = torch.where(value < -1 + half, F.logsigmoid(plus), inside)
        log_p = torch.where(value > 1 - half, F.logsigmoid(-minus), log_p)
        return torch.logsumexp(log_p.sum(1) + F.log_softmax(self.logits, 1), 1).sum((1, 2))

    def sample(self, generator: Generator | None = None) -> Float[Tensor, "B C H W"]:
        """Return images in [0, 1], drawn; not rounded to the grid, as the authors do."""
        u = _uniform(self.logits, generator)
        chosen = (self.logits - (-u.log()).log()).argmax(1)  # Gumbel's trick
        mean, log_scale, coupling = self._of(chosen)
        u = _uniform(mean, generator)
        noise = log_scale.exp() * (u.log() - (-u).log1p())
        return self._chained(mean + noise, coupling)

    def mean(self) -> Float[Tensor, "B C H W"]:
        """Return the expected image: each part's chained means, weighted."""
        weights = self.logits.softmax(1)
        parts = [self._chained(*self._of(torch.full_like(weights[:, 0], k, dtype=torch.long), noise=False))
                 for k in range(weights.shape[1])]  # fmt: skip
        return sum((weights[:, k : k + 1] * part for k, part in enumerate(parts)), torch.zeros_like(parts[0]))

    def mode(self) -> Float[Tensor, "B C H W"]:
        """Return the centre of the part of the mixture whose peak is highest, on the grid."""
        chosen = (F.log_softmax(self.logits, 1) - self.log_scales.sum(1)).argmax(1)
        mean, _, coupling = self._of(chosen)
        steps = 2**self.bits - 1
        return (self._chained(mean, coupling) * steps).round() / steps

    def _means_given(self, value: Tensor) -> Tensor:
        if self.couplings is None:
            return self.means
        red, green = value[:, 0], value[:, 1]
        first, second, third = self.couplings.unbind(1)
        return torch.stack([
            self.means[:, 0], self.means[:, 1] + first * red, self.means[:, 2] + second * red + third * green
        ], 1)  # fmt: skip

    def _of(self, chosen: Tensor, noise: bool = True) -> tuple[Tensor, ...]:
        """Return the means, log-scales and couplings, B x C x H x W, of one part of the mixture at each pixel."""
        index = chosen[:, None, None].expand(-1, self.channels, -1, -1, -1)
        given = [self.means, self.log_scales, self.couplings]
        taken = [each.gather(2, index)[:, :, 0] if each is not None else None for each in given]
        return tuple(taken) if noise else (taken[0], taken[2])  # type: ignore[return-value]

    def _chained(self, values: Tensor, couplings: Tensor | None) -> Tensor:
        """Return pixels in [0, 1] of what each channel has by itself."""
        if couplings is None:
            return (values.clamp(-1, 1) + 1) / 2
        red = values[:, 0].clamp(-1, 1)
        green = (values[:, 1] + couplings[:, 0] * red).clamp(-1, 1)
        blue = (values[:, 2] + couplings[:, 1] * red + couplings[:, 2] * green).clamp(-1, 1)
        return (torch.stack([red, green, blue], 1) + 1) / 2


def _log_expm1(x: Tensor) -> Tensor:
    return x + torch.log(-torch.expm1(-x.clamp(min=math.exp(-30))))


def _uniform(like: Tensor, generator: Generator | None) -> Tensor:
    u = torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)
    return u * (1 - 2e-5) + 1e-5
