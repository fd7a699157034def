"""Counting in bits is counting; aggregates are the paper's; the public trials give the published numbers."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human import intervals, metrics, scoring, sheets
from hotpapers.papers.model_vs_human.compare import consistency_matrix
from hotpapers.papers.model_vs_human.published import PER_DATASET, PUBLISHED, RECOMPUTED
from hotpapers.papers.model_vs_human.rank import mean_ranks, ranks
from hotpapers.papers.model_vs_human.scoring import HUMANS
from hotpapers.papers.model_vs_human.sheets import NOT_SHOWN, join, load, save, sheets_of
from hotpapers.papers.model_vs_human.simulate import simulate
from hotpapers.papers.model_vs_human.trials import Trials


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.floats(0, 0.6))
def test_counts_of_bits_are_counts(seed, images, gaps):
    rng = np.random.default_rng(seed)
    answers = rng.integers(0, 17, (4, images)).astype(np.uint8)
    answers[rng.random(answers.shape) < gaps] = NOT_SHOWN
    condition = np.sort(rng.integers(0, 2, images)).astype(np.uint8)
    sheet = sheets.Sheet(
        "x", ("a", "b", "subject-1", "subject-2"), ("0", "1"), tuple(map(str, range(images))), condition,
        rng.integers(0, 16, images).astype(np.uint8), np.full(images, 255, np.uint8), answers,
    )  # fmt: skip
    for k in range(2):
        part, found = sheet.images_of(k), sheet.counts(k)
        right, shown = sheet.right[:, part], sheet.shown[:, part]
        for i, j in np.ndindex(4, 4):
            both = shown[i] & shown[j]
            assert found.shown[i, j] == both.sum()
            assert found.right[i, j] == (right[i] & both).sum()
            assert found.agree[i, j] == ((right[i] == right[j]) & both).sum()


def test_kappa_is_taken_for_each_condition_and_then_averaged(made_up):
    sheet = made_up[0]
    one, two = 0, 1
    kappas = []
    for k in sheet.kept:
        a, b = sheet.right[[one, two], sheet.images_of(k)]
        kappas.append(float(metrics.error_consistency(a.mean(), b.mean(), (a == b).mean())))
    assert scoring.pair_metrics(sheet, [one], [two])[2, 0, 0] == pytest.approx(np.mean(kappas))
    assert set(sheet.kept) == {k for k, c in enumerate(sheet.conditions) if c not in ("c100", "c03", "c01")}


def test_a_matrix_is_symmetric_with_ones_on_its_diagonal(made_up):
    names, matrix = consistency_matrix(made_up)
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(np.diag(matrix), 1)
    assert names[-1].startswith("subject-")
    assert not names[0].startswith("subject-")


def test_people_are_compared_with_each_other_only_once(made_up):
    sheet = made_up[1]
    people = scoring.score_sheet(sheet)[-1]
    one, two = np.triu_indices(4, 1)
    pairs = scoring.pair_metrics(sheet, np.flatnonzero(sheet.human), np.flatnonzero(sheet.human))[:, one, two]
    assert people.observer == HUMANS
    assert people.values[1:] == pytest.approx(pairs.mean(axis=1))


def test_kept_sheets_are_read_back_and_foreign_files_refused(made_up, tmp_path):
    for a, b in zip(load(save(tmp_path / "s.npz", made_up)), made_up, strict=True):
        for field in dataclasses.fields(a):
            np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))
    np.savez(tmp_path / "pickled.npz", datasets=np.array([{}], dtype=object))
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("pickled.npz", "text.npz"):
        with pytest.raises(BadInput, match="CSV files instead"):
            load(tmp_path / name)


def test_models_are_matched_with_people_by_condition_and_image():
    people, everyone = (sheets_of(simulate(("edge",), images=64, models=m))[0] for m in ({}, {"net": (1, 0.2)}))
    alone = everyone.of(["net"])
    back = slice(None, None, -1)
    shuffled = dataclasses.replace(
        alone, images=alone.images[back], category=alone.category[back], answers=alone.answers[:, back]
    )
    joined = join([people], [shuffled])[0]
    np.testing.assert_array_equal(joined.of(["net"]).answers, alone.answers)
    with pytest.raises(BadInput, match="in both sets"):
        join([everyone], [alone])


def test_two_different_answers_of_one_observer_to_one_image_are_refused():
    trials = Trials("edge", ["net", "net"], ["cat", "dog"], ["cat", "cat"], ["0", "0"], ["cat1", "cat1"])
    with pytest.raises(BadInput, match="twice"):
        sheets_of([trials])


def test_equal_images_of_cue_conflicts_do_not_count_for_the_shape_bias():
    images = ["cat1-cat2", "cat1-dog1", "cat3-dog2"]
    trials = Trials("cue-conflict", ["net"] * 3, ["cat", "dog", "cat"], ["cat"] * 3, ["0"] * 3, images)
    (found,) = scoring.shape_decisions(sheets_of([trials])[0])
    assert (found.shape, found.texture, found.images, found.bias) == (1, 1, 2, 0.5)


def test_the_bootstrap_is_centred_on_the_score_and_narrows_with_images():
    small, large = (sheets_of(simulate(("edge",), images=n))[0] for n in (80, 1280))
    widths = []
    for sheet in (small, large):
        found = intervals.resample(sheet, 400)
        plain = np.array([score.values for score in scoring.score_sheet(sheet)])
        low, high = intervals.interval(found.values)
        assert ((low[:, 0] <= plain[:, 0]) & (plain[:, 0] <= high[:, 0])).all()
        widths.append(float((high - low)[:, 3].mean()))
    assert widths[1] < widths[0] / 2.5


def test_permutations_find_shared_errors_and_no_others():
    shared = {"one": (0.9, 1.0), "two": (0.9, 1.0)}
    sheet = sheets_of(simulate(("edge",), images=320, models=shared))[0]
    kappa, p = intervals.permutation_test(sheet, "one", "subject-01", permutations=500)
    assert kappa > 0.2
    assert p < 0.01
    rng = np.random.default_rng(0)
    coins = np.where(rng.random(sheet.answers.shape) < 0.5, sheet.category, 16).astype(np.uint8)
    noise = dataclasses.replace(sheet, answers=coins)
    assert intervals.permutation_test(noise, "one", "two", permutations=500)[1] > 0.01
    assert intervals.difference_test(sheet, "one", "two", permutations=500)[1] > 0.01
    assert intervals.difference_test(sheet, "one", "one", permutations=500) == (0.0, 1.0)


def test_equal_values_share_their_ranks():
    assert ranks(np.array([3.0, 1.0, 1.0])).tolist() == [3, 1.5, 1.5]
    table = np.array([[0.5, 0.1, 0.7, 0.2], [0.6, 0.2, 0.6, 0.1]])
    assert mean_ranks(table).tolist() == [1, 2]


def test_the_public_trials_are_85120_of_90_people(public):
    assert sum(int(s.shown[s.human].sum()) for s in public) == 85_120
    assert sum(int((s.answers[s.human] == sheets.NO_ANSWER).sum()) for s in public) == 597
    assert sum(int(s.human.sum()) for s in public) == 90


def test_the_public_trials_give_the_published_numbers(public):
    scores = scoring.score_all(public)
    means = scoring.mean_over_datasets(scores)
    assert means[HUMANS] == pytest.approx((0.7228, 0.00657, 0.8085, 0.4312), abs=5e-5)
    for name, row in PUBLISHED.items():
        assert means[name] == pytest.approx(row, abs=5.01e-4)
    for name, row in RECOMPUTED.items():
        assert means[name] == pytest.approx(row, abs=1e-4)
    by = {(s.dataset, s.observer): s.values for s in scores}
    for dataset, row in PER_DATASET.items():
        people, model = by[dataset, HUMANS], by[dataset, "resnet50"]
        assert (people[0], people[3], model[0], model[3]) == pytest.approx(row, abs=1e-4)


def test_the_public_trials_give_the_shape_bias_of_people_and_of_resnet(public):
    found = {each.observer: each for each in scoring.shape_decisions(public[-1])}
    assert (found[HUMANS].shape, found[HUMANS].texture) == (9236, 398)
    assert np.mean([found[f"subject-{k:02}"].bias for k in range(1, 11)]) == pytest.approx(0.9576, abs=5e-5)
    assert found["resnet50"].bias == pytest.approx(0.2142, abs=1e-4)
