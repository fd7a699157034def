"""Distortions of an image's spectrum: its phases moved by chance, or its amplitudes made those of the average image."""

import numpy as np


def scramble_phases(plain: np.ndarray, width: float, rng: np.random.Generator) -> np.ndarray:
    """Return a grey image with noise from −width to width degrees on its phases.

    The shifts go to the first half of the frequencies in reading order and, with the opposite sign, in the same order
    to the second half: so do the authors' stimuli. The result is not quite real, and its real part is taken, which
    costs contrast as the width grows.
    """
    spectrum = np.fft.fftshift(np.fft.fft2(plain))
    amplitude, phase = np.abs(spectrum), np.angle(spectrum)
    # An even axis has one frequency, the first, that has no mirror image
    part = tuple(slice(1 - size % 2, None) for size in plain.shape)
    flat = phase[part].ravel()
    half = flat.size // 2
    shifts = rng.uniform(-1, 1, half) * np.deg2rad(width)
    flat[:half] += shifts
    flat[flat.size - half :] -= shifts
    phase[part] = flat.reshape(phase[part].shape)
    return _image(amplitude, phase)


def equalise_power(plain: np.ndarray, amplitude: np.ndarray | None = None) -> np.ndarray:
    """Return a grey image with its own phases and the given amplitudes.

    Parameters
    ----------
    plain
        H x W in [0, 1].
    amplitude
        H x W, with the zero frequency in the middle, as ``mean_amplitude`` gives it; left out, that of photographs in
        general: the image's own mean, and beside it energy that falls with frequency.
    """
    phase = np.angle(np.fft.fftshift(np.fft.fft2(plain)))
    return _image(general_amplitude(plain) if amplitude is None else amplitude, phase)


def mean_amplitude(images: list[np.ndarray]) -> np.ndarray:
    """Return the mean amplitude spectrum of grey images of one size, with the zero frequency in the middle."""
    return np.mean([np.abs(np.fft.fftshift(np.fft.fft2(image))) for image in images], axis=0)


def general_amplitude(plain: np.ndarray) -> np.ndarray:
    """Return 1/f amplitudes with the mean and the contrast of this image."""
    height, width = plain.shape
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij"))
    falling = np.zeros_like(f)
    falling[f > 0] = 1 / f[f > 0]
    falling *= np.sqrt(plain.size**2 * plain.var() / max((falling**2).sum(), 1e-300))
    falling[0, 0] = plain.sum()
    return np.fft.fftshift(falling)


def _image(amplitude: np.ndarray, phase: np.ndarray) -> np.ndarray:
    spectrum = np.fft.ifftshift(amplitude * np.exp(1j * phase))
    return np.clip(np.fft.ifft2(spectrum).real, 0, 1)
