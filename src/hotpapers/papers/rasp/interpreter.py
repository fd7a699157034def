"""The interpreter: statements and expressions evaluated in an environment.

Whatever is an s-op or a selector is tried on the running example as soon as it is made, so that an error shows where it
was made. Evaluating a statement returns what a console would show of it: ``Shown`` values, or nothing.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hotpapers.papers.rasp import containers, sops
from hotpapers.papers.rasp.environment import Environment, Function
from hotpapers.papers.rasp.faults import Fault, LimitReached, NotImplementedHere, RaspFault
from hotpapers.papers.rasp.limits import Limits
from hotpapers.papers.rasp.parser import read_program
from hotpapers.papers.rasp.session import LIBRARY, LIBRARY_NAME, Applied, Named, Session, Shown
from hotpapers.papers.rasp.sops import Handle, Selector, SOp, describe
from hotpapers.papers.rasp.syntax import REPL_COMMANDS, Node


def library_session(limits: Limits = Limits(), folder: Path | str = ".", *, confined: bool = False) -> Session:  # noqa: B008
    """Return a session in which the library has been run and its names are sealed."""
    session = Session(limits, folder, confined=confined)
    session.console.sealing = True
    inside = Interpreter(session, session.imported(LIBRARY_NAME, session.console))
    for statement in read_program(LIBRARY.read_text(encoding="utf-8")):
        inside.statement(statement)
    session.finish_library()
    return session


class Interpreter:
    """Evaluates in one environment. ``loader`` runs a file that a program loads, and may show what it does."""

    def __init__(self, session: Session, environment: Environment) -> None:
        self.session, self.environment = session, environment
        self.nearer_example: Any = None
        """An input that the expression is about to be applied to: it may go there though not on the example."""

    def within(self, environment: Environment) -> "Interpreter":
        """Return an interpreter of the same kind in another environment."""
        return Interpreter(self.session, environment)

    # Statements

    def statement(self, node: Node) -> list[Shown]:
        """Carry out a statement and return what a console would show of it."""
        try:
            return self._statement(node)
        except RecursionError:
            raise LimitReached("stopped: the program is nested too deep") from None
        except Exception as error:
            place(error, node)
            raise

    def _statement(self, node: Node) -> list[Shown]:
        if node.kind == "assign":
            names, expressions = node.parts
            return self.assign(names, [self.value(each) for each in expressions])
        if node.kind == "def":
            name, arguments, body, returned, _ = node.parts
            function = Function(name, self.environment, arguments, body, returned)
            self.environment.set(name, function)
            return [Named(name, function)]
        if node.kind == "for":
            self._loop(*node.parts)
            return []
        if node.kind == "comment":
            return []
        if node.kind == "load":
            self.load(node.parts[0])
            return []
        if node.kind == "draw":
            return [self._draw(*node.parts)]
        if node.kind in REPL_COMMANDS:
            raise NotImplementedHere(f"{node.kind!r} is a console's command")
        return [self.named(node)]

    def assign(self, names: tuple[str, ...], values: list[Any]) -> list[Shown]:
        """Let each name stand for its value; a single value of several parts is shared out."""
        shared: Any = values[0] if len(values) == 1 else values
        if len(names) == 1:
            shared = [shared]
        elif len(names) != len(shared):
            raise RaspFault(f"expected {len(names)} values, but got: {len(shared)}")
        made: list[Shown] = []
        for name, value in zip(names, shared, strict=True):
            self.environment.set(name, value)
            made.append(Named(name, value))
            if isinstance(value, Handle):
                value.call_it(name)
                if isinstance(value, SOp):
                    value.shown = value.term.kind != "constant"
        return made

    def load(self, name: str) -> None:
        """Run the file ``name``.rasp and take over the names that it sets."""
        path, text = self.session.find(name)
        inside = Interpreter(self.session, self.session.imported(name, self.environment))
        self.session.loading.append(path)
        try:
            for statement in read_program(text):
                if statement.kind not in REPL_COMMANDS:
                    inside.statement(statement)
        finally:
            self.session.loading.pop()

    def _draw(self, expression: Node, given: Node | None) -> Applied:
        example = self.value(given) if given else self.session.example
        outer, self.nearer_example = self.nearer_example, example
        try:
            drawn = self.value(expression)
            if not isinstance(drawn, SOp):
                raise RaspFault(f"draw expects unfinished sequence, got: {describe(drawn)}")
            from hotpapers.papers.rasp.drawing import draw_into

            draw_into(self.session.folder / "comp_flows", drawn, example)
            return self._applied(drawn, example)
        finally:
            self.nearer_example = outer

    def _loop(self, names: tuple[str, ...], iterable: Node, body: tuple[Node, ...]) -> None:
        for values in self._iterable(iterable, "for loop needs to iterate over a list or dict, but got:"):
            self._set_each(names, values)
            for statement in body:
                self.session.meter.step()
                self.statement(statement)

    # Expressions

    def value(self, node: Node) -> Any:
        """Return the value of an expression that something goes on from."""
        found = self.named(node)
        if isinstance(found, Applied):
            fault = RaspFault("what an s-op or a selector gives on an input is shown, and cannot be used further")
            place(fault, node)
            raise fault
        return found.value

    def named(self, node: Node) -> Shown:
        """Return the value of an expression and its name, which is ``out`` for all but a name alone."""
        self.session.meter.step()
        if node.kind == "bracket":
            return self.named(node.parts[0])
        try:
            evaluate = _EXPRESSIONS.get(node.kind)
            if evaluate is None:
                raise NotImplementedHere(f"{node.kind!r} is no expression")
            found = evaluate(self, *node.parts)
            if isinstance(found, Applied):
                return found
            if node.kind in _MAKES_LISTS:
                self.session.meter.take_value(found)
            self._try(found)
        except (Fault, ArithmeticError, ValueError, TypeError, LookupError) as error:
            place(error, node)
            raise
        self.environment.variables["out"] = found
        return Named(node.parts[0] if node.kind == "name" else "out", found)

    def _try(self, found: Any) -> None:
        """Evaluate what can be evaluated on the nearer example or on the running one."""
        if not isinstance(found, Handle) or not self.session.tries:
            return
        nearer, example = self.nearer_example, self.session.example
        if nearer is None:
            self.session.evaluate(found, example)
            return
        try:
            self.session.evaluate(found, nearer)
        except LimitReached:
            raise
        except Exception as reason:  # whatever Python says of the program's own arithmetic
            try:
                self.session.evaluate(found, example)
            except Exception:
                raise reason from None

    def _atom(self, value: Any) -> Any:
        return value

    def _name(self, name: str) -> Any:
        return self.environment.get(name)

    def _unary(self, sign: str, operand: Node) -> Any:
        value = self.value(operand)
        if sign == "not":
            return ~value if isinstance(value, SOp | Selector) else not value
        if sign == "indicator":
            if not isinstance(value, SOp):
                raise RaspFault(f"indicator operator expects s-op, got: {value}")
            return sops.indicator(value)
        return {"-": lambda: -value, "+": lambda: +value, "round": lambda: round(value)}[sign]()

    def _binary(self, sign: str, left_node: Node, right_node: Node) -> Any:
        left, right = self.value(left_node), self.value(right_node)
        if sign in ("and", "or"):
            if isinstance(left, Handle) or isinstance(right, Handle):
                if isinstance(left, Selector) and isinstance(right, Selector):
                    return left & right if sign == "and" else left | right
                return sops.both(left, right) if sign == "and" else sops.either(left, right)
            return (left and right) if sign == "and" else (left or right)
        if isinstance(left, Selector) or isinstance(right, Selector):
            raise RaspFault(f"Cannot apply {sign} to selector(s)")
        if not (isinstance(left, Handle) or isinstance(right, Handle)):
            self._measure(sign, left, right)
        return _PYTHON[sign](left, right)

    def _measure(self, sign: str, left: Any, right: Any) -> None:
        """Refuse what would grow beyond the limits, before it does."""
        meter = self.session.meter
        if sign == "+" and isinstance(left, str | list) and isinstance(right, str | list):
            meter.take(len(left) + len(right), "a list or string")
        elif sign == "*":
            for sequence, times in ((left, right), (right, left)):
                if isinstance(sequence, str | list) and isinstance(times, int):
                    meter.take(len(sequence) * times, "a list or string")
            if isinstance(left, int) and isinstance(right, int):
                meter.take_number(left.bit_length() + right.bit_length())
        elif sign in ("+", "-") and isinstance(left, int) and isinstance(right, int):
            meter.take_number(max(left.bit_length(), right.bit_length()))
        elif sign == "^" and isinstance(left, int) and isinstance(right, int) and abs(left) > 1 and right > 0:
            meter.take_number(left.bit_length() * right)

    def _if(self, value: Node, condition_node: Node, other: Node) -> Any:
        condition = self.value(condition_node)
        if not isinstance(condition, Handle):
            return self.value(value if condition else other)  # lazily: loops over atoms may rely on it
        if isinstance(condition, Selector):
            raise RaspFault(f"Expected sequence, got: {describe(condition)}")
        return sops.where(condition, self.value(value), self.value(other))

    def _select(self, key: Node, query: Node, comparison: str) -> Selector:
        return sops.select(self.value(key), self.value(query), comparison)

    def _aggregate(self, selector_node: Node, values_node: Node, default_node: Node | None) -> SOp:
        selector, values = self.value(selector_node), self.value(values_node)
        default = self.value(default_node) if default_node else None
        if isinstance(values, Selector):
            raise RaspFault(f"Expected sequence, got: {describe(values)}")
        return sops.aggregate(selector, values, default)

    def _call(self, called_node: Node, argument_nodes: tuple[Node, ...]) -> Any:
        outer = self.nearer_example
        values = [self.value(each) for each in argument_nodes]
        if len(values) == 1:
            self.nearer_example = values[0]
        try:
            called = self.value(called_node)
        finally:
            self.nearer_example = outer
        if isinstance(called, Handle):
            if len(values) != 1:
                raise RaspFault(f"wrong number of args for evaluate unfinished- expected: 1, got: {len(values)}.")
            if not isinstance(values[0], str | list | dict):
                raise RaspFault(f"Applying unfinished expects iterable input, got: {describe(values[0])}")
            return self._applied(called, values[0])
        if isinstance(called, Function):
            return self._call_function(called, values)
        raise NotImplementedHere("only functions, s-ops and selectors can be called")

    def _applied(self, handle: Handle, given: Any) -> Applied:
        return Applied(handle, self.session.evaluate(handle, given), given)

    def _call_function(self, function: Function, values: list[Any]) -> Any:
        meter = self.session.meter
        inside = self.within(function.enter(values))
        meter.depth += 1
        try:
            if meter.depth > meter.limits.depth:
                raise LimitReached(f"stopped: calls are nested more than {meter.limits.depth} deep")
            for statement in function.body:
                meter.step()
                inside.statement(statement)
            found = [inside.value(each) for each in function.returned]
        finally:
            meter.depth -= 1
        if len(found) != 1:
            meter.take_value(found)
            return found
        if isinstance(found[0], Handle):
            found[0].call_it(f"{function.name}({' , '.join(describe(value, 20) for value in values)})")
            if isinstance(found[0], SOp):
                found[0].shown = True
        return found[0]

    def _index(self, indexed_node: Node, index_node: Node) -> Any:
        indexed, index = self.named(indexed_node), self.named(index_node)
        if isinstance(indexed, Applied) or isinstance(index, Applied):
            raise RaspFault("what an s-op or a selector gives on an input is shown, and cannot be used further")
        return containers.index(indexed, index, lambda: self.environment.get("length"))

    def _range(self, nodes: tuple[Node, ...]) -> list[int]:
        return containers.counted(self._list(nodes), self.session.meter)

    def _list(self, nodes: tuple[Node, ...]) -> list[Any]:
        return [self.value(each) for each in nodes]

    def _dict(self, items: tuple[tuple[Node, Node], ...]) -> dict[Any, Any]:
        return {self._key(key): self.value(value) for key, value in items}

    def _key(self, node: Node) -> Any:
        key = self.value(node)
        if not isinstance(key, int | float | str | bool):
            raise RaspFault(f"dictionary keys can only be atoms, but instead got: {describe(key)}")
        return key

    def _list_comprehension(self, value: Node, names: tuple[str, ...], iterable: Node) -> list[Any]:
        wanted = "list comprehension should have got a list or dict to loop over, but got:"
        return [self.value(value) for _ in self._each(names, self._iterable(iterable, wanted))]

    def _dict_comprehension(self, key: Node, value: Node, names: tuple[str, ...], iterable: Node) -> dict[Any, Any]:
        wanted = "dict comprehension should have got a list or dict to loop over, but got:"
        return {self._key(key): self.value(value) for _ in self._each(names, self._iterable(iterable, wanted))}

    def _iterable(self, node: Node, wanted: str) -> Any:
        iterable = self.value(node)
        if not isinstance(iterable, list | dict):
            raise RaspFault(f"{wanted} {iterable}")
        return iterable

    def _each(self, names: tuple[str, ...], iterable: Any) -> Iterable[None]:
        """Set the names to each element in turn, in an environment of their own."""
        outer = self.environment
        try:
            for values in iterable:
                self.environment = outer.nested()
                self._set_each(names, values)
                yield
        finally:
            self.environment = outer

    def _set_each(self, names: tuple[str, ...], values: Any) -> None:
        for name, value in containers.shared_out(names, values):
            self.environment.set(name, value)

    def _in(self, contained_node: Node, container_node: Node) -> Any:
        contained, container = self.value(contained_node), self.value(container_node)
        shown = container_node.parts[0] if container_node.kind == "name" else str(container)
        return containers.is_in(contained, container, shown)

    def _zip(self, nodes: tuple[Node, ...]) -> list[list[Any]]:
        return containers.zipped(self._list(nodes))

    def _len(self, node: Node) -> int:
        return containers.length_of(self.value(node))


def place(error: BaseException, node: Node) -> None:
    """Note where a program failed, at the innermost node that is known."""
    if getattr(error, "line", None) is None:
        error.line, error.column = node.line, node.column  # type: ignore[attr-defined]


_PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b, "^": pow,
    "%": lambda a, b: a % b, "==": lambda a, b: a == b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b, ">": lambda a, b: a > b,
}  # fmt: skip
_MAKES_LISTS = frozenset(("list", "dict", "listcomp", "dictcomp", "binary", "zip"))
_EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "atom": Interpreter._atom, "name": Interpreter._name, "unary": Interpreter._unary, "binary": Interpreter._binary,
    "if": Interpreter._if, "select": Interpreter._select, "aggregate": Interpreter._aggregate,
    "call": Interpreter._call, "index": Interpreter._index, "range": Interpreter._range, "list": Interpreter._list,
    "dict": Interpreter._dict, "listcomp": Interpreter._list_comprehension,
    "dictcomp": Interpreter._dict_comprehension, "in": Interpreter._in, "zip": Interpreter._zip,
    "len": Interpreter._len,
}  # fmt: skip
