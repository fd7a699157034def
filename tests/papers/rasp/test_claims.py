"""The claims run, leave only their pictures, and are measured with what they say."""

import math
from pathlib import Path
from typing import Any

import pytest

from hotpapers.cards import find_card
from hotpapers.papers.rasp import claims
from hotpapers.run import Run

CLAIMS = [getattr(claims, claim.function) for claim in find_card("rasp").claims]


def measured(claim: Any, out: Path, seeds: tuple[int, ...] = (3,)) -> Any:
    with Run(out, seeds=seeds, device="cpu", tensorboard=False) as run:
        return claim("smoke", run)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_a_claim_measures_a_number_and_leaves_only_its_pictures(claim: Any, tmp_path: Path) -> None:
    found = measured(claim, tmp_path)
    assert set(found.values) == {3}
    assert all(math.isfinite(value) for value in found.values.values())
    assert all(path.is_file() for path in found.files)
    assert not list(tmp_path.glob("training-*"))


def test_the_exact_claims_meet_their_cards(tmp_path: Path) -> None:
    for claim in find_card("rasp").claims:
        if claim.exact:
            found = measured(getattr(claims, claim.function), tmp_path / claim.id)
            assert list(found.values.values()) == [claim.expect["smoke"].equals]


def test_a_training_claim_is_the_same_at_the_same_seed_and_not_at_another(tmp_path: Path) -> None:
    both = measured(claims.sort_is_learned, tmp_path / "a", (3, 4)).values
    assert measured(claims.sort_is_learned, tmp_path / "b").values == {3: both[3]}
    assert both[3] != both[4]


def test_the_plain_functions_tell_a_wrong_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(claims.PLAIN, "reverse", list)
    assert measured(claims.values_conform, tmp_path).values[3] > 0
