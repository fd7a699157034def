"""IB-IRM: predictors that keep working when the environment changes (arXiv 2106.06607).

The public names load on first use, so that ``hotpapers --help`` imports no torch.
"""

from typing import Any

_PUBLIC = {
    "Objective": "objective",
    "IBIRM": "objective",
    "irm_penalty": "objective",
    "variance": "objective",
    "InvariantClassifier": "estimators",
    "InvariantRegressor": "estimators",
    "Network": "model",
    "coloured": "coloured",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
