"""Whether an image is made of another's patches: nearest-neighbour patch distance and sliced Wasserstein distance."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F


def patch_distance(
    a: Float[Tensor, "1 C H W"],
    b: Float[Tensor, "1 C h w"],
    size: int = 7,
    *,
    mask: Bool[Tensor, "H W"] | None = None,
    stride: int = 1,
) -> float:
    """Return how far the patches of ``a`` are, in the mean, from the nearest patch of ``b``: 0 where all occur in it.

    The distance of two patches is the root of their mean squared difference, in the unit of the pixel values.

    Parameters
    ----------
    a, b
        The image to judge and the image that its patches should come from; sizes may differ.
    size
        Side of the square patches, in pixels.
    mask
        Judge only patches of ``a`` whose centre pixel is true here.
    stride
        Judge only every ``stride``-th row and column of patches of ``a``; all of ``b`` is always searched.
    """
    return float(patch_distances(a, b, size, mask=mask, stride=stride).mean())


def patch_distances(
    a: Float[Tensor, "1 C H W"],
    b: Float[Tensor, "1 C h w"],
    size: int = 7,
    *,
    mask: Bool[Tensor, "H W"] | None = None,
    stride: int = 1,
) -> Float[Tensor, " P"]:
    """Return the distance of each judged patch of ``a`` to its nearest in ``b``; see :func:`patch_distance`."""
    queries, keys = _patches(a, size), _patches(b, size)
    rows, columns = (length - size + 1 for length in a.shape[-2:])
    wanted = torch.zeros(rows, columns, dtype=torch.bool, device=a.device)
    wanted[::stride, ::stride] = True
    if mask is not None:
        half = size // 2
        wanted &= mask.to(a.device)[half : half + rows, half : half + columns]
    queries = queries[wanted.flatten()]
    if not len(queries):
        raise ValueError("the mask leaves no patch to judge")
    return (queries - keys[_nearest(queries, keys)]).square().mean(1).sqrt()


def sliced_wasserstein(
    a: Float[Tensor, "1 C H W"],
    b: Float[Tensor, "1 C h w"],
    size: int = 7,
    *,
    projections: int = 128,
    seed: int = 0,
) -> float:
    """Return the sliced Wasserstein distance (order 1) between the patches of ``a`` and of ``b``.

    Patches are projected on random directions of length 1; along each, the distance is the mean difference of the
    sorted values. Unlike :func:`patch_distance` it also notices what of ``b`` is missing in ``a``.

    Parameters
    ----------
    a, b
        Images; sizes may differ, values are then compared at the same quantiles.
    size
        Side of the square patches, in pixels.
    projections
        Number of directions.
    seed
        The directions' seed: the same on all devices.
    """
    first, second = _patches(a, size), _patches(b, size)
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(first.shape[1], projections, generator=generator).to(first)
    directions = directions / directions.norm(dim=0)
    sorted_a, sorted_b = ((patches @ directions).sort(dim=0).values for patches in (first, second))
    if len(sorted_a) != len(sorted_b):
        count = min(len(sorted_a), len(sorted_b))
        sorted_a, sorted_b = (
            F.interpolate(each.T[None], count, mode="linear", align_corners=True)[0].T for each in (sorted_a, sorted_b)
        )
    return float((sorted_a - sorted_b).abs().mean())


def _patches(x: Tensor, size: int) -> Float[Tensor, "P D"]:
    """All patches of one image, row by row."""
    if x.ndim != 4 or len(x) != 1:
        raise ValueError(f"patches are of one image, 1 x C x H x W; this is {tuple(x.shape)}")
    if min(x.shape[-2:]) < size:
        raise ValueError(f"an image of {x.shape[-2]} x {x.shape[-1]} has no patch of {size} x {size}")
    return F.unfold(x.float(), size)[0].T.contiguous()


def _nearest(queries: Tensor, keys: Tensor, block: int = 32_000_000) -> Tensor:
    """Index of the nearest key for each query, exactly, in blocks of at most ``block`` distances."""
    # |q - k|² = |q|² - 2 q·k + |k|²; centring keeps the products small so that float32 can tell near patches apart
    centre = keys.mean(0)
    queries, keys = queries - centre, keys - centre
    half_squares = keys.square().sum(1) / 2
    rows = max(1, block // len(keys))
    return torch.cat([(half_squares - part @ keys.T).argmin(1) for part in queries.split(rows)])
