import pytest

from hotpapers.cards import check_card, find_card
from hotpapers.run import Run


def test_the_card_is_kept_by_the_code():
    check_card(find_card("arabic_tokenizers"))


@pytest.mark.parametrize("claim", find_card("arabic_tokenizers").claims, ids=lambda claim: claim.id)
def test_a_claim_measures_a_value_for_its_seed(claim, tmp_path):
    with Run(tmp_path, seeds=(1,)) as run:
        measured = find_card("arabic_tokenizers").load_claim(claim)("smoke", run)
    assert set(measured.values) == {1}
