"""The card is kept by the code, and every claim measures numbers for every seed."""

import math

import pytest

from hotpapers.cards import check_card, find_card
from hotpapers.errors import HotpapersError
from hotpapers.papers.scalars import claims
from hotpapers.run import Run


def test_the_card_is_kept_by_the_code():
    check_card(find_card("scalars"))


CHANCE = [claim for claim in find_card("scalars").claims if not claim.exact]  # the exact ones have a test of their own


@pytest.mark.parametrize("claim", CHANCE, ids=lambda claim: claim.id)
def test_a_claim_measures_a_finite_number_for_every_seed(claim, tmp_path):
    with Run(tmp_path, seeds=(0,), device="cpu", tensorboard=False) as run:
        measured = find_card("scalars").load_claim(claim)("smoke", run)
    assert set(measured.values) == {0}
    assert all(math.isfinite(value) for value in measured.values.values())
    assert all(path.is_file() for path in measured.files)


def test_the_exact_claims_hold_at_smoke_scale(tmp_path):
    with Run(tmp_path, seeds=(0,), device="cpu", tensorboard=False) as run:
        assert claims.exactly_equivariant("smoke", run).values[0] < 1e-10
        assert claims.few_scalars_suffice("smoke", run).values[0] < 1e-8
        sizes = claims.parameters("smoke", run).extras["parameters"]
    assert sizes == {
        "norms": 1_255_001,
        "scattering": 1_258_501,
        "pendulum, HNN": 33_501,
        "pendulum, N-ODE": 632_824,
        "inertia": 2_191_212,
    }


def test_emlp_is_held_against_nothing_but_what_it_was_measured_with(tmp_path):
    unknown = pytest.raises(HotpapersError, match="seed 99")
    with Run(tmp_path, seeds=(0, 99), device="cpu", tensorboard=False) as run, unknown:
        claims.norms_beat_emlp("smoke", run)
