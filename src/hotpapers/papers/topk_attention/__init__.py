"""Top-k attention and feed-forward layers: memory linear in the length, the same weights (arXiv 2106.06899).

The public names load on first use, so that ``hotpapers --help`` imports no torch.
"""

from typing import Any

_PUBLIC = {
    "topk_attention": "model",
    "topk_ffn": "model",
    "KeyValueCache": "modules",
    "TopKFeedForward": "modules",
    "TopKMultiheadAttention": "modules",
    "patch": "patching",
    "unpatch": "patching",
    "ByteTransformer": "language",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
