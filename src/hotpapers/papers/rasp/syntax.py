"""The syntax tree: one class of node whose ``kind`` says what its parts are.

=============  =======================================================================================
kind           parts
=============  =======================================================================================
atom           value
name           name
bracket        expression
index          indexed expression, index
call           called expression, tuple of arguments
unary          ``not - + round indicator``, expression
binary         ``^ * / % + - == <= >= > < and or``, left, right
if             value, condition, other value
in             contained, container
select         key, query, ``== != < > <= >=``
aggregate      selector, values, default or None
list, range    tuple of expressions
zip            tuple of expressions
len            expression
dict           tuple of (key, value)
listcomp       value, tuple of names, iterable
dictcomp       key, value, tuple of names, iterable
assign         tuple of names, tuple of expressions
draw           expression, input or None
load           file name
def            name, tuple of argument names, tuple of statements, tuple of returned expressions,
               tuple of comments after the return
for            tuple of names, iterable, tuple of statements
comment        text, whether it stands beside a statement
set, show      ``both``, ``s-op`` or ``selector``; set also has the example
examples       ``both``, ``s-op`` or ``selector``; ``on`` or ``off``
verbose        ``on`` or ``off``
exit
=============  =======================================================================================

An expression that stands as a statement is its own statement.
"""

from typing import Any

REPL_COMMANDS = frozenset(("set", "show", "examples", "verbose", "exit"))


class Node:
    """A node of the tree, with the line and column of its first token (an operator's own, where it has one)."""

    __slots__ = ("column", "kind", "line", "parts")

    def __init__(self, kind: str, line: int, column: int, *parts: Any) -> None:
        self.kind, self.line, self.column, self.parts = kind, line, column, parts

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(map(repr, self.parts))})"

    def __eq__(self, other: object) -> bool:
        """Whether two trees say the same, wherever they stand."""
        return isinstance(other, Node) and self.kind == other.kind and self.parts == other.parts

    def __hash__(self) -> int:
        return hash((self.kind, self.parts))
