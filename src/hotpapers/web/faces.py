"""What a paper's verbs ask for, found out once a paper by a process that imports it, so that the server need not."""

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hotpapers.cards import Card
from hotpapers.errors import HotpapersError
from hotpapers.web.jobs import read_report, start_worker
from hotpapers.web.worker import Face, Order

SECONDS = 120
"""An import of a paper that takes longer than this has hung."""


class Faces:
    """The faces of every paper's verbs, each paper's found on first use and kept."""

    def __init__(self, folder: Path, cards: Mapping[str, Card]) -> None:
        self.folder = folder
        self._known: dict[str, dict[str, Face]] = {}
        self._one_at_a_time = {slug: asyncio.Lock() for slug in cards}

    async def of(self, card: Card) -> dict[str, Face]:
        """Return the faces of the verbs of ``card`` by name, in the card's order."""
        async with self._one_at_a_time[card.slug]:
            if card.slug not in self._known:
                self._known[card.slug] = await asyncio.to_thread(self._find, card)
            return self._known[card.slug]

    def _find(self, card: Card) -> dict[str, Face]:
        folder = self.folder / card.slug
        folder.mkdir(parents=True, exist_ok=True)
        order = Order(card.slug, {name: card.verb_address(name) for name in card.verbs}, card.extras)
        (folder / "order.json").write_bytes(msgspec.json.encode(order))
        with open(folder / "log.txt", "wb") as output, start_worker(folder, output) as process:
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired as error:
                raise HotpapersError(f"{card.slug} takes longer than {SECONDS} s to load.") from error
        report = read_report(folder)
        if report.error is not None:
            raise HotpapersError(report.error)
        return {face.name: face for face in report.faces}
