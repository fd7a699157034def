"""The console: what it prints, prompts included."""

from pathlib import Path

from hotpapers.papers.rasp.limits import Limits
from hotpapers.papers.rasp.repl import Console, read_from

WELCOME = "RASP 0.1\nrunning example is: hello\n"


def talk(*lines: str, folder: Path | str = ".", limits: Limits = Limits()) -> str:  # noqa: B008
    written: list[str] = []
    Console(written.append, folder, limits).run(read_from(lines, written.append))
    return "".join(written).removeprefix(WELCOME)


def test_an_s_op_is_shown_on_the_running_example() -> None:
    assert (
        talk("indices/2;") == '>>      s-op: out\n \t Example: out("hello") = [0.0, 0.5, 1.0, 1.5, 2.0] (floats)\n>> \n'
    )


def test_a_constant_sequence_is_shown_short_and_booleans_are_letters() -> None:
    assert "= [5]*5 (ints)" in talk("length;")
    assert "=  [T, F] (bools)" in talk('(indices==0)("ab");')


def test_a_selector_is_a_grid_with_queries_down() -> None:
    assert talk('set selector example "ab"', "select(indices,indices,<);") == (
        ">> >>      selector: out\n \t Example:\n \t\t\t     a b\n \t\t\t a |    \n \t\t\t b | 1  \n>> \n"
    )


def test_values_lists_dicts_and_functions_have_their_own_lines() -> None:
    said = talk("a=3;", 's="x";', "b=[1,2];", 'd={"k":1};', "def f(x,y) { return x; }")
    assert said == (
        '>>     value: a =  3\n>>     value: s =  "x"\n>>      list: b = [1, 2]\n'
        ">>      dict: d = {'k': 1}\n>>      console function: f(x, y)\n>> \n"
    )


def test_an_open_function_is_prompted_for_with_dots() -> None:
    assert talk("def f(x) {", "return x;", "}").startswith(">> ..   ..   ")


def test_a_mistake_is_told_and_forgotten() -> None:
    assert talk("a = b;", "a;", "1+", '"x";') == (
        ">> \t\t!!ignoring input:\n\t Error: Undefined variable: b\n"
        ">> \t\t!!ignoring input:\n\t Error: Undefined variable: a\n"
        ">> .. something went wrong: unsupported operand type(s) for +: 'int' and 'str'\n>> \n"
    )


def test_examples_can_be_set_shown_and_switched_off() -> None:
    assert talk("set s-op example [1,2]", "show example", "s-op examples off", "indices;") == (
        '>> >> \ts-op example: [1, 2]\n\tselector example: "hello"\n>> >>      s-op: indices\n>> \n'
    )


def test_sequences_stand_below_their_inputs_when_asked() -> None:
    said = talk("full seq display on", 'set example "ab"', "indices*10;")
    assert "\t\tinput:    a  b \t (strings)\n" in said
    assert "\t\toutput:   0 10 \t (ints)\n" in said


def test_leaving_ends_the_conversation() -> None:
    assert talk("quit()", "1;") == ">> "


def test_a_loaded_file_hands_on_its_public_names_and_shows_their_last_values(tmp_path: Path) -> None:
    (tmp_path / "mine.rasp").write_text("a = 1;\na = a + 1;\n_b = 7;\nc = _b;\n")
    assert talk('load "mine";', "c;", "_b;", folder=tmp_path) == (
        ">>     value: a =  2\n    value: c =  7\n>>     value: c =  7\n"
        ">> \t\t!!ignoring input:\n\t Error: Undefined variable: _b\n>> \n"
    )


def test_a_file_that_a_function_loads_is_shown_and_known_to_the_function_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.rasp").write_text("a = 1;\n")
    assert talk('def f(x) { load "mine"; return x + a; }', "f(3);", "a;", folder=tmp_path).endswith(
        ">>     value: a =  1\n    value: out =  4\n>> \t\t!!ignoring input:\n\t Error: Undefined variable: a\n>> \n"
    )


def test_a_file_that_is_not_there_or_loads_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop.rasp").write_text('load "loop";\n')
    assert "could not find file: nothing.rasp" in talk('load "nothing";', folder=tmp_path)
    assert "loop.rasp loads itself" in talk('load "loop";', folder=tmp_path)


def test_drawing_leaves_a_picture_in_the_folder(tmp_path: Path) -> None:
    assert "= " in talk('draw(tokens, "a/b");', folder=tmp_path)
    assert [path.name for path in (tmp_path / "comp_flows").iterdir()] == ["tokens(a_b).svg"]


def test_a_statement_that_never_ends_is_stopped_and_the_next_one_runs() -> None:
    said = talk("def f(x) { return f(x); }", "f(1);", "1+1;", limits=Limits(depth=20))
    assert "calls are nested more than 20 deep" in said
    assert said.endswith("value: out =  2\n>> \n")
