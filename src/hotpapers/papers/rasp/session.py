"""Sessions: what all programs of one console share, and what evaluating a statement gives to show."""

from pathlib import Path
from typing import Any, NamedTuple

from hotpapers.papers.rasp import sops
from hotpapers.papers.rasp.environment import Environment, beginning
from hotpapers.papers.rasp.evaluate import Evaluation
from hotpapers.papers.rasp.faults import RaspFault
from hotpapers.papers.rasp.limits import Limits, Meter
from hotpapers.papers.rasp.sops import Handle, describe

LIBRARY = Path(__file__).with_name("rasplib.rasp")
LIBRARY_NAME = "RASP_support/rasplib"
"""The library's name where functions say who defined them; programs and tests know it by this one."""


class Named(NamedTuple):
    """A value with the name to show it under."""

    name: str
    value: Any


class Applied(NamedTuple):
    """What an s-op or a selector gave on an input; it is shown, and no expression goes on from it."""

    handle: Handle
    values: list[Any]
    given: Any


Shown = Named | Applied


class Session:
    """What all programs of one console share: examples, limits, and the environment that loaded files begin with."""

    def __init__(self, limits: Limits = Limits(), folder: Path | str = ".", *, confined: bool = False) -> None:  # noqa: B008
        self.meter = Meter(limits)
        self.folder, self.confined = Path(folder), confined
        self.example: Any = "hello"
        self.selector_example: Any = "hello"
        self.console = Environment("console", beginning(sops.new_bases()))
        self.base = self.console.copy()
        self.loading: list[Path] = []
        self.tries = True
        """Whether what is made is tried on the example at once."""
        self._evaluations: dict[Any, Evaluation] = {}

    def finish_library(self) -> None:
        """End the library: from here on, names that are set can be set again."""
        self.console.sealing = False
        self.base = self.console.copy()
        tokens = self.console.get("tokens_str")
        self.console.set("tokens", tokens)
        tokens.call_it("tokens")
        self.base = self.console.copy()

    def imported(self, name: str, importer: Environment) -> Environment:
        """Return the environment of a file that is loaded: it knows the library, and hands on what it sets."""
        return Environment(name, beginning(sops.new_bases()), self.base, importer)

    def find(self, name: str) -> tuple[Path, str]:
        """Return the file that ``load "name"`` means, and its text."""
        path = (self.folder / f"{name}.rasp").resolve()
        if self.confined and not path.is_relative_to(self.folder.resolve()):
            raise RaspFault(f"{name}.rasp is not in the program's folder")
        if path in self.loading:
            raise RaspFault(f"{name}.rasp loads itself")
        try:
            return path, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError):
            raise RaspFault(f"could not find file: {name}.rasp") from None

    def evaluate(self, handle: Handle, given: Any) -> list[Any]:
        """Return a handle's values on one input, which is remembered while it is an example."""
        if not isinstance(given, str | list | dict):
            raise RaspFault(f"RASP sequences/selectors expect non-empty iterables, got: {describe(given)}")
        key = (type(given), repr(given))
        if key not in self._evaluations:
            if len(self._evaluations) > 3:
                self._evaluations.clear()
            self._evaluations[key] = Evaluation([given], self.meter)
        return self._evaluations[key].values(handle.term)
