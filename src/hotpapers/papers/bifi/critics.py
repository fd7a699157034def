"""Critics: c(x), whether a text is well formed, and if not why and where. None of them executes what it judges.

Python, brackets, C, JSON, TOML, YAML, XML and SQL are here; any program that takes a file, and any function of a text,
can be one besides.
"""

import functools
import importlib
import importlib.util
import json
import re
import shlex
import shutil
import sqlite3
import sys
import tomllib
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from hotpapers.errors import BadInput, MissingExtra
from hotpapers.papers.bifi.parsing import FEATURE_VERSION, parse_error
from hotpapers.papers.bifi.sandbox import Ran, run_on
from hotpapers.papers.bifi.tokens import plain_tokens, python_brackets
from hotpapers.papers.bifi.vocabulary import Language

CriticName = Literal["python", "brackets", "c", "json", "toml", "yaml", "xml", "sql", "command", "callable"]
CriticChoice = Literal["auto", "python", "brackets", "c", "json", "toml", "yaml", "xml", "sql", "command", "callable"]
SUFFIXES = {".py": "python", ".pyw": "python", ".c": "c", ".h": "c", ".json": "json", ".toml": "toml", ".yaml": "yaml",
            ".yml": "yaml", ".xml": "xml", ".svg": "xml", ".sql": "sql"}  # fmt: skip
UNBALANCED, INDENTATION, SYNTAX = "unbalanced", "indentation error", "invalid syntax"
CLASSES = (UNBALANCED, INDENTATION, SYNTAX)
KINDS = 512
"""Messages are told apart by a number below this."""


class Verdict(NamedTuple):
    """What a critic says: the message is empty where the text is well formed; lines from 1, columns from 0."""

    message: str = ""
    line: int = 0
    column: int = 0
    error_class: str = ""

    @property
    def ok(self) -> bool:
        """Whether the text is well formed."""
        return not self.message

    @property
    def kind(self) -> int:
        """A number from 1, the same for messages that differ in names and numbers alone; 0 where there is none."""
        if not self.message:
            return 0
        return 1 + zlib.crc32(re.sub(r"[\"'‘`][^\"'’]{3,}[\"'’]|\d+", "_", self.message)[:60].encode()) % (KINDS - 1)


class Critic:
    """A critic with its name, the language it judges, and a file's usual ending."""

    def __init__(
        self, name: str, judge: Callable[[str], Verdict], language: Language, suffix: str, *, abstract: bool
    ) -> None:
        self.name, self._judge, self.language, self.suffix = name, judge, language, suffix
        self.abstract = abstract
        """Whether it judges code alike whatever its names, numbers and strings are."""

    def __call__(self, text: str) -> Verdict:
        """Judge ``text``."""
        return self._judge(text)


def critic(
    name: CriticName, *, command: str = "", function: str = "", feature_version: int = FEATURE_VERSION
) -> Critic:
    """Return the critic of that name.

    Parameters
    ----------
    command
        For ``command``: a program with its words, such as ``gcc -fsyntax-only {}``; exit code 0 means well formed.
    function
        For ``callable``: a function as ``module:function``, of a text, that returns whether it is well formed.
    feature_version
        For ``python``: the minor version of Python 3 whose grammar holds.

    Raises
    ------
    BadInput
        If the program, the function or the version is not there.
    MissingExtra
        If YAML is to be judged and PyYAML is not installed.
    """
    if name == "python":
        if not 4 <= feature_version <= FEATURE_VERSION:
            raise BadInput(f"This Python judges the grammars of 3.4 to 3.{FEATURE_VERSION}, not 3.{feature_version}.")
        return Critic(
            name, functools.partial(judge_python, feature_version=feature_version), "python", ".py", abstract=True
        )
    if name == "command":
        return Critic(
            name, functools.partial(judge_by_command, tuple(_words(command))), "plain", ".txt", abstract=False
        )
    if name == "callable":
        return Critic(name, functools.partial(judge_by_function, _function(function)), "plain", ".txt", abstract=False)
    if name == "yaml" and importlib.util.find_spec("yaml") is None:
        raise MissingExtra("Judging YAML", ("text",))
    if name == "c" and _compiler() is None:
        raise BadInput("Judging C needs gcc, clang or tcc; install one of them.")
    judge, suffix = {"brackets": (judge_brackets, ".txt"), "c": (judge_c, ".c"), "json": (judge_json, ".json"),
                     "toml": (judge_toml, ".toml"), "yaml": (judge_yaml, ".yaml"), "xml": (judge_xml, ".xml"),
                     "sql": (judge_sql, ".sql")}[name]  # fmt: skip
    return Critic(name, judge, "plain", suffix, abstract=name == "brackets")


