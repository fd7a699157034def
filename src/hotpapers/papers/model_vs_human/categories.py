"""The sixteen everyday categories, and the way from 1,000 ImageNet classes to one of them.

The probabilities of a category's classes are averaged, not summed: 109 breeds would make everything a dog.
"""

import numpy as np

CATEGORIES = (
    "airplane", "bear", "bicycle", "bird", "boat", "bottle", "car", "cat",
    "chair", "clock", "dog", "elephant", "keyboard", "knife", "oven", "truck",
)  # fmt: skip

_RANGES = {
    "airplane": "404", "bear": "294-297", "bicycle": "444 671",
    "bird": "8 10-16 18-20 22-24 80-83 87-96 98-100 127-133 135-145",
    "boat": "472 554 625 814 914", "bottle": "440 720 737 898 899 901 907", "car": "436 511 817", "cat": "281-286",
    "chair": "423 559 765 857", "clock": "409 530 892",
    "dog": "152-191 193-203 205-226 228-241 243-250 252-257 259 261-263 265-268",
    "elephant": "385 386", "keyboard": "508 878", "knife": "499", "oven": "766",
    "truck": "555 569 656 675 717 734 864 867",
}  # fmt: skip


def _expand(ranges: str) -> tuple[int, ...]:
    pairs = (part.partition("-") for part in ranges.split())
    return tuple(k for first, _, last in pairs for k in range(int(first), int(last or first) + 1))


CLASSES: dict[str, tuple[int, ...]] = {name: _expand(_RANGES[name]) for name in CATEGORIES}
"""The ImageNet-1k classes of each category, by index in the order of the sorted WordNet ids."""


def to_categories(probabilities: np.ndarray) -> np.ndarray:
    """Return each category's mean probability over its ImageNet classes.

    Parameters
    ----------
    probabilities
        N x 1000, after a softmax over all thousand.

    Returns
    -------
    numpy.ndarray
        N x 16, in the order of ``CATEGORIES``; rows do not sum to one.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 1000:
        raise ValueError(f"probabilities must be N x 1000, not {values.shape}")
    return np.stack([values[:, CLASSES[name]].mean(axis=1) for name in CATEGORIES], axis=1)


def decide(probabilities: np.ndarray) -> np.ndarray:
    """Return for each row of N x 1000 probabilities the index of the category with the highest mean.

    Of tied categories the alphabetically last wins, as in the authors' code.
    """
    means = to_categories(probabilities)
    return len(CATEGORIES) - 1 - np.argmax(means[:, ::-1], axis=1)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax over the last axis, in double precision."""
    values = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
