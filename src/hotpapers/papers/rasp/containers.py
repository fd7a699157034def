"""Lists, dicts and strings of a program: indexing, ``in``, ``range``, ``zip``, ``len``, and sharing values out.

These are functions of values; the interpreter works out the values.
"""

from collections.abc import Callable
from typing import Any

from hotpapers.papers.rasp import sops
from hotpapers.papers.rasp.environment import Function
from hotpapers.papers.rasp.faults import RaspFault
from hotpapers.papers.rasp.limits import Meter
from hotpapers.papers.rasp.session import Named
from hotpapers.papers.rasp.sops import Handle, Selector, SOp, describe


def index(indexed: Named, at: Named, length: Callable[[], SOp]) -> Any:
    """Return a container's value at a place, or the s-op of its values at the places that an s-op says.

    ``length`` gives the s-op that negative places in an s-op are counted from.
    """
    if isinstance(indexed.value, SOp):
        if not isinstance(at.value, int):
            raise RaspFault(f"index into sequence has to be integer, got: {describe(at.value)}")
        return sops.load_from(indexed.value, at.value, length() if at.value < 0 else None)
    if isinstance(indexed.value, dict):
        return _index_dict(indexed, at)
    if isinstance(indexed.value, str | list):
        return _index_list(indexed, at)
    raise RaspFault(f"can only index into a list, dict, string,or sequence, but instead got: {describe(indexed.value)}")


def _index_dict(indexed: Named, at: Named) -> Any:
    table = indexed.value

    def look_up(wanted: Any) -> Any:
        if wanted not in table:
            raise RaspFault(f"index [ {describe(wanted)} ] not in dict.")
        return table[wanted]

    if isinstance(at.value, SOp):
        return sops.mapped(look_up, (at.value,), f"{indexed.name}[{at.name}]")
    if not isinstance(at.value, int | float | str | bool):
        raise RaspFault(
            "index into dict has to be s-op or atom (i.e., string, int, float, bool), got: " + describe(at.value)
        )
    return look_up(at.value)


def _index_list(indexed: Named, at: Named) -> Any:
    values: Any = indexed.value
    kind = "list" if isinstance(values, list) else "string"

    def look_up(place: Any) -> Any:
        if place >= len(values) or -place > len(values):
            raise RaspFault(f"index {place} out of range for {kind} of length {len(values)}")
        return values[place]

    if isinstance(at.value, SOp):
        return sops.mapped(look_up, (at.value,), f"{indexed.name}[{at.name}]")
    if not isinstance(at.value, int):
        raise RaspFault(f"index into {kind} has to be s-op or integer, got: {describe(at.value)}")
    return look_up(at.value)


def is_in(contained: Any, container: Any, shown: str) -> Any:
    """Return whether an atom is in a list or an s-op; for an s-op, whether its value at each position is in a list.

    ``shown`` is the container as names tell of it.
    """
    if isinstance(contained, SOp):
        if not isinstance(container, list):
            raise RaspFault(f'"[s-op] in X" expects X to be list of atoms, but got non-list: {describe(container)}')
        if not all(isinstance(each, int | float | str | bool) for each in container):
            raise RaspFault(
                f'"[s-op] in X" expects X to be list of atoms, but got list with values: {describe(container)}'
            )
        return sops.mapped(container.__contains__, (contained,), f"{contained.name} in {shown}", shown=False)
    if isinstance(contained, int | float | str | bool):
        if isinstance(container, list):
            return any(contained == each for each in container if not isinstance(each, Handle))
        if isinstance(container, SOp):
            everyone = sops.select(1, 1, "==", "full average")
            return sops.binary(">", sops.aggregate(everyone, sops.indicator(container == contained)), 0)
        raise RaspFault(f'"[atom] in X" expects X to be list or s-op, but got: {describe(container)}')
    if isinstance(contained, Selector | Function):
        kind = "select" if isinstance(contained, Selector) else "function"
        raise RaspFault(
            f"don't check if {kind} is contained in list/dict: unless exact same instance, "
            f"unable to check equivalence of {kind}s"
        )
    raise RaspFault(f'"A in X" expects A to be s-op or atom, but got A: {describe(contained)}')


def counted(values: list[Any], meter: Meter) -> list[int]:
    """Return the list of ``range``."""
    if len(values) not in (1, 2, 3):
        raise RaspFault(f"wrong number of inputs to range, expected: 1, 2, or 3, got: {len(values)}")
    for value in values:
        if not isinstance(value, int):
            raise RaspFault(f"range expects all integer inputs, but got: {describe(values)}")
    found = range(*values)
    meter.take((found.stop - found.start) // found.step, "a list")
    return list(found)


def zipped(lists: list[Any]) -> list[list[Any]]:
    """Return the list of ``zip``."""
    for number, each in enumerate(lists, start=1):
        if not isinstance(each, list):
            raise RaspFault(f"attempting to zip lists, but {number} -th element is not list: {describe(each)}")
    for number, each in enumerate(lists, start=1):
        if len(each) != len(lists[0]):
            raise RaspFault(
                f"attempting to zip lists of length {len(lists[0])} , but {number} -th list has length {len(each)}"
            )
    return [list(each) for each in zip(*lists, strict=True)]


def length_of(value: Any) -> int:
    """Return the number of ``len``."""
    if not isinstance(value, list):
        raise RaspFault(f"attempting to compute length of non-list: {describe(value)}")
    return len(value)


def shared_out(names: tuple[str, ...], values: Any) -> list[tuple[str, Any]]:
    """Return each name of an iteration with its value; several names share out a value of several parts."""
    if len(names) == 1:
        return [(names[0], values)]
    if not isinstance(values, str | list | dict):
        raise RaspFault(f"iterating with multiple iterator names, but got single iterator value: {values}")
    if len(values) != len(names):
        raise RaspFault(f"iterating with {len(names)} names but got {len(values)} values ( {values} )")
    return list(zip(names, values, strict=True))
