"""The linear unit tests are the published ones: same data, same draws, same weights after the same steps."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hotpapers.papers.ib_irm.examples import EXAMPLES, is_regression, sample
from hotpapers.papers.ib_irm.linear import errors
from hotpapers.papers.ib_irm.unit_tests import CACHE, fit, stacked

GOLDEN = np.load(Path(__file__).parent / "golden" / "unit_tests.npz")
THEIR_NAMES = {"erm": "ERM", "ib-erm": "IB_ERM", "irm": "IRMv1", "ib-irm": "IB_IRM", "oracle": "Oracle"}


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("contender", THEIR_NAMES)
def test_thirty_steps_end_at_the_published_weights_and_errors(example, contender):
    for environments in (3, 4) if contender == "ib-irm" else (3,):
        sets = [sample(example, 3, environments, 40, oracle=contender == "oracle")]
        w = fit(sets, contender, 2, 30, is_regression(example), "")
        for draw in (0, 1):
            key = f"{example}|{environments}|{THEIR_NAMES[contender]}|{draw}"
            np.testing.assert_allclose(w[0, draw].numpy(), GOLDEN[f"w|{key}"], atol=1e-5)
            for split, theirs in zip(("validation", "test", "test_validation"), GOLDEN[f"e|{key}"], strict=True):
                ours = errors(w, *stacked(sets, split), is_regression(example))[0, draw]
                np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_data_seed_gives_the_published_rows(example):
    x, _ = sample(example, 3, 3, 40).test
    np.testing.assert_allclose(x[-1, :3].numpy(), GOLDEN[f"x|{example}|3|ERM|0"], atol=1e-6)


def test_data_sets_that_come_later_end_where_they_would_alone():
    sets = [sample("2", seed, 3, 400, held=20) for seed in range(24)]
    together = fit(sets, "ib-irm", 20, 3, False, "")
    assert CACHE < 24 * 3 * 400 * 20
    assert torch.equal(together[-1], fit(sets[-1:], "ib-irm", 20, 3, False, "")[0])


def test_more_rows_to_validate_on_leave_the_rows_to_train_on_as_they_are():
    few, many = (sample("2s", 5, 3, 40, held=held) for held in (None, 400))
    assert torch.equal(few.train[0], many.train[0])
    assert [len(part[0][0]) for part in (many.train, many.validation, many.test)] == [40, 400, 400]
