"""What can be wrong with a program, each with the words that the language's own interpreter uses for it."""

from collections.abc import Sequence
from typing import Any


class Fault(Exception):
    """Something is wrong with a program; ``line`` and ``column`` (from 1) say where, once that is known."""

    line: int | None = None
    column: int | None = None


class LexicalFault(Fault):
    """A character that begins no token. ``tokens`` are those before it."""

    def __init__(self, text: str, tokens: Sequence[Any], line: int, column: int) -> None:
        shown = text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
        super().__init__(f"token recognition error at: '{shown}'")
        self.tokens, self.line, self.column = tokens, line, column


class Unfinished(Fault):
    """The text ends where a statement still wants more."""


class SyntaxFault(Fault):
    """A token where the grammar has no place for it; the message is ANTLR's."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line, self.column = line, column


class RaspFault(Fault):
    """A statement that means nothing: wrong types, unknown names, wrong numbers of arguments."""


class LimitReached(Fault):
    """The program wants more than its limits allow: steps, seconds, elements or depth."""


class NotImplementedHere(Fault):
    """An expression that the grammar has but the language gives no meaning, such as calling a number."""
