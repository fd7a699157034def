"""The parametric distortions: one function a data set, from an image and a level to the image that people were shown.

Images are H x W x 3 in [0, 1], double precision; results are H x W where they are grey. Levels are in the unit of the
data set's conditions: per cent of contrast, pixels of σ, degrees, widths, reaches.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human.eidolon import disarrays, partially_coherent_disarray
from hotpapers.papers.model_vs_human.experiments import EXPERIMENTS
from hotpapers.papers.model_vs_human.opponent import false_colour
from hotpapers.papers.model_vs_human.spectra import equalise_power, scramble_phases

LUMA = np.array([0.2125, 0.7154, 0.0721])
"""Rec. 709, as scikit-image rounds it."""
GROUND = 0.4423
"""The mean grey of all the photographs: what lies around an image that is filtered."""
NOISE_CONTRAST = 0.3
COHERENCES = {"eidolonI": 1.0, "eidolonII": 0.3, "eidolonIII": 0.0}

Distortion = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def distorted(image: np.ndarray, kind: str, level: float, rng: np.random.Generator | int | list[int] = 0) -> np.ndarray:
    """Return the image under one distortion.

    Parameters
    ----------
    image
        H x W x 3 or H x W, floats in [0, 1].
    kind
        One of the 12 parametric data sets' names.
    level
        Its level, as ``levels`` lists them.
    rng
        A generator, or a seed; only phases, noise and eidolons use it.

    Returns
    -------
    numpy.ndarray
        H x W x 3 for ``colour`` at level 0 and ``false-colour``, else H x W; in [0, 1].
    """
    picture = np.asarray(image, dtype=np.float64)
    picture = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    if picture.ndim != 3 or picture.shape[2] != 3 or not np.isfinite(picture).all():
        raise ValueError(f"an image is H x W x 3 without NaN, not {picture.shape}")
    check_level(kind, level)
    return DISTORTIONS[kind](picture, level, np.random.default_rng(rng))


def at_levels(image: np.ndarray, kind: str, wanted: Sequence[float], seed: int | list[int] = 0) -> list[np.ndarray]:
    """Return the image under one distortion at several levels, each as ``distorted`` with the same seed gives it.

    Eidolons share their displacements, which take most of the time to draw.
    """
    if kind not in COHERENCES:
        return [distorted(image, kind, level, seed) for level in wanted]
    for level in wanted:
        check_level(kind, level)
    picture = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    return disarrays(picture, wanted, COHERENCES[kind], rng=np.random.default_rng(seed))


def levels(kind: str) -> dict[str, float]:
    """Return the levels that people saw: the condition's spelling → the number."""
    words = {"cr": 0.0, "bw": 1.0, "true": 0.0, "false": 1.0, "pow": 1.0}
    return {
        each: words[each] if each in words else float(each.removeprefix("c").partition("-")[0])
        for each in EXPERIMENTS[kind].conditions
    }


def check_level(kind: str, level: float) -> None:
    """Raise ``BadInput`` where there is no such distortion, or it has no such level."""
    if kind not in DISTORTIONS:
        raise BadInput(f"There is no distortion {kind[:40]!r}; there are: {', '.join(DISTORTIONS)}.")
    least, most = RANGES[kind]
    if not least <= level <= most:
        raise BadInput(f"{kind} takes a level of {least:g} to {most:g}, not {level:g}.")
    if kind == "rotation" and level % 90:
        raise BadInput(f"rotation takes 0, 90, 180 or 270 degrees, not {level:g}.")


def grey(image: np.ndarray) -> np.ndarray:
    """Return the luma of an H x W x 3 image."""
    return image @ LUMA


def adjust_contrast(image: np.ndarray, contrast: float) -> np.ndarray:
    """Return (1 − c) / 2 + c x."""
    return (1 - contrast) / 2 + contrast * image


def low_pass(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return the grey image under a Gaussian of standard deviation ``sigma``, grey beyond its edges."""
    return np.clip(_blurred(grey(image), sigma), 0, 1)


def high_pass(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return the grey image less its low-pass image, moved so that its mean is the common grey; all of it for inf."""
    plain = grey(image)
    # An endless Gaussian takes away a constant, which moving the mean puts back
    rest = plain if np.isinf(sigma) else plain - _blurred(plain, sigma)
    return np.clip(rest + GROUND - rest.mean(), 0, 1)


def uniform_noise(image: np.ndarray, width: float, rng: np.random.Generator) -> np.ndarray:
    """Return the grey image at 30 % contrast with noise from −width to width at each pixel."""
    plain = adjust_contrast(grey(image), NOISE_CONTRAST)
    return np.clip(plain + rng.uniform(-width, width, plain.shape), 0, 1)


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
    """Return the grey image turned anticlockwise by a multiple of 90 degrees."""
    return np.rot90(grey(image), round(degrees / 90))


def _blurred(plain: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(plain, sigma, mode="constant", cval=GROUND) if sigma else plain.copy()


def _eidolon(coherence: float) -> Distortion:
    return lambda image, reach, rng: partially_coherent_disarray(image, reach, coherence, rng=rng)


DISTORTIONS: dict[str, Distortion] = {
    "colour": lambda image, level, _: grey(image) if level else image,
    "contrast": lambda image, level, _: adjust_contrast(grey(image), level / 100),
    "high-pass": lambda image, level, _: high_pass(image, level),
    "low-pass": lambda image, level, _: low_pass(image, level),
    "phase-scrambling": lambda image, level, rng: scramble_phases(grey(image), level, rng),
    "power-equalisation": lambda image, level, _: equalise_power(grey(image)) if level else grey(image),
    "false-colour": lambda image, level, _: false_colour(image) if level else image,
    "rotation": lambda image, level, _: rotate(image, level),
    **{name: _eidolon(coherence) for name, coherence in COHERENCES.items()},
    "uniform-noise": uniform_noise,
}
RANGES: dict[str, tuple[float, float]] = {
    "colour": (0, 1), "contrast": (0, 100), "high-pass": (0.01, np.inf), "low-pass": (0, 1000),
    "phase-scrambling": (0, 180), "power-equalisation": (0, 1), "false-colour": (0, 1), "rotation": (0, 270),
    "eidolonI": (0, 1024), "eidolonII": (0, 1024), "eidolonIII": (0, 1024), "uniform-noise": (0, 10),
}  # fmt: skip
