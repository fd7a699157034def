"""A feed's items: each paper of an edition, told once for RSS, Atom and JSON Feed."""

import datetime
import html

import msgspec

from hotpapers.digest.edition import Edition, Ranked
from hotpapers.digest.publish import words
from hotpapers.digest.publish.quotes import Quote, quotes_of

NEWEST_FIRST = "The papers people talk about, the most talked about first."


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A paper in a feed. ``key`` names it for ever; ``content`` is HTML that is clean."""

    key: str
    title: str
    url: str
    when: datetime.datetime
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    summary: str
    content: str


def items_of(editions: list[Edition]) -> list[Item]:
    """Return the papers of editions in their order."""
    return [_item(edition, entry) for edition in editions for entry in edition.entries]


def newest(editions: list[Edition]) -> datetime.datetime:
    """Return when the newest thing of a feed was written."""
    times = [edition.written for edition in editions]
    return max([*times, *(entry.counted for edition in editions for entry in edition.entries)])


def content(entry: Ranked) -> str:
    """Return what a feed shows of a paper, as HTML."""
    paper = entry.paper
    parts = [
        f"<p>{html.escape(', '.join(map(words.line, paper.authors)))}</p>",
        f"<p>{html.escape(words.counts(entry))}. {html.escape(', '.join(paper.categories))}</p>",
        f"<p>{html.escape(words.line(paper.abstract))}</p>" if paper.abstract else "",
        *map(_quote, quotes_of(entry.posts)),
    ]
    return "".join(parts)


def _item(edition: Edition, entry: Ranked) -> Item:
    paper = entry.paper
    return Item(
        key=words.urn(edition.name, paper.arxiv),
        title=f"{entry.rank}. {words.title(entry)}",
        url=words.abstract_page(entry),
        when=entry.counted.replace(microsecond=0),
        authors=tuple(filter(None, map(words.line, paper.authors))),
        categories=paper.categories,
        summary=words.counts(entry),
        content=content(entry),
    )


def _quote(quote: Quote) -> str:
    source = html.escape(" ".join(filter(None, [quote.author, quote.when])) or "a post")
    link = f'<a href="{html.escape(quote.url)}">{source}</a>' if quote.url else source
    return f"<blockquote><p>{quote.html}</p><p>— {link}</p></blockquote>"
