"""The card is kept by the code, every form's example works, and every claim measures numbers for every seed."""

import inspect
import math
from typing import get_args

import pytest

from hotpapers.cards import check_card, find_card
from hotpapers.papers.gittables import claims
from hotpapers.run import Run
from hotpapers.verbs import parameters

CARD = find_card("gittables")
ELSEWHERE = ("engines-agree", "builds-fast")  # the first is test_build's, the second takes time to say something


def test_the_card_is_kept_by_the_code():
    check_card(CARD)


@pytest.mark.parametrize("verb", [verb for verb in CARD.verbs if verb not in ("train", "predict")])
def test_what_a_form_opens_with_works(verb, tmp_path):
    function = CARD.load_verb(verb)
    kinds = {each.name: each.annotation for each in parameters(function)}
    given = {
        name: CARD.example_file(value) or (kinds[name] if kinds[name] in (int, float) else str)(value)
        for name, value in CARD.examples[verb].items()
    }
    suffix = ".csv" if "csv" in str(inspect.getdoc(function)).lower() else ""
    done = function(**given, out=tmp_path / f"result{suffix}")
    assert done.files
    assert all(path.exists() for path in done.files.values())


@pytest.mark.parametrize(
    "claim", [each for each in CARD.claims if each.id not in ELSEWHERE], ids=lambda claim: claim.id
)
def test_a_claim_measures_a_finite_number_for_every_seed(claim, tmp_path):
    with Run(tmp_path, seeds=(0,), device="cpu", tensorboard=False) as run:
        measured = CARD.load_claim(claim)("smoke", run)
    assert set(measured.values) == {0}
    assert all(math.isfinite(value) for value in measured.values.values())
    assert list(tmp_path.glob("work-*")) == []


def test_the_exact_claims_hold_at_smoke_scale(tmp_path):
    with Run(tmp_path, seeds=(0,), device="cpu", tensorboard=False) as run:
        assert claims.ontology_types("smoke", run).values[0] == 5468
        assert claims.no_row_is_lost_in_silence("smoke", run).values[0] == 0
        read = claims.reads_what_pandas_reads("smoke", run)
    assert read.method[0] == 72
    assert read.extras["pandas alone"] == []


def test_every_scale_has_its_budget():
    from hotpapers.cards import Scale

    assert set(claims.BUDGETS) == set(get_args(Scale))
