"""How far an image is from the one that it should be: PSNR and SSIM, by their reference definitions."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def psnr(a: Float[Tensor, "..."], b: Float[Tensor, "..."], data_range: float = 1.0) -> float:
    """Return the peak signal-to-noise ratio of ``a`` against ``b`` in decibels; infinite where they are equal.

    Parameters
    ----------
    a, b
        Tensors of one shape.
    data_range
        The largest value minus the smallest that an image can have.
    """
    _same_shape(a, b)
    error = (a.double() - b.double()).square().mean()
    return float(10 * torch.log10(data_range**2 / error))


def ssim(
    a: Float[Tensor, "N C H W"],
    b: Float[Tensor, "N C H W"],
    data_range: float = 1.0,
    *,
    window: int = 11,
    sigma: float = 1.5,
    k: tuple[float, float] = (0.01, 0.03),
) -> Float[Tensor, ""]:
    """Return the mean structural similarity of ``a`` and ``b`` (Wang et al. 2004): 1 where they are equal.

    It has a gradient.

    Parameters
    ----------
    a, b
        Images of one shape, at least ``window`` pixels high and wide.
    data_range
        The largest value minus the smallest that an image can have.
    window, sigma
        Side and standard deviation, in pixels, of the Gaussian window; only places where it fits whole are counted.
    k
        The constants K₁ and K₂.
    """
    _same_shape(a, b)
    if min(a.shape[-2:]) < window:
        raise ValueError(f"ssim needs images of at least {window} x {window}; these are {a.shape[-2]} x {a.shape[-1]}")
    c1, c2 = (k[0] * data_range) ** 2, (k[1] * data_range) ** 2
    # One pass over the five moments, each channel by itself
    moments = _blur(torch.cat([a, b, a * a, b * b, a * b]), window, sigma)
    mean_a, mean_b, square_a, square_b, product = moments.chunk(5)
    variance_a, variance_b = square_a - mean_a**2, square_b - mean_b**2
    covariance = product - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return (luminance * structure).mean()


def _blur(x: Tensor, window: int, sigma: float) -> Tensor:
    """Gaussian blur without padding, separably."""
    offsets = torch.arange(window, dtype=x.dtype, device=x.device) - (window - 1) / 2
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    n, c, h, w = x.shape
    x = F.conv2d(x.reshape(n * c, 1, h, w), kernel.view(1, 1, -1, 1))
    x = F.conv2d(x, kernel.view(1, 1, 1, -1))
    return x.view(n, c, *x.shape[-2:])


def _same_shape(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"the two images differ in shape: {tuple(a.shape)} and {tuple(b.shape)}")
