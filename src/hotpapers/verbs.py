"""Verbs: public functions of a paper that do a job on the user's data.

One function has three faces: a Python call, a command and a form. Its signature and its NumPy-style docstring are the
only description of it; this module reads them. ``describe`` needs no import of the paper, ``load`` does import it.

A verb takes paths (annotated with one of the kinds below), numbers, strings, booleans and ``Literal`` choices, writes
its results to ``out``, and returns an ``Outcome``.
"""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import re
import shlex
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from hotpapers.errors import MissingExtra

KindName = Literal["image", "sound", "video", "text", "table", "model", "file", "folder"]


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a path leads to, so that a form can offer the right widget and refuse the wrong file."""

    name: KindName


ImageFile = Annotated[Path, Kind("image")]
SoundFile = Annotated[Path, Kind("sound")]
VideoFile = Annotated[Path, Kind("video")]
TextFile = Annotated[Path, Kind("text")]
TableFile = Annotated[Path, Kind("table")]
AnyFile = Annotated[Path, Kind("file")]
Folder = Annotated[Path, Kind("folder")]
Model = Annotated[Path, Kind("model")]
"""A trained model's directory, as ``save_pretrained`` writes it."""

Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a verb did.

    Attributes
    ----------
    files
        What it wrote, by name; the first is the main result.
    numbers
        Measured facts worth showing beside the result, in the order to show them.
    note
        A sentence for the user: what to look at, or what to run next.
    """

    files: dict[str, Path]
    numbers: dict[str, float | int | str] = dataclasses.field(default_factory=dict)
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a verb, as its signature and docstring tell it."""

    name: str
    annotation: Any
    """The bare type: ``Path``, ``int``, ``float``, ``bool``, ``str`` or a ``Literal``; not optional, not annotated."""
    kind: KindName | None
    optional: bool
    required: bool
    default: Any
    help: str
    positional: bool

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a ``Literal``, else nothing."""
        return get_args(self.annotation) if get_origin(self.annotation) is Literal else ()


def load(module: str, function: str, extras: tuple[str, ...] = (), what: str = "") -> Callable[..., Outcome]:
    """Import ``module`` and return its ``function``.

    Raises
    ------
    MissingExtra
        If a third-party library that the module imports is not installed.
    """
    try:
        return getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "hotpapers":
            raise
        raise MissingExtra(what or f"{module}:{function}", extras) from error


def parameters(verb: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters of ``verb`` in order, with the words of its docstring."""
    words = _documented_parameters(inspect.getdoc(verb) or "")
    hints = typing.get_type_hints(verb, include_extras=True)
    return [
        Parameter(
            name=parameter.name,
            **_read_annotation(hints.get(parameter.name, str)),
            required=parameter.default is inspect.Parameter.empty,
            default=None if parameter.default is inspect.Parameter.empty else parameter.default,
            help=words.get(parameter.name, ""),
            positional=parameter.kind is not inspect.Parameter.KEYWORD_ONLY,
        )
        for parameter in inspect.signature(verb).parameters.values()
    ]


def resume_command(name: str, verb: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    """Return the command that goes on with a verb's interrupted run: what it was given, less its defaults.

    Parameters
    ----------
    name
        The verb as the command line has it: ``sinir train``.
    verb
        The function; it takes ``resume`` and ``fresh``.
    arguments
        Its arguments by name, ``locals()`` at its first line will do; what ``out`` came to may be filled in.
    """
    words = ["hotpapers", *name.split()]
    options: list[str] = []
    for each in inspect.signature(verb).parameters.values():
        value = arguments[each.name]
        if each.name in ("resume", "fresh") or value is None:
            continue
        if each.kind is not inspect.Parameter.KEYWORD_ONLY:
            words.append(str(value))
        elif value != each.default:
            option = each.name.replace("_", "-")
            options += (
                [f"--{option}" if value else f"--no-{option}"]
                if isinstance(value, bool)
                else [f"--{option}", str(value)]
            )
    return shlex.join([*words, *options, "--resume"])


def describe(module: str, function: str) -> str:
    """Return the first paragraph of the function's docstring on one line, read from the source without importing it."""
    node = _find_function(module, function)
    return first_paragraph(ast.get_docstring(node) or "") if node else ""


def exists(module: str, function: str) -> bool:
    """Whether ``module`` defines ``function``, judged from its source without importing it."""
    return _find_function(module, function) is not None


def first_paragraph(docstring: str) -> str:
    """Return the summary of a docstring on one line."""
    return " ".join(docstring.strip().split("\n\n")[0].split())


def _find_function(module: str, function: str) -> ast.FunctionDef | None:
    parent, _, leaf = module.rpartition(".")
    try:
        # Finding the parent package imports only __init__ files, which hold public names and load lazily.
        package = importlib.util.find_spec(parent)
    except ModuleNotFoundError:
        return None
    for folder in (package.submodule_search_locations or []) if package else []:
        for source in (Path(folder) / f"{leaf}.py", Path(folder) / leaf / "__init__.py"):
            if source.is_file():
                tree = ast.parse(source.read_text(encoding="utf-8"))
                found = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
                return next(found, None)
    return None


def _read_annotation(annotation: Any) -> dict[str, Any]:
    optional, kind = False, None
    while True:
        if get_origin(annotation) in (typing.Union, types.UnionType):
            inner = [each for each in get_args(annotation) if each is not type(None)]
            optional = optional or len(inner) < len(get_args(annotation))
            if len(inner) > 1:
                return {"annotation": annotation, "kind": kind, "optional": optional}
            annotation = inner[0]
        elif get_origin(annotation) is Annotated:
            kinds = [extra.name for extra in annotation.__metadata__ if isinstance(extra, Kind)]
            kind = kinds[0] if kinds else kind
            annotation = annotation.__origin__
        else:
            return {"annotation": annotation, "kind": kind, "optional": optional}


def _documented_parameters(docstring: str) -> dict[str, str]:
    """Read the ``Parameters`` section of a NumPy-style docstring: name → its words on one line."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", docstring, flags=re.DOTALL | re.MULTILINE)
    words: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else []:
        if line[:1].strip():
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
        elif line.strip():
            for name in names:
                words[name] = f"{words.get(name, '')} {line.strip()}".strip()
    return words
