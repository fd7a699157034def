"""Syntax errors are worded as ANTLR words them. What is expected here was measured with the authors' parser."""

import pytest

from hotpapers.papers.rasp.faults import LexicalFault, SyntaxFault, Unfinished
from hotpapers.papers.rasp.lexer import read_tokens
from hotpapers.papers.rasp.parser import parse

ATOM = "'(', '{', 'aggregate(', '[', 'not', '-', '+', 'round', 'indicator', 'select(', 'range(', 'zip(', 'len('"
EXPRESSION = f"{{{ATOM}, Float, PosInt, String, ID}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("for in;", "missing ID at 'in'"),
        ("f(a,==);", f"mismatched input '==' expecting {EXPRESSION}"),
        ("def = 4;", "mismatched input '=' expecting ID"),
        ("not = 3;", f"extraneous input '=' expecting {EXPRESSION}"),
        ("a b c;", "no viable alternative at input 'ab'"),
        ("show examples", "mismatched input 'examples' expecting {'s-op', 'selector', 'example'}"),
        ("full seq display maybe", "missing {'on', 'off'} at 'maybe'"),
        ("select(a, b, +);", "mismatched input '+' expecting {'==', '<=', '>=', '>', '<', '!='}"),
        ("a = .5;", "token recognition error at: '.'"),
        ('a = "x;', "token recognition error at: '\"x;'"),
        ("a ! b;", "token recognition error at: '! '"),
    ],
)
def test_a_syntax_error_is_worded_as_antlr_words_it(text: str, message: str) -> None:
    with pytest.raises((SyntaxFault, LexicalFault)) as caught:
        parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text", ["", "a = 3", "def f(x) {", "f(a,", "a = 1; b", "if_ = [1,", "a;\nb", "for x in y { a = 1;"]
)
def test_what_more_text_could_finish_is_unfinished(text: str) -> None:
    with pytest.raises(Unfinished):
        parse(text)


def test_a_word_with_its_parenthesis_is_one_token_and_the_longest_match_wins() -> None:
    kinds = [
        token.kind
        for token in read_tokens("select(selector selector_width s-op s-opx full seq display full len (exit()")
    ]
    assert kinds == [
        "select(", "selector", "ID", "s-op", "s-op", "ID", "full seq display", "ID", "ID", "(", "exit()",
    ]  # fmt: skip


def test_there_is_no_exponent_and_no_elementwise_unequal() -> None:
    assert [token.kind for token in read_tokens("1.5e3")] == ["Float", "ID"]
    with pytest.raises(SyntaxFault):
        parse("a != b;")


def test_a_program_nested_too_deep_is_refused_in_words() -> None:
    with pytest.raises(SyntaxFault, match="nested more than"):
        parse("(" * 1000 + "1" + ")" * 1000 + ";")
