"""Atom 1.0 (RFC 4287): the papers of an edition, or of several, as a feed."""

import datetime
import xml.etree.ElementTree as ElementTree
from typing import Any

from hotpapers.digest.edition import Edition
from hotpapers.digest.publish import words
from hotpapers.digest.publish.items import NEWEST_FIRST, Item, items_of, newest

NAME = "feed.atom.xml"
_ATOM = "http://www.w3.org/2005/Atom"


def publish(edition: Edition) -> bytes:
    """Return the edition as a feed."""
    return feed([edition], words.heading(edition))


def file_name(edition: Edition) -> str:
    """Return the usual name of such a file."""
    return f"{words.address_name(edition)}.atom.xml"


def feed(editions: list[Edition], title: str, home: str = words.HOME, own: str | None = None) -> bytes:
    """Return a feed of editions. ``home`` is the site that it is of, ``own`` the feed's address."""
    root = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _add(root, "id", own or words.urn(*(edition.name for edition in editions)))
    _add(root, "title", title)
    _add(root, "subtitle", NEWEST_FIRST)
    _add(root, "updated", _time(newest(editions)))
    _add(ElementTree.SubElement(root, "author"), "name", "hotpapers")
    _add(root, "link", rel="alternate", type="text/html", href=home)
    if own:
        _add(root, "link", rel="self", type="application/atom+xml", href=own)
    for item in items_of(editions):
        root.append(_entry(item))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _entry(item: Item) -> ElementTree.Element:
    entry = ElementTree.Element("entry")
    _add(entry, "id", item.key)
    _add(entry, "title", item.title)
    _add(entry, "updated", _time(item.when))
    for author in item.authors:
        _add(ElementTree.SubElement(entry, "author"), "name", author)
    _add(entry, "link", rel="alternate", type="text/html", href=item.url)
    for category in item.categories:
        _add(entry, "category", term=category)
    _add(entry, "summary", item.summary)
    _add(entry, "content", item.content, type="html")
    return entry


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: Any) -> None:
    ElementTree.SubElement(parent, name, attributes).text = text


def _time(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
