"""Sequence operators and selectors, embedded in Python: the same things that a RASP program names.

>>> from hotpapers.papers.rasp import indices, length, select, aggregate, tokens
>>> reverse = aggregate(select(indices, length - 1 - indices, "=="), tokens)
>>> reverse("abc")
['c', 'b', 'a']

``+ - * / // % **``, comparisons, ``round`` and ``abs`` work position by position, and so do ``& | ~``, which stand for
RASP's ``and or not``; between selectors they combine matrices. A handle is a name for a term (``terms``): handles are
many, and know what they were made of as the program wrote it; the term is one.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, Union

from hotpapers.papers.rasp.evaluate import Evaluation
from hotpapers.papers.rasp.faults import RaspFault
from hotpapers.papers.rasp.terms import BASES, COMPARE, Atom, Term, term

LONGEST_NAME = 30
Operand = Union["SOp", Atom]
Named = TypeVar("Named", "SOp", "Selector")
_created = itertools.count()


class Handle:
    """What a program made: a term with a name, a place in the order of creation, and the handles it was made of."""

    plain_name = ""

    def __init__(self, term: Term, parents: tuple["Handle", ...], name: str) -> None:
        self.term, self.parents = term, parents
        self.created = next(_created)
        self.call_it(name)

    def call_it(self, name: str) -> None:
        """Take a name; one that is too long becomes a plain one."""
        self.name = name if len(name) <= LONGEST_NAME else self.plain_name

    @property
    def depth(self) -> int:
        """The attention layer after which it can be had."""
        return self.term.depth

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name}"

    __repr__ = __str__


class SOp(Handle):
    """A sequence operator: a function from a sequence to a sequence of the same length."""

    plain_name = "s-op"
    shown = True
    """Whether a drawing shows it however small it is: whatever a program gave a name to."""

    def __call__(self, sequence: Iterable[Atom]) -> list[Any]:
        """Return its values on one sequence: a string, or a list of atoms."""
        return Evaluation([sequence if isinstance(sequence, str | list) else list(sequence)]).values(self.term)

    def batch(self, sequences: Sequence[Iterable[Atom]]) -> list[list[Any]]:
        """Return its values on many sequences, of any lengths, in their order."""
        by_length: dict[int, list[int]] = {}
        sequences = [list(each) for each in sequences]
        for place, each in enumerate(sequences):
            by_length.setdefault(len(each), []).append(place)
        found: list[list[Any]] = [[] for _ in sequences]
        for places in by_length.values():
            evaluation = Evaluation([sequences[place] for place in places])
            for row, place in enumerate(places):
                found[place] = evaluation.row(self.term, row)
        return found

    def analyse(self) -> Any:
        """Return the layers and heads that it needs, as ``analysis.analyse`` does."""
        from hotpapers.papers.rasp.analysis import analyse

        return analyse(self)

    def compile(self, vocabulary: Sequence[Atom], max_length: int) -> Any:
        """Return a transformer encoder that computes it, as ``compiler.compile_sop`` does."""
        from hotpapers.papers.rasp.compiler import compile_sop

        return compile_sop(self, vocabulary, max_length)

    def __getitem__(self, place: int) -> "SOp":
        if not isinstance(place, int):
            raise RaspFault(f"index into sequence has to be integer, got: {describe(place)}")
        return load_from(self, place, None)

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError("an s-op has a value for each input only: use &, | and ~, or where(condition, a, b)")

    def __eq__(self, other: object) -> "SOp":  # type: ignore[override]
        return binary("==", self, other)

    def __ne__(self, other: object) -> "SOp":  # type: ignore[override]
        return binary("!=", self, other)

    def __neg__(self) -> "SOp":
        return _unary("negate", self, f"( - {self.name} )")

    def __pos__(self) -> "SOp":
        return _unary("plus", self, f"( + {self.name} )")

    def __abs__(self) -> "SOp":
        return _unary("abs", self, f"( abs {self.name} )")

    def __round__(self) -> "SOp":
        return _unary("round", self, f"( round {self.name} )")

    def __invert__(self) -> "SOp":
        return _unary("not", self, f"( not {self.name} )")

    def __and__(self, other: Any) -> "SOp":
        return both(self, other)

    def __or__(self, other: Any) -> "SOp":
        return either(self, other)


def binary(sign: str, left: Any, right: Any, shown: str | None = None) -> SOp:
    """Return what an operator makes of two operands, at least one of them an s-op."""
    if isinstance(left, Selector) or isinstance(right, Selector):
        raise RaspFault(f"Cannot apply {sign} to selector(s)")
    name = f"( {_short(left)} {shown or sign} {_short(right)} )"
    parents = tuple(each if isinstance(each, SOp) else _constant(each) for each in (left, right))
    return _quiet(SOp(term("elementwise", sign, (each.term for each in parents)), parents, name))


def _install_operators() -> None:
    names = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "^": "pow"}
    for sign, name in names.items():
        shown = "pow" if sign == "^" else None

        def forward(self: SOp, other: Any, sign: str = sign, shown: str | None = shown) -> SOp:
            return binary(sign, self, other, shown)

        def backward(self: SOp, other: Any, sign: str = sign, shown: str | None = shown) -> SOp:
            return binary(sign, other, self, shown)

        setattr(SOp, f"__{name}__", forward)
        setattr(SOp, f"__r{name}__", backward)
    for sign, name in {"<": "lt", ">": "gt", "<=": "le", ">=": "ge"}.items():
        setattr(SOp, f"__{name}__", lambda self, other, sign=sign: binary(sign, self, other))


_install_operators()


class Selector(Handle):
    """A selector: a function from a sequence to a matrix of booleans, queries down and keys across."""

    plain_name = "sel"

    def __call__(self, sequence: Iterable[Atom]) -> list[list[bool]]:
        """Return its rows on one sequence."""
        return Evaluation([sequence if isinstance(sequence, str | list) else list(sequence)]).values(self.term)

    def __and__(self, other: Any) -> "Selector":
        return _combine("and", self, other)

    def __or__(self, other: Any) -> "Selector":
        return _combine("or", self, other)

    def __invert__(self) -> "Selector":
        return Selector(term("not", None, (self.term,)), self.parents, "plain select")


def _combine(sign: str, left: Any, right: Any) -> Selector:
    if not (isinstance(left, Selector) and isinstance(right, Selector)):
        raise RaspFault("Cannot apply and/or between selector and non-selector")
    return Selector(term(sign, None, (left.term, right.term)), left.parents + right.parents, "plain select")


def base(name: str) -> SOp:
    """Return a base s-op: ``indices``, or the input's elements cast by ``tokens_str`` and its kin."""
    return SOp(term("base", name), (), name)


