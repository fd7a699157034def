"""Edits of tokens, and what is left of the source when they are written into it."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.papers.bifi.corpora import library_snippets
from hotpapers.papers.bifi.corruption import Corruption
from hotpapers.papers.bifi.edits import INSERTED, State, apply, distance, script, start, stop, trace
from hotpapers.papers.bifi.layout import Writer, locate, plain
from hotpapers.papers.bifi.vocabulary import near_keyword, python_vocabulary

V = python_vocabulary()
TOKENS = st.lists(st.integers(4, 9), max_size=9)


def levenshtein(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row, last = [i], row
        for j, y in enumerate(b, start=1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y)))
    return row[-1]


@settings(deadline=None)
@given(TOKENS, TOKENS)
def test_a_script_makes_the_one_of_the_other_with_the_fewest_edits(before, after):
    actions = script(before, after, 10)
    state = start(before)
    for action in actions:
        state = apply(state, action, 10)
    assert list(state.ids) == after
    assert len(actions) == levenshtein(before, after) == distance(before, after)


@settings(deadline=None)
@given(TOKENS, TOKENS, st.integers(0, 5))
def test_a_bounded_distance_is_the_distance_or_above_the_bound(a, b, limit):
    found, true = distance(a, b, limit), levenshtein(a, b)
    assert found == true if true <= limit else found == limit + 1


@settings(deadline=None)
@given(TOKENS, TOKENS)
def test_a_trace_has_the_origins_that_its_script_leaves(before, after):
    state = start(before)
    for action in script(before, after, 10):
        state = apply(state, action, 10)
    assert trace(before, after) == state
    assert all(before[origin] == token for token, origin in zip(state.ids, state.origins, strict=True) if origin >= 0)


def test_being_done_and_edits_that_change_nothing_are_no_states():
    assert apply(start([5, 6]), stop(2, 10), 10) is None
    assert apply(start([5, 6]), 0 * 21 + 10 + 5, 10) is None  # 5 by 5
    assert apply(start([5]), 21 + 3, 10) == State((5, 3), (0, INSERTED))


def edited(code, change):
    tokens = V.tokens(code)
    ids = V.encode(tokens)
    return Writer(code, tokens, V).write(trace(ids, V.encode(V.tokens(change))))


@pytest.mark.parametrize(
    ("code", "like", "wanted"),
    [
        ("def f(x)  # why\n    return x\n", "def f(x):\n    return x\n", "def f(x):  # why\n    return x\n"),
        ("print   'a',  b   # c\n", "print('a', b)\n", "print('a',  b)   # c\n"),
        ("x = (1,\n     2 # two\n", "x = (1,\n     2)\n", "x = (1,\n     2) # two\n"),
        ("x = f(a))\n", "x = f(a)\n", "x = f(a)\n"),
        ("for i in y :\nprint(i)\nz\n", "for i in y:\n  print(i)\nz\n", "for i in y :\n    print(i)\nz\n"),
        ("    x = 1\n    if x:\n        y\n", "x = 1\nif x:\n    y\n", "x = 1\nif x:\n    y\n"),
        ("n = 0777 + 10L\n", "n = 1 + 1\n", "n = 0o777 + 10\n"),
        ("s = 'abc\n", "s = 'abc'\n", "s = 'abc'\n"),
        ("lass A:\r\n\tx = 1\r\n", "class A:\n  x = 1\n", "class A:\r\n\tx = 1\r\n"),
        ("a = {1: 2 3: 4}\n", "a = {1: 2, 3: 4}\n", "a = {1: 2, 3: 4}\n"),
        ("x = 1 y = 2\n", "x = 1\ny = 2\n", "x = 1\ny = 2\n"),
    ],
)
def test_comments_strings_and_spacing_outside_of_an_edit_stay(code, like, wanted):
    assert edited(code, like) == wanted


def test_without_edits_a_text_comes_back_to_the_letter():
    for code in [
        *library_snippets(100, seed=3),
        "if x:\n\ty\n        z\n   w",
        "\n\n  # only\n",
        "a\\\n  .b",
        "",
        "\r\nx\r\n",
    ]:
        tokens = V.tokens(code)
        assert Writer(code, tokens, V).write(start(V.encode(tokens))) == code


def test_what_is_broken_in_tokens_and_mended_in_tokens_is_the_same_text_again():
    corrupt = Corruption(V, 0)
    same = total = 0
    for code in library_snippets(150, seed=4):
        tokens = V.tokens(code)
        ids = V.encode(tokens)
        text = Writer(code, tokens, V).write(corrupt(ids))
        again = V.tokens(text)
        if V.encode(again) == ids or len(ids) > 80:
            continue
        mended = Writer(text, again, V).write(trace(V.encode(again), ids))
        total += 1
        same += V.encode(V.tokens(mended)) == ids
    assert total > 50
    assert same / total > 0.9  # not where a name, a string or a line was lost


def test_plain_code_parses_where_the_code_does_and_its_tokens_are_found_by_place():
    for code in library_snippets(100, seed=5):
        state = start(V.encode(V.tokens(code)))
        text = plain(state, V)
        ast.parse(text)
        assert V.encode(V.tokens(text)) == [n if V.types[n][:1] != "~" else V.index["<NAME>"] for n in state.ids]
        lines = text.split("\n")
        place = locate(state, V, len(lines) - 1, len(lines[-2]) - 1)
        assert place >= 0
        assert V.types[state.ids[place]] not in ("<INDENT>", "<DEDENT>")


@pytest.mark.parametrize(
    ("name", "near"), [("lass", "class"), ("Class", "class"), ("retrun", "return"), ("esle", "else"), ("print", None),
                       ("count", None), ("If", "if"), ("none", "None"), ("x", None)],
)  # fmt: skip
def test_a_name_that_is_nearly_a_keyword_is_known(name, near):
    assert near_keyword(name) == near


def test_corruption_is_the_same_for_the_same_seed():
    ids = V.encode(V.tokens("def f(x):\n    return [x, 1]\n"))
    first, again = ([Corruption(V, seed)(ids) for seed in range(20)] for _ in range(2))
    assert first == again
    assert len({state.ids for state in first}) > 15
