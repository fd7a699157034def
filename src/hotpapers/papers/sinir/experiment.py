"""What SinIR's claims are measured with: photographs, edits and trainings inside a run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from hotpapers.datasets import photograph
from hotpapers.media import contact_sheet, to_pixels, write_image
from hotpapers.metrics import patch_distance
from hotpapers.papers.sinir.manipulate import manipulate
from hotpapers.papers.sinir.model import SinIR
from hotpapers.papers.sinir.train import Config, fit
from hotpapers.run import Run


def photo(name: str, longer_side: int) -> Float[Tensor, "1 3 H W"]:
    """Return one of scikit-image's photographs with the longer side given, and values in [-1, 1]."""
    pixels = torch.from_numpy(np.ascontiguousarray(photograph(name))).permute(2, 0, 1)[None].float() / 127.5 - 1
    scale = longer_side / max(pixels.shape[-2:])
    size = [round(length * scale) for length in pixels.shape[-2:]]
    return F.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(-1, 1)


def edit(image: Float[Tensor, "1 3 H W"], seed: int) -> tuple[Float[Tensor, "1 3 H W"], Bool[Tensor, "H W"]]:
    """Return the image with a mirrored block of it pasted elsewhere, and where that is."""
    height, width = image.shape[-2:]
    side = round(0.275 * min(height, width))  # 110 of coffee's 400 pixels
    generator = torch.Generator().manual_seed(seed)
    source, target = (
        [int(torch.randint(length - side + 1, (), generator=generator)) for length in (height, width)] for _ in range(2)
    )
    block = image[..., source[0] : source[0] + side, source[1] : source[1] + side].flip(-1)
    rows, columns = slice(target[0], target[0] + side), slice(target[1], target[1] + side)
    edited, mask = image.clone(), torch.zeros(height, width, dtype=torch.bool, device=image.device)
    edited[..., rows, columns] = block
    mask[rows, columns] = True
    return edited, mask


def train(image: Float[Tensor, "1 3 H W"], config: Config, run: Run, seed: int) -> SinIR:
    """Train a cascade in a run of its own inside ``run``; what it writes is thrown away."""
    with run.inner(seed) as inner:
        return fit(image, config, inner).eval()


@torch.no_grad()
def every_start(model: SinIR, image: Float[Tensor, "1 3 H W"]) -> list[Float[Tensor, "1 3 H W"]]:
    """Return what the cascade makes of ``image`` from every start scale, coarse to fine."""
    return [manipulate(model, image, k) for k in range(len(model.nets))]


def edit_distance(output: Tensor, image: Tensor, mask: Bool[Tensor, "H W"]) -> float:
    """Return the patch distance of the pasted block to the photograph, for values in [0, 1]."""
    return patch_distance((output + 1) / 2, (image + 1) / 2, mask=mask)


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Return Spearman's rank correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def save_sheet(
    run: Run, name: str, images: Sequence[Tensor], labels: Sequence[str], columns: int | None = None
) -> Path:
    """Write a labelled grid of images with values in [-1, 1] and return its path."""
    pixels = [to_pixels((image.detach().cpu().clamp(-1, 1) + 1) / 2) for image in images]
    path = run.out / name
    write_image(path, contact_sheet(pixels, labels, columns))
    return path
