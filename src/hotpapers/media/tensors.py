"""Between pictures (arrays, height x width x channels) and the tensors that networks take."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def to_tensor(pixels: np.ndarray) -> "torch.Tensor":
    """Return a picture as a batch of one for a network.

    Parameters
    ----------
    pixels
        H x W x C or H x W; floats are taken as they are, ``uint8`` is divided by 255.

    Returns
    -------
    torch.Tensor
        1 x C x H x W, float32, with its own memory.
    """
    import torch

    values = np.asarray(pixels)
    scale = 255 if values.dtype == np.uint8 else 1
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3:
        raise ValueError(f"a picture is H x W x C or H x W, not {values.shape}")
    return torch.from_numpy(np.array(values.transpose(2, 0, 1)[None], dtype=np.float32, order="C") / np.float32(scale))


def to_pixels(tensor: "torch.Tensor") -> np.ndarray:
    """Return a network's 1 x C x H x W (or C x H x W) output as an H x W x C float32 array, values as they are."""
    values = tensor.detach().to("cpu").float().numpy()
    if values.ndim == 4 and len(values) == 1:
        values = values[0]
    if values.ndim != 3:
        raise ValueError(f"one picture is 1 x C x H x W or C x H x W, not {tuple(values.shape)}")
    return np.ascontiguousarray(values.transpose(1, 2, 0))
