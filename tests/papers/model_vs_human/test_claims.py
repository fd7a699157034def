"""Every claim can be measured in seconds on made-up observers, and says what it must come to at laptop scale."""

import pytest

from hotpapers.cards import check_card, find_card
from hotpapers.claims.measurement import Measurement
from hotpapers.papers.model_vs_human import claims
from hotpapers.run import Run

CARD = find_card("model_vs_human")


def test_the_card_and_its_code_fit():
    check_card(CARD)
    assert all("laptop" in claim.expect and "paper" in claim.expect for claim in CARD.claims)


@pytest.mark.parametrize("claim", CARD.claims, ids=lambda claim: claim.id)
def test_a_claim_measures_each_seed_once(claim, tmp_path):
    if claim.id == "distortions-keep-their-identities":
        pytest.importorskip("skimage")
    with Run(tmp_path, seeds=(0,), device="cpu", tensorboard=False) as run:
        found = getattr(claims, claim.function)("smoke", run)
    assert isinstance(found, Measurement)
    assert set(found.values) == {0}
    assert all((tmp_path / file).is_file() for file in found.files)
