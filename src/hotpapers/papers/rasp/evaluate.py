"""Evaluation: the values of terms on a batch of inputs of one length.

What happens position by position is Python's own arithmetic, mapped over the whole batch. What happens between all
pairs of positions is done by NumPy, in blocks of rows that keep memory flat; where there are few pairs, and where
values do not fit machine numbers, by Python. Both ways give the same values to the last bit.
"""

import math
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hotpapers.papers.rasp.faults import RaspFault
from hotpapers.papers.rasp.limits import Meter
from hotpapers.papers.rasp.terms import COMPARE, OPERATIONS, Atom, Term

if TYPE_CHECKING:
    import numpy as np

FEW = 1500
"""Up to so many pairs Python is faster than waking NumPy."""
BLOCK = 1 << 20
"""Pairs that are looked at at a time."""
EXACT = 2**53
"""Integers below are exact as double-precision numbers, and so are their sums."""

_CASTS = {"tokens_str": str, "tokens_int": int, "tokens_float": float, "tokens_bool": bool}


def type_name(values: Sequence[Any]) -> str | None:
    """Return ``string``, ``bool``, ``int`` or ``float`` for a sequence of atoms; ``None`` where they do not match.

    Integers among floats are a sequence of floats, and are not converted; booleans among integers are one of integers.
    """
    types = set(map(type, values))
    if types == {str}:
        return "string"
    if types == {bool}:
        return "bool"
    if types <= {int, bool}:
        return "int"
    return "float" if types <= {int, float, bool} else None


