"""Mel spectrograms: what a vocoder is told of a sound.

The settings are WaveGrad's: frames of four hops, magnitudes, HTK's mels from 20 Hz, decibels from -80 to 20 as 0 to 1.
"""

import functools

import torch
from jaxtyping import Float
from torch import Tensor


def log_mel(waves: Float[Tensor, "batch length"], rate: int, hop: int, mels: int) -> Float[Tensor, "batch mels frames"]:
    """Return the spectrogram of waves, a frame for every ``hop`` samples."""
    window = torch.hann_window(4 * hop, device=waves.device)
    size = 1 << (4 * hop - 1).bit_length()
    spectrum = torch.stft(waves, size, hop, 4 * hop, window, pad_mode="constant", return_complex=True).abs()
    spectrum = spectrum[..., : waves.shape[-1] // hop] / window.square().sum().sqrt()
    bands = filters(rate, size, mels).to(waves.device) @ spectrum
    return ((20 * bands.clamp(min=1e-5).log10() + 80) / 100).clamp(0, 1)


@functools.cache
def filters(rate: int, size: int, mels: int) -> Float[Tensor, "mels bins"]:
    """Return triangles that are evenly spaced in mels, ``2595 log10(1 + f / 700)``, from 20 Hz to half the rate."""
    ends = 2595 * torch.log10(1 + torch.tensor([20.0, rate / 2]) / 700)
    centres = 700 * (10 ** (torch.linspace(float(ends[0]), float(ends[1]), mels + 2) / 2595) - 1)
    bins = torch.linspace(0, rate / 2, size // 2 + 1)
    slopes = centres[:, None] - bins  # mels + 2, bins
    width = centres.diff()
    return torch.minimum(-slopes[:-2] / width[:-1, None], slopes[2:] / width[1:, None]).clamp(min=0)
