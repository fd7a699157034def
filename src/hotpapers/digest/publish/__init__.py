"""Writing an edition in a format: a module with ``publish(edition) -> bytes`` and ``file_name(edition) -> str``.

A format's module is imported when it is asked for, and not before.
"""

import importlib
from typing import Protocol, cast

from hotpapers.digest.edition import Edition
from hotpapers.errors import BadInput

FORMATS = {
    "markdown": "hotpapers.digest.publish.markdown",
    "html": "hotpapers.digest.publish.page",
    "rss": "hotpapers.digest.publish.rss",
    "atom": "hotpapers.digest.publish.atom",
    "jsonfeed": "hotpapers.digest.publish.jsonfeed",
    "json": "hotpapers.digest.publish.facts",
    "parquet": "hotpapers.digest.publish.parquet",
    "email": "hotpapers.digest.publish.mail",
}


class Format(Protocol):
    """What a format's module offers."""

    @staticmethod
    def publish(edition: Edition) -> bytes:
        """Return the edition in this format."""

    @staticmethod
    def file_name(edition: Edition) -> str:
        """Return the usual name of a file of it."""


def find_format(name: str) -> Format:
    """Return the format of this name.

    Raises
    ------
    BadInput
        If there is none.
    """
    if name not in FORMATS:
        raise BadInput(f"There is no format {name[:40]!r}; choose one of {', '.join(FORMATS)}.")
    return cast(Format, importlib.import_module(FORMATS[name]))