class Evaluation:
    """The values of terms on ``inputs``, each term's worked out once.

    Values of a batch lie one sequence after another in one list.
    """

    def __init__(self, inputs: Sequence[Iterable[Atom]], meter: Meter | None = None) -> None:
        self.inputs = [list(each) for each in inputs]
        self.meter = meter or Meter()
        self.batch, self.length = len(self.inputs), len(self.inputs[0]) if self.inputs else 0
        if self.length == 0:
            shown = inputs[0] if len(inputs) else ""
            raise RaspFault(f"RASP sequences/selectors expect non-empty iterables, got: {shown}")
        self.meter.take(self.length**2, "a selector")
        self.meter.take(self.batch * self.length, "a batch")
        self._known: dict[Term, list[Any]] = {}
        self._arrays: dict[Any, Any] = {}
        self._small = self.batch * self.length**2 <= FEW

    def values(self, wanted: Term) -> list[Any]:
        """Return a sequence operator's values, or a selector's rows of booleans (row: query, column: key)."""
        known = self._known
        if wanted not in known:
            waiting = [wanted]
            while waiting:  # parents first, without recursion: programs can be deep
                here = waiting[-1]
                missing = [each for each in here.parents if each not in known]
                if missing:
                    waiting.extend(reversed(missing))
                    continue
                waiting.pop()
                if here not in known:
                    self.meter.step()
                    known[here] = self._prepare(here) if here.is_selector else self._work_out(here)
        if wanted.is_selector and not self._small:
            return [row for rows in self._blocks(wanted) for batch in rows.tolist() for row in batch]
        return known[wanted]

    def row(self, wanted: Term, place: int) -> list[Any]:
        """Return the values of the sequence at ``place`` of the batch."""
        return self.values(wanted)[place * self.length : (place + 1) * self.length]

    def matrices(self, selector: Term) -> "np.ndarray":
        """Return a selector's booleans on the whole batch, batch x queries x keys."""
        import numpy as np

        return np.array(self.values(selector), dtype=bool).reshape(self.batch, self.length, self.length)

    # Position by position

    def _work_out(self, here: Term) -> list[Any]:
        if here.kind == "constant":
            return self._checked([here.detail] * (self.batch * self.length), here)
        if here.kind == "base":
            if here.detail == "indices":
                return list(range(self.length)) * self.batch
            cast = _CASTS.get(here.detail)
            flat = [value for sequence in self.inputs for value in sequence]
            return self._checked(list(map(cast, flat)) if cast else flat, here)
        operands = [self._known[parent] for parent in here.parents]
        if here.kind == "aggregate":
            if self._small:
                found = self._aggregate_plainly(operands[0], operands[1], here.detail)
            else:
                found = self._aggregate(here.parents[0], operands[1], here.detail)
        elif here.detail == "^":
            found = [self._power(a, b) for a, b in zip(*operands, strict=True)]
        elif operands:
            assert here.function is not None
            if here.detail in ("+", "-", "*") and here.function is OPERATIONS[here.detail]:
                self.meter.take_result(here.detail, *operands)
            found = list(map(here.function, *operands))
        else:
            assert here.function is not None
            found = [here.function() for _ in range(self.batch * self.length)]
        return self._checked(found, here)

    def _power(self, a: Any, b: Any) -> Any:
        if type(a) is int and type(b) is int and abs(a) > 1 and b > 0:
            self.meter.take_number(a.bit_length() * b)
        return pow(a, b)

    def _checked(self, values: list[Any], here: Term) -> list[Any]:
        if type_name(values) is not None and len(set(map(type, values))) == 1:
            return values
        for start in range(0, len(values), self.length):
            sequence = values[start : start + self.length]
            if type_name(sequence) is None:
                shown: Any = sequence if here.kind == "base" else tuple(sequence)
                if all(isinstance(value, Atom) for value in sequence):
                    raise RaspFault(f"attempted to create sequence with vals of different types:\n\t\t {shown}")
                raise RaspFault(
                    "attempted to create sequence with illegal val types "
                    f"(vals must be bool, float, int or string):\n\t\t {shown}"
                )
        return values

    # Between pairs of positions, plainly

    def _prepare(self, here: Term) -> list[list[bool]]:
        """Return a selector's rows; of a large one nothing is kept, but what cannot be compared is refused here."""
        operands = [self._known[parent] for parent in here.parents]
        if not self._small:
            if here.kind == "compare":
                self._ranks(here)
            return []
        if here.kind == "compare":
            compare, n = COMPARE[here.detail], self.length
            keys, queries = operands
            return [
                [compare(query, key) for key in keys[start : start + n]]
                for start in range(0, len(keys), n)
                for query in queries[start : start + n]
            ]
        if here.kind == "not":
            return [[not a for a in row] for row in operands[0]]
        combine = operator.and_ if here.kind == "and" else operator.or_
        return [list(map(combine, a, b)) for a, b in zip(*operands, strict=True)]

    def _aggregate_plainly(self, rows: list[list[bool]], values: list[Any], default: Any) -> list[Any]:
        n, found = self.length, []
        for place, row in enumerate(rows):
            sequence = values[place // n * n : place // n * n + n]
            chosen = [value for value, selected in zip(sequence, row, strict=True) if selected]
            if len(chosen) > 1:
                found.append(_mean(chosen, sequence))
            else:
                found.append(chosen[0] if chosen else 0 if default is None else default)
        return found

    # Between pairs of positions, in blocks

    def _blocks(self, selector: Term) -> Iterable["np.ndarray"]:
        """Yield a selector's booleans by blocks of rows of one sequence each: 1 x rows x length."""
        rows = max(1, BLOCK // self.length)
        for place in range(self.batch):
            for start in range(0, self.length, rows):
                self.meter.look_at_clock()
                yield self._block(selector, slice(place, place + 1), slice(start, start + rows))

    def _block(self, selector: Term, places: slice, rows: slice) -> "np.ndarray":
        """Return booleans, places x rows x length."""
        if selector.kind == "compare":
            keys, queries, compare = self._ranks(selector)
            return compare(queries[places, rows, None], keys[places, None, :])
        first = self._block(selector.parents[0], places, rows)
        if selector.kind == "not":
            return ~first
        second = self._block(selector.parents[1], places, rows)
        return first & second if selector.kind == "and" else first | second

    def _ranks(self, selector: Term) -> Any:
        """Return keys and queries as arrays, batch x length, whose comparison is theirs, and that comparison."""
        if selector in self._arrays:
            return self._arrays[selector]
        import numpy as np

        keys, queries = (self._known[parent] for parent in selector.parents)
        compare = {"==": np.equal, "!=": np.not_equal, "<": np.greater, ">": np.less, "<=": np.greater_equal,
                   ">=": np.less_equal}[selector.detail]  # fmt: skip
        arrays = [self._numbers(parent) for parent in selector.parents]
        if arrays[0] is None or arrays[1] is None:
            present = set(keys) | set(queries)
            if selector.detail in ("==", "!="):
                rank = {value: place for place, value in enumerate(present)}
            else:
                try:
                    rank = {value: place for place, value in enumerate(sorted(present))}
                except TypeError:
                    for query in queries:  # to fail at the pair at which Python would
                        for key in keys:
                            COMPARE[selector.detail](query, key)
                    raise
            arrays = [np.array([rank[value] for value in values]) for values in (keys, queries)]
        shaped = [np.asarray(array).reshape(self.batch, self.length) for array in arrays]
        self._arrays[selector] = (*shaped, compare)
        return self._arrays[selector]

    def _numbers(self, term: Term) -> "np.ndarray | None":
        """Return a sequence operator's values as double-precision numbers, where these hold them exactly."""
        if term in self._arrays:
            return self._arrays[term]
        values = self._known[term]
        self._arrays[term] = None if str in set(map(type, values)) else self._column(values)
        return self._arrays[term]

    def _aggregate(self, selector: Term, values: list[Any], default: Any) -> list[Any]:
        import numpy as np

        n, default = self.length, 0 if default is None else default
        numeric = [type_name(values[start : start + n]) in ("int", "float") for start in range(0, len(values), n)]
        numbers = self._column(values) if any(numeric) else None
        whole = numbers is not None and bool(np.all(numbers == np.floor(numbers)) and np.abs(numbers).max() * n < EXACT)
        found: list[Any] = []
        together = max(1, BLOCK // n**2)
        rows = max(1, BLOCK // n)
        for first in range(0, self.batch, together):
            places = slice(first, min(first + together, self.batch))
            for start in range(0, n, rows):
                self.meter.look_at_clock()
                block = self._block(selector, places, slice(start, start + rows))
                counts = np.count_nonzero(block, axis=2)
                if numbers is None or not all(numeric[places]):
                    self._refuse_means(counts, places, numeric, values)
                means = _means(block, counts, numbers[places], whole) if numbers is not None else counts
                chosen = np.argmax(block, axis=2) + np.arange(places.start, places.stop)[:, None] * n
                flat = means.ravel().tolist()
                counted = counts.ravel()
                for at in np.flatnonzero(counted == 1).tolist():
                    flat[at] = values[chosen.flat[at]]
                for at in np.flatnonzero(counted == 0).tolist():
                    flat[at] = default
                if numbers is None and any(numeric):  # integers too large for doubles
                    for at in np.flatnonzero(counted > 1).tolist():
                        place = at // block.shape[1]
                        sequence = values[(first + place) * n : (first + place + 1) * n]
                        kept = block[place, at % block.shape[1]].tolist()
                        flat[at] = _mean([v for v, k in zip(sequence, kept, strict=True) if k], sequence)
                found.extend(flat)
        return found

    def _column(self, values: list[Any]) -> "np.ndarray | None":
        """Return numbers as doubles, batch x length, or None if an integer is too large for that; strings are 0."""
        import numpy as np

        try:
            numbers = np.array([0 if type(value) is str else value for value in values], dtype=np.float64)
        except OverflowError:
            return None
        if not np.all(np.abs(numbers) < EXACT) and any(type(v) is int and abs(v) >= EXACT for v in values):
            return None
        return numbers.reshape(self.batch, self.length)

    def _refuse_means(self, counts: "np.ndarray", places: slice, numeric: list[bool], values: list[Any]) -> None:
        for place in range(places.start, places.stop):
            if not numeric[place] and (counts[place - places.start] > 1).any():
                sequence = values[place * self.length : (place + 1) * self.length]
                raise ArithmeticError(f"asked to average multiple values, but they are non-numbers: {sequence}")


def _means(block: "np.ndarray", counts: "np.ndarray", numbers: "np.ndarray", whole: bool) -> "np.ndarray":
    """Return the mean of the chosen values of each row, summed in their order as Python would."""
    import numpy as np

    if whole:  # sums of whole numbers come out the same in any order
        sums = (block.astype(np.float64) @ numbers[:, :, None])[:, :, 0]
    else:
        sums = np.zeros(counts.shape)
        columns = np.ascontiguousarray(block.transpose(2, 0, 1))
        for column, value in zip(columns, numbers.T, strict=True):
            sums += np.where(column, value[:, None], 0.0)
    return sums / np.maximum(counts, 1)


def _mean(chosen: list[Any], sequence: list[Any]) -> float:
    if type_name(sequence) not in ("int", "float"):
        raise ArithmeticError(f"asked to average multiple values, but they are non-numbers: {sequence}")
    total: Any = 0
    for value in chosen:  # not sum(), which from Python 3.12 on compensates for rounding
        total += value
    return total * 1.0 / len(chosen)


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal, not-a-number being equal to itself."""
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))
