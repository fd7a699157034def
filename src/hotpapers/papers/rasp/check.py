"""The checker: everything that is wrong with a program, with line and column; and what is merely suspicious."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hotpapers.papers.rasp.environment import RESERVED
from hotpapers.papers.rasp.faults import LexicalFault, LimitReached, SyntaxFault, Unfinished
from hotpapers.papers.rasp.interpreter import Interpreter, library_session
from hotpapers.papers.rasp.limits import Limits
from hotpapers.papers.rasp.parser import parse
from hotpapers.papers.rasp.session import Session
from hotpapers.papers.rasp.syntax import REPL_COMMANDS, Node


class Problem(NamedTuple):
    """Something to mend, and where."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}"


def check(text: str, limits: Limits = Limits(), folder: Path | str = ".") -> list[Problem]:  # noqa: B008
    """Return what is wrong with a program, in the order of its lines.

    Each statement is read by itself and carried out on the running example, so that one mistake does not hide the next;
    names inside functions are looked up even if nothing calls them.
    """
    session = library_session(limits, folder, confined=True)
    interpreter = Interpreter(session, session.console)
    problems: list[Problem] = []
    statements: list[Node] = []
    for found in _read(text):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        statements.append(found)
        problems += _carry_out(found, interpreter)
    # What a name that could not be set leads to is no mistake of its own.
    wanted = {name for each in statements if each.kind == "assign" for name in each.parts[0]}
    problems = [each for each in problems if not _follows(each, wanted)]
    for name, node in _unknown_names(statements, session):
        message = f"Undefined variable: {name}"
        if not any(each.line == node.line and each.message.startswith(message) for each in problems):
            problems.append(Problem(node.line, node.column, message))
    return sorted(problems)


def lint(text: str) -> list[Problem]:
    """Return what is suspicious: arguments and private names that nothing uses; and what cannot be read at all."""
    found = list(_read(text))
    statements = [each for each in found if isinstance(each, Node)]
    problems = [each for each in found if isinstance(each, Problem)]
    used = {node.parts[0] for node in _walk(statements) if node.kind == "name"}
    for node in _walk(statements):
        if node.kind == "def":
            name, arguments, body, returned, _ = node.parts
            inside = {each.parts[0] for each in _walk([*body, *returned]) if each.kind == "name"}
            problems += [
                Problem(node.line, node.column, f"{name} never uses its argument {each}")
                for each in arguments
                if each not in inside
            ]
            local = [(each, name) for each in body if each.kind == "assign" for name in each.parts[0]]
            problems += [
                Problem(each.line, each.column, f"{local_name} is set and never used")
                for each, local_name in local
                if local_name not in inside
            ]
    for each in statements:
        names = each.parts[0] if each.kind == "assign" else (each.parts[0],) if each.kind == "def" else ()
        problems += [
            Problem(each.line, each.column, f"{name} is private to this file, and never used")
            for name in names
            if name.startswith("_") and name not in used
        ]
    return sorted(problems)


def _read(text: str) -> Iterator[Node | Problem]:
    """Yield statements and the problems between them; after one, reading goes on at the next line that begins anew."""
    waiting, first, skipping = "", 1, False
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if skipping and (line[:1].isspace() or line.startswith("}")):
            continue
        skipping = False
        if not waiting:
            if not line.strip():
                continue
            first = number
        waiting += line
        try:
            yield from parse(waiting, first)
            waiting = ""
        except Unfinished:
            continue
        except (SyntaxFault, LexicalFault) as fault:
            yield Problem(fault.line or first, fault.column or 1, _hint(str(fault)))
            waiting, skipping = "", True
    if waiting.strip():
        yield Problem(first, 1, "the program ends inside this statement: is a ; or a } missing?")


def _hint(message: str) -> str:
    if "'!='" in message.partition(" expecting")[0]:
        return f"{message}. Only select compares by !=: write not (a == b)"
    return message


def _carry_out(statement: Node, interpreter: Interpreter) -> list[Problem]:
    try:
        if statement.kind == "set":
            interpreter.session.example = interpreter.value(statement.parts[1])
        elif statement.kind not in REPL_COMMANDS and statement.kind != "draw":
            interpreter.statement(statement)
    except LimitReached as fault:
        return [Problem(statement.line, statement.column, str(fault))]
    except Exception as error:  # whatever Python says of the program's own arithmetic
        where: Any = error
        line, column = getattr(where, "line", None) or statement.line, getattr(where, "column", None) or 1
        words = " ".join(str(error).split()).removeprefix("Error: ")
        return [Problem(line, column, words or type(error).__name__)]
    return []


def _follows(problem: Problem, wanted: set[str]) -> bool:
    name = problem.message.removeprefix("Undefined variable: ")
    return name != problem.message and name in wanted


def _unknown_names(statements: list[Node], session: Session) -> Iterator[tuple[str, Node]]:
    """Yield names in functions that nothing in the program, nor the library, ever sets."""
    if any(each.kind == "load" for each in _walk(statements)):
        return  # the file that is loaded may set them
    known = set(session.base.constants) | set(session.base.variables) | set(RESERVED)
    for node in _walk(statements):
        known |= set(_sets(node))
    for node in _walk(statements):
        if node.kind == "name" and node.parts[0] not in known:
            yield node.parts[0], node


def _sets(node: Node) -> Iterable[str]:
    if node.kind == "assign":
        return node.parts[0]
    if node.kind == "def":
        return (node.parts[0], *node.parts[1])
    if node.kind == "for":
        return node.parts[0]
    return node.parts[-2] if node.kind in ("listcomp", "dictcomp") else ()


def _walk(nodes: Iterable[Any]) -> Iterator[Node]:
    """Yield all nodes in and below ``nodes``."""
    waiting = list(nodes)
    while waiting:
        here = waiting.pop()
        if isinstance(here, tuple | list):
            waiting.extend(here)
        elif isinstance(here, Node):
            yield here
            waiting.extend(here.parts)
