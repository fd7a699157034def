"""The parser: precedence climbing over tokens. Where it fails, ``diagnosis`` words the fault as ANTLR would.

Precedences, from tightest: index and call 23, unary 21, ``^`` 19, ``* /`` 18, ``%`` 17, ``+ -`` 16, comparisons 15,
``and or`` 13, ``if else`` 12, ``in`` 3. All associate to the left, ``^`` and ``if else`` too; a unary operator binds
tighter than ``^`` and than comparisons.
"""

from collections.abc import Iterator
from typing import NoReturn

from hotpapers.papers.rasp.faults import LexicalFault, SyntaxFault, Unfinished
from hotpapers.papers.rasp.lexer import END, Token, read_tokens
from hotpapers.papers.rasp.syntax import Node

PRECEDENCE = {
    "^": 19, "*": 18, "/": 18, "%": 17, "+": 16, "-": 16, "==": 15, "<=": 15, ">=": 15, ">": 15, "<": 15,
    "and": 13, "or": 13, "if": 12, "in": 3, "[": 23, "(": 22,
}  # fmt: skip
UNARY, CONDITIONAL = 21, 12
COMPARISONS = ("==", "<", ">", ">=", "<=", "!=")
DEEPEST = 150
"""How far expressions and blocks may nest before a program is refused."""
LONGEST_NUMBER = 4000
"""Digits of a whole number; Python itself reads few more."""


def parse(text: str, line: int = 1) -> list[Node]:
    """Return the statements of a piece of text; that of a console, which must end where a statement ends.

    Raises
    ------
    Unfinished
        If more text could finish it.
    SyntaxFault, LexicalFault
        If nothing could.
    """
    fault: LexicalFault | None = None
    try:
        tokens = read_tokens(text, line)
    except LexicalFault as error:
        fault, tokens = error, list(error.tokens)
    if fault is None and tokens:
        try:
            return _Parser(tokens).program()
        except _Stuck as stuck:
            if stuck.token.kind == END:
                raise Unfinished from None
    elif fault is None:
        raise Unfinished
    from hotpapers.papers.rasp.diagnosis import explain  # only what is wrong needs it

    message, token = explain(tokens, fault)
    if message.startswith("missing ';' at") or token.kind == END:
        raise Unfinished
    raise SyntaxFault(message, token.line, token.column)


def read_program(text: str) -> Iterator[Node]:
    """Yield the statements of a whole program. A REPL command ends with its line, all others where they say so.

    Raises
    ------
    SyntaxFault, LexicalFault
        Where a statement cannot be read, or the text ends inside one.
    """
    waiting, first = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not waiting and not line.strip():
            continue
        if not waiting:
            first = number
        waiting += line
        try:
            found = parse(waiting, first)
        except Unfinished:
            continue
        waiting = ""
        yield from found
    if waiting.strip():
        last = first + waiting.rstrip().count("\n")
        raise SyntaxFault("the program ends inside a statement", first, 1) from Unfinished(f"line {last}")


