"""Short links: what they stand for is looked up in a file; the network is asked only where the user wants that.

The file has one JSON object a line, ``{"short": …, "long": …}``, newest last, and grows only by whole lines.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from hotpapers.digest.client import Client

SHORTENERS = frozenset(
    [
        "t.co",
        "bit.ly",
        "buff.ly",
        "ow.ly",
        "tinyurl.com",
        "lnkd.in",
        "dlvr.it",
        "goo.gl",
        "is.gd",
        "ift.tt",
        "j.mp",
        "trib.al",
        "cutt.ly",
    ]
)


class _Known(msgspec.Struct):
    short: str
    long: str


class Links:
    """What short links stand for, kept in ``path`` (``None``: in memory alone)."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._long: dict[str, str] = {}
        self.unknown: dict[str, None] = {}
        if path is not None and path.is_file():
            decode = msgspec.json.Decoder(_Known).decode
            for line in path.read_bytes().splitlines():
                try:
                    known = decode(line)
                except msgspec.MsgspecError:  # a line that was cut off when the power went
                    continue
                self._long[known.short] = known.long

    def expanded(self, url: str) -> str:
        """Return what ``url`` stands for as far as the file says; unknown short links are remembered to be asked."""
        for _ in range(3):  # a shortener may shorten another's link
            if not is_short(url):
                return url
            if url not in self._long:
                self.unknown[url] = None
                return url
            url = self._long[url]
        return url

    async def ask(self, client: "Client", url: str) -> str:
        """Ask the shortener what ``url`` stands for, without going there, and keep the answer."""
        for _ in range(3):
            if not is_short(url):
                break
            if url not in self._long:
                long = await client.location(url)
                await asyncio.to_thread(self._keep, url, long or url)
            if self._long[url] == url:
                break
            url = self._long[url]
        return url

    def _keep(self, short: str, long: str) -> None:
        self._long[short] = long
        self.unknown.pop(short, None)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab") as kept:
                kept.write(msgspec.json.encode(_Known(short, long)) + b"\n")


def is_short(url: str) -> bool:
    """Say whether ``url`` is a shortener's."""
    try:
        return (urlsplit(url).hostname or "") in SHORTENERS
    except ValueError:
        return False
