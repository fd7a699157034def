"""Random pixel shuffling: what makes a network that only reconstructs able to re-synthesise."""

import torch
from jaxtyping import Float
from torch import Tensor


def shuffle_pixels(
    x: Float[Tensor, "1 C H W"], probability: float, generator: torch.Generator | None = None
) -> Float[Tensor, "1 C H W"]:
    """Return ``x`` with each pixel, at ``probability``, overwritten by the one that a random permutation puts there.

    Pixels are overwritten, not swapped: some occur twice afterwards and some no more. The channels of a pixel stay
    together. At probability 1 the result is a permutation, at 0 the input itself.
    """
    if probability == 0:
        return x
    count = x.shape[-2] * x.shape[-1]
    permutation = torch.randperm(count, generator=generator, device=x.device)
    masked = torch.rand(count, generator=generator, device=x.device) < probability
    source = torch.where(masked, permutation, torch.arange(count, device=x.device))
    return x.flatten(2)[..., source].view_as(x)
