"""GitTables: a heap of CSV files becomes an annotated, licensed, anonymised table corpus (arXiv 2106.07258).

The public names load on first use, so that ``hotpapers --help`` imports neither pyarrow nor torch.
"""

from typing import Any

_PUBLIC = {
    "Annotator": "annotate",
    "Corpus": "store",
    "Filters": "keep",
    "Ontology": "ontology",
    "Type": "ontology",
    "clean": "cleaning",
    "embedder": "vectors",
    "find_personal": "privacy",
    "load_ontology": "ontology",
    "read": "reading",
    "replace_personal": "privacy",
    "ColumnNet": "model",
    "column_features": "features",
}
_CALLED = {"find_personal": "find", "load_ontology": "load", "replace_personal": "replace"}
"""Names that say more out here than in their own modules."""

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{_PUBLIC[name]}")
    return getattr(module, _CALLED.get(name, name))
