"""Limits: a program that never ends, or wants too much, is stopped and told why."""

import time

import pytest

from hotpapers.errors import BadInput
from hotpapers.papers.rasp.limits import Limits
from hotpapers.papers.rasp.program import loads


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("a = range(1000000000);", "a list of 1000000000 elements"),
        ('a = "x" * 1000000000;', "a list or string of 1000000000 elements"),
        ("a = [1] * 1000000 * 100;", "more than the limit"),
        ("a = 2^1000000000;", "more than the limit"),
        ("a = 10; for i in range(60) { a = a * a; }", "more than the limit"),
        ("a = (indices + 10)^1000000000;", "more than the limit"),
        ("a = [1]; for i in range(60) { a = a + a; }", "more than the limit"),
        ("a = [1]; for i in range(60) { a = [a, a]; }", "more than the limit"),
        ("a = [1]; for i in range(60) { a = [a for j in range(2)]; }", "more than the limit"),
        ("def f(x) { return x, x; } a = 1; for i in range(60) { a = f(a); }", "more than the limit"),
        ("a = indices + 2; for i in range(60) { a = a * a; }", "more than the limit"),
        ("a = tokens; for i in range(60) { a = a + a; }", "more than the limit"),
        ("a = tokens * 1000000000;", "more than the limit"),
        ("a = (indices + 2) * 2^13999;", "more than the limit"),
        (f"a = {'9' * 5000};", "a number of more than 4000 digits"),
        ("def f(x) { return f(x); } a = f(1);", "calls are nested more than 100 deep"),
    ],
)
def test_what_wants_too_much_is_refused_before_it_takes_it(program: str, words: str) -> None:
    before = time.process_time()
    with pytest.raises(BadInput, match=words):
        loads(program.replace("; ", ";\n"), Limits(elements=1_000_000))
    assert time.process_time() - before < 2


def test_a_loop_of_loops_is_stopped_by_steps_or_by_the_clock() -> None:
    program = "a = 0;\nfor i in range(1000) { for j in range(1000) { for k in range(1000) { a = a + 1; } } }"
    with pytest.raises(BadInput, match="stopped after 1000 steps"):
        loads(program, Limits(steps=1000))
    with pytest.raises(BadInput, match=r"stopped after 0\.2 seconds"):
        loads(program, Limits(seconds=0.2))


def test_a_selector_of_too_many_pairs_is_refused() -> None:
    program = loads("", Limits(elements=10_000))
    assert program.evaluate('length("' + "a" * 100 + '")') == [100] * 100
    with pytest.raises(BadInput, match="a selector of 10201 elements"):
        program.evaluate('length("' + "a" * 101 + '")')


def test_a_program_reads_no_file_outside_its_folder(tmp_path) -> None:
    (tmp_path / "secret.rasp").write_text("a = 1;")
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(BadInput, match="is not in the program's folder"):
        loads('load "../secret";', folder=inside)
