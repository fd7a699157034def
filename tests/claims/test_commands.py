import json
import re

import pytest

from hotpapers import cards, cli
from hotpapers.cards import Card, Claim, Criterion
from hotpapers.claims import commands, evidence, tables
from hotpapers.claims.commands import parse_seeds
from hotpapers.claims.engine import reproduce
from hotpapers.claims.evidence import load_evidence, own_folder, shipped_folder
from hotpapers.claims.task import task_for
from hotpapers.errors import BadInput

REPOSITORY = shipped_folder().parent


def claim(name, **changes):
    facts = {"says": f"It is | <b>{name}</b>.", "where": "Table 1", "metric": "toys", "paper": 33.5}
    return Claim(id=name, **(facts | {"expect": {"laptop": Criterion(at_least=11)}} | changes))


@pytest.fixture
def toys(monkeypatch, toy_task):
    """A paper whose claims are the toy claims, in the place of all papers."""
    card = Card(
        slug="toys",
        arxiv="2106.00001",
        title="Toys [for] all",
        summary="",
        verbs={"train": "train:train"},
        claims=(claim("twice-the-seed"), claim("crashes"), claim("writes-a-file", exact=True, unit="s")),
    )
    monkeypatch.setattr(Card, "package", "toy_package")
    monkeypatch.setattr(cards, "all_cards", lambda: {"toys": card})
    for module in (commands, evidence, tables, cli.cards):
        monkeypatch.setattr(module, "all_cards", lambda: {"toys": card})
    toy_papers = __import__("toy_papers")
    monkeypatch.setitem(__import__("sys").modules, "toy_package.claims", toy_papers)
    return card


def test_reproduce_says_the_verdicts_keeps_the_evidence_and_tells_of_crashes(toys, capsys):
    assert cli.main(["reproduce", "toys", "--scale", "laptop"]) == 1
    shown = capsys.readouterr()
    assert "12 [10, 14]" in shown.out
    assert "only part of 10 … 14 meets ≥ 11" in shown.out
    assert "toys crashes crashed: RuntimeError: the loss ran away" in shown.out
    assert "[2/3] toys crashes at laptop scale" in shown.err
    assert sorted(each.name for each in (own_folder() / "toys").glob("*.json")) == [
        "twice-the-seed.laptop.json",
        "writes-a-file.laptop.json",
    ]


def test_reproduce_leaves_with_0_when_all_ran_whatever_their_verdicts(toys, tmp_path, capsys):
    command = ["reproduce", "toys", "writes-a-file", "--scale", "laptop", "--out", str(tmp_path), "--json"]
    assert cli.main(command) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["crashed"] == []
    assert [each["verdict"] for each in facts["claims"]] == ["not reproduced"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "no paper 'nonsense'"),
        (["toys", "nonsense"], "it has: twice-the-seed"),
        (["toys", "--seeds", "many"], "give how many (5) or which (0,3,7)"),
        (["toys", "--jobs", "0"], "--jobs is 0"),
        (["toys", "--engine", "cloud"], "cloud"),
        (["toys", "--scale", "galaxy"], "galaxy"),
        (["toys", "--out", __file__], "is a file; name a folder"),
    ],
)
def test_bad_input_to_reproduce_is_one_line_and_exit_code_2(toys, capsys, arguments, words):
    assert cli.main(["reproduce", *arguments]) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.err.count("\n") == 1


def test_missing_measures_only_what_this_code_has_no_evidence_for(toys, monkeypatch, capsys, tmp_path):
    command = ["reproduce", "toys", "twice-the-seed", "--out", str(tmp_path), "--missing", "--json"]

    def measured(revision, *more):
        for module in ("hotpapers.claims.provenance.revision", "hotpapers.claims.task.provenance.revision"):
            monkeypatch.setattr(module, lambda: revision)
        assert cli.main([*command, *more]) == 0
        return len(json.loads(capsys.readouterr().out)["claims"])

    assert [measured("abc"), measured("abc"), measured("def"), measured("def-dirty")] == [1, 0, 1, 1]
    assert [measured("abc", "--seeds", "1,2"), measured("abc", "--seeds", "2,")] == [1, 0]
    assert measured("def-dirty") == 1  # changed code may have changed again


