"""The U-Net on waveforms of CRASH (Rouard and Hadjeres, 2021; code of July 2021), told sigma by FiLM.

Exact, and cheaper than written: a 1 x 1 convolution and nearest-neighbour resampling change places, and the first
convolution after an upsampling is done on the short signal, in as many phases as differ.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
DILATIONS = (1, 2, 4, 8)
TOLD = (128, 256, 512)  # sizes of the layers that sigma goes through, at every width


class UNet1d(nn.Module):
    """``eps(x, sigma)`` for waveforms whose length is a multiple of the product of the factors.

    Parameters
    ----------
    width
        Channels of the first convolution; the blocks have multiples of it.
    multiples
        Channels of the down blocks over ``width``. With 32 and the defaults: 15,754,849 parameters.
    factors
        By how much each down block shortens the signal.
    channels, out_channels
        Of what goes in (besides the noisy signal there may be conditioning channels) and comes out.
    """

    def __init__(
        self,
        width: int = 32,
        multiples: Sequence[int] = (4, 4, 8, 16, 16),
        factors: Sequence[int] = (2, 2, 3, 5, 5),
        channels: int = 1,
        out_channels: int = 1,
    ) -> None:
        super().__init__()
        sizes = [width, *(width * each for each in multiples)]
        self.factors = tuple(factors)
        self.embedding = SigmaEmbedding()
        self.first = conv(channels, width, 5)
        self.down = nn.ModuleList(Down(a, b, f, TOLD[-1]) for a, b, f in zip(sizes, sizes[1:], factors, strict=False))
        ups = list(zip(reversed(sizes[1:]), [*reversed(sizes[1:-1]), sizes[1]], reversed(self.factors), strict=True))
        self.up = nn.ModuleList(Up(a, b, f) for a, b, f in ups)
        self.last = conv(sizes[1], out_channels, 3)

    @property
    def multiple(self) -> int:
        """Return what the length must be a multiple of."""
        return math.prod(self.factors)

    def forward(
        self, x: Float[Tensor, "batch channels length"], sigma: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch out_channels length"]:
        """Return the noise that the network sees in ``x``."""
        told = self.embedding(sigma)
        h = self.first(x)
        skips = []
        for block in self.down:
            h = block(h, told)
            skips.append(h)
        for block in self.up:
            h = block(h, skips.pop())
        return self.last(h)


class SigmaEmbedding(nn.Module):
    """32 random Fourier features of sigma, frequencies N(0, 16^2), through three layers with ReLU."""

    def __init__(self, sizes: Sequence[int] = TOLD, features: int = 32) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer("frequencies", 16 * torch.randn(1, features))
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise((2 * features, *sizes)))

    def forward(self, sigma: Float[Tensor, " batch"]) -> Float[Tensor, "batch told"]:
        """Return what the FiLM layers are told."""
        angle = 2 * math.pi * sigma[:, None].float() * self.frequencies
        h = torch.cat([angle.sin(), angle.cos()], dim=1)
        for layer in self.layers:
            h = F.relu(layer(h))
        return h


class Down(nn.Module):
    """Shorten by ``factor``, convolve, FiLM, convolve with dilations 2, 4, 8; the way past is a 1 x 1 convolution."""

    def __init__(self, channels: int, out: int, factor: int, told: int) -> None:
        super().__init__()
        self.factor = factor
        self.past = conv(channels, out, 1)
        self.first = conv(channels, out, 3)
        self.film = nn.Linear(told, 2 * out)
        self.rest = nn.ModuleList(conv(out, out, 3, each) for each in DILATIONS[1:])

    def forward(self, x: Float[Tensor, "batch c n"], told: Float[Tensor, "batch told"]) -> Float[Tensor, "batch o m"]:
        """Return a signal ``factor`` times shorter."""
        short = x[..., :: self.factor]  # nearest-neighbour, and so it may come before the 1 x 1 convolution
        gamma, beta = self.film(told)[..., None].chunk(2, dim=1)
        h = torch.addcmul(beta, gamma, self.first(F.leaky_relu(short, SLOPE)))
        for layer in self.rest:
            h = layer(F.leaky_relu(h, SLOPE))
        return h + self.past(short)


class Up(nn.Module):
    """Put the mirrored block's output beside, lengthen by ``factor``, convolve with dilations 1, 2, 4, 8."""

    def __init__(self, channels: int, out: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.past = conv(channels, out, 1)
        self.first = conv(2 * channels, out, 3)
        self.rest = nn.ModuleList(conv(out, out, 3, each) for each in DILATIONS[1:])

    def forward(self, x: Float[Tensor, "batch c m"], skip: Float[Tensor, "batch c m"]) -> Float[Tensor, "batch o n"]:
        """Return a signal ``factor`` times longer."""
        # The code activates before and after the resampling, so that the slope is squared here.
        both = F.leaky_relu(torch.cat([x, skip], dim=1), SLOPE**2)
        h = stretched_conv(both, self.first.weight, self.first.bias, self.factor)
        for layer in self.rest:
            h = layer(F.leaky_relu(h, SLOPE))
        return h + F.interpolate(self.past(x), scale_factor=float(self.factor))


def stretched_conv(
    x: Float[Tensor, "batch c m"], weight: Float[Tensor, "o c 3"], bias: Tensor | None, factor: int
) -> Float[Tensor, "batch o n"]:
    """Return ``conv(repeat_interleave(x, factor), weight, padding=1)``, computed on ``x``.

    Of ``factor`` equal neighbours the first sees the sample before, the last the one after, and those between nothing
    else: at most 5 products a sample of ``x`` instead of ``3 factor``.
    """
    if factor == 1:
        return F.conv1d(x, weight, bias, padding=1)
    left, middle, right = weight.unbind(-1)
    first = torch.stack([left, middle + right, torch.zeros_like(left)], -1)[..., :2]
    last = torch.stack([left + middle, right], -1)
    n = x.shape[-1]
    phases = [F.conv1d(x, first, bias, padding=1)[..., :n]]
    if factor > 2:
        phases += [F.conv1d(x, (left + middle + right)[..., None], bias)] * (factor - 2)
    phases.append(F.conv1d(x, last, bias, padding=1)[..., 1:])
    return torch.stack(phases, dim=-1).reshape(x.shape[0], weight.shape[0], n * factor)


def conv(channels: int, out: int, size: int, dilation: int = 1) -> nn.Conv1d:
    """Return a convolution that keeps the length, with orthogonal weights and no bias at the start."""
    layer = nn.Conv1d(channels, out, size, dilation=dilation, padding=dilation * (size // 2))
    nn.init.orthogonal_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer
