"""Terms: what a sequence operator or a selector computes, without its name.

A term is never changed, and there is one of each: terms of equal structure are the same object (hash-consing). So
equality is identity, and what is computed for one is computed for all. ``depth`` is the attention layer after which a
term can be had: 0 for the input and what is made of it position by position.
"""

import itertools
import operator
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

Atom = int | float | str | bool

BASES = ("tokens_str", "tokens_int", "tokens_float", "tokens_bool", "tokens_asis", "indices")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.gt, ">": operator.lt, "<=": operator.ge, ">=": operator.le,
}  # fmt: skip
"""``select(key, query, op)`` chooses where key op query; these take the query first, as error texts do."""

OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "^": pow, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
    "<=": operator.le, ">=": operator.ge,
    "and": lambda a, b: bool(a) and bool(b), "or": lambda a, b: bool(a) or bool(b), "not": operator.not_,
    "negate": operator.neg, "plus": operator.pos, "abs": abs, "round": round,
    "indicator": lambda a: 1 if a else 0, "if": lambda condition, a, b: a if condition else b,
}  # fmt: skip

_numbers = itertools.count()
_known: WeakValueDictionary[Any, "Term"] = WeakValueDictionary()


class Term:
    """One step of a computation.

    Attributes
    ----------
    kind
        ``base``, ``constant``, ``elementwise``, ``aggregate``; of selectors ``compare``, ``and``, ``or``, ``not``.
    detail
        The base's name; the constant's value; the operation's name; the default; the comparison's sign.
    parents
        Operands; selector and values of an aggregate; key and query of a comparison.
    function
        What an elementwise term does to the values at a position.
    number
        Terms have a higher number than their parents.
    """

    depth: int
    __slots__ = ("__weakref__", "depth", "detail", "function", "kind", "number", "parents")

    def __init__(
        self, kind: str, detail: Any, parents: tuple["Term", ...], function: Callable[..., Any] | None
    ) -> None:
        self.kind, self.detail, self.parents, self.function = kind, detail, parents, function
        self.number = next(_numbers)
        below = max((parent.depth for parent in parents), default=0)
        if kind == "aggregate":
            self.depth = max(parents[0].depth, parents[1].depth + 1)
        else:
            self.depth = below + (kind == "compare")

    @property
    def is_selector(self) -> bool:
        """Whether this is a selector, not a sequence operator."""
        return self.kind in ("compare", "and", "or", "not")

    def __repr__(self) -> str:
        inside = ", ".join([repr(self.detail), *map(repr, self.parents)])
        return f"{self.kind}({inside})"


def term(
    kind: str, detail: Any = None, parents: Iterable[Term] = (), function: Callable[..., Any] | None = None
) -> Term:
    """Return the term of this structure, which is made if there is none yet.

    An elementwise term with a ``function`` of its own is equal to no other.
    """
    parents = tuple(parents)
    if function is not None:
        return Term(kind, detail, parents, function)
    try:
        # 1, True and 1.0 are equal, and print differently; so do 0.0 and -0.0.
        key = (kind, type(detail), detail, str(detail) if isinstance(detail, float) else "", parents)
        found = _known.get(key)
    except TypeError:  # a list can be meant as a constant; it is refused when it is evaluated
        return Term(kind, detail, parents, None)
    if found is None:
        function = OPERATIONS[detail] if kind == "elementwise" else None
        found = _known[key] = Term(kind, detail, parents, function)
    return found


def ancestors(roots: Iterable[Term]) -> list[Term]:
    """Return the terms that ``roots`` are made of, themselves included, parents before children."""
    seen: set[Term] = set()
    waiting = list(roots)
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting.extend(here.parents)
    return sorted(seen, key=lambda each: each.number)


def operands(selector: Term) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Return what a selector compares: the sequence operators of its queries, and those of its keys."""
    queries: dict[Term, None] = {}
    keys: dict[Term, None] = {}
    waiting = [selector]
    while waiting:
        here = waiting.pop()
        if here.kind == "compare":
            keys[here.parents[0]] = queries[here.parents[1]] = None
        else:
            waiting.extend(reversed(here.parents))
    return tuple(queries), tuple(keys)
