"""The measures are what their formulas say: bounds, symmetries, limits."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hotpapers.papers.model_vs_human import metrics

right = arrays(bool, st.shared(st.integers(2, 60), key="n"))


def kappa(a, b):
    return float(metrics.error_consistency(a.mean(), b.mean(), (a == b).mean()))


@given(right, right)
def test_kappa_is_symmetric_and_never_above_what_accuracies_allow(a, b):
    assume((a != b).any())
    assert kappa(a, b) == pytest.approx(kappa(b, a), abs=1e-12)
    assert kappa(a, b) <= float(metrics.largest_consistency(a.mean(), b.mean())) + 1e-9
    assert -1 - 1e-9 <= kappa(a, b) <= 1


@given(right)
def test_an_observer_agrees_with_itself_wholly_and_with_its_opposite_never(a):
    assert kappa(a, a) == 1.0
    assert (a == ~a).mean() == 0
    assert kappa(a, ~a) <= 0


@given(right, right)
def test_kappa_is_cohens(a, b):
    table = np.array([[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]) / len(a)
    o, e = np.trace(table), float(table.sum(1) @ table.sum(0))
    assume(e < 1)
    assert kappa(a, b) == pytest.approx((o - e) / (1 - e))


def test_agreement_without_a_flaw_is_one_even_where_everything_is_right():
    assert float(metrics.error_consistency(1.0, 1.0, 1.0)) == 1.0


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_difference_of_accuracies_is_squared(p1, p2):
    assert float(metrics.accuracy_difference(p1, p2)) == pytest.approx((p1 - p2) ** 2)


def test_the_standard_error_of_kappa_is_what_independent_observers_spread():
    rng = np.random.default_rng(0)
    for p1, p2, n in ((0.8, 0.58, 160), (0.5, 0.5, 640), (0.9, 0.7, 320)):
        a, b = rng.random((4000, n)) < p1, rng.random((4000, n)) < p2
        spread = metrics.error_consistency(a.mean(1), b.mean(1), (a == b).mean(1))
        assert spread.mean() == pytest.approx(0, abs=0.01)
        assert spread.std() == pytest.approx(float(metrics.kappa_standard_error(p1, p2, n)), rel=0.05)
        assert metrics.rough_standard_error(metrics.expected_consistency(p1, p2), n) >= spread.std() * 0.97


def test_the_rough_standard_error_has_the_value_that_was_inferred():
    assert float(metrics.rough_standard_error(0.55, 160)) == pytest.approx(0.087, abs=5e-4)


def test_entropy_is_nothing_for_one_word_and_four_bits_for_sixteen():
    assert metrics.entropy(np.zeros(50, dtype=int)) == 0.0
    assert metrics.entropy(np.tile(np.arange(16), 5)) == pytest.approx(4)
    assert metrics.entropy(np.full(5, 16)) == 0.0  # no answer at all


def test_shape_bias_counts_only_decisions_for_a_cue():
    assert metrics.shape_bias(9236, 398) == pytest.approx(0.9587, abs=5e-5)
    assert np.isnan(metrics.shape_bias(0, 0))


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.integers(2, 1000))
def test_the_rough_standard_error_is_never_too_small_and_exact_where_both_are_right_half_the_time(p1, p2, n):
    rough = metrics.rough_standard_error(metrics.expected_consistency(p1, p2), n)
    assert metrics.kappa_standard_error(p1, p2, n) <= rough * (1 + 1e-9)
    half = metrics.rough_standard_error(metrics.expected_consistency(0.5, 0.5), n)
    assert metrics.kappa_standard_error(0.5, 0.5, n) == pytest.approx(half)
