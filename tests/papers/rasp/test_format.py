"""The formatter keeps meaning and comments, and changes nothing the second time; the checker points at places."""

import pytest

from hotpapers.papers.rasp.check import check, lint
from hotpapers.papers.rasp.format import format_program
from hotpapers.papers.rasp.parser import read_program
from hotpapers.papers.rasp.program import PAPER
from hotpapers.papers.rasp.session import LIBRARY

UGLY = """a=(1+2)*-3 ;   # why
def f( x,y ){ # says
z=x[1]if not y else {1:"a",2:[]};
   return z , [i for i in range(3)]
;  # that
}

for i,j in zip([1],[2]){a=i^j;}
set s-op example "hey"
b=select(tokens,indices+.0,!=);
""".replace("+.0", "+0.5")


@pytest.mark.parametrize("text", [UGLY, PAPER.read_text(), LIBRARY.read_text()], ids=["ugly", "paper", "library"])
def test_formatting_keeps_the_meaning_and_is_done_once(text: str) -> None:
    once = format_program(text)
    assert list(read_program(once)) == list(read_program(text))
    assert format_program(once) == once


def test_formatting_gives_the_one_way_to_write_it() -> None:
    assert format_program(UGLY) == (
        "a = (1 + 2) * -3;  # why\n"
        "def f(x, y) {\n\t# says\n"
        '\tz = x[1] if not y else {1: "a", 2: []};\n'
        "\treturn z, [i for i in range(3)];  # that\n}\n\n"
        "for i, j in zip([1], [2]) {\n\ta = i ^ j;\n}\n"
        'set s-op example "hey"\n'
        "b = select(tokens, indices + 0.5, !=);\n"
    )


def test_the_projects_own_programs_are_formatted_and_clean() -> None:
    for path in (PAPER, LIBRARY):
        assert format_program(path.read_text()) == path.read_text()
        assert lint(path.read_text()) == []
    assert check(PAPER.read_text()) == []


def test_the_checker_finds_every_mistake_and_its_place() -> None:
    program = "a = b;\nc = a;\nd = tokens + 1;\ne = (;\ndef g(x) {\n\ty = q;\n\treturn y;\n}\nh = a != d;\n"
    found = check(program)
    assert [(each.line, each.column) for each in found] == [(1, 5), (3, 12), (4, 6), (6, 6), (9, 7)]
    assert [each.message.split(" ")[0] for each in found] == [
        "Undefined",
        "can",
        "mismatched",
        "Undefined",
        "extraneous",
    ] or ("Only select compares by !=" in found[-1].message)


def test_the_checker_goes_on_after_a_function_that_cannot_be_read() -> None:
    assert [each.line for each in check("def f(x) {\n\ty = ;\n\treturn y;\n}\na = nothing;\n")] == [2, 5]


def test_the_linter_tells_of_what_it_cannot_read() -> None:
    assert [each.line for each in lint("a = 1;\nb = ;\n")] == [2]


def test_the_linter_points_at_what_nothing_uses() -> None:
    program = "_a = 1;\ndef f(x, y) {\n\tz = 3;\n\treturn x;\n}\n"
    assert [str(each) for each in lint(program)] == [
        "1:1: _a is private to this file, and never used",
        "2:1: f never uses its argument y",
        "3:2: z is set and never used",
    ]
