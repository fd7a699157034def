"""The verb ``clean``: normalise a text by the rules that are switched on."""

import os.path
from pathlib import Path

from hotpapers.files import written_whole
from hotpapers.papers.arabic_tokenizers.cleaning import Rules, clean_text
from hotpapers.papers.arabic_tokenizers.words import beside, chunks, first_line
from hotpapers.progress import bar
from hotpapers.verbs import Outcome, TextFile


def clean(
    text: TextFile,
    out: Path | None = None,
    *,
    diacritics: bool = True,
    tatweel: bool = True,
    letters: bool = True,
    special: bool = False,
    keep: str = "",
    latin: bool = False,
    digits: bool = False,
    links: bool = False,
    twitter: bool = False,
    html: bool = False,
    long_words: bool = False,
    repeated: bool = False,
    dotless: bool = False,
    segment: bool = False,
    space_out: bool = True,
    empty_lines: bool = False,
) -> Outcome:
    """Clean Arabic text: take out or unify what a tokenizer should not have to learn.

    Parameters
    ----------
    text
        A text file in UTF-8.
    out
        The cleaned text; beside the input when left out.
    diacritics
        Remove short vowels and other marks (U+064B to U+0652).
    tatweel
        Remove the stroke that stretches words.
    letters
        Write presentation forms and foreign forms of letters as plain Arabic letters.
    special
        Replace what is neither letter, digit nor space by a space.
    keep
        Special characters to keep all the same.
    latin
        Remove Latin letters.
    digits
        Remove digits, Arabic-Indic ones too.
    links
        Remove links.
    twitter
        Remove handles and hashtags in Latin letters.
    html
        Remove HTML tags.
    long_words
        Remove words of 15 letters or more.
    repeated
        Cap runs of one character at two.
    dotless
        Make one of letters that differ in their dots alone.
    segment
        Part clitics from words by ``+``.
    space_out
        Set spaces around every special character that is left.
    empty_lines
        Keep lines that have become empty.
    """
    text = Path(text)
    out = Path(out) if out else beside(text, "-clean.txt")
    rules = Rules(
        diacritics=diacritics, tatweel=tatweel, special=special, keep=keep, latin=latin, digits=digits, links=links,
        twitter=twitter, html=html, long_words=long_words, repeated=repeated, letters=letters, dotless=dotless,
        segment=segment, space_out=space_out,
    )  # fmt: skip
    before = after = done = 0
    size = text.stat().st_size / 1e6 if os.path.isfile(text) else None
    with (
        written_whole(out) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as stream,
        bar("clean (MB)", size) as shown,
    ):
        for block in chunks(text):
            lines = clean_text(block.decode().replace("\r\n", "\n"), rules).split("\n")
            ended = lines[-1] == ""
            kept = lines[: len(lines) - ended] if empty_lines else [line for line in lines if line]
            before, after = before + block.count(b"\n") + (not ended), after + len(kept)
            stream.write("".join(f"{line}\n" for line in kept))
            done += len(block)
            shown.update(done / 1e6)
    return Outcome({"text": out}, {"lines read": before, "lines written": after}, f"It begins: {first_line(out)}")
