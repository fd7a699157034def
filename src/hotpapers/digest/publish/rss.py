"""RSS 2.0: the papers of an edition, or of several, as a feed."""

import datetime
import xml.etree.ElementTree as ElementTree
from email.utils import format_datetime

from hotpapers.digest.edition import Edition
from hotpapers.digest.publish import words
from hotpapers.digest.publish.items import NEWEST_FIRST, Item, items_of, newest

NAME = "feed.rss.xml"
_CREATOR = "http://purl.org/dc/elements/1.1/"
_ATOM = "http://www.w3.org/2005/Atom"


def publish(edition: Edition) -> bytes:
    """Return the edition as a feed."""
    return feed([edition], words.heading(edition))


def file_name(edition: Edition) -> str:
    """Return the usual name of such a file."""
    return f"{words.address_name(edition)}.rss.xml"


def feed(editions: list[Edition], title: str, home: str = words.HOME, own: str | None = None) -> bytes:
    """Return a feed of editions. ``home`` is the site that it is of, ``own`` the feed's address."""
    ElementTree.register_namespace("dc", _CREATOR)
    ElementTree.register_namespace("atom", _ATOM)
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    _add(channel, "title", title)
    _add(channel, "link", home)
    _add(channel, "description", NEWEST_FIRST)
    _add(channel, "language", "en")
    _add(channel, "lastBuildDate", _time(newest(editions)))
    if own:
        ElementTree.SubElement(channel, f"{{{_ATOM}}}link", href=own, rel="self", type="application/rss+xml")
    for item in items_of(editions):
        channel.append(_item(item))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _item(item: Item) -> ElementTree.Element:
    element = ElementTree.Element("item")
    _add(element, "title", item.title)
    _add(element, "link", item.url)
    for author in item.authors:
        _add(element, f"{{{_CREATOR}}}creator", author)
    for category in item.categories:
        _add(element, "category", category)
    _add(element, "guid", item.key).set("isPermaLink", "false")
    _add(element, "pubDate", _time(item.when))
    _add(element, "description", item.content)
    return element


def _add(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = text
    return element


def _time(moment: datetime.datetime) -> str:
    return format_datetime(moment.astimezone(datetime.UTC), usegmt=True)
