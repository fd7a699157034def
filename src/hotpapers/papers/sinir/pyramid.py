"""Pyramids: one image at a chain of sizes, coarse to fine, and the two resamplers that make them.

The sizes and the factor follow the authors' rule, with its order of rounding and its extra scale: others give other
sizes. Each level is resized from the finer one beside it, not from the original.
"""

import functools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Resampler = str
"""``torch`` or ``matlab``."""


def pyramid_sizes(
    height: int, width: int, max_size: int, min_size: int, factor: float
) -> tuple[list[tuple[int, int]], float]:
    """Return the sizes (height, width) of all scales, coarse to fine, and the factor between them.

    Parameters
    ----------
    height, width
        The photograph's size in pixels.
    max_size
        Longer side at the finest scale.
    min_size
        Shorter side at the coarsest scale.
    factor
        The factor wished for; the one returned makes the ends meet.

    Raises
    ------
    ValueError
        If the coarsest scale would not be smaller than the finest.
    """
    longer, shorter = max(height, width), min(height, width)
    finest_longer, finest_shorter = round(longer * (max_size / longer)), round(shorter * (max_size / longer))
    coarsest_longer = round(longer * (min_size / shorter))
    if coarsest_longer >= finest_longer:
        raise ValueError(
            f"a photograph of {width} x {height} with {min_size} pixels on its shorter side is {coarsest_longer} "
            f"pixels long, which is not below the {finest_longer} of the finest scale"
        )
    steps = math.ceil(math.log(coarsest_longer / finest_longer, factor)) + 1
    factor = 1 / math.exp(math.log(finest_longer / coarsest_longer) / steps)
    finest = (finest_longer, finest_shorter) if height > width else (finest_shorter, finest_longer)
    return scaled_sizes(*finest, factor, steps + 1), factor


def scaled_sizes(height: int, width: int, factor: float, scales: int) -> list[tuple[int, int]]:
    """Return ``scales`` sizes, coarse to fine, that end at ``height`` x ``width`` with ``factor`` between them."""
    sizes, power = [(height, width)], 1.0
    for _ in range(scales - 1):
        power *= factor
        sizes.append((round(height * power), round(width * power)))
    return sizes[::-1]


def image_pyramid(
    x: Float[Tensor, "1 C H W"], sizes: Sequence[Sequence[int]], resampler: str = "torch"
) -> list[Float[Tensor, "1 C h w"]]:
    """Return ``x`` at ``sizes``, coarse to fine; each level is resized from the finer one (``x`` for the finest)."""
    levels = []
    for size in reversed(sizes):
        x = resize(x, size, resampler)
        levels.append(x)
    return levels[::-1]


def resize(x: Float[Tensor, "1 C H W"], size: Sequence[int], resampler: str = "torch") -> Float[Tensor, "1 C h w"]:
    """Return ``x`` (values in [-1, 1]) at another size in pixels; itself where it has that size.

    ``torch`` is bicubic with aligned corners and no anti-aliasing, clamped to [-1, 1]. ``matlab`` is what MATLAB's
    ``imresize`` does: bicubic with anti-aliasing, symmetric at the border, not clamped.
    """
    height, width = int(size[0]), int(size[1])
    if tuple(x.shape[-2:]) == (height, width):
        return x
    if resampler == "torch":
        return F.interpolate(x, size=(height, width), mode="bicubic", align_corners=True).clamp(-1, 1)
    down, across = (matlab_matrix(*sides).to(x) for sides in zip(x.shape[-2:], (height, width), strict=True))
    return down @ x @ across.T


@functools.lru_cache(maxsize=256)
def matlab_matrix(old: int, new: int, scale: float | None = None) -> Float[Tensor, "new old"]:
    """Return the weights of MATLAB's bicubic ``imresize`` along one axis, as a matrix (Keys' kernel, a = -1/2).

    ``scale`` is ``new / old`` unless it is given; where it is, ``new`` cuts the result off.
    """
    scale = scale or new / old
    widening = min(scale, 1.0)  # a kernel stretched by 1 / scale is the anti-aliasing
    centres = (torch.arange(new, dtype=torch.float64) + 0.5) / scale - 0.5
    reach = math.ceil(4 / widening) + 2
    places = (centres - 2 / widening).floor().long()[:, None] + torch.arange(reach)
    weights = _keys((centres[:, None] - places) * widening)
    weights = weights / weights.sum(1, keepdim=True)
    period = places.remainder(2 * old)  # symmetric: … b a | a b c | c b …
    places = torch.where(period < old, period, 2 * old - 1 - period)
    return torch.zeros(new, old, dtype=torch.float64).scatter_add_(1, places, weights).float()


def _keys(x: Tensor) -> Tensor:
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, torch.zeros_like(x)))
