"""The digest of 2021-06-15 holds the facts of the post that it was taken from, and our own words beside them."""

import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hotpapers import console
from hotpapers.digest import days, load_day
from hotpapers.digest.commands import list_, show
from hotpapers.digest.day import BadDigest, read_digest
from hotpapers.errors import BadInput

SEED = Path(__file__).parents[3] / "shared" / "digest" / "seed.md"
DAY = datetime.date(2021, 6, 15)
ENTRY = """
[[entries]]
slug = "x"
arxiv = "2106.00001"
title = "T"
authors = ["A"]
categories = ["cs.LG"]
retweets = 1
favourites = 1
counted_at = 2021-06-16T09:00:00
summary = "S."
"""
HEAD = 'date = 2021-06-15\nsource = "https://example.org"\n'


def papers_of_the_post() -> list[dict]:
    if not SEED.is_file():
        pytest.skip("the post of 2021-06-15 is not beside this checkout (../shared/digest/seed.md)")
    # The copy was decoded as Mac Roman though it is UTF-8.
    text = SEED.read_text(encoding="utf-8").encode("mac_roman").decode("utf-8")
    found = re.findall(
        r"^# (\d+)\. (.+)\n\n(.+)\n\n- retweets: (\d+), favorites: (\d+) \((.+)\)\n\n"
        r"- links: \[abs\]\(https://arxiv\.org/abs/([\d.]+)\).*\n- (.+)$",
        text,
        flags=re.MULTILINE,
    )
    return [
        {
            "rank": int(rank),
            "title": title,
            "authors": authors.split(", "),
            "retweets": int(retweets),
            "favourites": int(favourites),
            "counted_at": datetime.datetime.strptime(when, "%m/%d/%Y %H:%M:%S"),
            "arxiv": arxiv,
            "categories": tuple(re.findall(r"\[([^\]]+)\]", categories)),
        }
        for rank, title, authors, retweets, favourites, when, arxiv, categories in found
    ]


def without_blanks(text: str) -> str:
    return "".join(text.split())


def test_the_digest_has_the_facts_of_the_post_in_its_order():
    post, entries = papers_of_the_post(), load_day(DAY).entries
    assert [paper["rank"] for paper in post] == list(range(1, 29))
    assert len(entries) == 28
    for paper, entry in zip(post, entries, strict=True):
        assert without_blanks(entry.title) == without_blanks(paper["title"])
        assert list(map(without_blanks, entry.authors)) == list(map(without_blanks, paper["authors"]))
        for fact in ("arxiv", "categories", "retweets", "favourites", "counted_at"):
            assert getattr(entry, fact) == paper[fact], (entry.slug, fact)


def test_the_papers_go_by_the_names_of_their_dossiers():
    folder = SEED.parents[1] / "papers"
    if not folder.is_dir():
        pytest.skip("the dossiers are not beside this checkout (../shared/papers)")
    dossiers = {path.stem for path in folder.glob("[a-z]*.md")}
    assert {entry.slug for entry in load_day(DAY).entries} == dossiers


def test_summaries_are_one_sentence_of_our_own():
    entries = load_day(DAY).entries
    post = SEED.read_text(encoding="utf-8").lower() if SEED.is_file() else ""
    for entry in entries:
        assert len(entry.summary) <= 140
        assert entry.summary.endswith(".")
        assert entry.summary[:40].lower() not in post
    assert len({entry.summary for entry in entries}) == len(entries)


def test_the_newest_day_is_the_default_and_days_come_newest_first():
    assert load_day() == load_day(days()[0])
    assert list(days()) == sorted(days(), reverse=True)
    assert load_day("2021-06-15") == load_day(DAY)


@pytest.mark.parametrize("wrong", ["yesterday", "2021-13-01", "1999-01-01", "../../etc"])
def test_a_day_without_a_digest_is_refused_in_one_line(wrong):
    with pytest.raises(BadInput, match="2021-06-15") as refused:
        load_day(wrong)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (HEAD, "entries"),
        (HEAD + ENTRY + ENTRY, "two entries"),
        (HEAD + ENTRY.replace("2106.00001", "../x"), "arxiv"),
        (HEAD + ENTRY.replace('"T"', '"T  T"'), "title"),
        (HEAD + ENTRY.replace("retweets = 1", "retweets = -1"), "retweets"),
        (HEAD + ENTRY + 'abstract = "long"\n', "abstract"),
        ((HEAD + ENTRY).replace("2021-06-15", "2021-06-14"), "2021-06-14"),
        ("date = ", "2021-06-15"),
    ],
)
def test_a_file_that_is_no_digest_is_refused(raw, why):
    with pytest.raises(BadDigest, match=re.escape(why)):
        read_digest(raw.encode(), DAY)


def test_commands_answer_people_and_programs(capsys):
    show("2021-06-15")
    list_()
    told = capsys.readouterr().out
    assert "GANs N' Roses" in told
    assert "2021-06-15  28 papers" in told
    console.configure(as_json=True, quiet=False)
    try:
        show()
    finally:
        console.configure(as_json=False, quiet=False)
    facts = json.loads(capsys.readouterr().out)
    assert facts["entries"][14]["slug"] == "sinir"
    assert facts["entries"][14]["rank"] == 15


def test_the_digest_loads_without_torch_and_numpy():
    code = "import sys, hotpapers.digest as d; d.load_day(); assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
