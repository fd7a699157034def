"""Labels: what a header or an ontology's name says once case, underscores and signs are taken out of it.

``fixed`` collapses blanks and keeps the letters of all scripts. ``legacy`` is the published expression, bit for bit:
it leaves three blanks in ``Birth_Date`` and loses the letters that are not ASCII.
"""

import re
import unicodedata
from typing import Literal

Mode = Literal["fixed", "legacy"]

# The published expression: runs of lower case, digits and signs, or a capital with what belongs to it.
_LEGACY = re.compile(r"""[0-9,a-z.,"#!$%\^&\*;:{}=\-_`~()\n\t\d]+|[A-Z](?:[A-Z]*(?![a-z])|[a-z]*)""")
_DASHES = re.compile(r"[_-]")
_GAPS = re.compile(r"[\s_\-]+")


def clean(name: str, mode: Mode = "fixed") -> str:
    """Return the label of a header: ``birthDate``, ``Birth_Date`` and ``birth-date`` are all ``birth date``.

    An acronym keeps together: ``CustomerID`` is ``customer id``.
    """
    if mode == "legacy":
        return _DASHES.sub(" ", " ".join(_LEGACY.findall(name))).lower()
    if name.islower() and name.isascii() and name.isalpha():
        return name
    return " ".join(_words(unicodedata.normalize("NFC", name))).lower()


def clean_type(name: str) -> str:
    """Return the label of an ontology's name as the authors' snapshots have it: dashes stay, case alone splits."""
    return " ".join(_LEGACY.findall(re.split(r"[/#:]", name)[-1])).lower()


def _words(name: str) -> list[str]:
    """Cut a name at blanks, dashes and underscores, and where small letters turn to capitals."""
    words: list[str] = []
    for part in _GAPS.split(name):
        start = 0
        for at in range(1, len(part)):
            before, here, after = part[at - 1], part[at], part[at + 1 : at + 2]
            turns = here.isupper() and not before.isupper()
            ends_acronym = here.isupper() and before.isupper() and after.islower()
            if (turns or ends_acronym) and (before.isalnum() or not here.isalnum()):
                words.append(part[start:at])
                start = at
        words.append(part[start:])
    return [word for word in words if word]
