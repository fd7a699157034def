"""The reconstruction loss: (1 - SSIM) + MSE, with SSIM on values in [0, 1] and MSE on values in [-1, 1]."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


class ReconstructionLoss:
    """The loss against one target, whose statistics are worked out once and not at every step.

    Parameters
    ----------
    target
        Values in [-1, 1].
    ssim_weight, mse_weight
        1 and 1 in the paper.
    """

    def __init__(self, target: Float[Tensor, "1 C H W"], ssim_weight: float = 1.0, mse_weight: float = 1.0) -> None:
        self.target, self.ssim_weight, self.mse_weight = target, ssim_weight, mse_weight
        if ssim_weight:
            self.window = _gaussian(target)
            self.unit = (target + 1) / 2
            self.mean, self.square = _blur(torch.cat([self.unit, self.unit.square()]), self.window).chunk(2)

    def __call__(self, y: Float[Tensor, "1 C H W"]) -> Float[Tensor, ""]:
        """Return the loss of the output ``y``, values in [-1, 1]."""
        loss = self.mse_weight * F.mse_loss(y, self.target)
        if self.ssim_weight:
            loss = loss + self.ssim_weight * (1 - self._ssim((y + 1) / 2))
        return loss

    def _ssim(self, y: Tensor) -> Tensor:
        mean, square, product = _blur(torch.cat([y, y.square(), y * self.unit]), self.window).chunk(3)
        covariance = product - mean * self.mean
        structure = (2 * covariance + C2) / (square - mean**2 + self.square - self.mean**2 + C2)
        luminance = (2 * mean * self.mean + C1) / (mean**2 + self.mean**2 + C1)
        # A channel counts for 0 at least: the published "non-negative" SSIM
        return (luminance * structure).mean(dim=(2, 3)).relu().mean()


def reconstruction_loss(
    y: Float[Tensor, "1 C H W"],
    target: Float[Tensor, "1 C H W"],
    ssim_weight: float = 1.0,
    mse_weight: float = 1.0,
) -> Float[Tensor, ""]:
    """Return (1 - SSIM) + MSE of an output against its target, both with values in [-1, 1]."""
    return ReconstructionLoss(target, ssim_weight, mse_weight)(y)


def _gaussian(like: Tensor) -> Tensor:
    offsets = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    return window / window.sum()


def _blur(x: Float[Tensor, "N C H W"], window: Tensor) -> Tensor:
    """Blur without padding, along one axis and then the other."""
    n, c, h, w = x.shape
    x = F.conv2d(x.reshape(n * c, 1, h, w), window.view(1, 1, -1, 1))
    x = F.conv2d(x, window.view(1, 1, 1, -1))
    return x.view(n, c, *x.shape[-2:])
