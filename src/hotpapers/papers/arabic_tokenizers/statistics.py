"""Comparing several tokenizers over several tasks: ranks, Friedman's test, and who is ahead beyond chance."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np


def ranks(scores: np.ndarray) -> np.ndarray:
    """Return each row's ranks, 1 for its highest score; equals share the mean of their ranks. (blocks, contenders)."""
    from scipy.stats import rankdata

    return rankdata(-scores, axis=1)


def friedman(scores: np.ndarray) -> tuple[float, float]:
    """Return Friedman's statistic, put right for ties, and its p, of blocks x contenders (Friedman, 1937).

    χ² = (k − 1) Σ_j (R_j − n (k + 1) / 2)² / (Σ r² − n k (k + 1)² / 4), r: ranks, R_j: their sums.
    """
    from scipy.stats import chi2

    r = ranks(scores)
    n, k = r.shape
    spread = float((r**2).sum() - n * k * (k + 1) ** 2 / 4)
    if spread <= 1e-12:
        return 0.0, 1.0
    statistic = (k - 1) * float(((r.sum(0) - n * (k + 1) / 2) ** 2).sum()) / spread
    return statistic, float(chi2.sf(statistic, k - 1))


def kendall(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Kendall's τ between two lists of scores: 1 for the same order, −1 for the reverse, equals count half."""
    signs = [np.sign(first[i] - first[j]) * np.sign(second[i] - second[j])
             for i, j in itertools.combinations(range(len(first)), 2)]  # fmt: skip
    return float(np.mean(signs)) if signs else 1.0


def clear_winner(right: Mapping[str, np.ndarray], *, level: float = 0.05) -> str | None:
    """Return the contender that beats each other one beyond chance on the same test texts (McNemar, exact), if any."""
    from scipy.stats import binomtest

    best = max(right, key=lambda name: float(right[name].mean()))
    for name, other in right.items():
        if name == best:
            continue
        ahead, behind = int((right[best] & ~other).sum()), int((other & ~right[best]).sum())
        if not ahead + behind or binomtest(ahead, ahead + behind, alternative="greater").pvalue >= level:
            return None
    return best
