"""How a verb is called, read from its source: what a page can say of it without importing the paper."""

import ast
import dataclasses

from hotpapers.cards import Card
from hotpapers.verbs import _documented_parameters, _find_function, first_paragraph

KINDS = {
    "ImageFile": "image", "SoundFile": "sound", "VideoFile": "video", "TextFile": "text file", "TableFile": "table",
    "AnyFile": "file", "Path": "path", "Folder": "folder", "Model": "model", "int": "whole number", "float": "number",
    "str": "text", "bool": "switch",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Argument:
    """One argument of a verb's command, as its signature and docstring write it."""

    name: str
    """As on the command line: ``IMAGE``, or ``--start-scale``."""
    kind: str
    default: str | None
    help: str


@dataclasses.dataclass(frozen=True)
class Usage:
    """A verb as a command and as a Python call."""

    verb: str
    summary: str
    command: str
    python: str
    arguments: tuple[Argument, ...]


def usage_of(card: Card, verb: str) -> Usage:
    """Return how ``verb`` of ``card`` is called; only the words where its source is not there."""
    module, function = card.verb_address(verb)
    node = _find_function(module, function)
    dashed = card.slug.replace("_", "-")
    python = f"from {module} import {function}"
    if node is None:
        return Usage(verb, "", f"hotpapers {dashed} {verb}", python, ())
    docstring = ast.get_docstring(node) or ""
    arguments = tuple(_arguments(node, _documented_parameters(docstring)))
    # What must be given stands in the command; what may be left out stands in the table.
    needed = [each.name if each.name.isupper() else f"{each.name} {_value(each)}"
              for each in arguments if each.default is None]  # fmt: skip
    command = " ".join(["hotpapers", dashed, verb, *needed])
    return Usage(verb, first_paragraph(docstring), command, python, arguments)


def _arguments(node: ast.FunctionDef, words: dict[str, str]) -> list[Argument]:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    told = [
        Argument(each.arg.upper().replace("_", "-"), _kind(each.annotation), _default(default), words.get(each.arg, ""))
        for each, default in zip(positional, defaults, strict=True)
    ]
    told += [
        Argument(f"--{each.arg.replace('_', '-')}", _kind(each.annotation), _default(default), words.get(each.arg, ""))
        for each, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    return told


def _kind(annotation: ast.expr | None) -> str:
    """Return a word for the type: a kind of file, a number, or the choices of a ``Literal``."""
    if annotation is None:
        return ""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _kind(annotation.left if ast.unparse(annotation.left) != "None" else annotation.right)
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Literal":
        choices = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        return ", ".join(str(ast.literal_eval(each)) for each in choices)
    written = ast.unparse(annotation)
    if written == "Device":
        return "auto, cpu, cuda, mps"
    return KINDS.get(written, written)


def _default(node: ast.expr | None) -> str | None:
    """Return the default as the command line would take it; ``""`` for none, ``None`` where it must be given."""
    if node is None:
        return None
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
    if value is None:
        return ""
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _value(argument: Argument) -> str:
    return argument.name.lstrip("-").upper()
