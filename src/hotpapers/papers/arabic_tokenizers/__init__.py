"""Tokenizers for Arabic: seven ways to cut words, cleaning before and comparison after (arXiv 2106.07540).

The public names load on first use, so that ``hotpapers --help`` imports no torch.
"""

from typing import Any

_PUBLIC = {
    "BiGRU": "model",
    "Rules": "cleaning",
    "Tokenizer": "tokenizer",
    "clean_text": "cleaning",
    "compression_factor": "measures",
    "learn": "learn",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
