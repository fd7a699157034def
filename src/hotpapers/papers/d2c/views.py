"""Views: random crops, colours, mirrors and blurs of a batch of images, on the batch's device, each image by itself."""

import dataclasses
import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

LUMA = (0.299, 0.587, 0.114)


@dataclasses.dataclass(frozen=True)
class Views:
    """What may happen to an image.

    Attributes
    ----------
    crop
        The least share of its area that is kept and enlarged to the whole.
    jitter, jittered
        Strength of brightness, contrast, saturation, and a quarter of it for the hue; how often.
    grey, mirrored, blurred
        How often it loses its colours, is mirrored, is blurred.
    """

    crop: float = 0.2
    jitter: float = 0.4
    jittered: float = 0.8
    grey: float = 0.2
    mirrored: float = 0.5
    blurred: float = 0.0

    def __call__(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Return one view of each image in [0, 1]."""
        if self.mirrored:
            x = mirror(x, self.mirrored)
        if self.crop < 1:
            x = _cropped(x, self.crop)
        if self.jitter:
            x = _where(x, self.jittered, _jittered(x, self.jitter))
        if self.grey and x.shape[1] == 3:
            x = _where(x, self.grey, _luma(x).expand_as(x))
        if self.blurred:
            x = _where(x, self.blurred, _blurred(x))
        return x


def mirror(x: Float[Tensor, "B C H W"], often: float = 0.5) -> Float[Tensor, "B C H W"]:
    """Return images of which some are mirrored."""
    return _where(x, often, x.flip(-1))


def _where(x: Tensor, often: float, other: Tensor) -> Tensor:
    return torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < often, other, x)


def _cropped(x: Tensor, least: float) -> Tensor:
    """Enlarge a part of each image: ``least`` to all of its area, edges 3:4 to 4:3, cut to fit, placed anywhere."""
    batch = len(x)
    area = least + (1 - least) * torch.rand(batch, device=x.device)
    root = torch.exp(math.log(4 / 3) * (torch.rand(batch, device=x.device) - 0.5))
    wide, high = ((area.sqrt() * each).clamp(max=1) for each in (root, 1 / root))
    left, top = ((1 - each) * (2 * torch.rand(batch, device=x.device) - 1) for each in (wide, high))
    zero = torch.zeros_like(wide)
    transform = torch.stack([torch.stack([wide, zero, left], 1), torch.stack([zero, high, top], 1)], 1)
    grid = F.affine_grid(transform, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _jittered(x: Tensor, strength: float) -> Tensor:
    def factor() -> Tensor:
        return 1 + strength * (2 * torch.rand(len(x), 1, 1, 1, device=x.device) - 1)

    x = (x * factor()).clamp(0, 1)
    middle = _luma(x).mean((2, 3), keepdim=True)
    x = (middle + factor() * (x - middle)).clamp(0, 1)
    if x.shape[1] == 3:
        grey = _luma(x)
        x = (grey + factor() * (x - grey)).clamp(0, 1)
        x = _turned(x, strength / 4 * (2 * torch.rand(len(x), 1, 1, device=x.device) - 1))
    return x


def _luma(x: Tensor) -> Tensor:
    if x.shape[1] == 1:
        return x
    return (x * x.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def _turned(x: Float[Tensor, "B 3 H W"], turn: Tensor) -> Float[Tensor, "B 3 H W"]:
    """Turn the hue by a share of the circle, value and saturation (of HSV) kept."""
    value, least = x.amax(1), x.amin(1)
    chroma = value - least
    safe = chroma.clamp(min=1e-8)
    red, green, blue = x.unbind(1)
    sixth = torch.where(
        value == red,
        ((green - blue) / safe) % 6,
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    at = sixth + 6 * turn
    return torch.stack([
        value - chroma * torch.minimum(k, 4 - k).clamp(0, 1) for k in ((n + at) % 6 for n in (5.0, 3.0, 1.0))
    ], 1)  # fmt: skip


def _blurred(x: Tensor) -> Tensor:
    """Blur all images alike, by a Gaussian of 0.1 to 2 pixels of deviation."""
    sigma = 0.1 + 1.9 * float(torch.rand(()))
    reach = max(1, min(math.ceil(3 * sigma), (min(x.shape[-2:]) - 1) // 2))
    kernel = torch.exp(-torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype).square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, 1, -1)
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="reflect"), kernel, groups=x.shape[1])
    return F.conv2d(F.pad(x, (0, 0, reach, reach), mode="reflect"), kernel.transpose(2, 3), groups=x.shape[1])
