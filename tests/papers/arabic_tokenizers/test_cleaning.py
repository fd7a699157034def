"""Each rule does what it says and no more; the examples are those of the authors' own checks."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.clean import clean
from hotpapers.papers.arabic_tokenizers.cleaning import Rules, clean_text, plain_letters, segment

SWITCHES = [field.name for field in dataclasses.fields(Rules) if field.type in (bool, "bool")]


def cleaned(text, **switches):
    return clean_text(text, Rules(space_out=switches.pop("space_out", False), **switches))


@pytest.mark.parametrize(
    ("switches", "text", "expected"),
    [
        ({"special": True}, "كيف حالكم ، يا أشقاء", "كيف حالكم يا أشقاء"),
        ({"special": True, "keep": "+-*"}, "3 + 3 and 3 - 3", "3 + 3 and 3 - 3"),
        ({"special": True, "keep": "/"}, "9/8/1770", "9/8/1770"),
        ({"special": True, "keep": "]^\\-"}, "a]b^c\\d-e", "a]b^c\\d-e"),
        ({"twitter": True, "links": True}, "@arthurlacoste check this link : https://lit.ly/hugeLink ! so #nsfw",
         "check this link : ! so"),
        ({"diacritics": True}, "وَأفْجَـعُ مَن فَقَدْنَا", "وأفجـع من فقدنا"),
        ({"tatweel": True}, "وأفجـع", "وأفجع"),
        ({"html": True}, '<doc id="7" url="https://ar.wikipedia.org/wiki?curid=7" title="ماء">', ""),
        ({"repeated": True}, "هههههههه", "هه"),
        ({}, "اهلا     كيف حالك", "اهلا كيف حالك"),
        ({"latin": True}, "abc سلام D", "سلام"),
        ({"digits": True}, "12 سلام ٣", "سلام"),
        ({"long_words": True}, "قصير " + "ط" * 15 + " " + "ق" * 14, "قصير " + "ق" * 14),
        ({"letters": True}, "ﻻﺳﻼم ٱلله", "لاسلام الله"),
        ({"dotless": True}, "بتثين جحخ ذز شضظغق أإئآؤء ة", "ببببب ححح در سصطعف اااااا ه"),
        ({"segment": True}, "والكتاب كتابها للمدرسة في", "و+ال+كتاب كتاب+ها ل+ل+مدرس+ة في"),
        ({"space_out": True}, "سلام،عليكم!!", "سلام ، عليكم ! !"),
        ({"space_out": True}, "سَلام ١٠:٣٠", "سَلام ١٠ : ٣٠"),
    ],
)  # fmt: skip
def test_a_rule_does_what_it_says(switches, text, expected):
    assert cleaned(text, **switches) == expected


@settings(deadline=None)
@given(st.text(st.sampled_from("اأبتﻻ ـَ#@!aZ1٣<>\n/:.هـ"), max_size=60), st.sets(st.sampled_from(SWITCHES)))
def test_cleaning_twice_is_cleaning_once_and_keeps_the_lines(text, on):
    on = on - {"segment", "html", "twitter", "links"}  # taking out can put together what is then found anew
    rules = Rules(**{name: name in on for name in SWITCHES})
    once = clean_text(text, rules)
    if not on & {"latin", "digits", "diacritics", "tatweel", "dotless", "letters"}:
        assert clean_text(once, rules) == once
    assert once.count("\n") == text.count("\n")
    assert "  " not in once


@given(st.text(st.characters(min_codepoint=0x621, max_codepoint=0x64A), max_size=20))
def test_segments_put_together_are_the_word(word):
    assert segment(word).replace("+", "") == word or word.startswith("لل")


def test_the_sign_between_a_verses_halves_is_kept():
    assert cleaned("صدر البيت # عجزه", diacritics=True, twitter=True, repeated=True) == "صدر البيت # عجزه"


def test_presentation_forms_are_the_letters_they_show():
    assert plain_letters("ﷲ ﺍﻟﺴﻼﻡ") == "الله السلام"


def test_a_file_is_cleaned_line_by_line(tmp_path):
    (tmp_path / "in.txt").write_text("سَلام\n\nعَليكم", encoding="utf-8")
    done = clean(tmp_path / "in.txt")
    assert done.files["text"].read_text(encoding="utf-8") == "سلام\nعليكم\n"
    assert done.numbers == {"lines read": 3, "lines written": 2}
    clean(tmp_path / "in.txt", tmp_path / "all.txt", empty_lines=True)
    assert (tmp_path / "all.txt").read_text(encoding="utf-8") == "سلام\n\nعليكم\n"


def test_what_cannot_be_cleaned_leaves_no_file(tmp_path):
    (tmp_path / "in.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"in\.txt is not UTF-8 in line 1"):
        clean(tmp_path / "in.txt")
    assert [each.name for each in tmp_path.iterdir()] == ["in.txt"]
