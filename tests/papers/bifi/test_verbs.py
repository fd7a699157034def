"""The verbs on files: what they write, and what they refuse in one line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from hotpapers.cards import find_card
from hotpapers.cli import main
from hotpapers.errors import BadInput
from hotpapers.papers.bifi import critics
from hotpapers.papers.bifi.breaking import break_code
from hotpapers.papers.bifi.corpora import Entry, read_deepfix, read_entries
from hotpapers.papers.bifi.corruption import corrupt_all
from hotpapers.papers.bifi.critics import critic
from hotpapers.papers.bifi.evaluation import evaluate, interval
from hotpapers.papers.bifi.fixing import NoFix, fix
from hotpapers.papers.bifi.mending import difference, mend, model_ranking
from hotpapers.papers.bifi.shelf import FOLDER, shipped
from hotpapers.papers.bifi.splitting import Piece, judge_all, split
from hotpapers.papers.bifi.train import train

EXAMPLES = find_card("bifi").folder / "examples"
PYTHON = critic("python")


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.py"
    path.write_bytes(b"def f(x)  # why\r\n    return {'a':   x}\r\n")
    return path


def test_a_broken_file_has_a_verified_patch_and_is_left_as_it_is(broken):
    before = broken.read_bytes()
    outcome = fix(broken)
    assert broken.read_bytes() == before
    assert "+def f(x):  # why" in outcome.note
    assert outcome.numbers["fixed and verified"] == 1


def test_a_fix_is_applied_where_that_is_asked_and_only_the_edit_changes(broken):
    fix(broken, apply=True)
    assert broken.read_bytes() == b"def f(x):  # why\r\n    return {'a':   x}\r\n"
    assert fix(broken).numbers == {"files": 1, "broken": 0}


@pytest.mark.parametrize(
    "code",
    [
        "def f(x)  # why\r\n    return {'a':   x}\r\n",
        "\fdef f(x)\n\x0b    return x\n\f\ny = 1",
        "def f(x):\r    return (x\r",
    ],
    ids=["DOS", "form feeds", "Macintosh"],
)
def test_the_patch_is_one_that_git_takes(code, tmp_path):
    path = tmp_path / "broken.py"
    path.write_bytes(code.encode())
    fix(path)
    done = subprocess.run(["git", "apply", "broken.py.patch"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert PYTHON(path.read_bytes().decode()).ok


def test_what_a_page_put_for_blanks_and_quotes_is_spelled_as_python_but_not_in_comments_and_strings(tmp_path):
    path = tmp_path / "pasted.py"
    path.write_text("def f(x):  # “why”\n\xa0\xa0\xa0\xa0return x\xa0− 1\ny = [“a”, '\xa0–']\n")
    fix(path, apply=True)
    assert path.read_text() == "def f(x):  # “why”\n    return x - 1\ny = [\"a\", '\xa0–']\n"


def test_the_example_with_three_errors_is_fixed_and_its_comments_stay():
    code = (EXAMPLES / "broken.txt").read_text()
    model = shipped("fixer")
    [found] = mend(code, PYTHON, model_ranking(model), model.vocabulary)
    assert PYTHON(found.code).ok
    assert "print(word,   counts[word])   # the ten commonest" in found.code
    changed = [line for line in difference(code, found.code, "x").splitlines() if line[:1] == "+" and line[:3] != "+++"]
    assert len(changed) == 3


def test_every_fix_is_verified_and_more_fixes_never_fix_less():
    model = shipped("fixer")
    for code in ("x = (1,\n", "if x\n    y\n", "a = [1 2]\n", "print 'a'\n", "try:\n    x\n", "class\n", ")\n"):
        one, five = (mend(code, PYTHON, model_ranking(model), model.vocabulary, n=n) for n in (1, 5))
        assert all(PYTHON(each.code).ok and each.code != code for each in one + five)
        assert len({each.code for each in five}) == len(five)
        assert bool(five) >= bool(one)
        if one:
            assert one[0].code == five[0].code


def test_a_file_longer_than_the_window_is_fixed_at_every_place(tmp_path):
    path = tmp_path / "long.py"
    block = "def f{n}(x):\n    y = x + {n}\n    return [y, x]\n\n\n"
    good = "".join(block.format(n=n) for n in range(80))
    path.write_text(good.replace("def f10(x):", "def f10(x)").replace("def f60(x):", "def f60(x)"))
    fix(path, apply=True)
    assert path.read_text() == good


def test_a_line_of_data_without_end_is_given_up_at_once(tmp_path):
    path = tmp_path / "data.py"
    path.write_text("x = [" + "1, " * 10_000)
    begun = time.process_time()
    with pytest.raises(NoFix, match="never closed"):
        fix(path)
    assert time.process_time() - begun < 5


def test_other_languages_are_fixed_by_rules(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, 2, "b": 3}\n')
    fix(path, apply=True)
    assert isinstance(json.loads(path.read_text()), dict)


def test_what_cannot_be_fixed_is_said_in_one_line_with_exit_code_1(tmp_path, capsys):
    path = tmp_path / "hopeless.py"
    path.write_text("this is no code at all, nor will four edits make it any (\n" * 3)
    with pytest.raises(NoFix, match="no verified fix"):
        fix(path, edits=1)
    assert main(["bifi", "fix", str(path), "--edits", "1"]) == 1
    assert capsys.readouterr().err.strip().count("\n") == 0
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["missing", "empty folder", "latin", "zero"])
@pytest.mark.parametrize("verb", ["fix", "break", "split", "eval"])
def test_a_file_that_cannot_be_read_is_one_line(verb, name, tmp_path, capsys):
    path = tmp_path / "x.py"
    if name == "empty folder":
        path.mkdir()
    elif name != "missing":
        path.write_bytes(b"x = '\xff'" if name == "latin" else b"x = \0")
    assert main(["bifi", verb, str(path)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert "x.py" in said


@pytest.mark.parametrize("name", ["x" * 5000 + ".py", "x\0.py"], ids=["too long", "zero byte"])
@pytest.mark.parametrize("verb", [fix, break_code, split, evaluate])
def test_what_cannot_be_a_name_is_bad_input(verb, name):
    with pytest.raises(BadInput, match="Cannot read"):
        verb(Path(name))


def test_lines_that_are_no_snippets_are_named(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"code": "x"}\n{"text": 1}\n')
    with pytest.raises(BadInput, match="line 2"):
        split(path)
    path.write_text('{"code": "\\ud800"}\n')
    with pytest.raises(BadInput, match="line 1"):
        split(path)
    path.write_text("[" * 100_000)
    with pytest.raises(BadInput, match="line 1"):
        split(path)


def test_snippets_are_split_by_the_critic(tmp_path):
    outcome = split(EXAMPLES / "snippets.jsonl", out=tmp_path / "s")
    good, bad = (read_entries(outcome.files[name], ".py") for name in ("good", "bad"))
    assert len(good) == outcome.numbers["well formed"] > 5
    assert len(bad) == outcome.numbers["broken"] > 5
    assert all(PYTHON(entry.code).ok for entry in good)
    assert not any(PYTHON(entry.code).ok for entry in bad)
    assert all(entry.error_class for entry in bad)


def test_the_authors_files_and_deepfix_can_be_read(tmp_path):
    (tmp_path / "orig.bad.json").write_text(json.dumps([{"code_string": "x = (", "code_toks_joined": "x = ("}]))
    assert [entry.code for entry in read_entries(tmp_path / "orig.bad.json", ".py")] == ["x = ("]
    (tmp_path / "code.csv").write_text('code_id,code,errorcount\n7,"int main() {\n  return 0;\n}",0\n')
    assert read_deepfix(tmp_path / "code.csv") == [Entry("int main() {\n  return 0;\n}", "7")]


def test_good_code_is_broken_in_different_ways_that_the_critic_refuses(tmp_path):
    path = tmp_path / "good.py"
    path.write_text((EXAMPLES / "good.txt").read_text())
    outcome = break_code(path, n=4, out=tmp_path / "b.jsonl")
    variants = read_entries(outcome.files["variants"], ".py")
    assert 1 <= len(variants) == len({each.code for each in variants}) <= 4
    assert not any(PYTHON(each.code).ok for each in variants)
    assert all(each.fixed == path.read_text() for each in variants)
    again = read_entries(break_code(path, n=4, out=tmp_path / "c.jsonl").files["variants"], ".py")
    assert [each.code for each in again] == [each.code for each in variants]


def test_code_that_is_broken_already_is_not_broken(broken):
    with pytest.raises(BadInput, match="broken already"):
        break_code(broken)


def test_a_trained_model_fixes_and_an_interrupted_training_goes_on_to_the_same_end(tmp_path):
    files = (EXAMPLES / "good.jsonl", EXAMPLES / "bad.jsonl")
    settings = {"rounds": 1, "first_steps": 3, "steps": 2, "device": "cpu"}
    whole = train(*files, out=tmp_path / "whole", **settings).files["model"]
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from hotpapers.papers.bifi import rounds, train\n"
        "breaks = rounds._breaks\n"
        "rounds._breaks = lambda *a: os._exit(9)\n"
        f"files = [Path(each) for each in {[str(each) for each in files]!r}]\n"
        f"train.train(*files, out=Path({str(tmp_path / 'cut')!r}), **{settings!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 9
    cut = train(*files, out=tmp_path / "cut", resume=True, **settings).files["model"]
    for part in ("fixer", "breaker"):
        assert (whole / part / "model.safetensors").read_bytes() == (cut / part / "model.safetensors").read_bytes()
    few = tmp_path / "few.jsonl"
    few.write_text("".join(files[1].read_text().splitlines(keepends=True)[:4]))
    assert evaluate(few, model=whole).numbers["broken snippets"] == 4


def test_too_little_code_is_refused_before_a_directory_is_made(tmp_path):
    path = tmp_path / "few.jsonl"
    path.write_text('{"code": "x = 1"}\n')
    with pytest.raises(BadInput, match="give at least 5"):
        train(path, path, out=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_interval_holds_the_share():
    low, high = interval([True] * 60 + [False] * 40)
    assert 45 < low < 60 < high < 75


def test_programs_as_critics_are_refused_on_the_web(monkeypatch):
    class Spec:
        name = "hotpapers.web.worker"

    monkeypatch.setattr(sys.modules["__main__"], "__spec__", Spec())
    with pytest.raises(BadInput, match="command line"):
        critics.choose_critic("command", Path("x"), command="sh -c true")
    with pytest.raises(BadInput, match="command line"):
        critics.choose_critic("auto", Path("x"), function="os:system")


def test_the_shipped_models_are_small_and_say_what_they_were_trained_on():
    weights = list(FOLDER.rglob("*.safetensors"))
    assert len(weights) == 2
    assert sum(path.stat().st_size for path in weights) < 10_000_000
    card = (FOLDER / "MODEL_CARD.md").read_text()
    assert "PSF" in card
    assert "StackOverflow" in card
    assert all(torch.isfinite(each).all() for each in shipped("fixer").parameters())


KILLED = "HOTPAPERS_TEST_KILLED"
WORKERS = """
import os, signal
from pathlib import Path
from hotpapers.papers.bifi.corruption import corrupt_piece
from hotpapers.papers.bifi.splitting import judge_piece

