"""Large images, in strips of rows with bounded memory, and to the same result as whole.

InstanceNorm looks at the whole image, so strips cannot go through a network one after another. Instead every layer goes
over all strips and adds up the statistics of its output; the next layer normalises with them as it reads. Of the
feature maps one is kept, overwritten in place; the input's own features are worked out again for each strip.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hotpapers.papers.sinir.model import EPSILON, SLOPE, ScaleNet, fold
from hotpapers.papers.sinir.pyramid import Resampler, resize

WHOLE_UP_TO = 512 * 512  # pixels: five feature maps of 128 channels are 0.7 GB then
STRIP = 64 * 1024  # pixels


def cascade(
    nets: Sequence[ScaleNet],
    x: Float[Tensor, "1 3 h w"],
    sizes: Sequence[tuple[int, int]],
    resampler: Resampler,
    whole_up_to: int = WHOLE_UP_TO,
) -> Float[Tensor, "1 3 H W"]:
    """Send ``x`` through the networks, resized between them to ``sizes``; images of more pixels go in strips."""
    for net, size in zip(nets, sizes, strict=True):
        x = resize(x, size, resampler)
        x = net(x) if size[0] * size[1] <= whole_up_to else in_strips(net, x)
    return x


@torch.no_grad()
def in_strips(net: ScaleNet, x: Float[Tensor, "1 3 H W"], strip: int = STRIP) -> Float[Tensor, "1 3 H W"]:
    """Return ``net(x)`` of one scale's network, working on about ``strip`` pixels at a time.

    Besides the result this needs memory for one feature map: 512 bytes a pixel at 128 channels.
    """
    enter, leave = fold(*net.from_rgb), fold(*net.to_rgb)
    height, width = x.shape[-2:]
    if min(height, width) < 2:
        raise ValueError(f"reflection at the border needs 2 pixels; the image is {width} x {height}")
    bounds = list(_strips(height, max(2, strip // width)))
    kept = x.new_empty(1, net.blocks[0].out_channels, height, width)
    statistics: tuple[Tensor, Tensor] | None = None

    def features(first: int, end: int) -> Tensor:
        """Return rows of what the next layer reads: x ← LeakyReLU(InstanceNorm(conv(x))) + from_rgb(image)."""
        own = enter(x[..., first:end, :])
        if statistics is None:
            return own
        mean, deviation = statistics
        return F.leaky_relu((kept[..., first:end, :] - mean) / deviation, SLOPE) + own

    for conv in net.blocks:
        moments = _Moments()
        above = None  # the row over the strip, as it was before it was overwritten
        for first, end in bounds:
            read = features(first, min(end + 1, height))
            rows = [read[..., 1:2, :] if above is None else above, read]
            if end == height:
                rows.append(read[..., -2:-1, :])
            padded = F.pad(torch.cat(rows, dim=2), (1, 1, 0, 0), mode="reflect")
            above = read[..., end - first - 1 : end - first, :].clone()
            kept[..., first:end, :] = output = F.conv2d(padded, conv.weight, conv.bias)
            moments.add(output)
        statistics = moments.mean_and_deviation(x.dtype)
    return torch.cat([leave(features(first, end)) for first, end in bounds], dim=2).tanh()


class _Moments:
    """Mean and variance of each channel over strips, merged by Chan's formula in double precision."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor | float = 0.0
        self.squares: Tensor | float = 0.0

    def add(self, strip: Tensor) -> None:
        wide = strip.double() if strip.device.type != "mps" else strip  # MPS has no double
        count = strip.shape[-2] * strip.shape[-1]
        mean = wide.mean(dim=(2, 3), keepdim=True)
        shift, total = mean - self.mean, self.count + count
        self.squares = self.squares + (wide - mean).square().sum(dim=(2, 3), keepdim=True)
        self.squares = self.squares + shift.square() * (self.count * count / total)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    def mean_and_deviation(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        assert isinstance(self.mean, Tensor)
        assert isinstance(self.squares, Tensor)
        return self.mean.to(dtype), (self.squares / self.count + EPSILON).sqrt().to(dtype)


def _strips(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield first and end row of strips; the last has two rows at least, as its lower border is a reflection."""
    first = 0
    while first < height:
        end = min(first + rows, height)
        end = height if height - end < 2 else end
        yield first, end
        first = end
