"""A thousand classes become sixteen categories by means, and ties fall to the last of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hotpapers.papers.model_vs_human.categories import CATEGORIES, CLASSES, decide, softmax, to_categories


def test_207_classes_are_in_one_category_each():
    indices = [k for classes in CLASSES.values() for k in classes]
    assert len(indices) == len(set(indices)) == 207
    assert list(CLASSES) == list(CATEGORIES) == sorted(CATEGORIES)
    assert (len(CLASSES["dog"]), len(CLASSES["bird"]), CLASSES["knife"]) == (109, 49, (499,))


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_class_of_a_category_alone_decides_for_it(category):
    for k in CLASSES[category]:
        assert CATEGORIES[decide(np.eye(1000)[[k]])[0]] == category


def test_the_mean_decides_and_not_the_sum():
    probabilities = np.zeros((1, 1000))
    probabilities[0, CLASSES["dog"]] = 0.5 / 109  # the sum is half
    probabilities[0, 499] = 0.1  # the mean is a tenth
    assert CATEGORIES[decide(probabilities)[0]] == "knife"


def test_of_tied_categories_the_last_wins():
    assert CATEGORIES[decide(np.full((1, 1000), 0.25))[0]] == "truck"
    assert CATEGORIES[decide(np.eye(1000)[[404]] + np.eye(1000)[[499]])[0]] == "knife"


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4, 1000]))
def test_the_decision_is_the_last_of_the_highest_means(seed, steps):
    values = np.random.default_rng(seed).integers(0, steps, (3, 1000)) / steps  # few steps make ties
    means = to_categories(values)
    for row, chosen in zip(means, decide(values), strict=True):
        assert row[chosen] == row.max()
        assert (row[chosen + 1 :] < row[chosen]).all()


@given(arrays(np.float64, 20, elements=st.floats(-50, 50)), st.floats(-1e3, 1e3))
def test_a_softmax_sums_to_one_and_forgets_constants(logits, constant):
    found = softmax(logits)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(softmax(logits + constant), found, rtol=1e-9, atol=1e-300)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="N x 1000"):
        to_categories(np.zeros(1000))
