"""Eidolons: an image taken apart into scales, each scale's pixels displaced by blurred noise, and put together again.

Partially coherent disarray (Koenderink et al., Eidolons, Journal of Vision 2017). Incoherent displacements are drawn
for each scale anew; coherent ones are handed down, so that coarse structure drags fine structure along.
"""

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

SIZE = 256
"""The longer side of the image that is worked on."""
SCALES = 12
SIGMAS = 2.0 ** ((np.arange(SCALES) - 1) / 2)
"""0.71 to 32 pixels."""
LARGEST_SIGMA = SIZE / 4
GRAIN = 10.0


def partially_coherent_disarray(
    image: np.ndarray, reach: float, coherence: float, grain: float = GRAIN, *, rng: np.random.Generator
) -> np.ndarray:
    """Return the eidolon of an image, H x W in [0, 1].

    Parameters
    ----------
    image
        H x W x 3 in [0, 1]; it is worked on at 256 pixels, in 256 greys, and brought back to its size.
    reach
        How far pixels are displaced, in multiples of the noise.
    coherence
        1 for coherent displacements, 0 for incoherent ones, a mixture between.
    grain
        The blur of incoherent noise, in pixels.
    """
    return disarrays(image, (reach,), coherence, grain, rng=rng)[0]


def disarrays(
    image: np.ndarray, reaches: Sequence[float], coherence: float, grain: float = GRAIN, *, rng: np.random.Generator
) -> list[np.ndarray]:
    """Return the eidolons of several reaches, all of the same displacements: drawing these takes most of the time."""
    height, width = image.shape[:2]
    small = _fiducial(image)
    canvas, (top, left) = _embedded(small)
    rows, columns = (_displacements(canvas.shape, coherence, grain, rng) for _ in range(2))
    totals = [np.zeros(canvas.shape) for _ in reaches]
    for plane, down, right in zip(planes(canvas), rows, columns, strict=True):
        for total, reach in zip(totals, reaches, strict=True):
            total += _disarrayed(plane, down * reach, right * reach)
    cut = (total[top : top + small.shape[0], left : left + small.shape[1]] for total in totals)
    greys = (Image.fromarray(np.clip(each, 0, 255).astype(np.uint8)) for each in cut)
    return [
        np.asarray(each.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float64) / 255 for each in greys
    ]


def planes(canvas: np.ndarray) -> list[np.ndarray]:
    """Return the image's scales: differences of two blurs, then the coarsest blur. Their sum is the finest."""
    blurs = [_convolved(canvas, float(sigma)) for sigma in SIGMAS]
    return [fine - coarse for fine, coarse in itertools.pairwise(blurs)] + [blurs[-1]]


def blurred(image: np.ndarray) -> np.ndarray:
    """Return what an eidolon of reach 0 is, before it is brought back to the image's size: the finest blur."""
    small = _fiducial(image)
    canvas, (top, left) = _embedded(small)
    blur = _convolved(canvas, float(SIGMAS[0]))
    return np.clip(blur[top : top + small.shape[0], left : left + small.shape[1]], 0, 255).astype(np.uint8)


def _fiducial(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    scale = SIZE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray((image * 255).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture.convert("L"), dtype=np.float64)


def _embedded(small: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the image amid its mirror images on a canvas of powers of two, and its corner there."""
    sizes = [1 << int(np.ceil(np.log2(max(1.5 * side, 2)))) for side in small.shape]
    before = [(canvas - side) // 2 for canvas, side in zip(sizes, small.shape, strict=True)]
    after = [canvas - side - b for canvas, side, b in zip(sizes, small.shape, before, strict=True)]
    canvas = np.pad(small, list(zip(before, after, strict=True)), mode="symmetric")
    return canvas, (before[0], before[1])


def _displacements(
    shape: tuple[int, ...], coherence: float, grain: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Return one displacement field for each scale, along one axis."""
    fields = [np.zeros(shape) for _ in range(SCALES)]
    if coherence < 1:
        for field in fields:
            field += (1 - coherence) * _noise(shape, grain, rng)
    if coherence > 0:
        handed_down = np.zeros(shape)
        for k in reversed(range(SCALES)):
            handed_down = handed_down + _noise(shape, float(SIGMAS[k]), rng) * (SIGMAS[k] / LARGEST_SIGMA)
            fields[k] += coherence * handed_down
    return fields


def _noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Return blurred Gaussian noise.

    The authors take mean / deviation away where standardising would divide by it; the size of all displacements in the
    experiment hangs on that slip, so it stays.
    """
    noise = rng.standard_normal(shape)
    noise *= 127.5 / np.abs(noise).max()
    soft = _convolved(np.clip(noise, -127, 127), sigma)
    return soft - soft.mean() / soft.std()


def _convolved(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Return the plane under a Gaussian, by one Fourier transform of all its rows end to end, as the authors do it.

    What leaves a row on one side comes in on the next row: a shift of one pixel that the mirrored margin hides.
    """
    flat = np.fft.rfft(plane.ravel()) * _kernel(plane.shape[0], plane.shape[1], sigma)
    return np.fft.irfft(flat, plane.size).reshape(plane.shape)


@lru_cache(maxsize=32)
def _kernel(height: int, width: int, sigma: float) -> np.ndarray:
    def gaussian(size: int) -> np.ndarray:
        away = np.fft.fftfreq(size, 1 / size)
        return np.exp(-np.square(away) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)

    return np.fft.rfft(np.outer(gaussian(height), gaussian(width)).ravel())


def _disarrayed(plane: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(plane.shape)
    height, width = plane.shape
    at = np.clip(rows + down, 0, height - 1).astype(int)
    to = np.clip(columns + right, 0, width - 1).astype(int)
    return plane[at, to]
