"""Parsing Python that may be hostile: ``ast.parse`` with its grammar pinned, deep or huge texts in a process apart."""

import ast
import os
import re
import subprocess
import sys
import warnings

FEATURE_VERSION = 11
"""The minor version of Python 3 whose grammar holds, whatever Python runs this."""
LARGEST = 1 << 20
DEEPEST = 90
MEMORY = 1 << 30
SECONDS = 10
Error = tuple[str, int, int]
"""A message, its line from 1, its column from 0."""

_CHAIN = re.compile(r"(?:(?:[-+~*({\[:,!]|not\b|lambda\b[^:\n]*:|await\b|else\b|if\b)[\s\\]*){150}")


def parse_error(code: str, feature_version: int = FEATURE_VERSION) -> Error | None:
    """Return what the parser objects to, or ``None`` where it takes the code.

    Code that nests deeply or is very long is parsed in a process of its own, with limits: CPython's parser can overflow
    the stack and end the process.
    """
    if "\0" in code:
        return ("source code cannot contain null bytes", code.count("\n", 0, code.index("\0")) + 1, 0)
    if _risky(code):
        return _apart(code, feature_version)
    return _parse(code, feature_version)


def _parse(code: str, feature_version: int) -> Error | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are none of our business
            ast.parse(code, feature_version=(3, feature_version))
    except SyntaxError as error:
        return (error.msg or "invalid syntax", error.lineno or 1, max(0, (error.offset or 1) - 1))
    except (RecursionError, MemoryError):
        return ("nests too deeply", 1, 0)
    except ValueError as error:
        return (str(error)[:100] or "invalid value", 1, 0)
    return None


def _risky(code: str) -> bool:
    if len(code) < 150:
        return False
    if len(code) > LARGEST or (len(code) > 4000 and max(map(len, code.splitlines()), default=0) > 4000):
        return True
    depth = deepest = 0
    if code.count("(") + code.count("[") + code.count("{") > DEEPEST:
        for sign in re.findall(r"[(\[{}\])]", code):
            depth = depth + 1 if sign in "([{" else max(0, depth - 1)
            deepest = max(deepest, depth)
    return deepest > DEEPEST or bool(_CHAIN.search(code))


_PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
sys.path[:0] = []
import ast, warnings
warnings.simplefilter("ignore")
try:
    ast.parse(sys.stdin.buffer.read().decode("utf-8", "replace"), feature_version=(3, {version}))
    said = ""
except SyntaxError as error:
    said = "%d %d %s" % (error.lineno or 1, max(0, (error.offset or 1) - 1), error.msg or "invalid syntax")
except (RecursionError, MemoryError):
    said = "1 0 nests too deeply"
except ValueError as error:
    said = "1 0 " + str(error)[:100]
sys.stdout.write("done " + said)
"""


def _apart(code: str, feature_version: int) -> Error | None:
    """Parse in another process; one that dies has objected."""
    program = _PROGRAM.format(memory=MEMORY, seconds=SECONDS, version=feature_version)
    try:
        ran = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program],
            input=code.encode("utf-8", "replace"),
            capture_output=True,
            timeout=2 * SECONDS,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
    except subprocess.TimeoutExpired:
        return ("takes too long to parse", 1, 0)
    said = ran.stdout.decode("utf-8", "replace")
    if not said.startswith("done "):
        return ("nests too deeply", 1, 0)
    if said == "done ":
        return None
    line, column, message = said.removeprefix("done ").split(" ", 2)
    return (message, int(line), int(column))
