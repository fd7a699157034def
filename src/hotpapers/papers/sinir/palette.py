"""Palettes: repainting an image in the colours of a photograph, as SinGAN does with clip-art before painting."""

import numpy as np
import torch
from jaxtyping import Float
from scipy.cluster.vq import kmeans2, vq
from torch import Tensor


def quantise(
    x: Float[Tensor, "1 3 H W"], photograph: Float[Tensor, "1 3 h w"], colours: int, seed: int = 0
) -> Float[Tensor, "1 3 H W"]:
    """Return ``x`` with each pixel replaced by the nearest of ``colours`` cluster centres of the photograph's colours.

    K-means from a seeded k-means++ start; fewer colours come out where the photograph has fewer.
    """
    known = _colours_of(photograph)
    distinct = np.unique(known, axis=0)
    if len(distinct) <= colours:
        centres = distinct
    else:
        centres, _ = kmeans2(known, colours, minit="++", rng=np.random.default_rng(seed))
    nearest, _ = vq(_colours_of(x), centres)
    pixels = torch.from_numpy(centres[nearest]).to(x)
    return pixels.reshape(*x.shape[-2:], 3).permute(2, 0, 1)[None].contiguous()


def _colours_of(image: Tensor) -> np.ndarray:
    return image[0].permute(1, 2, 0).reshape(-1, 3).double().cpu().numpy()
