"""Programs: a RASP text run to its end, and the names that it leaves."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hotpapers.errors import BadInput
from hotpapers.papers.rasp.faults import Fault
from hotpapers.papers.rasp.interpreter import Interpreter, library_session
from hotpapers.papers.rasp.limits import Limits
from hotpapers.papers.rasp.parser import parse, read_program
from hotpapers.papers.rasp.session import Applied, Named, Session, Shown
from hotpapers.papers.rasp.sops import Selector, SOp, describe
from hotpapers.papers.rasp.syntax import REPL_COMMANDS

PAPER = Path(__file__).with_name("paper.rasp")
LARGEST_FILE = 2**20


class Program(Mapping[str, Any]):
    """A program that has run: name → s-op, selector, function or value.

    Attributes
    ----------
    name
        What its errors call it.
    shown
        What its statements showed, in order.
    session
        The session that it ran in.
    """

    def __init__(self, name: str, session: Session) -> None:
        self.name, self.session = name, session
        self.shown: list[Shown] = []
        self._interpreter = Interpreter(session, session.console)

    def __getitem__(self, name: str) -> Any:
        return self.session.console.get(name) if name in self else self._missing(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.session.console.variables if name != "out")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        console = self.session.console
        return name in console.variables or name in console.constants

    def _missing(self, name: str) -> Any:
        raise KeyError(f"{self.name} sets no {name!r}; it sets: {', '.join(self)}")

    def evaluate(self, expression: str, name: str = "--expr") -> Any:
        """Return the value of an expression in the program's names; an application gives its list of values.

        ``name`` is what errors call the expression.

        Raises
        ------
        BadInput
            Saying where in the expression what is wrong.
        """
        try:
            statements = parse(f"{expression.strip().rstrip(';')};")
            self.session.meter.start()
            shown = [each for statement in statements for each in self._interpreter.statement(statement)]
        except Exception as error:  # whatever Python says of the program's own arithmetic
            raise told(error, name) from error
        value = shown[-1] if shown else None
        return value.values if isinstance(value, Applied) else value.value if isinstance(value, Named) else None

    def sop(self, expression: str) -> SOp:
        """Return the s-op that ``expression`` names."""
        found = self.evaluate(expression, "--sop")
        if not isinstance(found, SOp):
            kind = "a selector" if isinstance(found, Selector) else f"{describe(found)[:60]}, a value"
            names = [name for name in self if isinstance(self[name], SOp) and not name.startswith("_")]
            raise BadInput(f"{expression[:60]!r} is {kind}, and an s-op is wanted: name one of {', '.join(names)}.")
        return found


def load(
    path: Path | str,
    limits: Limits = Limits(),  # noqa: B008
    example: Any = "hello",
    folder: Path | str | None = None,
) -> Program:
    """Run the program in a file.

    Parameters
    ----------
    path
        The file.
    limits
        What the program may take.
    example
        The input that s-ops are tried on as they are made, unless the program sets another.
    folder
        Where the program loads files from and draws into; the file's own when left out.

    Raises
    ------
    BadInput
        If the file cannot be read, or the program is wrong: the line says file, line and column.
    """
    path = Path(path)
    return loads(read_source(path), limits, example, name=path.name, folder=path.parent if folder is None else folder)


def loads(
    text: str,
    limits: Limits = Limits(),  # noqa: B008
    example: Any = "hello",
    *,
    name: str = "program",
    folder: Path | str = ".",
) -> Program:
    """Run a program given as text; see ``load``."""
    session = library_session(limits, folder, confined=True)
    session.example = session.selector_example = example
    session.meter.start()
    program = Program(name, session)
    try:
        for statement in read_program(text):
            if statement.kind == "set":
                session.example = program._interpreter.value(statement.parts[1])
            elif statement.kind == "exit":
                break
            elif statement.kind not in REPL_COMMANDS:
                program.shown += program._interpreter.statement(statement)
    except Exception as error:  # whatever Python says of the program's own arithmetic
        raise told(error, name) from error
    return program


def paper_programs() -> Program:
    """Return the paper's programs (``paper.rasp``)."""
    return load(PAPER, folder=".")


def read_source(path: Path) -> str:
    """Return the text of a program's file, or refuse it in one line."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{path.name} is larger than {LARGEST_FILE >> 20} MB; is it a RASP program?")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {(error.strerror or 'error').lower()}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not text in UTF-8; save it as such.") from error


def told(error: Exception, name: str) -> BadInput:
    """Return what went wrong in a program as one line: file, line, column, reason."""
    if isinstance(error, BadInput):
        return error
    where = f":{error.line}:{error.column}" if getattr(error, "line", None) else ""  # type: ignore[attr-defined]
    reason = error.args[-1] if isinstance(error, OverflowError) and error.args else error
    words = " ".join(str(reason).split()).removeprefix("Error: ") or type(error).__name__
    if isinstance(error, Fault) and words.startswith("Undefined variable"):
        words += ", which must be set before it is used"
    return BadInput(f"{name}{where}: {words[:500]}")
