"""The formatter: one statement a line, one space around operators, tabs for nesting; comments and brackets are kept."""

from collections.abc import Iterable

from hotpapers.papers.rasp.parser import read_program
from hotpapers.papers.rasp.syntax import Node


def format_program(text: str) -> str:
    """Return a program written the one way; what it means is unchanged, and formatting it again changes nothing.

    Raises
    ------
    SyntaxFault, LexicalFault
        Where it cannot be read.
    """
    lines = list(_block(read_program(text), "", _blank_before(text)))
    return "\n".join(lines).strip("\n") + "\n" if lines else ""


def _blank_before(text: str) -> set[int]:
    """Return the numbers of the lines that have an empty line before them."""
    lines = text.splitlines()
    return {number + 1 for number, line in enumerate(lines, start=1) if not line.strip()}


def _block(statements: Iterable[Node], indent: str, blank: set[int]) -> Iterable[str]:
    lines: list[str] = []
    for each in statements:
        if each.kind == "comment" and each.parts[1] and lines:
            lines[-1] += f"  {each.parts[0].rstrip()}"
            continue
        if each.line in blank and lines:
            lines.append("")
        lines += [f"{indent}{line}" if line else "" for line in _statement(each, blank)]
    return lines


def _statement(node: Node, blank: set[int]) -> list[str]:
    kind, parts = node.kind, node.parts
    if kind == "comment":
        return [parts[0].rstrip()]
    if kind == "def":
        name, arguments, body, returned, comments = parts
        last = f"\treturn {_listed(returned)};"
        inside = [*_block(body, "\t", blank), *_block_after(last, comments)]
        return [f"def {name}({', '.join(arguments)}) {{", *inside, "}"]
    if kind == "for":
        names, iterable, body = parts
        return [f"for {', '.join(names)} in {expression(iterable)} {{", *_block(body, "\t", blank), "}"]
    if kind == "assign":
        return [f"{', '.join(parts[0])} = {_listed(parts[1])};"]
    if kind == "load":
        return [f'load "{parts[0]}";']
    if kind == "draw":
        return [f"draw({_listed(each for each in parts if each)});"]
    if kind == "exit":
        return ["exit()"]
    if kind == "verbose":
        return [f"full seq display {parts[0]}"]
    if kind in ("set", "show", "examples"):
        subset = "" if parts[0] == "both" else f"{parts[0]} "
        if kind == "examples":
            return [f"{subset}examples {parts[1]}"]
        return [f"{kind} {subset}example" + (f" {expression(parts[1])}" if kind == "set" else "")]
    return [f"{expression(node)};"]


def _block_after(line: str, comments: tuple[Node, ...]) -> list[str]:
    lines = [line]
    for each in comments:
        if each.parts[1] and len(lines) == 1 and "#" not in lines[0].rpartition(";")[2]:
            lines[0] += f"  {each.parts[0].rstrip()}"
        else:
            lines.append(f"\t{each.parts[0].rstrip()}")
    return lines


def _listed(nodes: Iterable[Node]) -> str:
    return ", ".join(map(expression, nodes))


def expression(node: Node) -> str:
    """Return an expression as text."""
    kind, parts = node.kind, node.parts
    if kind == "atom":
        return f'"{parts[0]}"' if isinstance(parts[0], str) else _number(parts[0])
    if kind == "name":
        return parts[0]
    if kind == "bracket":
        return f"({expression(parts[0])})"
    if kind == "index":
        return f"{expression(parts[0])}[{expression(parts[1])}]"
    if kind == "call":
        return f"{expression(parts[0])}({_listed(parts[1])})"
    if kind == "unary":
        sign, operand = parts
        if sign in ("round", "indicator"):
            return f"{sign}({expression(operand)})"
        return f"not {expression(operand)}" if sign == "not" else f"{sign}{expression(operand)}"
    if kind == "binary":
        return f"{expression(parts[1])} {parts[0]} {expression(parts[2])}"
    if kind == "if":
        return f"{expression(parts[0])} if {expression(parts[1])} else {expression(parts[2])}"
    if kind == "in":
        return f"{expression(parts[0])} in {expression(parts[1])}"
    if kind == "select":
        return f"select({expression(parts[0])}, {expression(parts[1])}, {parts[2]})"
    if kind == "aggregate":
        return f"aggregate({_listed(each for each in parts if each)})"
    if kind in ("range", "zip"):
        return f"{kind}({_listed(parts[0])})"
    if kind == "len":
        return f"len({expression(parts[0])})"
    if kind == "list":
        return f"[{_listed(parts[0])}]"
    if kind == "dict":
        return "{" + ", ".join(f"{expression(key)}: {expression(value)}" for key, value in parts[0]) + "}"
    names, iterable = parts[-2:]
    comprehended = f"for {', '.join(names)} in {expression(iterable)}"
    if kind == "listcomp":
        return f"[{expression(parts[0])} {comprehended}]"
    return f"{{{expression(parts[0])}: {expression(parts[1])} {comprehended}}}"


def _number(value: float) -> str:
    """Return a number as the language writes it: digits, and for a float digits.digits, never an exponent."""
    if isinstance(value, int):
        return str(value)
    text = format(value, "f") if "e" in repr(value) else repr(value)
    return text if float(text) == value else format(value, ".340f").rstrip("0")
