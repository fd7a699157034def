"""Text that was UTF-8 and was read as something else (``N‚Äô`` for ``N’``), turned back to what it was.

A repair is accepted only if it can be undone exactly and takes away sequences that no text has by itself; so clean text
stays as it is, character for character.
"""

import re
import unicodedata

_ENCODINGS = ("mac_roman", "cp1252", "latin_1")
"""What text is wrongly read as, on Macintosh, on Windows, and by old protocols."""
_MARKS = "–—‘’“”„…«»‹›"
_STRANGE = re.compile(r"[^\0-\x7f]")
_SHORT = re.compile("[\u00a0-\u024f\u0370-\u052f\u0590-\u06ff]")
"""What two bytes in UTF-8 nearly always are: Latin, Greek, Cyrillic, Hebrew and Arabic letters."""


def repair(text: str) -> tuple[str, str | None]:
    """Return ``text`` as it was before it was misread, and as what it had been misread.

    The text as a whole is tried first; where parts of it are right already, line by line.

    Returns
    -------
    str
        The repaired text, or ``text`` itself.
    str or None
        The name of the encoding that it had been read as, or ``None`` where nothing had to be repaired.
    """
    if text.isascii():
        return text, None
    if whole := _reread(text):
        return whole
    repaired = {}
    for line in {line for line in text.split("\n") if not line.isascii()}:
        if found := _reread(line):
            repaired[line] = found
    if not repaired:
        return text, None
    encodings = sorted({encoding for _, encoding in repaired.values()})
    return "\n".join(repaired.get(line, (line,))[0] for line in text.split("\n")), ", ".join(encodings)


def _reread(text: str) -> tuple[str, str] | None:
    """Return the most plausible re-reading of ``text`` and its encoding, if there is one."""
    best: tuple[str, str] | None = None
    fewest = len(_STRANGE.findall(text))
    for encoding in _ENCODINGS:
        reread = _decode(text, encoding)
        if reread is None:
            continue
        strange = _STRANGE.findall(reread)
        proofs = [proof for each in strange if (proof := _proof(each, encoding))]
        if len(proofs) * 2 > len(strange) and sum(proofs) >= 1 and len(strange) < fewest:
            best, fewest = (reread, encoding), len(strange)
    return best


def _decode(text: str, encoding: str) -> str | None:
    try:
        reread = text.encode(encoding).decode("utf-8")
        return reread if reread.encode("utf-8").decode(encoding) == text else None
    except UnicodeError:
        return None


def _proof(character: str, encoding: str) -> float:
    """Return how much it proves that a character beyond ASCII came out: 1 where it hardly can by chance.

    It can where what was read is a letter before quotation marks, dashes and the like, or after one: ``é…”`` looks
    like a Chinese sign misread, ``l’é`` like an Armenian letter. One of these alone proves nothing.
    """
    if unicodedata.category(character) in ("Cn", "Co", "Cc") or (character < "\u0800" and not _SHORT.match(character)):
        return 0
    if character < "\u0100":
        return 1  # Ã or Â before a mark, which nobody writes
    first, *rest = list(character.encode("utf-8").decode(encoding))
    marks = [each in _MARKS for each in rest]
    by_chance = not any(marks) if first in _MARKS else first.isalpha() and all(marks)
    return 0.5 if by_chance else 1
