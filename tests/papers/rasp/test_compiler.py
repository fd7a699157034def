"""A compiled encoder computes what its program computes, on every input, with the program's layers and heads."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from hotpapers.errors import BadInput
from hotpapers.papers.rasp.analysis import analyse
from hotpapers.papers.rasp.claims import ALPHABETS, SIZES
from hotpapers.papers.rasp.compiler import compile_sop
from hotpapers.papers.rasp.model import Attention, Encoder
from hotpapers.papers.rasp.models import compare, read_model
from hotpapers.papers.rasp.program import loads, paper_programs
from hotpapers.papers.rasp.tasks import BOS
from hotpapers.run import save_model


def strings(letters: Any, longest: int) -> list[list[Any]]:
    return [list(each) for n in range(1, longest + 1) for each in itertools.product(letters, repeat=n)]


@pytest.mark.parametrize("name", [name for name in SIZES if name != "dyck3_ptf"])  # which the claim compares too
def test_the_papers_programs_are_exact_on_every_string_up_to_five(name: str) -> None:
    sop = paper_programs()[name]
    bos = [BOS] if "bos" in name.replace("nobos", "") or "freq" in name else []
    letters = list(ALPHABETS.get(name, "abc"))
    model = compile_sop(sop, bos + letters, 5 + len(bos))
    inputs = [bos + each for each in strings(letters, 5)]
    assert model.values(inputs) == sop.batch(inputs)
    heads = tuple(each.heads for each in model.sublayers if isinstance(each, Attention))
    assert heads == analyse(sop).merged


@pytest.mark.parametrize(
    "program",
    [
        "a = indices;",
        "a = tokens;",
        'a = 3 if tokens == "a" else "x" == tokens;',
        "a = tokens + tokens[0];",
        "a = aggregate(not select(tokens, tokens, ==), indices);",
        'a = aggregate(not (select(tokens, "a", ==) and select(indices, indices, <)) or select(1, indices, ==), 7);',
        'a = aggregate(select(indices, indices + 1, ==), tokens, "none");',
        "a = aggregate(select(indices, indices, <=), (indices + 1) * 0.5);",
        "a = aggregate(select(1, 2, ==), indices, 5);",
        "a = round(10 * aggregate(select(tokens, tokens, !=), length));",
        "a = sort(tokens, 0 - indices);",
        "a = [7, 8, 9, 10, 11][indices] + len([1]);",
        "a = aggregate(select_next_identical(tokens), indices, -1);",
        'a = shift(tokens, 1, "-") if contains(tokens, "b") else tokens;',
        "a = aggregate(select(aggregate(select(indices,0,==),tokens), tokens, ==), aggregate(full_s, indices));",
    ],
)
def test_any_program_is_exact_selector_algebra_and_defaults_included(program: str) -> None:
    sop = loads(program)["a"]
    model = compile_sop(sop, "ab", 4)
    different, compared = compare(model, sop, "ab", 4)
    assert (different, compared) == (0, 30)


def test_numbers_are_compiled_as_well_as_letters() -> None:
    sop = loads("set example [1,2]\na = sort(tokens_int, tokens_int);")["a"]
    assert compile_sop(sop, [3, 1, 2], 4)([3, 2, 1, 1]) == [1, 1, 2, 3]


def test_a_kept_model_still_computes_exactly(tmp_path: Path) -> None:
    sop = paper_programs()["hist_nobos"]
    save_model(compile_sop(sop, "abc", 6), tmp_path / "model")
    model = read_model(tmp_path / "model")
    assert compare(model, sop, "abc", 6) == (0, 1092)


def test_what_cannot_be_told_apart_is_refused_in_words() -> None:
    with pytest.raises(BadInput, match="compile it for shorter inputs"):
        compile_sop(paper_programs()["dyck2_ptf"], "(){}", 100)
    with pytest.raises(BadInput, match="fails on every input"):
        compile_sop(loads("set example [1]\na = tokens_int;")["a"], "ab", 3)


def test_a_model_refuses_what_it_has_no_tokens_or_positions_for() -> None:
    model: Encoder = compile_sop(paper_programs()["hist_nobos"], "ab", 3)
    with pytest.raises(ValueError, match="does not know 'z'"):
        model("az")
    with pytest.raises(ValueError, match="1 to 3 elements"):
        model("aaaa")
