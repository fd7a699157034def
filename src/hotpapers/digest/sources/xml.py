"""XML from outside: entities are refused, so that a small document cannot become a large one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def parsed(raw: bytes) -> "Element":
    """Return the document's root; raise ``ValueError`` where it is broken or declares entities."""
    try:
        return defusedxml.ElementTree.fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(f"XML that cannot be read: {error or type(error).__name__}") from error


def words(element: "Element", path: str, names: dict[str, str]) -> str:
    """Return the text at ``path``, its lines joined by single blanks; nothing where there is none."""
    return " ".join((element.findtext(path, "", names) or "").split())


def all_words(element: "Element", path: str, names: dict[str, str]) -> Iterator[str]:
    """Yield the texts at ``path`` that are not empty."""
    for each in element.iterfind(path, names):
        if text := " ".join((each.text or "").split()):
            yield text
