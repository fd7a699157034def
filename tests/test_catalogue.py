import json

from hotpapers.cards import all_cards
from hotpapers.cli import main
from hotpapers.digest import load_day


def test_the_list_has_every_paper_of_the_digest_in_rank_order_and_says_which_have_no_code(capsys):
    assert main(["--json", "list"]) == 0
    rows = json.loads(capsys.readouterr().out)
    digest = load_day("2021-06-15")
    assert [row["slug"] for row in rows[:28]] == [entry.slug for entry in digest.entries]
    assert {row["slug"] for row in rows if row["here"]} == set(all_cards())
    assert main(["list"]) == 0
    assert "no code yet" in capsys.readouterr().out


def test_a_paper_is_shown_with_its_verbs_and_its_claims(capsys):
    assert main(["--json", "show", "sinir"]) == 0
    facts = json.loads(capsys.readouterr().out)
    card = all_cards()["sinir"]
    assert list(facts["verbs"]) == list(card.verbs)
    assert [claim["id"] for claim in facts["claims"]] == [claim.id for claim in card.claims]
    assert all(facts["verbs"].values())
    assert main(["show", "sinir"]) == 0
    assert card.title.split(":")[0] in capsys.readouterr().out