@pytest.mark.parametrize(
    ("text", "seeds"), [("5", (0, 1, 2, 3, 4)), ("0,3,7", (0, 3, 7)), ("4,", (4,)), ("1", (0,)), (" 2 , 1 ", (2, 1))]
)
def test_seeds_are_how_many_or_which(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "0", "-1", "1,1", "a", "1,b", "1.5", "257", ",", "-1,2", "99999999999,1"])
def test_other_seeds_are_refused(text):
    with pytest.raises(BadInput, match="--seeds"):
        parse_seeds(text)


def test_evidence_shows_smoke_runs_only_where_there_is_nothing_stronger(toys, capsys):
    for scale in ("laptop", "smoke"):
        cli.main(["reproduce", "toys", "twice-the-seed", "--scale", scale])
    cli.main(["reproduce", "toys", "writes-a-file"])
    capsys.readouterr()
    assert cli.main(["evidence", "toys", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(each["verdict"], each.get("scale")) for each in facts] == [
        ("inconclusive", "laptop"),
        ("not run", None),
        ("inconclusive", "smoke"),
    ]
    assert cli.main(["evidence"]) == 0
    assert "smoke scale is not judged" in " ".join(capsys.readouterr().out.split())


def test_the_markdown_table_counts_verdicts_links_the_evidence_and_escapes_the_cards_words(toys, tmp_path):
    folder = tmp_path / "evidence"
    reproduce([task_for(toys, each, "laptop") for each in toys.claims], folder)
    text = tables.papers_markdown(load_evidence([folder]), tmp_path)
    assert "1&nbsp;✗ 1&nbsp;~ 1&nbsp;–" in text
    assert "[Toys \\[for\\] all](" in text
    assert "(https://arxiv.org/abs/2106.00001)) | `train` |" in text
    row = next(line for line in text.splitlines() if "twice" in line)
    assert (
        "It is \\| \\<b\\>twice-the-seed\\</b\\>. (Table 1) | 33.5 | 12 [10, 14]".replace("[10, 14]", "\\[10, 14\\]")
        in row
    )
    assert "~ inconclusive, [laptop scale](evidence/toys/twice-the-seed.laptop.json)" in row
    for line in text.splitlines():
        assert len(re.findall(r"(?<!\\)\|", line)) in (0, 4, 7)


def test_a_readme_is_brought_up_to_date_once_and_keeps_the_rest(toys, tmp_path, capsys):
    readme = tmp_path / "README.md"
    empty = "<!-- evidence:begin toys -->\n<!-- evidence:end -->"
    readme.write_text(f"# A\n<!-- evidence:begin -->\nold\n<!-- evidence:end -->\nB\n{empty}\nC\n")
    assert cli.main(["evidence", "--write", str(readme)]) == 0
    written = readme.read_text()
    assert written.startswith("# A\n<!-- evidence:begin -->\n\n| Paper |")
    assert written.endswith("<!-- evidence:end -->\nC\n")
    assert "old" not in written
    assert written.count("<!-- evidence:end -->") == 2
    assert "<!-- evidence:begin toys -->\n\n| Claim |" in written
    assert not tables.update_readme(readme)
    assert readme.read_text() == written


def test_a_readme_without_markers_or_with_a_strangers_is_refused(toys, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("nothing here")
    with pytest.raises(BadInput, match="evidence:begin"):
        tables.update_readme(readme)
    readme.write_text("<!-- evidence:begin stranger -->\n<!-- evidence:end -->")
    with pytest.raises(BadInput, match="'stranger'"):
        tables.update_readme(readme)


@pytest.mark.parametrize(
    "readme", [REPOSITORY / "README.md", *(card.folder / "README.md" for card in cards.all_cards().values())], ids=str
)
def test_the_tables_in_the_readmes_are_those_of_the_shipped_evidence(readme):
    if not readme.is_file() or not tables.MARKED.search(readme.read_text(encoding="utf-8")):
        pytest.skip("it has no evidence markers")
    assert not tables.update_readme(readme, write=False), f"run: hotpapers evidence --write {readme}"


def test_evidence_is_read_without_torch():
    import subprocess
    import sys

    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import hotpapers.claims.engine\n"
        "from hotpapers.cli import main; code = main(['evidence'])\n"
        "assert 'ray' not in sys.modules and 'lightning_fabric' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
