"""A room that needs a library nobody has."""

import a_library_nobody_has  # noqa: F401

from hotpapers.verbs import Outcome, TextFile


def absent(text: TextFile) -> Outcome:
    """Cannot be loaded."""
    raise AssertionError
