"""Drawings need no Graphviz, hold the values, and escape what they are given."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotpapers.papers.rasp.drawing import draw, tables_of, to_dot, to_scene
from hotpapers.papers.rasp.program import loads, paper_programs


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_drawing_has_a_grid_cell_for_each_pair_and_a_wire_for_each_choice() -> None:
    svg = to_scene(paper_programs()["reverse"], "hey").svg()
    cells = [each.get("fill") for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")]
    assert cells.count("#3b6ea5") == 9 + 3  # everyone, then each its opposite
    assert svg.count("<line") == 9 + 3
    assert {"layer 1, head 1: full_s", "layer 2, head 1: flip", "reverse"} <= set(texts(svg))


def test_what_the_program_gave_no_name_is_left_out_between_steps() -> None:
    program = loads("small = (indices + 1) * 2 - 3; b = small * 2;")
    names = [each.name for layer in tables_of(program["b"]) for each in layer]
    assert names == ["small", "b"]


def test_a_default_is_drawn_where_nothing_is_chosen() -> None:
    sop = loads('a = aggregate(select(indices, indices + 1, ==), tokens, "-");')["a"]
    assert "default" in texts(to_scene(sop, "ab").svg())


def test_what_is_drawn_is_escaped() -> None:
    svg = to_scene(loads("a = tokens + tokens;")["a"], '<b>&"').svg()
    ElementTree.fromstring(svg)
    assert "<b>" not in svg


@pytest.mark.parametrize(
    ("kind", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<svg"), ("dot", b"digraph")]
)
def test_the_ending_names_the_form(kind: str, begins: bytes, tmp_path: Path) -> None:
    assert draw(paper_programs()["hist_bos"], "§ab", tmp_path / f"a.{kind}").read_bytes().startswith(begins)


def test_the_graph_says_what_is_made_of_what() -> None:
    dot = to_dot(paper_programs()["reverse"])
    assert dot.count("{") == dot.count("}") == 4
    assert 'label="reverse"' in dot
    assert "style=dashed" in dot
