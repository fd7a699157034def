"""Measures that papers share: images in, one number out. Images are N x C x H x W tensors with values in [0, 1]."""

from hotpapers.metrics.fidelity import psnr, ssim
from hotpapers.metrics.frechet import frechet_distance, frechet_of, sifid
from hotpapers.metrics.judge import Judge, fashion_judge, fit_judge, frechet_between
from hotpapers.metrics.naturalness import NaturalModel, fit_natural_model, niqe, sharpness
from hotpapers.metrics.patches import patch_distance, patch_distances, sliced_wasserstein

__all__ = [
    "Judge",
    "NaturalModel",
    "fashion_judge",
    "fit_judge",
    "fit_natural_model",
    "frechet_between",
    "frechet_distance",
    "frechet_of",
    "niqe",
    "patch_distance",
    "patch_distances",
    "psnr",
    "sharpness",
    "sifid",
    "sliced_wasserstein",
    "ssim",
]
