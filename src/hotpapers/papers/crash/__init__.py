"""CRASH: drum sounds from a diffusion model of the raw waveform (Rouard and Hadjeres, ISMIR 2021, arXiv 2106.07431)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotpapers.papers.crash.model import Classifier, Crash

__all__ = ["Classifier", "Crash"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from hotpapers.papers.crash import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