def choose_critic(
    name: str, path: Path, *, command: str = "", function: str = "", feature_version: int = FEATURE_VERSION
) -> Critic:
    """Return the critic of that name; ``auto`` goes by the ending of ``path``, or takes Python.

    Raises
    ------
    BadInput
        If a program or a function of the user's is asked for on the web, where anybody could name one.
    """
    if command and name == "auto":
        name = "command"
    if function and name == "auto":
        name = "callable"
    chosen: CriticName = SUFFIXES.get(path.suffix.lower(), "python") if name == "auto" else name  # type: ignore[assignment]
    if chosen in ("command", "callable") and _on_the_web():
        raise BadInput("Programs and functions as critics are for the command line; choose one of the critics by name.")
    return critic(chosen, command=command, function=function, feature_version=feature_version)


def judge_python(code: str, *, feature_version: int = FEATURE_VERSION, window: bool = False) -> Verdict:
    """Judge Python: the scan of brackets tells the class *unbalanced*, the parser the others, and decides.

    Parameters
    ----------
    window
        Judge by the scan of brackets alone, as the paper does where a snippet may have been cut out of more.
    """
    error = None if window else parse_error(code, feature_version)
    if error is None and not window:
        return Verdict()
    unbalanced = scan_brackets(python_brackets(code))
    if window:
        return Verdict(unbalanced, 1, 0, UNBALANCED) if unbalanced else Verdict()
    assert error is not None
    message, line, column = error
    kind = UNBALANCED if unbalanced else INDENTATION if "indent" in message else SYNTAX
    return Verdict(message, line, column, kind)


def scan_brackets(texts: Sequence[str]) -> str:
    """Return what is wrong with the brackets by three counters, as the paper scans them; empty where nothing is."""
    left = {"(": 0, "[": 0, "{": 0}
    closing = {")": "(", "]": "[", "}": "{"}
    for text in texts:
        if text in left:
            left[text] += 1
        elif text in closing:
            left[closing[text]] -= 1
            if left[closing[text]] < 0:
                return "extra right parenthesis"
    return "left parenthesis is not closed" if any(left.values()) else ""


def judge_brackets(text: str) -> Verdict:
    """Judge by brackets alone: they must nest."""
    pairs = {")": "(", "]": "[", "}": "{"}
    stack: list[tuple[str, int]] = []
    for token in plain_tokens(text):
        if token.text in ("(", "[", "{"):
            stack.append((token.text, token.start))
        elif token.text in pairs:
            if not stack or stack[-1][0] != pairs[token.text]:
                return _at(text, token.start, f"{token.text} closes nothing", UNBALANCED)
            stack.pop()
    return _at(text, stack[-1][1], f"{stack[-1][0]} is not closed", UNBALANCED) if stack else Verdict()


