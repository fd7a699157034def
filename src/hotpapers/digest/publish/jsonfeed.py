"""JSON Feed 1.1: the papers of an edition, or of several, as a feed."""

import datetime
from typing import Any

import msgspec

from hotpapers.digest.edition import Edition
from hotpapers.digest.publish import words
from hotpapers.digest.publish.items import NEWEST_FIRST, Item, items_of

NAME = "feed.json"


def publish(edition: Edition) -> bytes:
    """Return the edition as a feed."""
    return feed([edition], words.heading(edition))


def file_name(edition: Edition) -> str:
    """Return the usual name of such a file."""
    return f"{words.address_name(edition)}.feed.json"


def feed(editions: list[Edition], title: str, home: str = words.HOME, own: str | None = None) -> bytes:
    """Return a feed of editions. ``home`` is the site that it is of, ``own`` the feed's address."""
    told: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": home,
        **({"feed_url": own} if own else {}),
        "description": NEWEST_FIRST,
        "language": "en",
        "items": list(map(_item, items_of(editions))),
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.key,
        "url": item.url,
        "title": item.title,
        "content_html": item.content,
        "summary": item.summary,
        "date_published": item.when.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "authors": [{"name": author} for author in item.authors],
        "tags": list(item.categories),
    }
