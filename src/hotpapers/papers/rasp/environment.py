"""Names and what they stand for: environments inside environments, and the functions that close over them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from hotpapers.papers.rasp.faults import RaspFault
from hotpapers.papers.rasp.sops import SOp
from hotpapers.papers.rasp.syntax import Node

RESERVED = ("if", "else", "not", "and", "or", "out", "def", "return", "range", "for", "in", "zip", "len", "get")


class UndefinedName(RaspFault):
    """A name that stands for nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Error: Undefined variable: {name}")
        self.name = name


class Environment:
    """Names → values. What is not here is looked for in ``parent``; what is set here is handed on to ``importer``."""

    def __init__(
        self,
        name: str,
        constants: dict[str, Any],
        parent: "Environment | None" = None,
        importer: "Environment | None" = None,
    ) -> None:
        self.name, self.constants, self.parent, self.importer = name, constants, parent, importer
        self.variables: dict[str, Any] = {}
        self.sealing = False
        """Whether what is set becomes read-only, as the library's names do."""

    def copy(self) -> "Environment":
        """Return an environment of the same names that goes its own way; values are never changed in place."""
        copied = Environment(self.name, dict(self.constants), self.parent, self.importer)
        copied.variables = dict(self.variables)
        return copied

    def nested(self) -> "Environment":
        """Return a new environment inside this one."""
        return Environment(f"{self.name}'", _roots(self), self)

    def get(self, name: str) -> Any:
        """Return what ``name`` stands for."""
        here: Environment | None = self
        while here is not None:
            if name in here.constants:
                return here.constants[name]
            if name in here.variables:
                return here.variables[name]
            here = here.parent
        raise UndefinedName(name)

    def set(self, name: str, value: Any) -> None:
        """Let ``name`` stand for ``value``."""
        if name in RESERVED or name in self.constants:
            raise RaspFault(f"Error: Cannot set reserved name: {name}")
        (self.constants if self.sealing else self.variables)[name] = value
        if self.importer is not None and not name.startswith("_") and name != "out":
            self.importer.set(name, value)


def _roots(environment: Environment) -> dict[str, Any]:
    """Return the names that no environment may set: those that every one of them begins with."""
    return {name: environment.get(name) for name in BEGINNING}


BEGINNING = ("tokens_asis", "tokens_str", "tokens_int", "tokens_bool", "tokens_float", "indices", "True", "False")


def beginning(bases: dict[str, SOp]) -> dict[str, Any]:
    """Return the constants of a new environment."""
    return {**bases, "True": True, "False": False}


class Function(NamedTuple):
    """A function that a program defined; ``home`` is the environment that it closes over."""

    name: str
    home: Environment
    arguments: tuple[str, ...]
    body: tuple[Node, ...]
    returned: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.home.name} function: {self.name}({', '.join(self.arguments)})"

    def enter(self, values: Iterable[Any]) -> Environment:
        """Return the environment of a call."""
        values = list(values)
        if len(values) != len(self.arguments):
            raise RaspFault(
                f"wrong number of args for {self.name}- expected: {len(self.arguments)}, got: {len(values)}."
            )
        inside = self.home.nested()
        for name, value in zip(self.arguments, values, strict=True):
            inside.set(name, value)
        return inside
