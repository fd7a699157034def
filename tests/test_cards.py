import subprocess
import sys

import pytest

from hotpapers import cards
from hotpapers.errors import BadInput

CARD = """
slug = "example"
arxiv = "2106.07140"
title = "An example"
summary = "Shows what a card is."

[verbs]
train = "train:train"

[[claims]]
id = "is-exact"
says = "It is."
where = "Table 1"
metric = "count"
expect = { smoke = { equals = 3 }, laptop = { at_least = 1.5 } }
"""


@pytest.fixture
def read(tmp_path):
    """Write a card into the folder ``example`` and read it back."""

    def write(text, folder="example"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "card.toml").write_text(text, encoding="utf-8")
        return cards.read_card(tmp_path / folder)

    return write


def changed(old, new):
    assert old in CARD
    return CARD.replace(old, new)


def test_a_card_says_what_its_file_says(read):
    card = read(CARD)
    assert card.slug == "example"
    assert card.verb_address("train") == ("hotpapers.papers.example.train", "train")
    assert card.claim("is-exact").function == "is_exact"
    assert [str(each) for each in card.claims[0].expect.values()] == ["= 3", "≥ 1.5"]
    assert card.extras == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (changed('title = "An example"', 'titel = "An example"'), "titel"),
        (changed('title = "An example"', ""), "title"),
        (changed('title = "An example"', "title = 3"), "title"),
        (changed('title = "An example"', 'title = ["x"]'), "title"),
        (changed('summary = "Shows what a card is."', "summary = 2021-06-15"), "summary"),
        (changed('"2106.07140"', '"2106.071"'), "arxiv"),
        (changed('"2106.07140"', '"2106.07140v2"'), "arxiv"),
        (changed('"2106.07140"', '"https://arxiv.org/abs/2106.07140"'), "arxiv"),
        (changed('slug = "example"', 'slug = "../example"'), "slug"),
        (changed('slug = "example"', 'slug = "Example"'), "slug"),
        (changed('slug = "example"', 'slug = "other"'), "slug is 'other' but the folder is 'example'"),
        (changed('"train:train"', '"train.train"'), "verbs"),
        (changed('"train:train"', '"../../os:system"'), "verbs"),
        (changed('"train:train"', "7"), "verbs"),
        (changed("train = ", "Train_It = "), "verbs"),
        (changed('id = "is-exact"', 'id = "is_exact"'), "id"),
        (changed('id = "is-exact"', 'id = "is exact; rm"'), "id"),
        (changed('where = "Table 1"', 'page = "Table 1"'), "page"),
        (changed("smoke = {", "tiny = {"), "expect"),
        (changed("equals = 3", "equals = '3'"), "equals"),
        (changed("equals = 3", "equals = 3, at_most = 4"), "exactly one of"),
        (changed("{ equals = 3 }", "{}"), "exactly one of"),
        (changed("at_least = 1.5", "at_least = 1.5, tolerance = 1"), "tolerance goes with equals"),
        (changed("at_least = 1.5", "more_than = 1.5"), "more_than"),
        (CARD + CARD[CARD.index("[[claims]]") :], "two claims are called 'is-exact'"),
        (CARD + "extras = 1\n", "extras"),
        ('claims = "all"\n' + CARD[: CARD.index("[[claims]]")], "claims"),
        ("slug = ", "card.toml"),
        ("", "slug"),
    ],
)
def test_a_card_that_is_not_one_is_told_by_file_and_key(read, text, names):
    with pytest.raises(cards.BadCard) as caught:
        read(text)
    assert "example/card.toml: " in str(caught.value).replace("\\", "/")
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_card_that_is_not_text_or_not_there_is_bad(tmp_path):
    with pytest.raises(cards.BadCard, match=r"card\.toml"):
        cards.read_card(tmp_path)
    (tmp_path / "card.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(cards.BadCard, match=r"card\.toml"):
        cards.read_card(tmp_path)


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """A package ``example`` among the papers, with the code that its card promises."""
    import hotpapers.papers

    monkeypatch.setattr(hotpapers.papers, "__path__", [*hotpapers.papers.__path__, str(tmp_path)])
    folder = tmp_path / "example"
    folder.mkdir()
    (folder / "__init__.py").touch()
    # Judging a card runs nothing of the paper.
    (folder / "train.py").write_text(
        "raise SystemExit('imported')\ndef train():\n    '''Learn\n    it.\n\n    More.'''\n"
    )
    (folder / "claims.py").write_text("raise SystemExit('imported')\ndef is_exact(scale, run): ...\n")
    (folder / "card.toml").write_text(CARD)
    yield folder
    sys.modules.pop("hotpapers.papers.example", None)


def test_a_card_is_held_to_its_code_without_running_it(paper):
    card = cards.read_card(paper)
    cards.check_card(card)
    assert card.verb_summary("train") == "Learn it."


def test_a_verb_that_is_not_there_is_named(paper):
    (paper / "train.py").write_text("def trains(): ...\ntrain = 3\n")
    with pytest.raises(cards.BadCard, match="verb 'train' points to train:train, which is not there"):
        cards.check_card(cards.read_card(paper))
    (paper / "train.py").unlink()
    with pytest.raises(cards.BadCard, match="verb 'train'"):
        cards.check_card(cards.read_card(paper))


def test_a_claim_without_a_function_is_named(paper):
    (paper / "claims.py").write_text("def is_nearly_exact(scale, run): ...\n")
    with pytest.raises(cards.BadCard, match="claim 'is-exact' has no function is_exact"):
        cards.check_card(cards.read_card(paper))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[examples.nope]\nimage = "__init__.py"', "examples for 'nope', which is no verb"),
        (
            '[examples.train]\nimage = "examples/absent.png"',
            "'examples/absent.png' for train image is no file in the paper's folder",
        ),
        ('[examples.train]\nimage = "examples/../train.py"', "no file in the paper's folder"),
    ],
)
def test_an_example_is_a_file_of_the_paper_for_one_of_its_verbs(paper, table, words):
    (paper / "card.toml").write_text(f"{CARD}\n{table}\n")
    with pytest.raises(cards.BadCard, match=words):
        cards.check_card(cards.read_card(paper))


def test_every_card_keeps_its_word():
    for card in cards.all_cards().values():
        cards.check_card(card)
        assert card.summary.endswith(".")
        assert all(card.verb_summary(name) for name in card.verbs)


def test_a_paper_is_found_by_slug_and_a_misspelt_one_suggests_the_nearest(monkeypatch, read):
    card = read(CARD.replace("example", "two_words"), folder="two_words")
    monkeypatch.setattr(cards, "all_cards", lambda: {"two_words": card})
    assert cards.find_card("two_words") is card
    assert cards.find_card("two-words") is card
    with pytest.raises(BadInput, match="'two_wrods' here; did you mean two_words"):
        cards.find_card("two_wrods")
    with pytest.raises(BadInput, match="no claim 'nope'; it has: is-exact"):
        card.claim("nope")


def test_reading_cards_brings_neither_torch_nor_numpy():
    script = (
        "import sys; from hotpapers import cards\n"
        "for card in cards.all_cards().values(): cards.check_card(card)\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
