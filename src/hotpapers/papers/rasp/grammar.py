"""The grammar as data, and the network of states that it is: what ``diagnosis`` walks to word a syntax error."""

from functools import cache
from typing import Any, NamedTuple

from hotpapers.papers.rasp.lexer import END

NOTHING = "<EPSILON>"

# The grammar: a string is a token; a tuple a sequence; each alternative's kind of decision as ANTLR made it.


class Call(NamedTuple):
    """A rule, entered with a precedence where it is left-recursive."""

    rule: str
    precedence: int = 0


class OneOf(NamedTuple):
    """One token of several kinds."""

    kinds: frozenset[str]


class Choice(NamedTuple):
    """One of several ways."""

    ways: tuple[Any, ...]
    by_one_token: bool = True


class Maybe(NamedTuple):
    """What may be left out."""

    what: Any
    by_one_token: bool = True


class Repeated(NamedTuple):
    """What stands once or more, as rarely as will do."""

    what: Any


class Extended(NamedTuple):
    """A left-recursive rule: what it begins with, and (precedence, what may follow) pairs."""

    first: Choice
    further: tuple[tuple[int, Any], ...]


def _one_of(*kinds: str) -> OneOf:
    return OneOf(frozenset(kinds))


def _listed(item: Any, rule: str) -> tuple[Any, ...]:
    return (item, Maybe((",", Call(rule))))


_E = Call("expr")
_SUBSET = Maybe(_one_of("s-op", "selector"))
_SWITCH = _one_of("on", "off")
_COMMENT = Maybe("Comment", False)
GRAMMAR: dict[str, Any] = {
    "r": (Repeated(Call("statement")), END),
    "statement": Choice(((Call("rasp"), _COMMENT), (Call("repl"), _COMMENT), "Comment")),
    "rasp": Choice(((_E, ";"), (Call("assign"), ";"), (Call("draw"), ";"), (Call("load"), ";"),
                    Call("def"), Call("for")), False),
    "repl": Choice((Call("set"), Call("show"), Call("toggle"), Call("verbose"), Call("exit"))),
    "set": ("set", _SUBSET, "example", _E),
    "show": ("show", _SUBSET, "example"),
    "verbose": ("full seq display", _SWITCH),
    "toggle": (_SUBSET, "examples", _SWITCH),
    "exit": _one_of("exit()", "exit", "quit", "quit()"),
    "load": ("load", "String"),
    "assign": (Call("ids"), "=", Call("exprs")),
    "draw": ("draw", "(", _E, Maybe((",", _E)), ")"),
    "exprs": _listed(_E, "exprs"),
    "items": _listed(Call("item"), "items"),
    "item": (_E, ":", _E),
    "body": Choice(((Call("rasp"), _COMMENT, Maybe(Call("body"))), ("Comment", Maybe(Call("body"))))),
    "def": ("def", "ID", "(", Maybe(Call("ids")), ")", "{", Maybe(Call("comments"), False), Maybe(Call("body")),
            Call("return"), Maybe(Call("comments")), "}"),
    "for": ("for", Call("ids"), "in", _E, "{", Call("body"), "}"),
    "comments": ("Comment", Maybe(Call("comments"), False)),
    "return": ("return", Call("exprs"), ";"),
    "ids": _listed("ID", "ids"),
    "aggregate": ("aggregate(", _E, ",", _E, Maybe((",", _E)), ")"),
    "atom": Choice(("PosInt", "Float", "String")),
    "expr": Extended(
        Choice((("(", _E, ")"),
                (_one_of("not", "-", "+"), Call("expr", 21)),
                (_one_of("round", "indicator"), "(", _E, ")"),
                ("select(", _E, ",", _E, ",", _one_of("==", "<", ">", ">=", "<=", "!="), ")"),
                "ID", Call("atom"), Call("list"), Call("dict"), Call("aggregate"),
                ("range(", Call("exprs"), ")"), Call("listcomp"), Call("dictcomp"),
                ("zip(", Call("exprs"), ")"), ("len(", _E, ")")), False),
        ((19, ("^", Call("expr", 20))), (18, (_one_of("*", "/"), Call("expr", 19))), (17, ("%", Call("expr", 18))),
         (16, (_one_of("+", "-"), Call("expr", 17))),
         (15, (_one_of("==", "<=", ">=", ">", "<"), Call("expr", 16))), (13, (_one_of("and", "or"), Call("expr", 14))),
         (12, ("if", _E, "else", Call("expr", 13))), (3, ("in", Call("expr", 4))), (23, ("[", _E, "]")),
         (22, ("(", Maybe(Call("exprs")), ")")))),
    "list": ("[", Maybe(Call("exprs")), "]"),
    "dict": ("{", Maybe(Call("items")), "}"),
    "listcomp": ("[", _E, "for", Call("ids"), "in", _E, "]"),
    "dictcomp": ("{", _E, ":", _E, "for", Call("ids"), "in", _E, "}"),
}  # fmt: skip


