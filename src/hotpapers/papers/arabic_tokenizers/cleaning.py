"""The cleaning of Arabic text, rule by rule; the rules are tnkeeh's, and so is their order.

``clean_text`` applies those that are asked for, sets spaces around special characters unless told not to, and collapses
runs of spaces. Lines stay lines.
"""

import dataclasses
import re
import unicodedata

LONG = 15
"""Words of as many letters are long."""

_DIACRITICS = re.compile("[\u064b-\u0652]")
_LATIN, _DIGITS = re.compile("[a-zA-Z]"), re.compile("[0-9\u0660-\u0669\u06f0-\u06f9]")
_LINKS = re.compile(r"(?:https?://|www\.)\S+|http\S+")
_TWITTER = re.compile(r"[@#][A-Za-z0-9_]+")
_HTML = re.compile(r"<[^<>\n]*>")
_REPEATED = re.compile(r"([^\S\n]|.)\1{2,}")
_LETTERS = "\u0621-\u0652a-zA-Z0-9\u0660-\u0669\u06f0-\u06f9"  # with the marks that stand on letters
_SPECIAL = f"[^\n {_LETTERS}]"
_SPACES = re.compile(" +")
_PRESENTATION = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]")

LETTER_FORMS = str.maketrans({"ٱ": "ا", "ٲ": "أ", "ٳ": "إ", "ی": "ي", "ى": "ى", "ک": "ك", "ھ": "ه", "ہ": "ه", "ە": "ه",
                              "ۀ": "ة", "ۃ": "ة", "…": " ... ", "·": "."})  # fmt: skip
"""Letters that are written otherwise in other keyboards and languages, as Arabic writes them."""

DOTLESS = str.maketrans({letter: base for base, letters in {
    "ب": "تثين", "ح": "جخ", "د": "ذ", "ر": "ز", "س": "ش", "ص": "ض", "ط": "ظ", "ع": "غ", "ف": "ق",
    "ا": "أإئآؤء", "ه": "ة",
}.items() for letter in letters})  # fmt: skip
"""Letters that differ in their dots alone become one, and carriers of hamza an alef."""

_BEFORE = ("وال", "فال", "بال", "كال", "لل", "ال", "و", "ف")  # other letters alone are more often of the root
_AFTER = ("كما", "هما", "كم", "هم", "هن", "نا", "ها", "ون", "ين", "ان", "ات", "ه", "ك", "ي", "ة")
_PARTS = {"وال": "و+ال", "فال": "ف+ال", "بال": "ب+ال", "كال": "ك+ال", "لل": "ل+ل"}
_STEM = 3  # letters that a clitic must leave of a word; a lone letter before it, one more


@dataclasses.dataclass(frozen=True)
class Rules:
    """Which rules to apply.

    Attributes
    ----------
    diacritics, tatweel, latin, digits, links, twitter, html, long_words
        Remove short vowels and other marks (U+064B–U+0652), the stretching stroke, Latin letters, digits, links,
        handles and hashtags in Latin letters, HTML tags, words of 15 letters or more.
    repeated
        Cap runs of one character at two.
    special
        Replace what is neither a letter, a digit nor a space by a space, except what ``keep`` holds.
    letters
        Write presentation forms and foreign forms of letters as plain Arabic letters.
    dotless
        Make one of letters that differ in dots alone.
    segment
        Part clitics from words by ``+``: ``والكتاب`` becomes ``و+ال+كتاب``.
    space_out
        Set spaces around every special character that is left.
    """

    diacritics: bool = False
    tatweel: bool = False
    special: bool = False
    keep: str = ""
    latin: bool = False
    digits: bool = False
    links: bool = False
    twitter: bool = False
    html: bool = False
    long_words: bool = False
    repeated: bool = False
    letters: bool = False
    dotless: bool = False
    segment: bool = False
    space_out: bool = True


def clean_text(text: str, rules: Rules) -> str:
    """Return a text cleaned by the rules that are on."""
    if rules.repeated:
        text = _REPEATED.sub(r"\1\1", text)
    if rules.html:
        text = _HTML.sub("", text)
    if rules.links:  # before anything takes a link apart
        text = _LINKS.sub(" ", text)
    if rules.twitter:
        text = _TWITTER.sub(" ", text)
    if rules.latin:
        text = _LATIN.sub("", text)
    if rules.digits:
        text = _DIGITS.sub("", text)
    if rules.letters:
        text = plain_letters(text)
    if rules.diacritics:
        text = _DIACRITICS.sub("", text)
    if rules.tatweel:
        text = text.replace("\u0640", "")
    if rules.special:
        text = re.sub(f"[^\n {_LETTERS}{re.escape(rules.keep)}]", " ", text)
    if rules.long_words:
        text = "\n".join(" ".join(word for word in line.split(" ") if len(word) < LONG) for line in text.split("\n"))
    if rules.segment:
        text = "\n".join(" ".join(map(segment, line.split(" "))) for line in text.split("\n"))
    if rules.dotless:
        text = text.translate(DOTLESS)
    if rules.space_out:
        text = re.sub(f"({_SPECIAL[:-1]}{'+' if rules.segment else ''}])", r" \1 ", text)
    return "\n".join(line.strip(" ") for line in _SPACES.sub(" ", text).split("\n"))


def plain_letters(text: str) -> str:
    """Return text with each presentation form as the letters it stands for, lam-alef as two."""
    text = _PRESENTATION.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return text.translate(LETTER_FORMS)


def segment(word: str) -> str:
    """Return a word with its clitics parted by ``+``: at most one group before and one after, of a stem of three."""
    before = next(
        (each for each in _BEFORE if word.startswith(each) and len(word) - len(each) >= _STEM + (len(each) == 1)), ""
    )
    rest = word[len(before) :]
    after = next((each for each in _AFTER if rest.endswith(each) and len(rest) - len(each) >= _STEM), "")
    stem = rest[: len(rest) - len(after)]
    return "+".join(part for part in (_PARTS.get(before, before), stem, after) if part)
