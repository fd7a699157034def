"""Scalars are universal: models of vectors that keep a symmetry exactly, from scalar products (arXiv 2106.06610).

The public names load on first use, so that ``hotpapers --help`` imports no torch.
"""

from typing import Any

_PUBLIC = {
    "ScalarNet": "model",
    "LinearModel": "linear",
    "equivariance_error": "check",
    "group": "groups",
    "schema": "schema",
    "fit": "train",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