# The network: states and the edges between them; an edge that takes a token is (kinds, target).


class Edge(NamedTuple):
    """A way from a state: by a token, by a rule, where a precedence allows it, or free."""

    target: int
    kinds: frozenset[str] | None = None
    call: Call | None = None
    precedence: int | None = None


class State:
    """A place in a rule. ``role`` says what ANTLR does on arriving: nothing, decide, or decide whether to repeat."""

    def __init__(self, rule: str, role: str = "plain", by_one_token: bool = False) -> None:
        self.rule, self.role, self.by_one_token = rule, role, by_one_token
        self.edges: list[Edge] = []


class Network:
    """The states of all rules, where each begins and stops, and the states that may follow each rule."""

    def __init__(self, grammar: dict[str, Any]) -> None:
        self.states: list[State] = []
        self.start, self.stop = {}, {}
        for rule in grammar:
            self.start[rule], self.stop[rule] = self.add(rule), self.add(rule)
        for rule, what in grammar.items():
            self.build(rule, what, self.start[rule], self.stop[rule])
        self.followers: dict[str, list[tuple[int, int]]] = {rule: [] for rule in grammar}
        for state in self.states:
            for edge in state.edges:
                if edge.call:
                    self.followers[edge.call.rule].append((edge.target, edge.call.precedence))
        self.stops = set(self.stop.values())

    def add(self, rule: str, role: str = "plain", by_one_token: bool = False) -> int:
        """Add a state and return its number."""
        self.states.append(State(rule, role, by_one_token))
        return len(self.states) - 1

    def join(self, source: int, *edge: Any) -> None:
        """Add an edge."""
        self.states[source].edges.append(Edge(*edge))

    def build(self, rule: str, what: Any, source: int, target: int) -> None:
        """Lay the part ``what`` of a rule between two states."""
        if isinstance(what, str):
            self.join(source, target, frozenset((what,)))
        elif isinstance(what, OneOf):
            self.join(source, target, what.kinds)
        elif isinstance(what, Call):
            self.join(source, target, None, what)
        elif isinstance(what, Choice | Maybe):
            decision = self.add(rule, "block", what.by_one_token)
            self.join(source, decision)
            for way in what.ways if isinstance(what, Choice) else (what.what,):
                self.build(rule, way, self.branch(rule, decision), target)
            if isinstance(what, Maybe):
                self.join(decision, target)
        elif isinstance(what, Repeated):
            block, back = self.add(rule, "once"), self.add(rule, "back")
            self.join(source, block)
            self.build(rule, what.what, self.branch(rule, block), back)
            self.join(back, target)  # not greedy: to leave is the first choice
            self.join(back, block)
        elif isinstance(what, Extended):
            entry, block = self.add(rule, "entry"), self.add(rule, "block")
            self.build(rule, what.first, source, entry)
            self.join(entry, block)
            self.join(entry, target)
            for precedence, way in what.further:
                allowed = self.add(rule)
                self.join(self.branch(rule, block), allowed, None, None, precedence)
                self.build(rule, way, allowed, entry)
        else:
            for part in what[:-1]:
                between = self.add(rule)
                self.build(rule, part, source, between)
                source = between
            self.build(rule, what[-1], source, target)

    def branch(self, rule: str, decision: int) -> int:
        """Add a way to a decision and return the state that it begins with."""
        first = self.add(rule)
        self.join(decision, first)
        return first

    def look(self, state: int) -> frozenset[str]:
        """Return the kinds of token that can come next, with ``NOTHING`` where the rule may end first."""
        found: set[str] = set()
        seen, waiting = set(), [state]
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            if here in self.stops:
                found.add(NOTHING)
            for edge in self.states[here].edges:
                if edge.kinds:
                    found |= edge.kinds
                elif edge.call:
                    found |= self.look(self.start[edge.call.rule]) - {NOTHING}
                else:
                    waiting.append(edge.target)
        return frozenset(found)

    def expected(self, state: int, stack: Any) -> frozenset[str]:
        """Return the kinds that can come next, given all the rules that wait for this one to end."""
        found = self.look(state)
        while NOTHING in found and stack is not None:
            found = (found - {NOTHING}) | self.look(stack[0])
            stack = stack[1]
        return found - {NOTHING} | {END} if NOTHING in found else found


@cache
def network() -> Network:
    """Return the network of the language's grammar; it is laid when the first error wants it."""
    return Network(GRAMMAR)
