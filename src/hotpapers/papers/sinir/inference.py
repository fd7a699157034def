"""Inference: a trained cascade as a function of an image of any size and a start scale.

An image enters at its start scale, reduced to that scale's size; the networks from there on rebuild it. Nothing is
shuffled here: that is for training.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.papers.sinir.masks import blend
from hotpapers.papers.sinir.model import SinIR
from hotpapers.papers.sinir.pyramid import image_pyramid, resize, scaled_sizes
from hotpapers.papers.sinir.tiles import cascade
from hotpapers.progress import track

ENLARGE_UP_TO = 4.0  # times the size worked at: what the paper's super-resolution does
SMALLEST = 4  # pixels: reflection at the border needs 2, and fewer than 4 hold nothing to rebuild


@torch.no_grad()
def manipulate(
    model: SinIR,
    x: Float[Tensor, "1 3 H W"],
    start_scale: int,
    mask: Float[Tensor, "H W"] | None = None,
    last_net_only: bool = False,
    *,
    size: int | None = None,
) -> Float[Tensor, "1 3 H W"]:
    """Return what the cascade makes of ``x`` (values in [-1, 1]) from ``start_scale`` on, at the size of ``x``.

    The networks work at ``size``, the longer side in pixels; left out, that of the training. At that size this is the
    published inference. Where ``x`` is larger, the finest network goes on at ever larger sizes, as in the paper's
    super-resolution, up to four times: so the result is as sharp as the untouched pixels around it. (To add the change
    to ``x`` instead would keep its detail, and with it every seam of a rough edit.)

    Parameters
    ----------
    mask
        Values in [0, 1]: ``(1 - mask) x + mask result``; ``x`` bit for bit where it is 0.
    last_net_only
        Use the finest scale's network at every scale.

    Raises
    ------
    ValueError
        If there is no such start scale, or the image is so small or narrow that a scale has no pixels.
    """
    if not 0 <= start_scale < len(model.nets):
        raise ValueError(f"start scales are 0 to {len(model.nets) - 1}, not {start_scale}")
    sizes = working_sizes(model, *x.shape[-2:], size)
    levels = image_pyramid(x, sizes, model.resampler)
    nets = [model.nets[-1]] * len(sizes) if last_net_only else list(model.nets)
    result = cascade(nets[start_scale:], levels[start_scale], sizes[start_scale:], model.resampler)
    beyond = sizes_beyond(sizes[-1], tuple(x.shape[-2:]))
    result = cascade([nets[-1]] * len(beyond), result, beyond, model.resampler)
    result = resize(result, tuple(x.shape[-2:]), model.resampler)
    return result if mask is None else blend(x, result, mask)


def candidates(
    model: SinIR,
    x: Float[Tensor, "1 3 H W"],
    mask: Float[Tensor, "H W"] | None = None,
    last_net_only: bool = False,
    *,
    size: int | None = None,
) -> list[Float[Tensor, "1 3 H W"]]:
    """Return :func:`manipulate`'s results from every start scale, coarse to fine."""
    starts = track(range(len(model.nets)), "start scales")
    return [manipulate(model, x, k, mask, last_net_only, size=size) for k in starts]


def working_sizes(model: SinIR, height: int, width: int, size: int | None = None) -> list[tuple[int, int]]:
    """Return the sizes, coarse to fine, that the networks work at for an image of ``height`` x ``width``.

    The finest has the image's shape and the longer side ``size`` (left out: the training's); the number of scales and
    the factor between them are the training's.
    """
    scale = (size or max(model.sizes[-1])) / max(height, width)
    finest = (round(height * scale), round(width * scale))
    sizes = model.sizes if finest == model.sizes[-1] else scaled_sizes(*finest, model.factor, len(model.sizes))
    if min(sizes[0]) < SMALLEST:
        raise ValueError(
            f"an image of {width} x {height} would be {sizes[0][1]} x {sizes[0][0]} at the coarsest scale, "
            f"and that needs {SMALLEST} pixels"
        )
    return sizes


def sizes_beyond(worked: tuple[int, int], wished: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes, ever larger, at which the finest network goes on from ``worked`` towards ``wished``.

    One is at most twice the size of the one before, as in the paper's super-resolution: smaller steps are more passes,
    each of which sharpens. They end at ``wished``, or before it at ``ENLARGE_UP_TO`` times ``worked``.
    """
    ratio = max(wished[0] / worked[0], wished[1] / worked[1])
    if ratio <= 1 or min(wished) < min(worked):
        return []
    limit = min(1.0, ENLARGE_UP_TO / ratio)
    last = wished if limit == 1 else (round(wished[0] * limit), round(wished[1] * limit))
    steps = max(1, math.ceil(math.log2(ratio * limit) - 1e-6))
    return scaled_sizes(*last, (ratio * limit) ** (-1 / steps), steps + 1)[1:]
