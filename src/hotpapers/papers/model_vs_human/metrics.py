"""The measures, as plain formulas of accuracies and agreements: each takes numbers or arrays of them.

p1 and p2 are the two observers' shares of right answers on the same images, o the share of images on which both are
right or both are wrong.
"""

import numpy as np

Numbers = np.ndarray


def accuracy_difference(p1: Numbers, p2: Numbers) -> Numbers:
    """Return (p1 − p2)²."""
    return np.square(np.subtract(p1, p2))


def expected_consistency(p1: Numbers, p2: Numbers) -> Numbers:
    """Return the agreement of two independent observers: p1 p2 + (1 − p1)(1 − p2)."""
    p1, p2 = np.asarray(p1, dtype=float), np.asarray(p2, dtype=float)
    return p1 * p2 + (1 - p1) * (1 - p2)


def error_consistency(p1: Numbers, p2: Numbers, o: Numbers) -> Numbers:
    """Return Cohen's κ = (o − e) / (1 − e) of being right, and exactly 1 where o is 1."""
    e = expected_consistency(p1, p2)
    o = np.asarray(o, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = (o - e) / (1 - e)
    return np.where(o == 1, 1.0, kappa)


def largest_consistency(p1: Numbers, p2: Numbers) -> Numbers:
    """Return the largest κ that two observers of these accuracies can have: below 1 unless they are equal."""
    return error_consistency(p1, p2, 1 - np.abs(np.subtract(p1, p2)))


def kappa_standard_error(p1: Numbers, p2: Numbers, n: Numbers) -> Numbers:
    """Return the standard error of κ between independent observers of these accuracies on n images.

    √(e + e² − Σ p1ₖ p2ₖ (p1ₖ + p2ₖ)) / ((1 − e) √n), over right and wrong answers k (Fleiss, Cohen and Everitt 1969).
    """
    e = expected_consistency(p1, p2)
    p1, p2 = np.asarray(p1, dtype=float), np.asarray(p2, dtype=float)
    shared = p1 * p2 * (p1 + p2) + (1 - p1) * (1 - p2) * (2 - p1 - p2)
    return np.sqrt(np.maximum(e + e**2 - shared, 0) / np.asarray(n)) / (1 - e)


def rough_standard_error(e: Numbers, n: Numbers) -> Numbers:
    """Return √(e / (n (1 − e))): as if the two accuracies were known and not estimated from the same images."""
    e = np.asarray(e, dtype=float)
    return np.sqrt(e / (np.asarray(n) * (1 - e)))


def entropy(answers: np.ndarray, choices: int = 16) -> float:
    """Return the entropy in bits of the given answers' shares; answers beyond ``choices`` are none and only thin them.

    An observer who always says the same has 0, one who uses all sixteen words evenly has 4.
    """
    shares = np.bincount(answers[answers < choices], minlength=choices) / max(len(answers), 1)
    shares = shares[shares > 1e-5]
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def shape_bias(shape: int, texture: int) -> float:
    """Return the share of shape decisions among all decisions for shape or texture; NaN where there are none."""
    return shape / (shape + texture) if shape + texture else float("nan")
