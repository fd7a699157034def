"""Words are what ``str.split`` finds, however they are found."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers import lookup
from hotpapers.papers.arabic_tokenizers.lookup import WordTable
from hotpapers.papers.arabic_tokenizers.words import chunks, find_words, spell, split, split_texts

ANY = st.text(
    st.one_of(st.sampled_from(" \n\t\u00a0\u2028\u3000\x1c\x85ابتث#é😀"), st.characters(codec="utf-8")), max_size=40
)


@settings(deadline=None)
@given(ANY)
def test_the_words_are_those_of_str_split(text):
    assert split(text).to_pylist() == text.split()
    words = find_words(text)
    assert [words.distinct[code].as_py() for code in words.codes] == text.split()
    assert len(set(words.distinct.to_pylist())) == len(words.distinct)


@settings(deadline=None)
@given(st.lists(ANY, max_size=6))
def test_many_texts_have_the_words_of_each(texts):
    words, counts = split_texts(texts)
    assert words.to_pylist() == [word for text in texts for word in text.split()]
    assert counts.tolist() == [len(text.split()) for text in texts]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), max_size=6))
def test_spelling_gives_each_words_letters_and_a_zero_after_them(words):
    letters = spell(pa.array(words, pa.string()))
    for word, start, length in zip(words, letters.starts, letters.lengths, strict=True):
        assert letters.codes[start : start + length].tolist() == [ord(letter) for letter in word]
        assert letters.codes[start + length] == 0


@settings(deadline=None)
@given(st.lists(ANY, max_size=6).map(" ".join), st.sets(ANY, max_size=9))
def test_looking_up_all_words_at_once_is_looking_them_up_one_by_one(text, others):
    words = sorted({word for each in (text[::2], *others) for word in each.split()} | {"مكتبةكبيرةجدا", "مكتبةكبي"})
    numbers = {word: number for number, word in enumerate(words, 2)}
    text = f"{text} مكتبةكبيرة مكتبةكبيرةجدا مكتبةكبي ا\ud800"
    table = WordTable(words, 2, 0)
    for each in (text, f"{text} مكتبةكبي\0 ا\0"):
        assert table.find(each).tolist() == [numbers.get(word, 0) for word in each.split()]


def test_words_that_hash_alike_are_told_apart(monkeypatch):
    monkeypatch.setattr(lookup, "_ODD", np.zeros(2, np.uint64))
    words = [f"ك{number}" for number in range(50)]
    assert WordTable(words, 2, 0).find(" ".join([*words, "ك"])).tolist() == [*range(2, 52), 0]


def test_a_file_is_read_in_pieces_of_whole_lines(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffسطر أول\nسطر ثان\nسطر ثالث".encode())
    found = list(chunks(tmp_path / "a.txt", size=10))
    assert len(found) == 3
    assert b"".join(found).decode() == "سطر أول\nسطر ثان\nسطر ثالث"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b" \n ", "is empty"), ("سطر\n".encode() + b"\xff\n", "line 2"), (b"a\0b", "zero bytes")],
)
def test_what_is_no_text_is_refused_in_one_line(tmp_path, content, says):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(BadInput, match=says):
        list(chunks(tmp_path / "a.txt"))
