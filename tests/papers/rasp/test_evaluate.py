"""Evaluation: the two ways give the same, batches give what single sequences give, memory stays flat."""

import tracemalloc
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.papers.rasp import evaluate
from hotpapers.papers.rasp.evaluate import Evaluation
from hotpapers.papers.rasp.library import full_s, length, selector_width, sort, tokens, tokens_asis
from hotpapers.papers.rasp.program import paper_programs
from hotpapers.papers.rasp.sops import aggregate, indicator, select
from hotpapers.papers.rasp.terms import COMPARE

PROGRAMS = paper_programs()
numbers = st.one_of(st.integers(-5, 5), st.integers(2**60, 2**60 + 3), st.floats(-3, 3), st.just(0.1))


def both_ways(handle: Any, sequences: list[Any]) -> tuple[list[Any], list[Any]]:
    found = []
    for few in (10**9, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evaluate, "FEW", few)
            found.append(Evaluation(sequences).values(handle.term))
    return found[0], found[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=9), st.sampled_from(list(COMPARE)))
def test_numpy_and_python_give_the_same_means_to_the_last_bit(values: list[Any], comparison: str) -> None:
    handle = aggregate(select(tokens_asis, tokens_asis, comparison), tokens_asis, -1)
    plain, fast = both_ways(handle, [values])
    assert list(map(repr, plain)) == list(map(repr, fast))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("abc", min_size=6, max_size=6), min_size=1, max_size=5))
def test_numpy_and_python_give_the_same_for_the_papers_programs(strings: list[str]) -> None:
    for name in ("hist_nobos", "sort_by_most_freq", "reverse", "hist2_bos"):
        plain, fast = both_ways(PROGRAMS[name], ["§" + each for each in strings])
        assert list(map(repr, plain)) == list(map(repr, fast))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), min_size=16, max_size=16))
def test_the_width_of_a_selector_is_the_sum_of_its_row(bits: list[bool]) -> None:
    sequence = [sum(bit << n for n, bit in enumerate(bits[4 * row : 4 * row + 4])) for row in range(4)]
    # Any 4 x 4 matrix: row i chooses the keys whose bit is set in its number.
    chosen = None
    for key in range(4):
        row_wants = tokens_asis // 2**key % 2
        here = select(1, row_wants, "==") & select(evaluate_indices(), key, "==")
        chosen = here if chosen is None else chosen | here
    assert selector_width(chosen)(sequence) == [sum(bits[4 * row : 4 * row + 4]) for row in range(4)]


def evaluate_indices() -> Any:
    from hotpapers.papers.rasp.library import indices

    return indices


@settings(max_examples=30, deadline=None)
@given(st.text("abcd", min_size=1, max_size=40))
def test_sorting_is_pythons_and_reversing_twice_is_nothing(text: str) -> None:
    assert sort(tokens, tokens)(text) == sorted(text)
    assert PROGRAMS["reverse"](PROGRAMS["reverse"](text)) == list(text)


def test_a_batch_of_any_lengths_gives_what_its_sequences_give() -> None:
    strings = ["ab", "b", "abcab", "bb", "ccc" * 30]
    sop = PROGRAMS["hist_nobos"]
    assert sop.batch(strings) == [sop(each) for each in strings] == [[Counter(s)[c] for c in s] for s in strings]


def test_one_chosen_value_passes_whatever_it_is_and_several_must_be_numbers() -> None:
    newest = aggregate(select(tokens, "a", "=="), tokens)
    assert newest("xa") == ["a", "a"]
    with pytest.raises(ArithmeticError, match=r"non-numbers: \['a', 'a'\]"):
        newest("aa")
    with pytest.raises(ArithmeticError, match="non-numbers"):
        aggregate(full_s, tokens == "a")("ab" * 50)  # booleans are no numbers
    assert aggregate(full_s, indicator(tokens == "a"))("ab" * 50) == [0.5] * 100


def test_strings_and_numbers_are_compared_as_python_would() -> None:
    mixed = select(tokens, 3, "==")
    assert mixed("3" * 60) == [[False] * 60] * 60
    with pytest.raises(TypeError, match="'>' not supported between instances of 'int' and 'str'"):
        select(tokens, 3, "<")("3" * 60)


def test_five_thousand_elements_take_less_than_300_mb() -> None:
    tracemalloc.start()
    values = PROGRAMS["sort_by_most_freq"]("§" + "abcde" * 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert values[:7] == list("§abcde§")
    assert peak < 300e6


def test_terms_of_equal_structure_are_one() -> None:
    assert (tokens + "a").term is (tokens + "a").term
    assert (length + 1).term is not (length + 1.0).term
    assert (length == 1).term is not (length == True).term  # noqa: E712
