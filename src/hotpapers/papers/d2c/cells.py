"""Cells: the residual blocks of D2C's autoencoder (NVAE's, without its hierarchy), written from their description.

A cell is ``skip(x) + 0.1 SE(ops(x))``. Encoders convolve twice, decoders widen, convolve each channel, and narrow.
Exact, and cheaper than written: what works pixel by pixel is done before an upsampling instead of behind it; in use,
what does not change with the image (lengths of filters, norms beside convolutions) is worked into the filters once.
"""

from collections.abc import Callable

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
        """Return w; in use it is kept."""
        return kept(self, lambda: (self._filters(),))[0]

    def _filters(self) -> Tensor:
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
        h = F.silu(self.norm1(x))
        if self.training:
            h = self.norm2(self.conv1(h))
        else:
            weight, bias = kept(self, lambda: behind(self.conv1.filters(), self.conv1.bias, self.norm2))
            h = F.conv2d(h, weight, bias, self.conv1.stride, 1)
        h = self.squeeze(self.conv2(F.silu(h)))
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
        folded = None if self.training else kept(self, self._folded)
        h = self.wide_norm(self.wide(self.norm(x))) if folded is None else F.conv2d(x, folded[0], folded[1])
        h = F.silu(h)
        if self.up:  # repeating pixels, and weights that add up to 1, change places with all that goes before
            skip = F.interpolate(skip, scale_factor=2.0, mode="bilinear", align_corners=True)
            h = F.interpolate(h, scale_factor=2.0, mode="nearest")
        if folded is None:
            h = self.narrow_norm(self.narrow(F.silu(self.each_norm(self.each(h)))))
        else:
            h = F.silu(F.conv2d(h, folded[2], folded[3], padding=2, groups=len(folded[2])))
            h = F.conv2d(h, folded[4], folded[5])
        return torch.add(skip, self.squeeze(h), alpha=RESIDUE)

    def _folded(self) -> tuple[Tensor, ...]:
        """Return filters and biases of the three convolutions with the four normalisations in them."""
        scale, shift = affine(self.norm)
        wide = self.wide.weight * scale[None, :, None, None]
        return (
            *behind(wide, self.wide.weight[:, :, 0, 0] @ shift, self.wide_norm),
            *behind(self.each.weight, None, self.each_norm),
            *behind(self.narrow.weight, None, self.narrow_norm),
        )


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


def kept(module: nn.Module, make: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Return what ``make`` works out of a module's weights; in use, not again before one of them changes."""
    weights = (*module.parameters(), *module.buffers())
    if module.training or (torch.is_grad_enabled() and any(each.requires_grad for each in weights)):
        return make()
    state = [(each.data_ptr(), each._version) for each in weights]
    found = getattr(module, "_kept", None)
    if found is None or found[0] != state:
        with torch.no_grad():
            found = module._kept = (state, make())  # type: ignore[assignment]
    return found[1]


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return scale and shift of a normalisation in use."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale


def behind(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return filter and bias of a convolution with the normalisation that stands behind it."""
    scale, shift = affine(norm)
    return weight * scale[:, None, None, None], shift if bias is None else shift + bias * scale


def norm(channels: int) -> nn.BatchNorm2d:
    """Return the batch normalisation of every cell."""
    return nn.BatchNorm2d(channels, eps=EPS, momentum=MOMENTUM)