def judge_json(text: str) -> Verdict:
    """Judge JSON as RFC 8259 has it: no NaN, no trailing comma."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        return Verdict(error.msg, error.lineno, error.colno - 1, SYNTAX)
    except (ValueError, RecursionError) as error:
        return Verdict(str(error)[:100] or "too deep", 1, 0, SYNTAX)
    return Verdict()


def judge_toml(text: str) -> Verdict:
    """Judge TOML 1.0."""
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(found[1]), int(found[2]) - 1) if found else (text.count("\n") + 1, 0)
        return Verdict(str(error).split(" (at")[0][:100] or "too deep", line, column, SYNTAX)
    return Verdict()


def judge_yaml(text: str) -> Verdict:
    """Judge YAML by its events alone: nothing is built, no tag is followed."""
    import yaml

    try:
        for _ in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or "not YAML")[:100]
        return Verdict(problem, mark.line + 1 if mark else 1, mark.column if mark else 0,
                       INDENTATION if "indent" in problem else SYNTAX)  # fmt: skip
    except (RecursionError, ValueError) as error:
        return Verdict(str(error)[:100] or "too deep", 1, 0, SYNTAX)
    return Verdict()


def judge_xml(text: str) -> Verdict:
    """Judge whether XML is well formed; declarations of entities are refused, so that none can grow."""
    from xml.parsers import expat  # nosec: entities are refused below

    parser = expat.ParserCreate("utf-8")

    def refuse(*_: object) -> None:
        raise ValueError("entities are not expanded here")

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        return Verdict(expat.ErrorString(error.code) or "not well formed", error.lineno, error.offset, SYNTAX)
    except ValueError as error:
        return Verdict(str(error), parser.CurrentLineNumber, parser.CurrentColumnNumber, SYNTAX)
    return Verdict()


def judge_sql(text: str) -> Verdict:
    """Judge SQL as SQLite reads it, by EXPLAIN in an empty database: tables that are not there are no error."""
    database = sqlite3.connect(":memory:")
    try:
        database.set_authorizer(_nothing_but_reading)
        start = 0
        for statement in _statements(text):
            try:
                if statement.strip(" \t\r\n;"):
                    database.execute(f"EXPLAIN {statement}")
            except (sqlite3.Error, sqlite3.Warning) as error:
                if (said := str(error)).endswith(("syntax error", "incomplete input")) or "unrecognized token" in said:
                    near = re.match(r'(?:near|unrecognized token:) "(.*?)"', said, re.DOTALL)
                    place = statement.find(near[1]) if near else len(statement)
                    return _at(text, start + max(0, place), said, SYNTAX)
            start += len(statement)
    finally:
        database.close()
    return Verdict()


def judge_c(text: str) -> Verdict:
    """Judge C by a compiler that only checks the syntax; a path outside the system's headers may not be included."""
    if outside := re.search(r"^\s*#\s*(?:include|import|embed)[^\n]*(?:\.\.|[<\"]\s*/)", text, re.MULTILINE):
        return _at(text, outside.start(), "includes a path of this machine", SYNTAX)
    compiler = _compiler()
    assert compiler is not None
    return _from_output(text, run_on((*compiler, "{}"), text, ".c"))


def judge_by_command(command: tuple[str, ...], text: str) -> Verdict:
    """Judge by a program: exit code 0 means well formed."""
    return _from_output(text, run_on(command, text, ".txt"))


def judge_by_function(function: Callable[[str], object], text: str) -> Verdict:
    """Judge by a function that returns true for what is well formed, or false, or raises ``ValueError``."""
    try:
        fine = function(text)
    except (ValueError, SyntaxError) as error:
        return Verdict(str(error)[:100] or "refused", getattr(error, "lineno", None) or 1, 0, SYNTAX)
    return Verdict() if fine else Verdict("refused", 1, 0, SYNTAX)


def _from_output(text: str, ran: Ran) -> Verdict:
    code, said = ran
    if code == 0:
        return Verdict()
    if code is None:
        return Verdict("the critic took too long, or said too much", 1, 0, SYNTAX)
    found = re.search(r":(\d+)(?::(\d+))?:? *(?:fatal )?(?:error)?:? *([^\n]*)", said)
    if not found:
        return Verdict(" ".join(said.split())[:100] or f"exit code {code}", 1, 0, SYNTAX)
    line = min(int(found[1]), text.count("\n") + 1)
    return Verdict(found[3][:100] or "refused", line, int(found[2] or 1) - 1, SYNTAX)


def _at(text: str, place: int, message: str, error_class: str) -> Verdict:
    return Verdict(message, text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place) - 1, error_class)


def _statements(text: str) -> list[str]:
    found, last = [], 0
    for place in (match.end() for match in re.finditer(";", text)):
        if sqlite3.complete_statement(text[last:place]):
            found.append(text[last:place])
            last = place
    return [*found, text[last:]]


def _nothing_but_reading(action: int, *_: object) -> int:
    refused = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA)
    return sqlite3.SQLITE_DENY if action in refused else sqlite3.SQLITE_OK


@functools.cache
def _compiler() -> tuple[str, ...] | None:
    for name, words in (("gcc", ("-fsyntax-only", "-w", "-fmax-errors=1")), ("clang", ("-fsyntax-only", "-w")),
                        ("tcc", ("-c", "-o", "/dev/null"))):  # fmt: skip
        if found := shutil.which(name):
            return (found, *words)
    return None


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadInput(f"The critic's command cannot be read ({error}); mind its quotes.") from error
    if not words or shutil.which(words[0]) is None:
        raise BadInput(
            f"There is no program {words[0][:60] if words else ''!r}; name one with --command 'program {{}}'."
        )
    return words


def _function(name: str) -> Callable[[str], object]:
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"There is no function {name[:60]!r}; name one as --function module:function.") from error


def _on_the_web() -> bool:
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    return bool(main and main.name.startswith("hotpapers.web"))
