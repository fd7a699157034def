"""The U-Net on images of DDPM (Ho et al., 2020), told the time by a sinusoidal embedding."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class UNet2d(nn.Module):
    """``eps(x, t)`` for square images or latents.

    Parameters
    ----------
    channels
        Of what goes in.
    width, multiples
        Channels at the first resolution, and at each over ``width``; every further one halves the size.
    attention_at
        The sizes at which there is self-attention.
    size
        Height and width of what goes in.
    blocks
        Residual blocks at each resolution on the way down; one more on the way up.
    groups
        Of each normalisation, or the next smaller number that divides its channels. DDPM's 32 leave a narrow network
        one channel a group, which hides from it how large a feature is on the whole; a quarter of the width does not.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 128,
        multiples: Sequence[int] = (1, 2, 2, 2),
        *,
        size: int = 32,
        blocks: int = 2,
        attention_at: Sequence[int] = (16,),
        dropout: float = 0.1,
        out_channels: int | None = None,
        groups: int = 32,
    ) -> None:
        super().__init__()
        self.width, self.size = width, size
        told = 4 * width
        self.time = nn.ModuleList([nn.Linear(width, told), nn.Linear(told, told)])
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        now, at, skips = width, size, [width]
        for level, each in enumerate(multiples):
            stage: Stage = Descent()
            for _ in range(blocks):
                stage.add(now, width * each, told, dropout, at in attention_at, groups)
                now = width * each
                skips.append(now)
            if level < len(multiples) - 1:
                stage.resample = Halve(now)
                at //= 2
                skips.append(now)
            self.down.append(stage)
        self.middle = nn.ModuleList(
            [
                Residual(now, now, told, dropout, groups),
                Attention(now, groups),
                Residual(now, now, told, dropout, groups),
            ]
        )
        for level, each in reversed(list(enumerate(multiples))):
            stage = Ascent()
            for _ in range(blocks + 1):
                stage.add(now + skips.pop(), width * each, told, dropout, at in attention_at, groups)
                now = width * each
            if level > 0:
                stage.resample = Double(now)
                at *= 2
            self.up.append(stage)
        self.norm = norm(now, groups)
        self.last = nn.Conv2d(now, out_channels or channels, 3, padding=1)

    def forward(
        self, x: Float[Tensor, "batch channels size size"], t: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch out size size"]:
        """Return the noise that the network sees in ``x``."""
        told = self.time[1](F.silu(self.time[0](time_embedding(t, self.width))))
        told = F.silu(told)  # every block starts with it
        h = self.first(x)
        skips = [h]
        for stage in self.down:
            h = stage(h, told, skips)
        h = self.middle[2](self.middle[1](self.middle[0](h, told)), told)
        for stage in self.up:
            h = stage(h, told, skips)
        return self.last(F.silu(self.norm(h)))


class Stage(nn.Module):
    """The blocks of one resolution, and the way to the next."""

    def __init__(self) -> None:
        super().__init__()
        self.residuals, self.attentions = nn.ModuleList(), nn.ModuleList()
        self.resample: nn.Module | None = None

    def add(self, channels: int, out: int, told: int, dropout: float, attend: bool, groups: int) -> None:
        """Add a residual block, with attention behind it where that is asked."""
        self.residuals.append(Residual(channels, out, told, dropout, groups))
        self.attentions.append(Attention(out, groups) if attend else nn.Identity())


class Descent(Stage):
    """A stage whose outputs are all kept for the way up."""

    def forward(self, h: Tensor, told: Tensor, skips: list[Tensor]) -> Tensor:
        """Return the features of the next resolution; put what is made into ``skips``."""
        for residual, attention in zip(self.residuals, self.attentions, strict=True):
            h = attention(residual(h, told))
            skips.append(h)
        if self.resample is not None:
            h = self.resample(h)
            skips.append(h)
        return h


class Ascent(Stage):
    """A stage each of whose blocks sees what was kept on the way down, last first."""

    def forward(self, h: Tensor, told: Tensor, skips: list[Tensor]) -> Tensor:
        """Return the features of the next resolution; take from ``skips``."""
        for residual, attention in zip(self.residuals, self.attentions, strict=True):
            h = attention(residual(torch.cat([h, skips.pop()], dim=1), told))
        return h if self.resample is None else self.resample(h)


class Residual(nn.Module):
    """Norm, swish, convolution, the time; norm, swish, dropout, convolution; and the way past."""

    def __init__(self, channels: int, out: int, told: int, dropout: float, groups: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = norm(channels, groups), nn.Conv2d(channels, out, 3, padding=1)
        self.told = nn.Linear(told, out)
        self.norm2, self.conv2 = norm(out, groups), nn.Conv2d(out, out, 3, padding=1)
        self.dropout = dropout
        self.past = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Float[Tensor, "b c h w"], told: Float[Tensor, "b told"]) -> Float[Tensor, "b o h w"]:
        """Return features of the same size."""
        h = self.conv1(F.silu(self.norm1(x))) + self.told(told)[:, :, None, None]
        h = F.dropout(F.silu(self.norm2(h)), self.dropout, self.training)
        return self.past(x) + self.conv2(h)


class Attention(nn.Module):
    """Self-attention over all positions, one head."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = norm(channels, groups)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return each position's features with what it attended to."""
        q, k, v = self.qkv(self.norm(x)).flatten(2).transpose(1, 2).chunk(3, dim=-1)  # b, h w, c
        h = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        return x + self.out(h.transpose(1, 2).reshape(x.shape))


class Halve(nn.Module):
    """A convolution of stride 2 that looks beyond the right and the lower edge only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h/2 w/2"]:
        """Return features of half the size."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Double(nn.Module):
    """Every pixel four times, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 2h 2w"]:
        """Return features of twice the size."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def time_embedding(t: Float[Tensor, " batch"], width: int) -> Float[Tensor, "batch width"]:
    """Return ``width/2`` sines and as many cosines of the time, with periods up to ``2 pi 10,000``."""
    half = width // 2
    frequencies = torch.exp(torch.arange(half, device=t.device) * (-math.log(10_000) / (half - 1)))
    angle = t.float()[:, None] * frequencies
    return F.pad(torch.cat([angle.sin(), angle.cos()], dim=1), (0, width % 2))


def norm(channels: int, groups: int) -> nn.GroupNorm:
    """Return DDPM's group normalisation: ``groups`` groups, or the next smaller number that divides the channels."""
    return nn.GroupNorm(max(each for each in range(1, groups + 1) if channels % each == 0), channels, eps=1e-6)
