"""Encodings: what the bytes of a file are written in, from its marks, its zeros, or how probable its letters are."""

import codecs
import itertools
import math
import re
import unicodedata

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_MANY_BYTES = ("shift_jis", "euc_jp", "gb18030", "euc_kr", "big5")
_ONE_BYTE = {
    "cp1252": 0.0,
    "cp1251": 0.02,
    "cp1250": 0.04,
    "cp1253": 0.06,
    "koi8-r": 0.1,
    "mac_roman": 0.3,
    "cp850": 0.5,
}
"""Codecs of one byte, and how much each is the less likely a character for being rare in files of today."""

_INSIDE_A_WORD = re.compile(rb"[A-Za-z][\x80-\xff]+[A-Za-z]")
_HIGH = re.compile(r"[^\x00-\x7f]")
_RUNS = re.compile(rb"[\x80-\xff]+")
_CONTROLS = bytes((*range(2, 9), *range(14, 28), 127))  # of ASCII, without those that files of text have


def detect(sample: bytes, whole: bool = True) -> str | None:
    """Return the codec of the bytes; ``None`` if they are no text.

    Parameters
    ----------
    sample
        The file's beginning.
    whole
        Whether that is all of it; otherwise a character may be cut at its end.
    """
    for mark, codec in _MARKS:
        if sample.startswith(mark):
            return codec
    if b"\0" in sample:
        return _without_mark(sample)
    if sample.isascii():
        return None if _is_noise(sample) else "utf-8"
    if _decodes(sample, "utf-8", whole):
        return "utf-8"
    return None if _is_noise(sample) else _likeliest(sample, whole)


def _without_mark(sample: bytes) -> str | None:
    """UTF-16 and UTF-32 without a mark: ASCII characters leave zeros at the same places."""
    for codec, step, where in (("utf-32-le", 4, 0), ("utf-32-be", 4, 3), ("utf-16-le", 2, 0), ("utf-16-be", 2, 1)):
        cut = sample[: len(sample) // step * step]
        letters, others = cut[where::step], [cut[at::step] for at in range(step) if at != where]
        zeros = sum(each.count(0) for each in others)
        told = letters.count(0) < 0.05 * len(letters) and zeros > (0.9 if step == 4 else 0.5) * sum(map(len, others))
        if told and letters and _decodes(cut, codec, False):
            return codec
    return "utf-8" if sample.count(0) <= len(sample) / 100 and _decodes(sample, "utf-8", False) else None


def _decodes(sample: bytes, codec: str, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(sample, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _is_noise(sample: bytes) -> bool:
    return len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) / 50


def _likeliest(sample: bytes, whole: bool) -> str:
    """Weigh the codecs by what they make of the runs of bytes above 127; Windows Latin where none is better."""
    pieces = [m.group() for m in _RUNS.finditer(sample)]
    inside = len(_INSIDE_A_WORD.findall(sample))
    if max(map(len, pieces)) > 1 and sum(map(len, pieces)) > 1.5 * len(pieces) and inside < 0.3 * len(pieces):
        for codec in _MANY_BYTES:
            if _decodes(sample, codec, whole) and _is_east_asian(sample, codec):
                return codec
    scores = {codec: _plausibility(sample, codec) for codec in _ONE_BYTE}
    best = max(scores, key=lambda codec: scores[codec])
    return best if scores[best] > 0 else "cp1252" if scores["cp1252"] > -math.inf else "latin-1"


def _is_east_asian(sample: bytes, codec: str) -> bool:
    """Judge by common characters: they are in the first rows of the tables, what a wrong codec makes is not."""
    text = sample.decode(codec, errors="ignore")
    high = [char for char in text if ord(char) > 127]
    names = [unicodedata.name(char, "") for char in high[:2000]]
    common = sum(name.startswith(("HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH")) for name in names)
    han = [char for char, name in zip(high, names, strict=False) if name.startswith("CJK UNIFIED")]
    if codec in ("shift_jis", "euc_jp"):
        return bool(names) and common > 0.25 * len(names) and common + len(han) > 0.9 * len(names)
    if codec == "euc_kr":
        return bool(names) and common > 0.8 * len(names)
    frequent = sum(_is_frequent(char, codec) for char in han)
    return bool(names) and len(han) + common > 0.9 * len(names) and frequent > 0.6 * len(han)


def _is_frequent(char: str, codec: str) -> bool:
    """GB 2312 level 1 and Big5 level 1 hold the characters of everyday writing."""
    try:
        first = char.encode("gb2312" if codec == "gb18030" else codec)[0]
    except UnicodeEncodeError:
        return False
    return 0xB0 <= first <= 0xD7 if codec == "gb18030" else 0xA4 <= first <= 0xC6


def _plausibility(sample: bytes, codec: str) -> float:
    """Letters that stand with letters of their own script and case speak for a codec, signs and controls against."""
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError:
        return -math.inf
    score = 0.0
    for match in itertools.islice(_HIGH.finditer(text), 2000):
        at, char = match.start(), match[0]
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if char.isalpha():
            same = sum(_script(each) == _script(char) for each in (before, after) if each.isalpha())
            mixed = sum(_script(each) != _script(char) for each in (before, after) if each.isalpha())
            jumps = char.isupper() and before.islower()
            score += 1 + 0.5 * same - 2 * mixed - 2 * jumps - _ONE_BYTE[codec]
            # Two accented letters side by side are rare in Latin writing and usual in others.
            if _script(char) == "LATIN" and ord(after or "a") > 127 and after.isalpha():
                score -= 2
            if codec == "cp1250" and char not in "ąćęłńóśźżáčďéěíňřšťúůýžäöüßőűăâîșțşţ":
                score -= 0.6
        elif char in "“”‘’–—…•°€£±²³½ «»§©®™µ·×":
            score += 1 - _ONE_BYTE[codec]
        else:
            score -= 1.5
    return score


def _script(char: str) -> str:
    return (
        "LATIN"
        if char < "\u0250"
        else "CYRILLIC"
        if "\u0400" <= char < "\u0530"
        else unicodedata.name(char, "?").partition(" ")[0]
    )