class _Stuck(Exception):
    """The grammar has no place for this token."""

    def __init__(self, token: Token) -> None:
        self.token = token


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        last = tokens[-1]
        self.tokens = [*tokens, Token(END, END, last.line, last.column + len(last.text))]
        self.at = 0
        self.depth = 0

    # Statements

    def program(self) -> list[Node]:
        found: list[Node] = []
        while not found or self.kind != END:
            found.append(self.statement(repl=True))
        return found

    def statement(self, *, repl: bool = False) -> Node:
        token = self.tokens[self.at]
        if token.kind == "Comment":
            before = self.tokens[self.at - 1] if self.at else None
            beside = before is not None and before.line == token.line and before.kind != "{"
            self.at += 1
            return Node("comment", token.line, token.column, token.text, beside)
        if token.kind == "def":
            return self.function()
        if token.kind == "for":
            return self.loop()
        if repl and token.kind in _COMMANDS:
            return self.command()
        if token.kind == "load":
            self.at += 1
            found = Node("load", token.line, token.column, self.take("String").text[1:-1])
        elif token.kind == "draw":
            self.at += 1
            self.take("(")
            drawn, given = self.expression(), None
            if self.accept(","):
                given = self.expression()
            self.take(")")
            found = Node("draw", token.line, token.column, drawn, given)
        elif token.kind == "ID" and self.assigns():
            names = self.names()
            self.take("=")
            found = Node("assign", token.line, token.column, names, self.expressions())
        else:
            found = self.expression()
        self.take(";")
        return found

    def assigns(self) -> bool:
        """Whether names and commas lead to ``=`` from here."""
        at = self.at + 1
        while self.tokens[at].kind == "," and self.tokens[at + 1].kind == "ID":
            at += 2
        return self.tokens[at].kind == "=" or (at > self.at + 1 and self.tokens[at].kind in (END, ","))

    def function(self) -> Node:
        token = self.take("def")
        name = self.take("ID").text
        self.take("(")
        arguments = self.names() if self.kind == "ID" else ()
        self.take(")")
        self.take("{")
        body = self.block("return")
        self.take("return")
        returned = self.expressions()
        self.take(";")
        comments = []
        while self.kind == "Comment":
            comments.append(self.statement())
        self.take("}")
        return Node("def", token.line, token.column, name, arguments, body, returned, tuple(comments))

    def loop(self) -> Node:
        token = self.take("for")
        names = self.names()
        self.take("in")
        iterable = self.expression()
        self.take("{")
        if self.kind == "}":
            self.stuck()
        body = self.block("}")
        self.take("}")
        return Node("for", token.line, token.column, names, iterable, body)

    def block(self, end: str) -> tuple[Node, ...]:
        self.deeper()
        found = []
        while self.kind != end:
            found.append(self.statement())
        self.depth -= 1
        return tuple(found)

    def command(self) -> Node:
        token = self.tokens[self.at]
        self.at += 1
        where = token.line, token.column
        if token.kind in ("exit", "exit()", "quit", "quit()"):
            return Node("exit", *where)
        if token.kind == "full seq display":
            return Node("verbose", *where, self.take("on", "off").kind)
        if token.kind in ("set", "show"):
            subset = self.accept("s-op", "selector")
            self.take("example")
            rest = (self.expression(),) if token.kind == "set" else ()
            return Node(token.kind, *where, subset or "both", *rest)
        subset = "both"
        if token.kind in ("s-op", "selector"):
            subset = token.kind
            self.take("examples")
        return Node("examples", *where, subset, self.take("on", "off").kind)

    # Expressions

    def expression(self, least: int = 0) -> Node:
        self.deeper()
        left = self.primary()
        while (precedence := PRECEDENCE.get(self.kind, -1)) >= max(least, 1):
            left = self.extend(left, precedence)
        self.depth -= 1
        return left

    def extend(self, left: Node, precedence: int) -> Node:
        """Return ``left`` with the operator that follows it, and that operator's other operands."""
        token = self.tokens[self.at]
        self.at += 1
        where = token.line, token.column
        if token.kind == "[":
            index = self.expression()
            self.take("]")
            return Node("index", *where, left, index)
        if token.kind == "(":
            arguments = self.expressions() if self.kind != ")" else ()
            self.take(")")
            return Node("call", *where, left, arguments)
        if token.kind == "if":
            condition = self.expression()
            self.take("else")
            return Node("if", *where, left, condition, self.expression(CONDITIONAL + 1))
        right = self.expression(precedence + 1)
        if token.kind == "in":
            return Node("in", *where, left, right)
        return Node("binary", *where, token.kind, left, right)

    def primary(self) -> Node:
        token = self.tokens[self.at]
        self.at += 1
        where = token.line, token.column
        if token.kind == "ID":
            return Node("name", *where, token.text)
        if token.kind == "PosInt":
            if len(token.text) > LONGEST_NUMBER:
                raise SyntaxFault(f"a number of more than {LONGEST_NUMBER} digits", token.line, token.column)
            return Node("atom", *where, int(token.text))
        if token.kind == "Float":
            return Node("atom", *where, float(token.text))
        if token.kind == "String":
            return Node("atom", *where, token.text[1:-1])
        if token.kind in ("not", "-", "+"):
            return Node("unary", *where, token.kind, self.expression(UNARY))
        if token.kind in _OPENING:
            return _OPENING[token.kind](self, token)
        self.at -= 1
        return self.stuck()

    def bracket(self, token: Token) -> Node:
        inside = self.expression()
        self.take(")")
        return Node("bracket", token.line, token.column, inside)

    def rounded(self, token: Token) -> Node:
        self.take("(")
        inside = self.expression()
        self.take(")")
        return Node("unary", token.line, token.column, token.kind, inside)

    def select(self, token: Token) -> Node:
        key = self.expression()
        self.take(",")
        query = self.expression()
        self.take(",")
        compared = self.take(*COMPARISONS).kind
        self.take(")")
        return Node("select", token.line, token.column, key, query, compared)

    def aggregate(self, token: Token) -> Node:
        selector = self.expression()
        self.take(",")
        values, default = self.expression(), None
        if self.accept(","):
            default = self.expression()
        self.take(")")
        return Node("aggregate", token.line, token.column, selector, values, default)

    def many(self, token: Token) -> Node:
        inside = self.expressions()
        self.take(")")
        return Node(token.kind[:-1], token.line, token.column, inside)

    def length(self, token: Token) -> Node:
        inside = self.expression()
        self.take(")")
        return Node("len", token.line, token.column, inside)

    def list_(self, token: Token) -> Node:
        if self.accept("]"):
            return Node("list", token.line, token.column, ())
        first = self.expression()
        if self.accept("for"):
            names, iterable = self.iteration("]")
            return Node("listcomp", token.line, token.column, first, names, iterable)
        rest = self.expressions() if self.accept(",") else ()
        self.take("]")
        return Node("list", token.line, token.column, (first, *rest))

    def dict_(self, token: Token) -> Node:
        if self.accept("}"):
            return Node("dict", token.line, token.column, ())
        items = [self.item()]
        if self.accept("for"):
            names, iterable = self.iteration("}")
            return Node("dictcomp", token.line, token.column, *items[0], names, iterable)
        while self.accept(","):
            items.append(self.item())
        self.take("}")
        return Node("dict", token.line, token.column, tuple(items))

    def item(self) -> tuple[Node, Node]:
        key = self.expression()
        self.take(":")
        return key, self.expression()

    def iteration(self, end: str) -> tuple[tuple[str, ...], Node]:
        names = self.names()
        self.take("in")
        iterable = self.expression()
        self.take(end)
        return names, iterable

    def expressions(self) -> tuple[Node, ...]:
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        return tuple(found)

    def names(self) -> tuple[str, ...]:
        found = [self.take("ID").text]
        while self.accept(","):
            found.append(self.take("ID").text)
        return tuple(found)

    # Tokens

    @property
    def kind(self) -> str:
        return self.tokens[self.at].kind

    def take(self, *kinds: str) -> Token:
        token = self.tokens[self.at]
        if token.kind not in kinds:
            self.stuck()
        self.at += 1
        return token

    def accept(self, *kinds: str) -> str | None:
        """Take the token if it is of one of these kinds, and return which."""
        if self.kind not in kinds:
            return None
        self.at += 1
        return self.tokens[self.at - 1].kind

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            token = self.tokens[self.at]
            raise SyntaxFault(f"nested more than {DEEPEST} deep", token.line, token.column)

    def stuck(self) -> NoReturn:
        raise _Stuck(self.tokens[self.at])


_COMMANDS = frozenset(
    ("set", "show", "examples", "s-op", "selector", "full seq display", "exit", "exit()", "quit", "quit()")
)
_OPENING = {
    "(": _Parser.bracket, "round": _Parser.rounded, "indicator": _Parser.rounded, "select(": _Parser.select,
    "aggregate(": _Parser.aggregate, "range(": _Parser.many, "zip(": _Parser.many, "len(": _Parser.length,
    "[": _Parser.list_, "{": _Parser.dict_,
}  # fmt: skip
