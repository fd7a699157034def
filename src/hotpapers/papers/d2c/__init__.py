"""D2C: few-shot generation and editing in a latent diffusion model (Sinha, Song et al., NeurIPS 2021, 2106.06819)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotpapers.papers.d2c.model import D2C

__all__ = ["D2C"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from hotpapers.papers.d2c import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
