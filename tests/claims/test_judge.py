import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.cards import Criterion
from hotpapers.claims.judge import ENUMERATED, Verdict, bootstrap_interval, figure, judge, satisfies

numbers = st.floats(-1e6, 1e6)
any_finite = st.floats(allow_nan=False, allow_infinity=False)
bounds = st.one_of(
    st.builds(lambda x: Criterion(at_least=x), numbers),
    st.builds(lambda x: Criterion(at_most=x), numbers),
    st.builds(lambda x, t: Criterion(equals=x, tolerance=t), numbers, st.floats(0, 1e6)),
)


def by_seed(values):
    return dict(enumerate(values))


@given(st.lists(any_finite, min_size=1, max_size=12))
def test_the_interval_lies_within_the_values_and_around_the_mean(values):
    low, high = bootstrap_interval(values)
    mean = judge(None, by_seed(values)).mean
    assert min(values) <= low <= high <= max(values)
    slack = 1e-9 * max(map(abs, values))
    assert low - slack <= mean <= high + slack


@given(st.lists(numbers, min_size=1, max_size=12), st.randoms())
def test_the_order_of_the_seeds_does_not_matter(values, random):
    shuffled = random.sample(values, len(values))
    assert bootstrap_interval(shuffled) == bootstrap_interval(values)


@given(bounds, st.lists(numbers, min_size=3, max_size=10))
def test_values_that_all_satisfy_are_reproduced_and_values_that_all_fail_on_one_side_are_not(criterion, values):
    verdict = judge(criterion, by_seed(values)).verdict
    if all(satisfies(criterion, value) for value in values):
        assert verdict is Verdict.REPRODUCED
    elif criterion.equals is None and not any(satisfies(criterion, value) for value in values):
        assert verdict is Verdict.NOT_REPRODUCED


@given(st.lists(numbers, min_size=3, max_size=10), numbers, st.floats(0, 1e6))
def test_a_weaker_bound_never_makes_a_verdict_worse(values, bound, less):
    order = [Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE, Verdict.REPRODUCED]
    strict = judge(Criterion(at_least=bound), by_seed(values)).verdict
    weak = judge(Criterion(at_least=bound - less), by_seed(values)).verdict
    assert order.index(weak) >= order.index(strict)


@given(st.lists(numbers, min_size=3, max_size=ENUMERATED), numbers)
def test_at_most_mirrors_at_least(values, bound):
    mirrored = judge(Criterion(at_most=-bound), by_seed([-value for value in values])).verdict
    assert judge(Criterion(at_least=bound), by_seed(values)).verdict is mirrored


@given(bounds, st.lists(st.floats(), max_size=2))
def test_fewer_than_three_seeds_never_decide_a_claim_with_chance_in_it(criterion, values):
    verdict = judge(criterion, by_seed(values)).verdict
    assert verdict is (Verdict.INCONCLUSIVE if values else Verdict.NOT_RUN)


@given(
    bounds,
    st.lists(st.floats(), min_size=1, max_size=9).filter(lambda x: not all(map(math.isfinite, x))),
    st.booleans(),
)
def test_what_is_no_finite_number_never_counts_for_a_claim(criterion, values, exact):
    judgement = judge(criterion, by_seed(values), exact)
    assert judgement.verdict in (Verdict.INCONCLUSIVE, Verdict.NOT_REPRODUCED)
    assert judgement.mean is None


@given(bounds, numbers)
def test_one_value_decides_an_exact_claim(criterion, value):
    expected = Verdict.REPRODUCED if satisfies(criterion, value) else Verdict.NOT_REPRODUCED
    assert judge(criterion, {0: value}, exact=True).verdict is expected


@settings(max_examples=20)
@given(st.lists(numbers, min_size=1, max_size=5))
def test_the_enumerated_interval_is_that_of_every_resample(values):
    means = sorted(sum(pick) / len(values) for pick in itertools.product(values, repeat=len(values)))
    cut = math.ceil(0.025 * len(means) * (1 - 1e-9)) - 1
    scale = max(map(abs, values)) or 1
    assert bootstrap_interval(values) == pytest.approx((means[cut], means[-1 - cut]), abs=1e-9 * scale)


def test_the_interval_of_many_seeds_nears_that_of_the_normal_limit():
    values = np.random.default_rng(1).normal(5, 1, size=200)
    low, high = bootstrap_interval(list(values))
    half = 1.96 * values.std() / math.sqrt(200)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


@pytest.mark.parametrize(
    ("criterion", "values", "exact", "verdict", "words"),
    [
        (Criterion(at_least=30), [31, 33, 35], False, Verdict.REPRODUCED, "31 … 35 meets ≥ 30"),
        (Criterion(at_least=30), [29, 33, 35], False, Verdict.INCONCLUSIVE, "only part of 29 … 35 meets ≥ 30"),
        (Criterion(at_least=30), [20, 21, 22], False, Verdict.NOT_REPRODUCED, "20 … 22 misses ≥ 30"),
        (Criterion(at_most=1), [0.5], False, Verdict.INCONCLUSIVE, "1 seed, and fewer than 3 say nothing"),
        (Criterion(at_most=1), [], False, Verdict.NOT_RUN, "nothing was measured"),
        (Criterion(equals=902531), [902531], True, Verdict.REPRODUCED, "902,531 meets = 902531"),
        (Criterion(equals=902531), [902530], True, Verdict.NOT_REPRODUCED, "902,530 misses = 902531"),
        (Criterion(equals=0.7, tolerance=0.1), [0.8], True, Verdict.REPRODUCED, "0.8 meets = 0.7 ± 0.1"),
        (Criterion(at_most=1), [math.inf, math.inf, 3], False, Verdict.NOT_REPRODUCED, "seed 0 gave inf"),
        (Criterion(at_most=1), [math.nan, 3, 3], False, Verdict.INCONCLUSIVE, "seed 0 gave nan"),
        (Criterion(at_least=1), [math.inf] * 3, False, Verdict.INCONCLUSIVE, "seed 0 gave inf"),
        (None, [1, 2, 3], False, Verdict.INCONCLUSIVE, "the card expects nothing at laptop scale"),
    ],
)
def test_a_verdict_says_why(criterion, values, exact, verdict, words):
    judgement = judge(criterion, by_seed(values), exact)
    assert judgement.verdict is verdict
    assert words in judgement.reason


def test_smoke_scale_without_a_criterion_is_not_judged():
    judgement = judge(None, {0: 1.0}, scale="smoke")
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "smoke scale is not judged")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(902531.0, "902,531"), (33.5, "33.5"), (1.23456, "1.235"), (12345.6, "12,346"), (None, "–"), (math.nan, "nan")],
)
def test_figures_show_counts_in_full_and_others_with_four_digits(value, shown):
    assert figure(value) == shown
