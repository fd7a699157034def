"""How a console shows values, to the letter as the authors' does."""

from collections.abc import Sequence
from typing import Any

from hotpapers.papers.rasp.environment import Function
from hotpapers.papers.rasp.evaluate import type_name
from hotpapers.papers.rasp.session import Applied, Session, Shown
from hotpapers.papers.rasp.sops import Handle, Selector, SOp


def text(shown: Shown, session: Session, examples: dict[str, bool], verbose: bool = False) -> str:
    """Return the lines that a console shows of a value.

    Parameters
    ----------
    shown
        The value.
    session
        Whose examples s-ops and selectors are shown on.
    examples
        Whether ``s-op`` and ``selector`` are shown on their examples at all.
    verbose
        Whether sequences stand below their inputs.
    """
    writer = _Writer(session, examples, verbose)
    if isinstance(shown, Applied):
        writer.applied(shown)
    else:
        writer.named(shown.name, shown.value)
    return "".join(writer.written)


def quoted(value: Any) -> str:
    """Return a value as a program would write it."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def sequence(values: Sequence[Any]) -> str:
    """Return a sequence's values and type on one line."""
    if len(set(values)) == 1 and len(values) > 1:
        return f"[{_short(values[0])}]*{len(values)} ({type_name(values)}s)"
    return f"[{', '.join(map(_short, values))}] ({type_name(values)}s)"


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return str(round(value, 3)) if isinstance(value, float) else str(value)


class _Writer:
    def __init__(self, session: Session, examples: dict[str, bool], verbose: bool) -> None:
        self.session, self.examples, self.verbose = session, examples, verbose
        self.written: list[str] = []

    def line(self, *parts: Any, end: str = "\n") -> None:
        self.written.append(" ".join(map(str, parts)) + end)

    def applied(self, shown: Applied) -> None:
        if isinstance(shown.handle, Selector):
            self.line("\t = ")
            self.matrix(shown.given, shown.values, "")
        elif self.verbose:
            self.line("\t = ", end="")
            self.aligned(shown.given, shown.values, "", "")
        else:
            self.line("\t = ", sequence(shown.values))

    def named(self, name: str | None, value: Any, tabs: int = 0, before: str = "") -> None:
        """Write a value; inside a list or dict it has no name, stands further right, and may have a key before it."""
        indent = "\t" * tabs
        if name is None and isinstance(value, Handle):
            name = value.name
        if isinstance(value, SOp):
            self.line(indent, before, "   s-op:", name)
            if self.examples["s-op"]:
                self.sop_example(str(name), value, indent)
        elif isinstance(value, Selector):
            self.line(indent, before, f"   selector: {name}")
            if self.examples["selector"]:
                self.line(f"{indent} \t Example:")
                example = self.session.selector_example
                self.matrix(example, self.session.evaluate(value, example), indent)
        elif isinstance(value, Function):
            self.line(f"{indent} {before}    {value}")
        elif isinstance(value, list | dict):
            self.container(name, value, tabs, before)
        else:
            self.line(f"{indent}    value: {name + ' = ' if name is not None else ''}", quoted(value))

    def sop_example(self, name: str, sop: SOp, indent: str) -> None:
        example = self.session.example
        values = self.session.evaluate(sop, example)
        if not self.verbose:
            self.line(f"{indent} \t Example: {name}({quoted(example)}) =", sequence(values))
            return
        self.line(f"{indent} \t Example:", end="")
        self.aligned(self.session.selector_example, values, indent, f"{name}({quoted(example)}) =")

    def container(self, name: str | None, value: list[Any] | dict[Any, Any], tabs: int, before: str) -> None:
        indent, is_list = "\t" * tabs, isinstance(value, list)
        label = f"   {'list' if is_list else 'dict'}: {name + ' = ' if name is not None else ''}"
        inside = list(value) if is_list else list(value.values())  # type: ignore[union-attr]
        self.line(f"{indent} {before} {label}", end="")
        if not any(isinstance(each, list | dict | Handle) for each in inside):
            self.line(value)
            return
        self.line(f"{indent} {'[' if is_list else '{'}")
        if is_list:
            for each in inside:
                self.named(None, each, tabs + 2)
        else:
            for key, each in value.items():  # type: ignore[union-attr]
                self.named(None, each, tabs + 3, f"{quoted(key)} : ")
        self.line(indent + " " * (len(label) + 2) + ("]" if is_list else "}"))

    def aligned(self, given: Any, values: list[Any], indent: str, label: str) -> None:
        """Write a sequence below its input; one that is the same everywhere needs no such care."""
        if len(set(values)) == 1:
            self.line("", label, sequence(values), end=" ")
            self.line("[skipped full display: identical values]")
            return
        self.line("")
        inputs = [str(value) for value in _booleans(list(given))]
        outputs = [str(value) for value in _booleans(values)]
        width = max(map(len, inputs + outputs))
        for label, row, kind in (("input:  ", inputs, "string"), ("output: ", outputs, type_name(values))):
            self.line(indent, f"\t\t{label}", " ".join(f"{value:>{width}}" for value in row), "\t", f"({kind}s)")

    def matrix(self, given: Any, rows: list[list[bool]], indent: str) -> None:
        self.line(indent, "\t\t\t    ", " ".join(map(str, given)))
        for value, row in zip(given, rows, strict=False):
            self.line(indent, "\t\t\t", value, "|", " ".join("1" if each else " " for each in row))


def _booleans(values: list[Any]) -> list[Any]:
    """Return booleans as letters of which only the rarer is shown."""
    if not isinstance(values[0], bool):
        return values
    true = "T" if values.count(True) <= values.count(False) else ""
    false = "F" if values.count(False) <= values.count(True) else ""
    return [true if value else false for value in values]
