"""Cutting code into tokens, and putting them together again."""

import ast
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.papers.bifi.corpora import library_snippets
from hotpapers.papers.bifi.tokens import (
    abstract,
    anonymise,
    detokenise,
    plain_tokens,
    python_brackets,
    python_tokens,
    same_code,
)

# Made by running the authors' tokenize_python_code (MIT, michiyasunaga/BIFI) on these codes.
GOLDEN = json.loads((Path(__file__).parent / "golden" / "authors_tokens.json").read_text())
PIECES = ["def f(", "x", " = ", "1.5e3", "0777", '"s"', "'", '"""', "\n", "\n    ", "\n\t", "\n  ", ")", "]", "{", ":",
          "# c", "\\\n", "print", "$", "é", "?", "\r\n", ".", "...", "==", "rb'x'", "\f", " ", "\xa0", "\r",
          "\x0b"]  # fmt: skip


@pytest.mark.parametrize("golden", GOLDEN, ids=range(len(GOLDEN)))
def test_the_stream_is_the_authors(golden):
    stream, slots = anonymise(python_tokens(golden["code"]))
    assert stream == golden["stream"]
    assert slots == golden["slots"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_is_cut_and_nothing_but_blanks_and_joined_lines_lies_between_tokens(code):
    for cut in (python_tokens, plain_tokens):
        rest, last = "", 0
        for token in cut(code):
            assert code[token.start : token.end] == token.text
            assert token.start >= last
            rest += code[last : token.start]
            last = token.end
        assert not re.sub(r"\\\r?\n|\\\r", "", rest + code[last:]).strip(" \t\f\r")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text("()[]{}'\"\\#\r\n x", max_size=40))
def test_brackets_are_found_where_the_tokens_have_them(code):
    assert python_brackets(code) == [token.text for token in python_tokens(code) if token.text in tuple("()[]{}")]


def test_good_code_comes_back_from_its_stream():
    for code in library_snippets(150, seed=1):
        stream, slots = anonymise(python_tokens(code))
        again, slots_again = anonymise(python_tokens(detokenise(stream, slots)))
        assert (again, slots_again) == (stream, slots)


def test_what_is_detokenised_parses_where_the_code_did():
    for code in library_snippets(100, seed=2):
        if "\\\n" not in code:
            ast.parse(detokenise(*anonymise(python_tokens(code))))


def test_a_stream_without_its_slots_has_defaults():
    assert detokenise(["<INDENT>", "x", "=", "<STRING>", "<COMMENT>", "<NEWLINE>", "<DEDENT>", "<unk>"]) == (
        '    x = "str" ##\nunk'
    )


def test_two_programs_are_the_same_fix_whatever_their_names_comments_and_spacing():
    assert abstract("f(a,\n   b)  # c\n") == abstract("g( x, y )\n")
    assert abstract("if a: b\n") != abstract("while a: b\n")
    for cut_off in ("f(a\n", 'x = """a\n'):
        with pytest.raises(SyntaxError):
            abstract(cut_off)


@pytest.mark.parametrize("code", ["f(", "x = '''", "if x:\n    y\n  z\n"])
def test_code_that_does_not_parse_is_no_fix_and_no_crash(code):
    with pytest.raises(SyntaxError):
        abstract(code)
    assert not same_code(code, "f()\n")
    assert not same_code("f()\n", code)
