import json
import subprocess
import sys

import pytest

from hotpapers import cards
from hotpapers.cli import GROUPS, TOP_LEVEL, main

HEAVY = {"torch", "lightning_fabric", "numpy", "PIL", "jinja2", "gradio", "fastapi", "ray", "requests"}


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that a fresh command line has loaded by the time it has answered."""
    script = "import sys, hotpapers.cli; hotpapers.cli.main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["sinir", "--help"], ["digest", "--help"], ["--version"]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments):
    assert not loaded_by(*arguments) & HEAVY


def test_help_names_every_command_and_every_paper(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in [*TOP_LEVEL, *GROUPS, *(slug.replace("_", "-") for slug in cards.all_cards())]:
        assert f"│ {name} " in shown


@pytest.mark.parametrize("slug", list(cards.all_cards()))
def test_a_papers_help_names_its_verbs_with_their_first_words(slug, capsys):
    assert main([slug.replace("_", "-"), "--help"]) == 0
    shown = capsys.readouterr().out
    for verb in cards.find_card(slug).verbs:
        words = cards.find_card(slug).verb_summary(verb).split()
        assert f"│ {verb} " in shown
        assert " ".join(words[:2]) in shown


def test_an_underscore_does_for_a_dash_in_a_papers_name(capsys):
    slug = next(iter(cards.all_cards()))
    assert main([slug, "--help"]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sinri"], "did you mean sinir?"),
        (["show", "sinri"], "did you mean sinir?"),
        (["--nonsense"], "--nonsense"),
        (["data", "fetch"], "--help"),
        (["reproduce", "sinir", "no-such-claim"], "no-such-claim"),
        (["reproduce", "--scale", "galaxy"], "galaxy"),
        (["new", "not an id"], "is not an arXiv id"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(arguments, words, capsys):
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out


def test_json_is_understood_wherever_it_stands(capsys):
    for arguments in (["--json", "list"], ["list", "--json"]):
        assert main(arguments) == 0
        assert json.loads(capsys.readouterr().out)


def test_a_missing_library_names_the_extras_that_bring_it(capsys, monkeypatch):
    slug, verb = "sinir", "train"  # one that needs torch from the first
    card = cards.find_card(slug)
    module, _ = card.verb_address(verb)
    for name in list(sys.modules):
        if name.startswith(f"hotpapers.papers.{slug}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main([slug, verb, "whatever.png"]) == 2
    shown = capsys.readouterr().err
    assert f'pip install "hotpapers[{",".join(card.extras)}]"' in shown
    assert "torch" in shown
    assert module not in sys.modules
