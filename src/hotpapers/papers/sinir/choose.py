"""Choosing the start scale: it is the user's dial, and the published code leaves it to the eye.

A coarser start changes the input more and makes its patches more like the photograph's. The choice is the knee of that
trade: the start after which more change buys little more likeness.
"""

import dataclasses
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from hotpapers.metrics import patch_distance
from hotpapers.metrics.patches import patch_distances

PATCH = 7
CLEAR = 0.05  # how far a knee must stand out
_DISTANCES = 6e7  # how many pairs of patches to compare for one image: about a second


@dataclasses.dataclass(frozen=True)
class Trial:
    """What one start scale does: RMS ``change`` from the input and ``patch_distance`` to the photograph, in [0, 1]."""

    start_scale: int
    change: float
    patch_distance: float


@dataclasses.dataclass(frozen=True)
class Choice:
    """The chosen start scale, why, and what was measured; ``naive`` is the patch distance of the input itself."""

    start_scale: int
    why: str
    naive: float
    trials: tuple[Trial, ...]


def choose_start_scale(
    outputs: Sequence[Float[Tensor, "1 3 H W"]],
    x: Float[Tensor, "1 3 H W"],
    photograph: Float[Tensor, "1 3 h w"],
    mask: Bool[Tensor, "H W"] | None = None,
    first: int = 0,
) -> Choice:
    """Choose among ``outputs``, one for each start scale from coarse to fine; all values are in [-1, 1].

    Parameters
    ----------
    x
        The input that the outputs were made of.
    photograph
        What the model was trained on, at its finest size.
    mask
        Where to judge. Without it: where the input's patches are more foreign to the photograph than is usual in it.
    first
        The coarsest start that may be chosen; what is coarser is measured only.
    """
    naive, trials = measure(outputs, x, photograph, mask)
    offered = trials[first:]
    chosen, why = knee([each.change for each in offered], [each.patch_distance for each in offered], naive)
    return Choice(first + chosen, why, naive, trials)


def measure(
    outputs: Sequence[Float[Tensor, "1 3 H W"]],
    x: Float[Tensor, "1 3 H W"],
    photograph: Float[Tensor, "1 3 h w"],
    mask: Bool[Tensor, "H W"] | None = None,
) -> tuple[float, tuple[Trial, ...]]:
    """Return the patch distance of ``x``, and change and patch distance of each output; see the choice above."""
    x, photograph = ((image + 1) / 2 for image in (x, photograph))
    outputs = [(output.clamp(-1, 1) + 1) / 2 for output in outputs]
    judged = _judgeable(mask, x)
    patches = (photograph.shape[-2] - PATCH + 1) * (photograph.shape[-1] - PATCH + 1)
    if judged is None:
        judged = _foreign(x, photograph, patches)
    stride = _stride(int(judged.sum()), patches)
    while stride > 1 and not _sampled(judged, stride):
        stride -= 1
    naive = patch_distance(x, photograph, PATCH, mask=judged, stride=stride)
    trials = tuple(
        Trial(
            start_scale=k,
            change=float((output - x)[..., judged].square().mean().sqrt()),
            patch_distance=patch_distance(output, photograph, PATCH, mask=judged, stride=stride),
        )
        for k, output in enumerate(outputs)
    )
    return naive, trials


def knee(change: Sequence[float], distance: Sequence[float], naive: float) -> tuple[int, str]:
    """Return the index, coarse to fine, at which the distance has fallen most for the change it took, and why.

    Both are scaled to [0, 1]: the change by the largest, the fall of the distance from ``naive`` by the largest fall.
    The knee is where fall less change is greatest; of equals the finer.
    """
    finest = len(change) - 1
    largest_change, largest_fall = max(change), naive - min(distance)
    if largest_fall <= 0 or largest_change <= 0:
        return finest, "no start brings the image nearer to the photograph: the finest changes it least"
    falls = [(naive - each) / largest_fall for each in distance]
    gains = [fall - each / largest_change for fall, each in zip(falls, change, strict=True)]
    best = max((k for k in range(finest + 1) if falls[k] > 0), key=lambda k: (gains[k], k))
    what = "knee" if gains[best] > CLEAR else "no clear knee, the best is"
    return best, (
        f"{what}: {falls[best]:.0%} of the largest fall in patch distance "
        f"for {change[best] / largest_change:.0%} of the largest change"
    )


def _judgeable(mask: Tensor | None, x: Tensor) -> Tensor | None:
    """Keep of the mask the centres of whole patches; nothing where there are none."""
    if mask is None:
        return None
    half = PATCH // 2
    whole = torch.zeros_like(mask, dtype=torch.bool)
    whole[half : x.shape[-2] - half, half : x.shape[-1] - half] = True
    whole &= mask.bool()
    return whole if whole.any() else None


def _foreign(x: Tensor, photograph: Tensor, patches: int) -> Tensor:
    """Where the patches of ``x`` are farther from the photograph than in the mean, on a grid of samples."""
    height, width = (length - PATCH + 1 for length in x.shape[-2:])
    stride = _stride(height * width, patches)
    found = patch_distances(x, photograph, PATCH, stride=stride)
    foreign = torch.zeros(x.shape[-2:], dtype=torch.bool, device=x.device)
    half = PATCH // 2
    foreign[half : half + height : stride, half : half + width : stride] = (found >= found.mean()).reshape(
        -(-height // stride), -(-width // stride)
    )
    return foreign


def _stride(centres: int, patches: int) -> int:
    """Return the spacing of samples that keeps the number of comparisons in bounds."""
    return max(1, round((centres * patches / _DISTANCES) ** 0.5))


def _sampled(judged: Tensor, stride: int) -> bool:
    half = PATCH // 2
    return bool(judged[half::stride, half::stride].any())
