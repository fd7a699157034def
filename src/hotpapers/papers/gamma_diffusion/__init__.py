"""Non Gaussian diffusion: other noise laws in a diffusion model (Nachmani, San Roman and Wolf, arXiv 2106.07582)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
    from hotpapers.papers.gamma_diffusion.vocoder import Vocoder

__all__ = ["GammaDiffusion", "Vocoder"]


def __getattr__(name: str) -> object:
    if name == "GammaDiffusion":
        from hotpapers.papers.gamma_diffusion.model import GammaDiffusion

        return GammaDiffusion
    if name == "Vocoder":
        from hotpapers.papers.gamma_diffusion.vocoder import Vocoder

        return Vocoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
