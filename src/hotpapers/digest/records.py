"""What the digest engine passes from room to room: papers as arXiv lists them, and signals as a source shows them.

A source yields these, the store keeps them, a ranking counts them. Nothing here knows where they are kept.
"""

import datetime
from typing import Literal

import msgspec

Kind = Literal["post", "repost", "like", "story", "comment", "listing", "deletion"]
"""``story``: a link put up for votes; ``listing``: a curated list's entry; ``deletion``: the item is gone."""


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A paper as arXiv describes it.

    Attributes
    ----------
    arxiv
        Its canonical identifier, without a version: ``2106.07140`` or ``math/0211159``.
    title, abstract
        As arXiv gives them: LaTeX stays, lines are joined by the source.
    authors, categories
        In order; the primary category first.
    announced
        The day whose listing had it, in arXiv's own calendar; ``None`` where the source does not say.
    submitted, updated
        Times of the first and the newest version, in UTC.
    position
        Its place in that day's listing, from 0; ties of the blog's ranking are broken by it.
    comment, doi, licence
        What else arXiv says.
    """

    arxiv: str
    title: str
    authors: tuple[str, ...]
    abstract: str = ""
    categories: tuple[str, ...] = ()
    announced: datetime.date | None = None
    submitted: datetime.datetime | None = None
    updated: datetime.datetime | None = None
    position: int | None = None
    comment: str = ""
    doi: str = ""
    licence: str = ""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A public reaction to one or more papers, as it stood when it was seen.

    The same item seen again later is another signal: what was seen is never changed, and counts are a history.

    Attributes
    ----------
    source
        The source's name: ``bluesky``, ``hackernews``, ``twitter`` …
    item
        The item's own identifier there; with ``source`` it names the item.
    kind
        What sort of reaction it is.
    papers
        Canonical arXiv identifiers that it names. A repost or a like may leave them out and name its ``root``.
    actor
        Who made it, by an identifier that is stable there; ``None`` where the source does not say.
    made
        When it was made, in UTC.
    seen
        When it was seen so, in UTC.
    counts
        What the source says of it: ``{"likes": 3, "reposts": 1}``. Metrics are plural nouns.
    root
        The item that it repeats or likes (a retweet's original): its votes count for that one.
    name, text, html, url
        How it is shown: the author's name, its words, its words as HTML (hostile until cleaned), its address.
    """

    source: str
    item: str
    kind: Kind
    papers: tuple[str, ...] = ()
    actor: str | None = None
    made: datetime.datetime | None = None
    seen: datetime.datetime
    counts: dict[str, int] = {}
    root: str | None = None
    name: str = ""
    text: str = ""
    html: str = ""
    url: str = ""
