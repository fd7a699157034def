"""Licences: what the licence file nearest above a file says that it is."""

import re
from pathlib import PurePosixPath

LICENCE_FILES = re.compile(r"(?:LICEN[CS]E|COPYING|UNLICENSE)(?:\.(?:txt|md|rst))?", re.IGNORECASE)
# What the licences say of themselves, the more special before the more general.
_LICENCES = (
    ("CC0-1.0", "CC0 1.0 Universal"),
    ("CC-BY-NC-SA-4.0", "Attribution-NonCommercial-ShareAlike 4.0"),
    ("CC-BY-NC-4.0", "Attribution-NonCommercial 4.0"),
    ("CC-BY-SA-4.0", "Attribution-ShareAlike 4.0"),
    ("CC-BY-4.0", "Attribution 4.0 International"),
    ("Apache-2.0", "Apache License"),
    ("MPL-2.0", "Mozilla Public License"),
    ("AGPL-3.0", "GNU AFFERO GENERAL PUBLIC LICENSE"),
    ("LGPL-3.0", "GNU LESSER GENERAL PUBLIC LICENSE"),
    ("GPL-3.0", "GNU GENERAL PUBLIC LICENSE\n                       Version 3"),
    ("GPL-2.0", "GNU GENERAL PUBLIC LICENSE\n                       Version 2"),
    ("Unlicense", "This is free and unencumbered"),
    ("ODbL-1.0", "Open Database License"),
    ("BSD-3-Clause", "Redistribution and use in source and binary forms"),
    ("MIT", "Permission is hereby granted, free of charge"),
    ("ISC", "Permission to use, copy, modify, and/or distribute"),
)


class Licences:
    """The licence files of a tree: the nearest above a file is its licence."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.known = {str(PurePosixPath(path).parent): licence_of(text) for path, text in sorted(texts.items())}

    def of(self, path: str) -> str:
        """Return the licence of a file, or nothing."""
        above = (str(each) for each in PurePosixPath(path).parents)
        return next((self.known[each] for each in above if self.known.get(each)), "")


def licence_of(text: str) -> str:
    """Return the SPDX id of a licence's text, or nothing where it is none that is known."""
    plain_text = " ".join(text.split())
    return next((spdx for spdx, words in _LICENCES if " ".join(words.split()) in plain_text), "")
