"""How a verb is called, read from its source: what a page can say of it without importing the paper."""

import ast
import dataclasses
import importlib.util
from functools import cache
from pathlib import Path

from hotpapers.cards import Card
from hotpapers.verbs import _documented_parameters, first_paragraph

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
    node = _function(module, function)
    dashed = card.slug.replace("_", "-")
    python = f"from {module} import {function}"
    if node is None:
        return Usage(verb, "", f"hotpapers {dashed} {verb}", python, ())
    docstring = ast.get_docstring(node) or ""
    arguments = tuple(_arguments(module, node, _documented_parameters(docstring)))
    # What must be given stands in the command; what may be left out stands in the table.
    needed = [each.name if each.name.isupper() else f"{each.name} {_value(each)}"
              for each in arguments if each.default is None]  # fmt: skip
    command = " ".join(["hotpapers", dashed, verb, *needed])
    return Usage(verb, first_paragraph(docstring), command, python, arguments)


def _arguments(module: str, node: ast.FunctionDef, words: dict[str, str]) -> list[Argument]:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    pairs = [(each.arg.upper().replace("_", "-"), each, default)
             for each, default in zip(positional, defaults, strict=True)]  # fmt: skip
    pairs += [(f"--{each.arg.replace('_', '-')}", each, default)
              for each, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]  # fmt: skip
    return [
        Argument(name, _kind(module, each.annotation), _default(default), words.get(each.arg, ""))
        for name, each, default in pairs
    ]


def _kind(module: str, annotation: ast.expr | None) -> str:
    """Return a word for the type: a kind of file, a number, or the choices of a ``Literal``."""
    if annotation is None:
        return ""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _kind(module, annotation.left if ast.unparse(annotation.left) != "None" else annotation.right)
    written = ast.unparse(annotation)
    if (literal := annotation if _is_literal(annotation) else _literal(module, written)) is not None:
        return ", ".join(str(choice) for choice in _choices(literal))
    return KINDS.get(written, written)


def _literal(module: str, name: str) -> ast.expr | None:
    """Return the ``Literal`` that ``name`` stands for in ``module``, also where the name comes from another of ours."""
    for node in _tree(module):
        if isinstance(node, ast.Assign) and _is_literal(node.value) and ast.unparse(node.targets[0]) == name:
            return node.value
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hotpapers.") and node.module != module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _literal(str(node.module), alias.name)
    return None


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and ast.unparse(node.value).rpartition(".")[2] == "Literal"


def _choices(literal: ast.expr) -> tuple:
    assert isinstance(literal, ast.Subscript)
    value = ast.literal_eval(literal.slice)
    return value if isinstance(value, tuple) else (value,)


def _function(module: str, name: str) -> ast.FunctionDef | None:
    return next((node for node in _tree(module) if isinstance(node, ast.FunctionDef) and node.name == name), None)


@cache
def _tree(module: str) -> tuple[ast.stmt, ...]:
    """Return the statements of a module without running it; only the packages around it are imported."""
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return ()
    if found is None or not (found.origin or "").endswith(".py"):
        return ()
    return tuple(ast.parse(Path(str(found.origin)).read_text(encoding="utf-8")).body)


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
