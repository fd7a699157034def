"""The console: reads statements line by line, carries them out, and shows what they made, as the authors' does."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from hotpapers.papers.rasp import show
from hotpapers.papers.rasp.environment import Environment
from hotpapers.papers.rasp.faults import (
    Fault,
    LexicalFault,
    LimitReached,
    NotImplementedHere,
    RaspFault,
    SyntaxFault,
    Unfinished,
)
from hotpapers.papers.rasp.interpreter import Interpreter
from hotpapers.papers.rasp.limits import Limits
from hotpapers.papers.rasp.parser import parse
from hotpapers.papers.rasp.session import LIBRARY, LIBRARY_NAME, Named, Session, Shown
from hotpapers.papers.rasp.syntax import REPL_COMMANDS, Node

PROMPT, CONTINUED = ">> ", ".. "
ReadLine = Callable[[str], str]


class Leave(Exception):
    """The user leaves the console."""


class Console:
    """One console.

    Parameters
    ----------
    write
        Takes what is shown, newlines included.
    folder
        Where ``load`` looks for files and ``draw`` puts pictures.
    limits
        What each statement may take.
    library
        The file that is loaded first.
    confined
        Whether ``load`` keeps to the folder.
    """

    def __init__(
        self,
        write: Callable[[str], Any] | None = None,
        folder: Path | str = ".",
        limits: Limits = Limits(),  # noqa: B008
        library: Path = LIBRARY,
        *,
        confined: bool = False,
    ) -> None:
        self.write = write or sys.stdout.write
        self.session = Session(limits, folder, confined=confined)
        self.verbose = False
        self.examples = {"s-op": True, "selector": True}
        self._later: list[tuple[str, Named | None]] | None = None  # while a file is loaded: text, and what it shows
        self.print("RASP 0.1")
        self.print("running example is: hello")
        self._load_library(library)

    def print(self, *parts: Any, end: str = "\n") -> None:
        """Show parts with spaces between them."""
        self.write(" ".join(map(str, parts)) + end)

    # Reading

    def run(self, read_line: ReadLine) -> None:
        """Read and carry out until the input ends (``EOFError``) or the user leaves."""
        while True:
            try:
                self.carry_out(self._read(read_line), self.session.console)
            except (SyntaxFault, LexicalFault) as fault:
                self._say_syntax(fault)
            except EOFError:
                self.print("")
                return
            except Leave:
                return
            except KeyboardInterrupt:
                self.print("")

    def _read(self, read_line: ReadLine) -> list[Node]:
        """Read lines until the parser has all that it wants."""
        text, prompt = "", PROMPT
        while True:
            line = read_line(prompt + "  " * text.split().count("def"))
            text += "" if line.lstrip().startswith("#") else line
            try:
                return parse(text)
            except Unfinished:
                text, prompt = text + "\n", CONTINUED

    def _say_syntax(self, fault: Fault) -> None:
        self.print(f"\t!! antlr exception: {fault} \t-- ignoring input")

    # Carrying out

    def carry_out(self, statements: list[Node], environment: Environment) -> None:
        """Carry out what was read at once, which must be one statement, and show what it made or what is wrong."""
        self.session.meter.start()
        try:
            if len([each for each in statements if each.kind != "comment"]) > 1:
                raise ValueError("")  # the authors' console says no more
            for statement in statements:
                self._carry_out(statement, environment)
        except NotImplementedHere:
            self._tell("not implemented this command yet! ignoring\n")
        except RaspFault as fault:
            self._tell(f"\t\t!!ignoring input:\n\t {fault}\n")
        except (Leave, EOFError, KeyboardInterrupt):
            raise
        except LimitReached as fault:
            self._tell(f"\t\t!!ignoring input:\n\t {fault}\n")
        except Exception as error:  # whatever Python says of the program's own arithmetic
            self._tell(f"something went wrong: {error}\n")

    def _carry_out(self, statement: Node, environment: Environment) -> None:
        if statement.kind in REPL_COMMANDS:
            self._command(statement, environment)
            return
        if statement.kind == "load":
            self._load(statement.parts[0], environment)
            return
        for shown in _Interpreter(self, environment).statement(statement):
            self._show(shown, environment)

    def _tell(self, text: str) -> None:
        if self._later is None:
            self.write(text)
        else:
            self._later.append((text, None))

    def _show(self, shown: Shown, environment: Environment) -> None:
        """Show now or, of a file that is loaded, later and only what reaches the console."""
        if self._later is None:
            self.write(self._text(shown))
        elif isinstance(shown, Named) and not shown.name.startswith("_") and shown.name != "out":
            self._later.append(("", shown))

    def _text(self, shown: Shown) -> str:
        return show.text(shown, self.session, self.examples, self.verbose)

    def _command(self, command: Node, environment: Environment) -> None:
        if command.kind == "exit":
            raise Leave
        if command.kind == "verbose":
            self.verbose = command.parts[0] == "on"
            return
        subsets = ("s-op", "selector") if command.parts[0] == "both" else (command.parts[0],)
        if command.kind == "examples":
            self.examples |= dict.fromkeys(subsets, command.parts[1] == "on")
        elif command.kind == "show":
            examples = {"s-op": self.session.example, "selector": self.session.selector_example}
            for subset in subsets:
                label = "\ts-op example:" if subset == "s-op" else "\tselector example:"
                self._tell(f"{label} {show.quoted(examples[subset])}\n")
        else:
            example = Interpreter(self.session, environment).value(command.parts[1])
            if not isinstance(example, str | list | dict):
                raise RaspFault(f"example not iterable: {example}")
            if "s-op" in subsets:
                self.session.example = example
            if "selector" in subsets:
                self.session.selector_example = example

    # Loading

    def _load_library(self, library: Path) -> None:
        session = self.session
        session.console.sealing = True
        self._run_file(library.read_text(encoding="utf-8"), session.imported(LIBRARY_NAME, session.console))
        for text, _ in self._take_later():
            self.write(text)
        try:
            session.finish_library()
        except RaspFault as fault:
            self._tell(f"\t\t!!ignoring input:\n\t {fault}\n")

    def _load(self, name: str, environment: Environment) -> None:
        """Run a file, showing of each name only its last value unless something went wrong."""
        path, text = self.session.find(name)
        before = dict(self.examples)
        self.session.loading.append(path)
        self.examples = dict.fromkeys(self.examples, False)
        outer = self._later
        try:
            self._run_file(text, self.session.imported(name, environment))
            for told, named in _last_of_each(self._take_later()):
                self.write(told or self._text(named) if named else told)
        finally:
            self._later = [] if outer is not None else None
            self.session.loading.pop()
            self.examples = before

    def _run_file(self, text: str, environment: Environment) -> None:
        self._later = self._later or []
        lines = iter(text.splitlines())

        def read_line(_: str) -> str:
            for line in lines:
                return line
            raise EOFError

        while True:
            try:
                self.carry_out(self._read(read_line), environment)
            except (SyntaxFault, LexicalFault) as fault:
                self._say_syntax(fault)
            except (EOFError, Leave):
                return

    def _take_later(self) -> list[tuple[str, Named | None]]:
        later, self._later = self._later or [], None
        return later


class _Interpreter(Interpreter):
    """An interpreter whose ``load`` shows what it loads, also from inside a function."""

    def __init__(self, console: Console, environment: Environment) -> None:
        super().__init__(console.session, environment)
        self._console = console

    def within(self, environment: Environment) -> Interpreter:
        return _Interpreter(self._console, environment)

    def load(self, name: str) -> None:
        self._console._load(name, self.environment)


def _last_of_each(later: list[tuple[str, Named | None]]) -> Iterator[tuple[str, Named | None]]:
    if any(text for text, _ in later):
        return iter(later)
    last = {named.name: place for place, (_, named) in enumerate(later) if named}
    return (each for place, each in enumerate(later) if each[1] and last[each[1].name] == place)


def read_from(stream: Iterable[str], write: Callable[[str], Any], *, echo: bool = False) -> ReadLine:
    """Return a reader of the lines of ``stream`` that writes the prompt first; with ``echo``, the line after it."""
    lines = iter(stream)

    def read_line(prompt: str) -> str:
        write(prompt)
        for line in lines:
            line = line.rstrip("\n")
            if echo:
                write(line + "\n")
            return line
        raise EOFError

    return read_line


def main(stdin: TextIO | None = None, folder: Path | str = ".") -> None:
    """Run a console on standard input; at a terminal lines can be edited."""
    if stdin is None and sys.stdin.isatty():
        import readline  # noqa: F401  input() edits lines once it is there

        Console(folder=folder).run(input)
        return
    console = Console(folder=folder)
    console.run(read_from(stdin or sys.stdin, console.write))
