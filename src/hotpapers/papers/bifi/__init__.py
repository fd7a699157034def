"""Break-It-Fix-It: repair learned from good code, broken code and a critic, without pairs (arXiv 2106.06600).

The public names load on first use, so that ``hotpapers --help`` imports no torch.
"""

from typing import Any

_PUBLIC = {
    "EditModel": "model",
    "Transformer": "model",
    "critic": "critics",
    "mend": "mending",
    "corrupt_all": "corruption",
    "python_tokens": "tokens",
    "detokenise": "tokens",
    "fix": "fixing",
    "break_code": "breaking",
    "split": "splitting",
    "train": "train",
    "evaluate": "evaluation",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
