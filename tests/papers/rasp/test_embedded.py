"""The language embedded in Python: operators make s-ops and selectors."""

import pytest

import hotpapers.papers.rasp as rasp
from hotpapers.papers.rasp.faults import RaspFault


def test_the_readmes_example_reverses() -> None:
    reverse = rasp.aggregate(rasp.select(rasp.indices, rasp.length - 1 - rasp.indices, "=="), rasp.tokens)
    assert reverse("abc") == ["c", "b", "a"]
    assert reverse.analyse().heads == (1, 1)
    assert reverse.compile("abc", 4)("cab") == ["b", "a", "c"]


def test_operators_work_from_both_sides_and_keep_pythons_meaning() -> None:
    i = rasp.indices
    assert (1 + i * 2 - 3)("ab") == [-2, 0]
    assert (2**i)("abc") == [1, 2, 4]
    assert (7 // (i + 1))("ab") == [7, 3]
    assert (3 > i)("abcde") == [True, True, True, False, False]  # noqa: SIM300
    assert (~(i == 1) & (i < 3) | (i == 4))("abcde") == [True, False, True, False, True]
    assert (-i, abs(-i), round(i / 2), +i)[2]("abcd") == [0, 0, 1, 2]
    assert rasp.where(i == 0, "first", "later")("ab") == ["first", "later"]
    assert (i != 0)("ab") == [False, True]
    assert rasp.mapped(lambda a, b: a * b, [i, rasp.tokens], "repeated")("abc") == ["", "b", "cc"]


def test_an_s_op_has_no_truth_of_its_own() -> None:
    with pytest.raises(TypeError, match="use &"):
        bool(rasp.indices == 0)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(RaspFault, match="Cannot apply"):
        rasp.indices + rasp.full_s
    with pytest.raises(RaspFault, match="and/or between selector"):
        rasp.full_s & rasp.indices
    with pytest.raises(RaspFault, match="select compares by one of"):
        rasp.select(1, 1, "=")
    with pytest.raises(RaspFault, match="Expected selector"):
        rasp.aggregate(rasp.indices, rasp.indices)
