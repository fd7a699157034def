"""Critics judge and never run what they judge; parsers and programs are held in limits."""

import sys
import time

import pytest

from hotpapers.errors import BadInput
from hotpapers.papers.bifi.critics import INDENTATION, SYNTAX, UNBALANCED, critic, judge_python, scan_brackets
from hotpapers.papers.bifi.parsing import FEATURE_VERSION, parse_error
from hotpapers.papers.bifi.sandbox import run_on, without_network
from hotpapers.papers.bifi.tokens import python_tokens

TEXTS = {
    "python": ("x = 1\n", "print 1\n"),
    "brackets": ("f([1], {2})", "f([1)]"),
    "json": ('{"a": [1, null]}', '{"a": [1, null}'),
    "toml": ("[a]\nb = 1\n", "[a\nb = 1\n"),
    "yaml": ("a: [1, 2]\n", "a: [1, 2\nb: 3\n"),
    "xml": ("<a><b/></a>", "<a><b></a>"),
    "sql": ("select a from t where b = 1; insert into u values (1);", "select a form t;"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_critic_takes_what_is_well_formed_and_says_where_the_rest_is_not(name):
    judge = critic(name)
    good, bad = TEXTS[name]
    assert judge(good).ok
    verdict = judge(bad)
    assert verdict.message
    assert verdict.line >= 1
    assert verdict.kind > 0


def test_c_is_judged_by_a_compiler_and_includes_nothing_of_this_machine():
    try:
        judge = critic("c")
    except BadInput:
        pytest.skip("there is no C compiler here")
    assert judge("#include <stdio.h>\nint main(void) { return 0; }\n").ok
    verdict = judge("int main(void) { return 0 }\n")
    assert (verdict.line, verdict.ok) == (1, False)
    assert "machine" in judge('#include "/etc/passwd"\nint x;\n').message
    assert "machine" in judge('#include "../../x.h"\nint x;\n').message


@pytest.mark.parametrize(
    ("code", "error_class"),
    [("f(1", UNBALANCED), ("f(1))", UNBALANCED), ("if x:\ny\n", INDENTATION), ("  x = 1\n", INDENTATION),
     ("x = = 1", SYNTAX), ("print 'a'", SYNTAX)],
)  # fmt: skip
def test_errors_have_the_papers_classes(code, error_class):
    assert judge_python(code).error_class == error_class


@pytest.mark.parametrize(
    ("code", "said"), [("f(x)]", "extra right parenthesis"), ("{[}", "left parenthesis is not closed"),
                       ("(]", "extra right parenthesis"), ("([)]", "")],
)  # fmt: skip
def test_the_scan_has_three_counters_that_do_not_know_of_each_other(code, said):
    assert scan_brackets([token.text for token in python_tokens(code)]) == said


def test_a_window_is_judged_by_its_brackets_alone():
    assert judge_python("else:\n    return x\n", window=True).ok
    assert not judge_python("else:\n    return (x\n", window=True).ok


def test_the_grammar_is_pinned():
    walrus = "if (x := 1): pass\n"
    assert critic("python")(walrus).ok
    assert not critic("python", feature_version=7)(walrus).ok
    assert FEATURE_VERSION == 11


HOSTILE = {
    "brackets": "(" * 5000,
    "minus": "-" * 100_000 + "1",
    "not": "not " * 5000 + "x",
    "attributes": "a" + ".b" * 50_000,
    "lambda": "lambda:" * 4000 + "1",
    "conditions": "x" + " if x else x" * 3000,
    "indentation": "".join(" " * n + "if 1:\n" for n in range(200)),
    "zero": "x = '\0'",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_is_refused_and_this_process_lives(name):
    assert not critic("python")(HOSTILE[name]).ok


def test_code_that_nests_within_the_limits_is_parsed_apart_and_accepted():
    assert parse_error("x = " + "[" * 120 + "]" * 120) is None


def test_what_is_judged_is_never_run(tmp_path):
    trace = tmp_path / "trace"
    assert critic("python")(f"open({str(trace)!r}, 'w')\n").ok
    assert critic("sql")(f"attach {str(trace)!r} as x; create table x.t (a);").ok
    assert critic("yaml")(f"!!python/object/apply:open [{str(trace)!r}, w]").ok
    assert not trace.exists()


def test_an_entity_in_xml_is_refused():
    assert "entities" in critic("xml")('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>').message


def test_a_program_judges_by_its_exit_code_and_says_where():
    judge = critic("command", command=f"{sys.executable} -m py_compile {{}}")
    assert judge("x = 1\n").ok
    assert not judge("x = \n").ok
    with pytest.raises(BadInput, match="There is no program"):
        critic("command", command="no-such-program-here {}")


def test_a_function_judges():
    judge = critic("callable", function="json:loads")
    assert judge("[1]").ok
    assert not judge("[1").ok
    with pytest.raises(BadInput, match="There is no function"):
        critic("callable", function="json:no_such")


def python(program):
    return [sys.executable, "-c", program, "{}"]


def test_a_program_has_limits_of_time_output_and_memory():
    begun = time.monotonic()
    assert run_on(python("while True: pass"), "", ".txt", seconds=1).code is None
    assert time.monotonic() - begun < 8
    assert run_on(python("while True: print('x' * 1000)"), "", ".txt", output=10_000).code is None
    assert run_on(python("bytearray(10**9)"), "", ".txt", memory=1 << 29).code == 1


def test_all_that_a_program_starts_ends_with_it(tmp_path):
    program = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print(1)"
    )
    begun = time.monotonic()
    run_on(python(program), "", ".txt", seconds=1)
    assert time.monotonic() - begun < 8


def test_a_program_sees_the_text_and_a_bare_environment():
    said = run_on(
        python("import sys, os; print(open(sys.argv[1], newline='').read(), sorted(os.environ))"), "a\r\nb", ".c"
    ).said
    assert said.startswith("a\r\nb")
    assert "HOTPAPERS_HOME" not in said


@pytest.mark.skipif(not without_network(), reason="this system has no way to take the network from a program")
def test_a_program_has_no_network():
    program = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    assert "unreachable" in run_on(python(program), "", ".txt").said
