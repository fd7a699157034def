"""The paper's evaluation on T2Dv2, where the gold standard is."""

from pathlib import Path

import pytest

from hotpapers.papers.gittables.annotate import annotator
from hotpapers.papers.gittables.evaluate import LABEL, agreement, read_gold

ARCHIVE = next(
    (path for up in Path(__file__).parents if (path := up.parent / "shared/data/gittables/t2d_gold.tar.gz").is_file()),
    None,
)


@pytest.fixture(scope="module")
def gold():
    if ARCHIVE is None:
        pytest.skip("T2D's gold standard is not here: ../shared/data/gittables/t2d_gold.tar.gz")
    return read_gold(ARCHIVE)


def test_the_gold_standard_has_116_tables_and_332_columns_of_which_116_are_labels(gold):
    assert (len(gold), len({each.table for each in gold}), sum(each.property == LABEL for each in gold)) == (
        332,
        116,
        116,
    )


@pytest.mark.parametrize("mode", ["fixed", "legacy"])
def test_syntactic_annotations_agree_with_people_on_64_of_104_columns(gold, mode):
    found = agreement(gold, annotator("none", 0.56, mode), "syntactic")
    assert (found.annotated, found.equal) == (104, 64)
    assert found.share == pytest.approx(61.5, abs=0.1)
    assert found.confused[0] == ("release date", "year", 9)


def test_semantic_annotations_with_the_small_vectors_agree_within_two_points_of_the_papers(gold):
    found = agreement(gold, annotator("small", 0.56, "fixed"), "semantic")
    assert found.share == pytest.approx(54, abs=2)
    assert found.annotated > 170
