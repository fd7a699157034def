"""StackOverflow's broken Python snippets with the fixes that people made, as breandan/cstk keeps them.

The text is from posts under CC BY-SA: it is fetched and read here, and never passed on.
"""

import base64
import binascii
from pathlib import Path
from typing import Literal, NamedTuple

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read
from hotpapers.errors import BadInput, HotpapersError

_AT = "https://raw.githubusercontent.com/breandan/cstk/master/src/main/resources/datasets/python/stack_overflow"
_FILES = {"train": "so_ts_err_rep.txt", "test": "so_vs_err_rep.txt"}

STACKOVERFLOW_REPAIRS = offer(
    Dataset(
        name="stackoverflow-repairs",
        what="5,743 broken Python snippets from StackOverflow with people's fixes",
        licence="CC BY-SA (StackOverflow's posts); the collection states none",
        page="https://github.com/breandan/cstk",
        sources=tuple(
            Source(name=name, url=f"{_AT}/{name}", sha256=sha256, size=size)
            for name, sha256, size in (
                ("so_ts_err_rep.txt", "380d856200b33de68ac2ddcd269855c4e29ff85bca056a67e166c49a45f174ee", 3_152_176),
                ("so_vs_err_rep.txt", "9964733c62072450f88cc7da6eba55a5c02daa76009c8c9753c449702d2f7db0", 889_217),
            )
        ),
        members=tuple(_FILES.values()),
    )
)


class Repair(NamedTuple):
    """A broken snippet and what a person made of it."""

    broken: str
    fixed: str


def stackoverflow_repairs(split: Literal["train", "test"] = "train", path: Path | None = None) -> list[Repair]:
    """Return StackOverflow's broken snippets with people's fixes, fetching them where need be.

    Parameters
    ----------
    split
        4,587 snippets to learn from or 1,156 to test on. 25 are in both: leave them out of the one or the other.
    path
        The split's file, where it is at hand.

    Returns
    -------
    list of Repair
        In the order of the file, which is not random.
    """
    try:
        content = path.read_bytes() if path else read(STACKOVERFLOW_REPAIRS, _FILES[split])
    except OSError as error:
        raise BadInput(
            f"Cannot read {path}: {(error.strerror or 'failed').lower()}; name a file of repairs."
        ) from error
    return read_repairs(content)


def read_repairs(content: bytes) -> list[Repair]:
    """Return the repairs in a file's bytes: four lines each, of which the last two are the sources in base64."""
    lines = content.decode("ascii", "replace").splitlines()
    if not lines or len(lines) % 4:
        raise HotpapersError(f"A file of repairs has four lines a snippet; {len(lines)} is no multiple of that.")
    try:
        return [
            Repair(*(base64.b64decode(line, validate=True).decode("utf-8") for line in lines[place + 2 : place + 4]))
            for place in range(0, len(lines), 4)
        ]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise HotpapersError(f"A file of repairs has sources in base64, and this one has not ({error}).") from error
