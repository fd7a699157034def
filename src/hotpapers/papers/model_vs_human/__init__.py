"""Model vs human: how robust a classifier is out of distribution, and how human its errors are (arXiv 2106.07411).

The public names load on first use, so that ``hotpapers --help`` imports no torch.
"""

from typing import Any

_PUBLIC = {
    "CATEGORIES": "categories",
    "decide": "categories",
    "to_categories": "categories",
    "read_trials": "trials",
    "Sheet": "sheets",
    "sheets_of": "sheets",
    "error_consistency": "metrics",
    "score_all": "scoring",
    "run_classifier": "evaluate",
    "distorted": "distortions",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