def new_bases() -> dict[str, SOp]:
    """Return handles of all base s-ops, which a program may rename."""
    return {name: base(name) for name in BASES}


def as_sop(value: Any) -> SOp:
    """Return ``value`` if it is an s-op, else the constant of that value at all positions."""
    return value if isinstance(value, SOp) else _constant(value)


def _constant(value: Any) -> SOp:
    return _quiet(SOp(term("constant", value), (), str(value)))


def select(key: Operand, query: Operand, comparison: str, name: str = "plain select") -> Selector:
    """Return the selector that chooses position j for position i where ``key[j] comparison query[i]``."""
    if comparison not in COMPARE:
        raise RaspFault(f"select compares by one of {' '.join(COMPARE)}, not {comparison!r}")
    keys, queries = as_sop(key), as_sop(query)
    return Selector(term("compare", comparison, (keys.term, queries.term)), (keys, queries), name)


def aggregate(selector: Selector, values: Operand, default: Atom | None = None, name: str = "s-op") -> SOp:
    """Return, at each position, the mean of ``values`` where ``selector`` chooses.

    One chosen value is taken as it is, whatever its type; where nothing is chosen there is ``default``, or 0.
    """
    values = as_sop(values)
    if not isinstance(selector, Selector):
        raise RaspFault(f"Expected selector, got: {describe(selector)}")
    if isinstance(default, Handle):
        raise RaspFault(f"Expected atom, got: {describe(default)}")
    made = term("aggregate", 0 if default is None else default, (selector.term, values.term))
    return SOp(made, (selector, values), name)


def indicator(value: SOp) -> SOp:
    """Return 1 where ``value`` is true and 0 elsewhere."""
    return _unary("indicator", value, f"I({value.name})")


def where(condition: Operand, a: Operand, b: Operand) -> SOp:
    """Return ``a`` where ``condition`` is true and ``b`` elsewhere."""
    parents = as_sop(condition), as_sop(a), as_sop(b)
    name = f"{parents[1].name} if {parents[0].name} else {parents[2].name}"
    return _quiet(SOp(term("elementwise", "if", (each.term for each in parents)), parents, name))


def both(left: Operand, right: Operand) -> SOp:
    """Return whether both are true, as a boolean."""
    return _logical("and", left, right)


def either(left: Operand, right: Operand) -> SOp:
    """Return whether one of them is true, as a boolean."""
    return _logical("or", left, right)


def _logical(sign: str, left: Any, right: Any) -> SOp:
    if isinstance(left, Selector) or isinstance(right, Selector):
        raise RaspFault("Cannot apply and/or between selector and non-selector")
    parents = as_sop(left), as_sop(right)
    made = term("elementwise", sign, (each.term for each in parents))
    return _quiet(SOp(made, parents, f"( {_short(left)} {sign} {_short(right)})"))


def mapped(function: Callable[..., Any], parents: Sequence[SOp], name: str, *, shown: bool = True) -> SOp:
    """Return what ``function`` makes of the values at each position."""
    made = SOp(term("elementwise", name, (each.term for each in parents), function), tuple(parents), name)
    return made if shown else _quiet(made)


def load_from(sop: SOp, place: int, length: SOp | None) -> SOp:
    """Return the value of ``sop`` at ``place`` at all positions; a negative place counts from the end (``length``)."""
    if place < 0:
        if length is None:
            from hotpapers.papers.rasp.library import length
        counted = binary("+", length, place)
        counted.call_it(f"{length.name}{place}")  # type: ignore[union-attr]
        wanted: Operand = counted
    else:
        wanted = place
    found = select(base("indices"), wanted, "==", f"load from {place}")
    return _quiet(aggregate(found, sop, name=f"{sop.name}[{place}]"))


def _unary(operation: str, operand: SOp, name: str) -> SOp:
    return _quiet(SOp(term("elementwise", operation, (operand.term,)), (operand,), name))


def _quiet(made: SOp) -> SOp:
    made.shown = False
    return made


def _short(value: Any) -> str:
    return value.name if isinstance(value, Handle) else str(value)


def describe(value: Any, most: int | None = None) -> str:
    """Return a value as error texts and names show it; a list or dict longer than ``most`` becomes its kind."""
    if isinstance(value, Handle):
        return value.name
    if isinstance(value, list):
        text = "[" + ", ".join(map(describe, value)) + "]"
        return "(list)" if most is not None and len(text) > most else text
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{describe(key)}: {describe(each)}" for key, each in value.items()) + "}"
        return "(dict)" if most is not None and len(text) > most else text
    return f'"{value}"' if isinstance(value, str) else str(value)
