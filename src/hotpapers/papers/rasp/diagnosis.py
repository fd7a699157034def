"""Syntax errors in ANTLR's words: the grammar as a network, walked as an ANTLR 4 parser walks it, to its first report.

The parser proper (``parser``) is written by hand and only says that a text is wrong. What ANTLR would say of it depends
on how it decides: by one token where that is enough, else by adaptive prediction (Parr, Harwell & Fisher 2014,
"Adaptive LL(*) parsing"), first with local context, then with the full one; and on when it looks for a superfluous
or a missing token. This module does the same on the few tokens of one statement, without ANTLR.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from hotpapers.papers.rasp.faults import LexicalFault
from hotpapers.papers.rasp.lexer import CLASSES, END, KINDS, Token

NOTHING = "<EPSILON>"
_ORDER = {kind: place for place, kind in enumerate((END, *KINDS))}


def explain(tokens: list[Token], lexical: LexicalFault | None = None) -> tuple[str, Token]:
    """Return ANTLR's first complaint about ``tokens`` and the token that it is about.

    Parameters
    ----------
    tokens
        The tokens of a text that is no statement.
    lexical
        The fault that follows them where the text goes on with what is no token; it is raised when the parser looks
        that far.
    """
    walker = _Walker(tokens, lexical)
    try:
        walker.walk("r", 0, None)
    except _Report as report:
        return report.message, report.token
    raise AssertionError(f"the grammar accepts {' '.join(token.text for token in tokens)!r}")


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


class _Report(Exception):
    def __init__(self, message: str, token: Token) -> None:
        self.message, self.token = message, token


class _Walker:
    """Parses as ANTLR does. A stack is ``(state to return to, the rest)`` or None."""

    def __init__(self, tokens: list[Token], lexical: LexicalFault | None) -> None:
        self.net = network()
        last = tokens[-1] if tokens else Token("", "", 1, 1)
        self.tokens, self.lexical = tokens, lexical
        self.end = Token(END, END, last.line, last.column + len(last.text))
        self.at = 0
        self.seen(0)

    def seen(self, ahead: int) -> Token:
        """Return the token ``ahead`` of the next; looking beyond the last finds the lexical fault, if there is one."""
        if self.at + ahead < len(self.tokens):
            return self.tokens[self.at + ahead]
        if self.lexical:
            raise self.lexical
        return self.end

    def walk(self, rule: str, precedence: int, stack: Any) -> None:
        here = self.net.start[rule]
        while here != self.net.stop[rule]:
            state = self.net.states[here]
            if state.role != "plain":
                self.sync(here, stack)
                here = state.edges[self.decide(here, precedence, stack)].target
                continue
            edge = state.edges[0]
            if edge.kinds:
                self.match(here, edge, stack)
            elif edge.call:
                self.walk(*edge.call, (edge.target, stack))
            here = edge.target

    def match(self, here: int, edge: Edge, stack: Any) -> None:
        token = self.seen(0)
        if edge.kinds and token.kind in edge.kinds:
            self.at += 1
            self.seen(0)
            return
        self.try_without(here, stack)
        if token.kind in self.net.expected(edge.target, stack):
            raise _Report(f"missing {_listing(self.net.expected(here, stack))} at {_shown(token)}", token)
        self.mismatched(here, stack)

    def sync(self, here: int, stack: Any) -> None:
        """Before a decision: complain at once about a token that no way can begin with."""
        wanted = self.net.look(here)
        token = self.seen(0)
        if NOTHING in wanted or token.kind in wanted:
            return
        if self.net.states[here].role == "back":
            self.superfluous(here, stack)
        self.try_without(here, stack)
        self.mismatched(here, stack)

    def try_without(self, here: int, stack: Any) -> None:
        if self.seen(0).kind != END and self.seen(1).kind in self.net.expected(here, stack):
            self.superfluous(here, stack)

    def superfluous(self, here: int, stack: Any) -> None:
        token = self.seen(0)
        wanted = _listing(self.net.expected(here, stack))
        raise _Report(f"extraneous input {_shown(token)} expecting {wanted}", token)

    def mismatched(self, here: int, stack: Any) -> None:
        token = self.seen(0)
        wanted = _listing(self.net.expected(here, stack))
        raise _Report(f"mismatched input {_shown(token)} expecting {wanted}", token)

    def decide(self, here: int, precedence: int, stack: Any) -> int:
        """Return the place of the edge to take."""
        state = self.net.states[here]
        if state.role == "once":
            return 0
        if not state.by_one_token:
            return _Prediction(self, here, precedence, stack).choose()
        kind = self.seen(0).kind
        for way, edge in enumerate(state.edges):
            if kind in self.net.look(edge.target):
                return way
        return len(state.edges) - 1


class _Config(NamedTuple):
    """A place that one of the ways can have come to; ``outer`` where it has left the rule of the decision."""

    state: int
    way: int
    stack: Any
    outer: bool = False
    kept: bool = False
    """Not to be dropped in favour of repeating: it left a rule that was entered with the lowest precedence."""


class _Prediction:
    """One adaptive decision."""

    def __init__(self, walker: _Walker, here: int, precedence: int, stack: Any) -> None:
        self.walker, self.net = walker, walker.net
        self.here, self.precedence, self.stack = here, precedence, stack
        self.full = False

    def choose(self) -> int:
        found = self.run()
        if found is None:  # local context leaves two ways open
            self.full = True
            found = self.run()
        assert found is not None
        return found

    def run(self) -> int | None:
        edges = self.net.states[self.here].edges
        stack = self.stack if self.full else None
        configs = self.closure((_Config(edge.target, way, stack), 0) for way, edge in enumerate(edges))
        if self.net.states[self.here].role == "entry":
            configs = self.prefer_repeating(configs)
        ahead = 0
        while True:
            token = self.walker.seen(ahead)
            reached = self.step(configs, token.kind)
            if not reached:
                return self.give_up(configs, ahead)
            ways = {config.way for config in reached}
            if len(ways) == 1:
                return ways.pop()
            if self.full:
                least = {min(ways) for ways in self.conflicts(reached).values()}
                if len(least) == 1:
                    return least.pop()
            elif self.stuck(reached):
                return None
            if token.kind == END:
                return min(ways)
            configs, ahead = reached, ahead + 1

    def step(self, configs: list[_Config], kind: str) -> list[_Config]:
        moved = (
            (config._replace(state=edge.target), -1)
            for config in configs
            for edge in self.net.states[config.state].edges
            if edge.kinds and kind in edge.kinds
        )
        return self.closure(moved)

    def closure(self, starts: Iterable[tuple[_Config, int]]) -> list[_Config]:
        """Return where tokens are taken or a rule without followers ends, reached from ``starts``.

        The depth beside each start is 0 in the decision's own rule before any token, where precedences count.
        """
        found: dict[_Config, None] = {}
        seen: set[tuple[_Config, bool]] = set()
        waiting = list(starts)[::-1]
        while waiting:
            config, depth = waiting.pop()
            if (config, depth == 0) in seen:
                continue
            seen.add((config, depth == 0))
            if config.state in self.net.stops:
                waiting.extend(self.leave(config, depth, found))
                continue
            for edge in reversed(self.net.states[config.state].edges):
                if edge.kinds:
                    found[config] = None
                elif edge.call:
                    inside = config._replace(state=self.net.start[edge.call.rule], stack=(edge.target, config.stack))
                    waiting.append((inside, depth + 1 if depth >= 0 else depth))
                elif edge.precedence is None or depth != 0 or edge.precedence >= self.precedence:
                    waiting.append((config._replace(state=edge.target), depth))
        return list(found)

    def leave(self, config: _Config, depth: int, found: dict[_Config, None]) -> list[tuple[_Config, int]]:
        """Return what follows the end of a rule: what the stack says, or without one every follower there is."""
        if config.stack is not None:
            return [(config._replace(state=config.stack[0], stack=config.stack[1]), depth - 1)]
        rule = self.net.states[config.state].rule
        followers = self.net.followers[rule]
        if self.full or not followers:
            found[config] = None
            return []
        return [
            (_Config(target, config.way, None, True, config.kept or (rule == "expr" and precedence == 0)), depth - 1)
            for target, precedence in followers
        ]

    def prefer_repeating(self, configs: list[_Config]) -> list[_Config]:
        """Drop ways of leaving a left-recursive rule that come to where repeating comes to as well."""
        repeating = {(config.state, config.stack) for config in configs if config.way == 0}
        return [
            config
            for config in configs
            if config.way == 0 or config.kept or (config.state, config.stack) not in repeating
        ]

    def conflicts(self, configs: list[_Config]) -> dict[Any, set[int]]:
        """Return place and stacks → the ways that come there."""
        stacks: dict[tuple[int, int], set[Any]] = {}
        for config in configs:
            stacks.setdefault((config.state, config.way), set()).add(config.stack)
        found: dict[Any, set[int]] = {}
        for (state, way), those in stacks.items():
            # Without full context, the empty stack stands for any.
            merged = frozenset((None,)) if None in those and not self.full else frozenset(those)
            found.setdefault((state, merged), set()).add(way)
        return found

    def stuck(self, configs: list[_Config]) -> bool:
        """Whether local context will not tell the ways apart."""
        if all(config.state in self.net.stops for config in configs):
            return True
        by_state: dict[int, set[int]] = {}
        for config in configs:
            by_state.setdefault(config.state, set()).add(config.way)
        return any(len(ways) > 1 for ways in self.conflicts(configs).values()) and all(
            len(ways) > 1 for ways in by_state.values()
        )

    def give_up(self, configs: list[_Config], ahead: int) -> int:
        """No way goes on with the token ``ahead``: take one that had left its rule, else complain."""
        done = [
            config.way for config in configs if config.outer or (config.state in self.net.stops and not config.stack)
        ]
        if done:
            return min(done)
        token = self.walker.seen(ahead)
        if self.walker.lexical:  # ANTLR reads to the end of the text to word this
            raise self.walker.lexical
        text = "".join(self.walker.seen(place).text for place in range(ahead + (token.kind != END)))
        if ahead == 0 and token.kind == END:
            text = END
        raise _Report(f"no viable alternative at input '{text}'", token)


def _listing(kinds: frozenset[str]) -> str:
    shown = [kind if kind in CLASSES or kind == END else f"'{kind}'" for kind in sorted(kinds, key=_ORDER.__getitem__)]
    return shown[0] if len(shown) == 1 else "{" + ", ".join(shown) + "}"


def _shown(token: Token) -> str:
    return f"'{token.text}'" if token.kind != END else END