def once(name):
    mark = Path(os.environ["HOTPAPERS_TEST_KILLED"]) / name
    if not mark.exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)

def judge_or_die(piece):
    once("split")
    return judge_piece(piece)

def corrupt_or_die(piece):
    once("corrupt")
    return corrupt_piece(piece)
"""
PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
if {engine!r} == "ray":
    import ray
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
import bifi_workers as work
from hotpapers.papers.bifi import corruption, splitting
splitting.judge_piece, corruption.corrupt_piece = work.judge_or_die, work.corrupt_or_die
entries = [splitting.Entry(code) for code in ("x", "x(", "y")]
pieces = [splitting.Piece([entry], "x.py", "python", "", "", 11) for entry in entries]
print([v.ok for v in splitting.judge_all(pieces, {engine!r}, 2)])
print(corruption.corrupt_all(["f(x)\\n"] * 3, engine={engine!r}, jobs=2))
"""


@pytest.mark.parametrize("engine", ["processes", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_worker_killed_in_each_pipeline_changes_nothing(engine, tmp_path):
    """One program for both pipelines: a cluster takes seconds to start."""
    if engine == "ray":
        pytest.importorskip("ray")
    (tmp_path / "bifi_workers.py").write_text(WORKERS)
    program = tmp_path / "program.py"
    program.write_text(f"if __name__ == '__main__':\n{_indented(PROGRAM.format(folder=str(tmp_path), engine=engine))}")
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {**os.environ, KILLED: str(tmp_path), "PYTHONPATH": paths}
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "split").exists()
    assert (tmp_path / "corrupt").exists()
    pieces = [Piece([Entry(code)], "x.py", "python", "", "", 11) for code in ("x", "x(", "y")]
    here = [str([verdict.ok for verdict in judge_all(pieces, "local", 1)]), str(corrupt_all(["f(x)\n"] * 3))]
    assert [line for line in done.stdout.splitlines() if line.startswith("[")][-2:] == here


def _indented(program):
    return "".join(f"    {line}\n" for line in program.splitlines())
