"""Hearing: how near speech that was said again is to the recording, in the measures that papers on vocoders report.

Two are distances between log-mel spectrograms and need no library; STOI and PESQ are models of listeners and come with
packages. All of them take sounds that begin together: a vocoder neither hurries nor lags.
"""

import math
import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.errors import MissingExtra
from hotpapers.media import resample
from hotpapers.papers.gamma_diffusion.mels import log_mel

NARROW, WIDE = 8_000, 16_000  # samples a second that P.862 knows
BANDS = 40
FRAMES_A_SECOND = 100
ORDER = 13  # mel cepstra that are compared
STRETCH = 15  # seconds; P.862's code has room for 50 utterances of 0.4 s and more, and writes on beyond


def log_mel_distance(a: Float[Tensor, "batch length"], b: Float[Tensor, "batch length"], rate: int) -> float:
    """Return the root of the mean squared difference of the bands' levels, in decibels."""
    return float(_level_difference(a, b, rate).square().mean().sqrt())


def mel_cepstral_distance(a: Float[Tensor, "batch length"], b: Float[Tensor, "batch length"], rate: int) -> float:
    """Return the mel-cepstral distance (Kubichek, 1993), in decibels: how different the timbre is, at any loudness.

    ``10 / ln 10 sqrt(2 sum_{d=1}^{13} (c_d - c'_d)^2)``, averaged over frames, where
    ``c_d = 1/M sum_m ln(E_m) cos(pi d (m + 1/2) / M)`` is the DCT of the log-energies of the M bands. So scaled, it is
    the root mean square over the bands of the level difference's first thirteen cosines. Others leave the DCT unscaled
    or make it orthonormal; their values are larger by M or by ``sqrt(2 M)``.
    """
    difference = _level_difference(a, b, rate)  # 10 / ln 10 times that of ln(E_m)
    place = (torch.arange(BANDS, device=a.device) + 0.5) / BANDS
    orders = torch.arange(1, ORDER + 1, device=a.device)
    cepstra = torch.cos(math.pi * orders[:, None] * place) / BANDS @ difference  # batch, orders, frames
    return float((2 * cepstra.square().sum(1)).sqrt().mean())


def intelligibility(clean: Float[Tensor, " length"], heard: Float[Tensor, " length"], rate: int) -> float | None:
    """Return STOI (Taal et al., 2011), some 0 to 1: how much of the speech could be understood.

    None where there is too little speech for it, some 0.4 s.

    Raises
    ------
    MissingExtra
        If ``pystoi`` is not installed.
    """
    try:
        from pystoi import stoi
    except ModuleNotFoundError as error:
        raise MissingExtra("STOI", ("audio",)) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)  # it warns, and returns 0.00001
        try:
            return float(stoi(clean.cpu().numpy(), heard.cpu().numpy(), rate))
        except RuntimeWarning:
            return None


def quality(clean: Float[Tensor, " length"], heard: Float[Tensor, " length"], rate: int) -> float | None:
    """Return PESQ (ITU-T P.862) as a mean opinion score, about 1 to 4.6: how good the speech sounds.

    At 8 kHz it is the narrow-band score (P.862.1). Sounds of all other rates are brought to 16 kHz and have the
    wide-band score (P.862.2), which does not compare with the narrow band's. It is the mean over stretches of 15 s;
    None where there is no speech in either, or less than a quarter of a second.

    Raises
    ------
    MissingExtra
        If ``pesq`` is not installed.
    """
    try:
        from pesq import PesqError, pesq
    except ModuleNotFoundError as error:
        raise MissingExtra("PESQ", ("pesq",)) from error
    at, band = (NARROW, "nb") if rate == NARROW else (WIDE, "wb")
    given, said = (torch.from_numpy(resample(each.cpu().numpy(), rate, at)) for each in (clean, heard))
    scores = []
    for a, b in zip(given.split(STRETCH * at), said.split(STRETCH * at), strict=True):
        if a.any():  # it divides by the loudest value
            scores.append(float(pesq(at, a.numpy(), b.numpy(), band, on_error=PesqError.RETURN_VALUES)))
    known = [score for score in scores if score > 0]  # a code below 0 says what was amiss; NaN, that b is silent
    return sum(known) / len(known) if known else None


def _level_difference(a: Tensor, b: Tensor, rate: int) -> Float[Tensor, "batch bands frames"]:
    """Return by how many decibels each band of ``a`` is louder than that of ``b``."""
    hop = max(1, min(rate // FRAMES_A_SECOND, a.shape[-1]))
    return 100 * (log_mel(a, rate, hop, BANDS) - log_mel(b, rate, hop, BANDS))
