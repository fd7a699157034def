"""Cells: the residual blocks of D2C's autoencoder (NVAE's, without its hierarchy), written from their description.

A cell is ``skip(x) + 0.1 SE(ops(x))``. Encoders convolve twice, decoders widen, convolve each channel, and narrow.
Exact, and cheaper than written: what works pixel by pixel is done before an upsampling instead of behind it.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

RESIDUE = 0.1
MOMENTUM, EPS = 0.05, 1e-5  # of every batch normalisation


class NormedConv(nn.Conv2d):
    """A convolution whose filters have a learned length: ``w = exp(g) v / |v|``, g the logarithm of the length."""

    def __init__(self, channels: int, out: int, size: int, *, stride: int = 1, bias: bool = True) -> None:
        super().__init__(channels, out, size, stride=stride, padding=size // 2, bias=bias)
        length = self.weight.detach().flatten(1).norm(dim=1)
        self.log_weight_norm = nn.Parameter((length + 1e-2).log()[:, None, None, None])

    def filters(self) -> Tensor:
        """Return w."""
        length = self.weight.flatten(1).norm(dim=1)[:, None, None, None]
        return self.log_weight_norm.exp() * self.weight / (length + 1e-5)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o y x"]:
        """Return the convolution with w."""
        return F.conv2d(x, self.filters(), self.bias, self.stride, self.padding)


class Squeeze(nn.Module):
    """Squeeze and excitation: each channel is scaled by what all channels' means say."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // 16, 4)
        self.down, self.up = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return the scaled features."""
        scale = torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3))))))
        return x * scale[:, :, None, None]


class EncoderCell(nn.Module):
    """Twice norm, swish, 3 x 3; the first of stride 2 where it halves the size and doubles the channels."""

    def __init__(self, channels: int, *, down: bool = False) -> None:
        super().__init__()
        out = 2 * channels if down else channels
        self.skip = Halve(channels, out) if down else nn.Identity()
        self.norm1, self.conv1 = norm(channels), NormedConv(channels, out, 3, stride=2 if down else 1)
        self.norm2, self.conv2 = norm(out), NormedConv(out, out, 3)
        self.squeeze = Squeeze(out)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o y x"]:
        """Return features of the same size, or half."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.squeeze(self.conv2(F.silu(self.norm2(h))))
        return torch.add(self.skip(x), h, alpha=RESIDUE)


class DecoderCell(nn.Module):
    """Norm, 1 x 1 to more channels, norm, swish, 5 x 5 each channel alone, norm, swish, 1 x 1 back, norm."""

    def __init__(self, channels: int, *, widen: int = 6, up: bool = False) -> None:
        super().__init__()
        out, hidden = (channels // 2 if up else channels), channels * widen
        self.up = up
        self.skip = NormedConv(channels, out, 1, bias=False) if up else nn.Identity()
        self.norm = norm(channels)
        self.wide, self.wide_norm = nn.Conv2d(channels, hidden, 1, bias=False), norm(hidden)
        self.each = nn.Conv2d(hidden, hidden, 5, padding=2, groups=hidden, bias=False)
        self.each_norm = norm(hidden)
        self.narrow, self.narrow_norm = nn.Conv2d(hidden, out, 1, bias=False), norm(out)
        self.squeeze = Squeeze(out)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o y x"]:
        """Return features of the same size, or twice."""
        skip = self.skip(x)
        h = F.silu(self.wide_norm(self.wide(self.norm(x))))
        if self.up:  # repeating pixels, and weights that add up to 1, change places with all that goes before
            skip = F.interpolate(skip, scale_factor=2.0, mode="bilinear", align_corners=True)
            h = F.interpolate(h, scale_factor=2.0, mode="nearest")
        h = F.silu(self.each_norm(self.each(h)))
        h = self.squeeze(self.narrow_norm(self.narrow(h)))
        return torch.add(skip, h, alpha=RESIDUE)


class Halve(nn.Module):
    """Swish, then four 1 x 1 convolutions of stride 2, each a quarter of the channels from another pixel of four."""

    OFFSETS = ((0, 0), (1, 1), (0, 1), (1, 0))

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        sizes = [out // 4] * 3 + [out - 3 * (out // 4)]
        self.convs = nn.ModuleList(NormedConv(channels, size, 1, stride=2) for size in sizes)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o h/2 w/2"]:
        """Return features of half the size."""
        h = F.silu(x)
        return torch.cat([conv(h[:, :, y:, x:]) for conv, (y, x) in zip(self.convs, self.OFFSETS, strict=True)], 1)


def norm(channels: int) -> nn.BatchNorm2d:
    """Return the batch normalisation of every cell."""
    return nn.BatchNorm2d(channels, eps=EPS, momentum=MOMENTUM)
