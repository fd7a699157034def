"""Masks: where an edit may show. A user's hard-edged mask becomes a soft one, as in the published inference code.

Binarise, grow by a disk, blur, stretch to [0, 1]; then ``out = (1 - mask) · input + mask · result``.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy import ndimage
from torch import Tensor

EDIT_RADIUS, HARMONISE_RADIUS = 7, 20  # SinIR's own; SinGAN has them the other way round
SIGMA = 5.0


def soften(mask: Float[np.ndarray, "H W"], radius: float, sigma: float = SIGMA) -> Float[np.ndarray, "H W"]:
    """Return ``mask`` grown by a disk of ``radius`` pixels, blurred by ``sigma`` pixels and stretched to [0, 1].

    Pixels of half the full brightness and more count as inside. A mask that is all one value stays as it is, 0 or 1.
    The blur ends after 4 ``sigma``: beyond ``radius + 4 sigma`` of the mask the result is exactly 0.

    Parameters
    ----------
    mask
        Grey values in [0, 1].
    radius
        0 leaves the outline where it is.
    sigma
        0 leaves the edge hard.
    """
    inside = mask >= 0.5
    if inside.all() or not inside.any():
        return inside.astype(np.float32)
    # What a disk reaches is what lies within its radius: the distance map says so at any radius in the same time.
    grown = (ndimage.distance_transform_edt(~inside) <= radius).astype(np.float32)
    soft = ndimage.gaussian_filter(grown, sigma, mode="nearest", truncate=4.0)
    low, high = soft.min(), soft.max()
    return grown if low == high else (soft - low) / (high - low)


def blend(
    x: Float[Tensor, "1 3 H W"], result: Float[Tensor, "1 3 H W"], mask: Float[Tensor, "H W"]
) -> Float[Tensor, "1 3 H W"]:
    """Return ``(1 - mask) x + mask result``: bit for bit ``x`` where the mask is 0 and ``result`` where it is 1."""
    if mask.shape[-2:] != x.shape[-2:]:
        raise ValueError(f"the mask is {tuple(mask.shape[-2:])}, the image {tuple(x.shape[-2:])}")
    mask = mask.to(x).expand(1, 1, *x.shape[-2:])
    return torch.where(mask == 0, x, torch.where(mask == 1, result, (1 - mask) * x + mask * result))
