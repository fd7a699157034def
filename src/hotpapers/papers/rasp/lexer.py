"""Words: a line of RASP becomes tokens, the longest match first, as in the language's ANTLR grammar.

A token is ``(kind, text, line, column)``; the kind of a fixed word is the word itself, so ``select(``, ``s-op`` and
``full seq display`` are each one token. Kinds are numbered in the order of ``KINDS``, in which error texts list them.
"""

import re
from typing import NamedTuple

from hotpapers.papers.rasp.faults import LexicalFault

LITERALS = (
    ";", "set", "s-op", "selector", "example", "show", "full seq display", "on", "off", "examples", "exit()", "exit",
    "quit", "quit()", "load", "=", "draw", "(", ",", ")", ":", "def", "{", "}", "for", "in", "return", "aggregate(",
    "[", "]", "not", "-", "+", "round", "indicator", "^", "*", "/", "%", "==", "<=", ">=", ">", "<", "select(", "!=",
    "and", "or", "if", "else", "range(", "zip(", "len(",
)  # fmt: skip
CLASSES = ("Float", "PosInt", "String", "Comment", "ID")
KINDS = (*LITERALS, *CLASSES)
END = "<EOF>"

_FIXED = frozenset(LITERALS)
# Alternatives that could match at one place stand with the longer first; a fixed word wins over a name of its length.
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
    |(?P<Comment>\#[^\r\n]*)
    |(?P<String>"[^"\r\n]*")
    |(?P<Float>[0-9]+\.[0-9]+)
    |(?P<PosInt>[0-9]+)
    |(?P<fixed>full\ seq\ display|s-op|==|<=|>=|!=|[;=(),:{}\[\]\-+^*/%<>])
    |(?P<ID>[a-zA-Z_][a-zA-Z_0-9]*)""",
    re.VERBOSE,
)
_WITH_PARENTHESIS = {"aggregate": "(", "select": "(", "range": "(", "zip": "(", "len": "(", "exit": "()", "quit": "()"}


class Token(NamedTuple):
    """A word with its place; lines and columns count from 1."""

    kind: str
    text: str
    line: int
    column: int


def read_tokens(text: str, line: int = 1) -> list[Token]:
    """Return the tokens of ``text``, whose first line is number ``line`` of its source; without an end token.

    Raises
    ------
    LexicalFault
        At the first character that no token can hold. It carries the tokens before it: a parser may find fault with
        those first.
    """
    tokens: list[Token] = []
    at, line_start = 0, 0
    match = _TOKEN.match
    while at < len(text):
        found = match(text, at)
        if found is None:
            end = _end_of_fault(text, at)
            raise LexicalFault(text[at:end], tokens, line, at - line_start + 1)
        kind, word, column = found.lastgroup or "", found.group(), at - line_start + 1
        at = found.end()
        if kind == "blank":
            if newlines := word.count("\n"):
                line += newlines
                line_start = at - (len(word) - word.rfind("\n") - 1)
            continue
        if kind == "ID" and text.startswith(_WITH_PARENTHESIS.get(word, "\0"), at):
            word += _WITH_PARENTHESIS[word]
            at = found.end() + len(word) - len(found.group())
        tokens.append(Token(word if word in _FIXED else kind, word, line, column))
    return tokens


def _end_of_fault(text: str, at: int) -> int:
    """Return where the scanner gives up: an unclosed string runs to its line's end, ``!`` wants ``=`` after it."""
    if text[at] == '"':
        stop = re.search(r"[\r\n]", text[at:])
        return at + stop.end() if stop else len(text)
    return min(len(text), at + (2 if text[at] == "!" else 1))
