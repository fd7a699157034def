"""What programs mean: grammar, values, primitives, library."""

from collections import Counter
from typing import Any

import pytest

from hotpapers.errors import BadInput
from hotpapers.papers.rasp.program import loads, paper_programs


def value(text: str, program: str = "") -> Any:
    return loads(program).evaluate(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2^3^2", 64),  # to the left
        ("-2^2", 4),  # unary first
        ("not 1==2", False),  # (not 1) == 2
        ("7 % 4 * 2", 7),  # * binds tighter than %
        ("1 if 0 else 2 if 0 else 3", 3),
        ("round(2.5)", 2),  # to even
        ("1/4", 0.25),
        ("1 and 0 or 5", 5),  # Python's own short circuit between atoms
        ("[x*2 for x in range(3)]", [0, 2, 4]),
        ("{k: k+1 for k in [1,2]}", {1: 2, 2: 3}),
        ("[a+b for a,b in zip([1,2],[10,20])]", [11, 22]),
        ("range(5,0,-2)", [5, 3, 1]),
        ("len([1,2,3])", 3),
        ('"hello"[-1]', "o"),
        ('{"a":{"b":3}}["a"]["b"]', 3),
        ("2 in [1,2]", True),
        ('tokens("hey")', ["h", "e", "y"]),
        ('tokens_asis([1,2.5,3])', [1, 2.5, 3]),
        ('indices("hey")', [0, 1, 2]),
        ('length("hey")', [3, 3, 3]),
        ('(tokens == "e")("hey")', [False, True, False]),
        ('(tokens + "!")("hey")', ["h!", "e!", "y!"]),
        ('("a" if indices % 2 == 0 else tokens)("hey")', ["a", "e", "a"]),
        ('(indices == 1 or tokens == "h")("hey")', [True, True, False]),
        ('(not indices)("hey")', [True, False, False]),
        ('indicator(indices)("hey")', [0, 1, 1]),
        ('tokens[1]("hey")', ["e", "e", "e"]),
        ('tokens[-1]("hey")', ["y", "y", "y"]),
        ('tokens[7]("hey")', [0, 0, 0]),
        ('"xyz"[indices]("hey")', ["x", "y", "z"]),
        ('(tokens in ["e","y"])("hey")', [False, True, True]),
        ('("e" in tokens)("hey")', [True, True, True]),
        ('select(tokens, tokens, ==)("aba")', [[True, False, True], [False, True, False], [True, False, True]]),
        ('select(indices, indices, <)("abc")', [[False] * 3, [True, False, False], [True, True, False]]),
        ('(select(indices,0,==) or select(indices,indices,==))("ab")', [[True, False], [True, True]]),
        ('(not select(indices,indices,!=))("ab")', [[True, False], [False, True]]),
        ('aggregate(select(indices, indices, <=), indices)("abcd")', [0, 0.5, 1.0, 1.5]),
        ('aggregate(select(indices, indices+1, ==), tokens, "-")("abc")', ["b", "c", "-"]),
        ('count(tokens, "l")("hello")', [2] * 5),
        ('contains(tokens, "z")("hello")', [False] * 5),
        ('max(indices, 2)("hello")', [2, 2, 2, 3, 4]),
        ('min(indices, 2)("hello")', [0, 1, 2, 2, 2]),
        ('average(indices)("abc")', [1.0] * 3),
        ('load_from_location(tokens, 2)("abc")', ["c"] * 3),
        ('shift(tokens, 2, "_")("abcd")', ["_", "_", "a", "b"]),
        ('mark_last_instance(tokens, "l")("hello")', [False, False, False, True, False]),
        ('mark_first_instance(tokens, "l")("hello")', [False, False, True, False, False]),
        ('sort(tokens, -indices)("abc")', ["c", "b", "a"]),
        ('aggregate(select_next_identical(tokens), indices, -1)("abab")', [2, 3, -1, -1]),
        ('has_focus(select(indices,3,==))("ab")', [False, False]),
    ],
)  # fmt: skip
def test_an_expression_has_the_value_that_the_language_gives_it(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert repr(found) == repr(expected)  # True is not 1, and 1 is not 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nobody", "Undefined variable: nobody"),
        ("tokens + 1", 'can only concatenate str (not "int") to str'),
        ("1/0", "division by zero"),
        ("selector_width()", "wrong number of args for selector_width- expected: 1, got: 0."),
        ("{1:2}[3]", "index [ 3 ] not in dict."),
        ('"hello"[9]', "index 9 out of range for string of length 5"),
        ("tokens[indices]", "index into sequence has to be integer, got: indices"),
        ("full_s and tokens", "Cannot apply and/or between selector and non-selector"),
        ("full_s + 1", "Cannot apply + to selector(s)"),
        ('tokens_asis(["a", 3])', "attempted to create sequence with vals of different types: ['a', 3]"),
        ("tokens_asis([[1]])", "(vals must be bool, float, int or string): [[1]]"),
        ("aggregate(full_s, tokens)", "asked to average multiple values, but they are non-numbers"),
        ("len(3)", "attempting to compute length of non-list: 3"),
        ("zip([1],[1,2])", "attempting to zip lists of length 1 , but 2 -th list has length 2"),
        ("range(1.5)", "range expects all integer inputs, but got: [1.5]"),
        ("tokens_int", "invalid literal for int() with base 10: 'h'"),
        ('tokens("")', "RASP sequences/selectors expect non-empty iterables, got:"),
        ("indicator(3)", "indicator operator expects s-op, got: 3"),
        ("1(2)", "only functions, s-ops and selectors can be called"),
    ],
)
def test_what_means_nothing_is_said_in_the_languages_words(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        value(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_functions_close_over_where_they_are_defined_and_give_several_values() -> None:
    program = """
        n = 3;
        def outer(x) {
            def inner(y) { return y + n; }
            return inner(x), inner(x + 1);
        }
        n = 10;
        a, b = outer(1);
        total = 0;
        for i in range(4) { total = total + i; }
    """
    assert value("[a, b, total]", program) == [11, 12, 6]


def test_a_name_that_is_bound_again_leaves_what_was_made_of_it() -> None:
    assert value('b("ab")', "a = indices; b = a + 1; a = 7;") == [1, 2]


@pytest.mark.parametrize("name", ["tokens_int", "length", "sort", "out", "len", "True"])
def test_a_reserved_name_cannot_be_set(name: str) -> None:
    with pytest.raises(BadInput, match=f"Cannot set reserved name: {name}"):
        loads(f"{name} = 3;")


def test_tokens_can_be_set() -> None:
    assert value("tokens([4, 7])", "set example [1,2]\ntokens = tokens_int;") == [4, 7]


def test_an_error_says_line_and_column() -> None:
    with pytest.raises(BadInput, match=r"^mine\.rasp:3:7: Undefined variable: b"):
        loads("a = 1;\n\nc = a+b;", name="mine.rasp")
    with pytest.raises(BadInput, match=r"^mine\.rasp:2:5: "):
        loads("a = 1;\nb = ;\n", name="mine.rasp")


def test_the_papers_programs_give_the_papers_values() -> None:
    programs = paper_programs()
    text = "hiya howdy doodly doo"
    assert programs["hist_nobos"](text) == [Counter(text)[each] for each in text]
    assert programs["hist2_bos"]("§dkdnvdlvnksmncksnsknvkjns") == [
        0, 2, 1, 2, 1, 2, 2, 4, 2, 1, 1, 1, 4, 1, 4, 1, 1, 1, 1, 1, 1, 2, 1, 4, 1, 1,
    ]  # fmt: skip
    assert programs["sort_by_most_freq"]("§abcabbb") == list("§bac§§§§")
    assert "".join(programs["dyck2_ptf"]("({a})(}")) == "PPPPTPF"
