"""RASP: a programming language whose programs are what a transformer encoder can compute (arXiv 2106.06981).

The public names load on first use, so that the language needs no torch and the command line's help neither.
"""

from typing import Any

_PUBLIC = {
    "SOp": "sops",
    "Selector": "sops",
    "select": "sops",
    "aggregate": "sops",
    "indicator": "sops",
    "where": "sops",
    "mapped": "sops",
    "indices": "library",
    "tokens": "library",
    "tokens_int": "library",
    "tokens_float": "library",
    "tokens_bool": "library",
    "tokens_asis": "library",
    "length": "library",
    "full_s": "library",
    "selector_width": "library",
    "has_focus": "library",
    "sort": "library",
    "load": "program",
    "loads": "program",
    "Program": "program",
    "Limits": "limits",
    "analyse": "analysis",
    "draw": "drawing",
    "compile_sop": "compiler",
    "CompiledEncoder": "compiler",
    "Encoder": "model",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
