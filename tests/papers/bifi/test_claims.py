"""The card is kept by the code, and every claim measures numbers for every seed."""

import math

import pytest

from hotpapers.cards import check_card, find_card
from hotpapers.run import Run


def test_the_card_is_kept_by_the_code():
    check_card(find_card("bifi"))


@pytest.mark.parametrize("claim", find_card("bifi").claims, ids=lambda claim: claim.id)
def test_a_claim_measures_a_finite_number_for_every_seed(claim, tmp_path):
    with Run(tmp_path, seeds=(0,), device="cpu", tensorboard=False) as run:
        measured = find_card("bifi").load_claim(claim)("smoke", run)
    assert set(measured.values) == {0}
    assert all(math.isfinite(value) for value in measured.values.values())
