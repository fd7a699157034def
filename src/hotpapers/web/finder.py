"""The live site's search over the store: ``/search?q=WORDS``."""

import threading
from typing import TYPE_CHECKING

from hotpapers.digest.commands import has_store
from hotpapers.digest.day import days
from hotpapers.digest.mathtext import plain_title
from hotpapers.digest.publish import words
from hotpapers.errors import HotpapersError
from hotpapers.web.archive import place
from hotpapers.web.forms import render

if TYPE_CHECKING:
    from hotpapers.digest.store import Hit, Store

MOST = 50
"""Papers that a search shows."""
SEARCHES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'"
)


class NotHere(HotpapersError):
    """There is no such paper, verb, file or page."""

    http_status = 404


class Finder:
    """Searches the store that there is; it is opened when somebody first asks."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._opening = threading.Lock()

    def page(self, question: str) -> str:
        """Return the page of what is found.

        Raises
        ------
        NotHere
            If there is no store to search.
        """
        question = words.line(question)[:300]
        hits = self._open().search(question, MOST) if question else []
        return render("search.html", path="search", here="search", policy=SEARCHES, question=question,
                      hits=list(map(_shown, hits)), most=MOST)  # fmt: skip

    def close(self) -> None:
        """Let go of the store."""
        if self._store:
            self._store.close()

    def _open(self) -> "Store":
        if not has_store():
            raise NotHere("There is no archive to search: hotpapers digest import PATH makes one.")
        with self._opening:
            if self._store is None:
                from hotpapers.digest.store import open_store

                self._store = open_store()
        return self._store


def _shown(hit: "Hit") -> tuple[str, list[str], str, str]:
    """Return a hit's title, authors, where it stands in words, and the address of that."""
    title = plain_title(words.line(hit.paper.title)) or hit.paper.arxiv
    authors = list(map(words.line, hit.paper.authors))
    if hit.digest and hit.rank:
        day = hit.digest.replace(" - ", "-")
        return title, authors, f"{hit.digest}, no. {hit.rank}", "/" + place(day, hit.rank, day in map(str, days()))
    return title, authors, f"arXiv {hit.paper.arxiv}", f"https://arxiv.org/abs/{hit.paper.arxiv}"
