"""Syntax errors in ANTLR's words: the grammar as a network, walked as an ANTLR 4 parser walks it, to its first report.

The parser proper (``parser``) is written by hand and only says that a text is wrong. What ANTLR would say of it depends
on how it decides: by one token where that is enough, else by adaptive prediction (Parr, Harwell & Fisher 2014,
"Adaptive LL(*) parsing"), first with local context, then with the full one; and on when it looks for a superfluous
or a missing token. This module does the same on the few tokens of one statement, without ANTLR.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from hotpapers.papers.rasp.faults import LexicalFault
from hotpapers.papers.rasp.grammar import NOTHING, Edge, network
from hotpapers.papers.rasp.lexer import CLASSES, END, KINDS, Token

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
