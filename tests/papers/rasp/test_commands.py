"""The verbs work on files, answer in one line what is wrong, and open with an example that works."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hotpapers.cards import check_card, find_card
from hotpapers.cli import main
from hotpapers.errors import BadInput
from hotpapers.papers.rasp import commands, models


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "mine.rasp"
    path.write_text("twice = tokens + tokens;\nsame = select(tokens, tokens, ==);\nthree = 3;\n")
    return path


def test_the_card_names_what_is_there() -> None:
    check_card(find_card("rasp"))


def test_every_verb_that_needs_no_file_works_as_its_form_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert commands.run().numbers == {'reverse("hello")': "[o, l, l, e, h] (strings)"}
    assert commands.analyse().numbers["heads per layer"] == "2 1 1"
    assert commands.draw().files["picture"].read_bytes().startswith(b"\x89PNG")
    built = models.compile_program()
    assert built.numbers["inputs that differ"] == 0
    asked = models.ask(built.files["model"])
    assert asked.numbers == {"hist_nobos(abcab)": "[2, 2, 1, 2, 2] (ints)"}


def test_an_answer_as_json_is_json_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    models.compile_program(max_length=2, out=tmp_path / "model")
    capsys.readouterr()
    assert main(["rasp", "ask", "model", "--input", "ab", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["numbers"] == {"hist_nobos(ab)": "[1]*2 (ints)"}


def test_running_shows_s_ops_selectors_and_values(program: Path) -> None:
    assert commands.run(program, expr="twice", input="ab").numbers == {'twice("ab")': "[aa, bb] (strings)"}
    assert commands.run(program, expr="same", input="aba").numbers == {'same("aba")': "1·1 / ·1· / 1·1"}
    assert commands.run(program, expr="three + 1").numbers == {"three + 1": "4"}
    assert commands.run(program, expr="indices", input="[1, 2.5]").numbers == {"indices([1, 2.5])": "[0, 1] (ints)"}


def test_what_the_papers_programs_draw_is_drawn_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands.run(expr="draw(tokens)")
    assert [each.name for each in (tmp_path / "comp_flows").iterdir()] == ["tokens(hello).svg"]


def test_a_program_that_was_stopped_is_not_tried_on_another_input(tmp_path: Path) -> None:
    path = tmp_path / "never.rasp"
    path.write_text("for i in range(1000000) { for j in range(1000000) { a = i; } }")
    started = time.monotonic()
    with pytest.raises(BadInput, match=r"stopped after 0\.5 seconds"):
        commands.run(path, expr="a", input="other", seconds=0.5)
    assert time.monotonic() - started < 0.9


def test_many_inputs_give_json_lines(program: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "in.txt"
    inputs.write_text('ab\n[1, 2]\n"[x"\n')
    found = commands.run(program, expr="twice", inputs=inputs)
    rows = [json.loads(line) for line in found.files["values"].read_text().splitlines()]
    assert rows[0] == {"input": "ab", "values": ["aa", "bb"]}
    assert rows[1]["values"] == ["11", "22"]
    assert rows[2]["values"] == ["[[", "xx"]


def test_a_script_is_talked_through_and_written_down(tmp_path: Path) -> None:
    script = tmp_path / "talk.txt"
    script.write_text('length("abc");\nquit\n')
    found = commands.console(script).files["conversation"].read_text()
    assert found == 'RASP 0.1\nrunning example is: hello\n>> length("abc");\n\t =  [3]*3 (ints)\n>> quit\n'


def test_formatting_checking_and_linting_a_file(program: Path) -> None:
    assert commands.fmt(program).numbers == {"changed": "no"}
    assert "Nothing is wrong" in commands.check_program(program).note
    program.write_text("_a=tokens;\nb = q;\n")
    assert commands.fmt(program, out=program).numbers == {"changed": "yes"}
    assert program.read_text() == "_a = tokens;\nb = q;\n"
    with pytest.raises(commands.ProblemsFound, match=r"1 wrong: mine\.rasp:2:5: Undefined variable: q"):
        commands.check_program(program)
    assert main(["rasp", "check", str(program)]) == 1
    assert commands.lint_program(program).numbers == {"mine.rasp:1:1": "_a is private to this file, and never used"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nothing.rasp"], "Cannot read nothing.rasp"),
        (["run", "--expr", "nobody"], "Undefined variable: nobody"),
        (["run", "--input", ""], "The input is empty"),
        (["run", "--input", "[1"], "begins like a JSON list and is none"),
        (["run", "--input", "[NaN]"], "A sequence is a list of numbers"),
        (["run", "--input", f"[{'9' * 5000}]"], "begins like a JSON list and is none"),
        (["run", "--expr", "tokens_int", "--input", "ab"], "invalid literal for int()"),
        (["run", "--seconds", "-1"], "--seconds cannot be -1"),
        (["analyse", "--sop", "full_s"], "is a selector, and an s-op is wanted: name one of tokens, hist_bos, "),
        (["analyse", "--sop", "nobody"], "--sop:1:1: Undefined variable: nobody"),
        (["draw", "--out", "a.gif"], "must end in one of"),
        (["draw", "--sop", "tokens", "--input", "a" * 100], "60 at most"),
        (["compile", "--max-length", "0"], "--max-length cannot be 0"),
        (["ask", "nowhere"], "no RASP model"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, words, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["rasp", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_language_needs_no_torch_and_starts_without_numpy() -> None:
    program = (
        "import sys; from hotpapers.papers.rasp import repl, commands, drawing, analysis;"
        "repl.Console(lambda text: None);"
        "assert not {'torch', 'lightning_fabric', 'matplotlib'} & set(sys.modules), sys.modules.keys();"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
