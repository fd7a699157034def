"""Layers and heads are those of the paper."""

import pytest

from hotpapers.papers.rasp.analysis import analyse, head_selectors
from hotpapers.papers.rasp.claims import SIZES
from hotpapers.papers.rasp.program import loads, paper_programs


@pytest.mark.parametrize("name", SIZES)
def test_a_program_of_the_paper_needs_what_the_paper_says(name: str) -> None:
    assert analyse(paper_programs()[name]).heads == SIZES[name]


def test_selectors_that_were_written_twice_are_one_head_when_merged() -> None:
    twice = "s = select(tokens,tokens,==); t = select(tokens,tokens,==);a = aggregate(s,indices) + aggregate(t,1);"
    found = analyse(loads(twice)["a"])
    assert (found.heads, found.merged) == ((2,), (1,))


def test_heads_are_spread_over_the_layers_as_evenly_as_their_order_allows() -> None:
    program = """
        a = aggregate(select(indices, 0, ==), tokens_asis == "x");
        b = aggregate(select(indices, 1, ==), indices);
        c = aggregate(select(indices, b, ==), indices);
        d = aggregate(select(indices, c, ==), indices);
        e = d + aggregate(select(indices, 2, ==), indices) + aggregate(select(indices, 3, ==), indices);
    """
    found = analyse(loads(program)["e"])
    assert found.layers == 3
    assert found.merged == (3, 1, 1)
    assert sum(found.spread) == 5
    assert max(found.spread) == 2


def test_an_s_op_without_aggregates_needs_no_layer() -> None:
    found = analyse(loads("a = indices * 2;")["a"])
    assert (found.layers, found.heads, found.max_heads) == (0, (), 0)


def test_the_selectors_of_each_layer_are_in_the_order_of_the_program() -> None:
    names = [[selector.name for selector in layer] for layer in head_selectors(paper_programs()["reverse"])]
    assert names == [["full_s"], ["flip"]]
