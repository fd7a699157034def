"""The library, as Python names: what ``rasplib.rasp`` defines, for programs that are written in Python."""

from typing import Any

from hotpapers.papers.rasp.interpreter import Interpreter, library_session
from hotpapers.papers.rasp.sops import Selector, SOp

_session = library_session()
_session.tries = False  # what Python makes need not fit the example
_interpreter = Interpreter(_session, _session.console)

indices: SOp = _session.console.get("indices")
tokens: SOp = _session.console.get("tokens")
tokens_int: SOp = _session.console.get("tokens_int")
tokens_float: SOp = _session.console.get("tokens_float")
tokens_bool: SOp = _session.console.get("tokens_bool")
tokens_asis: SOp = _session.console.get("tokens_asis")
length: SOp = _session.console.get("length")
full_s: Selector = _session.console.get("full_s")


def call(name: str, *values: Any) -> Any:
    """Return what the library's function ``name`` gives for ``values``."""
    return _interpreter._call_function(_session.console.get(name), list(values))


def selector_width(selector: Selector) -> SOp:
    """Return how many positions ``selector`` chooses for each."""
    return call("selector_width", selector)


def has_focus(selector: Selector) -> SOp:
    """Return whether ``selector`` chooses any position."""
    return call("has_focus", selector)


def sort(values: SOp, key: SOp) -> SOp:
    """Return ``values`` in the order of ``key``; equal keys keep their order."""
    return call("sort", values, key)
