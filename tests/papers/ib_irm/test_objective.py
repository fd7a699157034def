"""The penalties are what eq. 7 and the published code mean by them, and switch off to the last bit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hotpapers.papers.ib_irm.objective import IBIRM, Objective, irm_penalty, row_losses, variance


def drawn(task="binary", n=24, seed=0):
    torch.manual_seed(seed)
    outputs = torch.randn(n, 3 if task == "classes" else 1, dtype=torch.float64)
    y = {
        "binary": torch.randint(0, 2, (n,)).double(),
        "classes": torch.randint(0, 3, (n,)).double(),
        "regression": torch.randn(n, dtype=torch.float64),
    }[task]
    return outputs, y, torch.arange(n) % 3


@pytest.mark.parametrize("task", ["regression", "binary", "classes"])
def test_the_penalty_is_the_squared_gradient_at_a_dummy_factor(task):
    outputs, y, env = drawn(task)
    for e in range(3):
        dummy = torch.ones((), dtype=torch.float64, requires_grad=True)
        loss = row_losses(outputs[env == e] * dummy, y[env == e], task).mean()
        (slope,) = torch.autograd.grad(loss, dummy)
        assert irm_penalty(outputs, y, env, task)[e] == pytest.approx(float(slope**2), rel=1e-10)


def test_two_dummies_add_the_squared_gradient_at_a_dummy_summand():
    outputs, y, env = drawn()
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(row_losses(outputs[env == 1] + shift, y[env == 1], "binary").mean(), shift)
    more = irm_penalty(outputs, y, env, "binary", "two-dummies") - irm_penalty(outputs, y, env, "binary")
    assert more[1] == pytest.approx(float(slope**2), rel=1e-10)


def test_the_penalty_vanishes_where_residuals_are_orthogonal_to_the_outputs():
    y = torch.tensor([1.0, -1.0, 3.0, 1.0])
    outputs = torch.tensor([[0.0], [0.0], [2.0], [2.0]])
    assert float(irm_penalty(outputs, y, torch.tensor([0, 0, 1, 1]), "regression").abs().max()) == 0


def test_the_split_half_penalty_can_be_negative_and_equals_the_square_where_halves_agree():
    outputs = torch.tensor([[1.0], [1.0]])
    env = torch.tensor([0, 0])
    assert float(irm_penalty(outputs, torch.tensor([0.0, 2.0]), env, "regression", "split-half")) < 0
    same = torch.tensor([0.0, 0.0])
    assert irm_penalty(outputs, same, env, "regression", "split-half") == irm_penalty(outputs, same, env, "regression")


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(2, 9), st.integers(0, 10_000))
def test_pooled_variance_is_within_plus_between(environments, rows, seed):
    torch.manual_seed(seed)
    z = torch.randn(environments * rows, 4, dtype=torch.float64)
    env = torch.arange(environments).repeat_interleave(rows)
    within, pooled = (float(variance(z, env, conditional=each)) for each in (True, False))
    n, means = len(z), z.unflatten(0, (environments, rows)).mean(1)
    between = float((means - z.mean(0)).square().mean())
    assert pooled * (n - 1) / n == pytest.approx(within * (rows - 1) / rows + between, rel=1e-9)


def test_conditional_variance_matches_torch_and_a_single_row_counts_as_nothing():
    z, env = torch.randn(7, 3), torch.tensor([0, 0, 0, 1, 1, 1, 2])
    expected = (z[:3].var(0).mean() + z[3:6].var(0).mean()) / 3
    assert torch.allclose(variance(z, env, conditional=True), expected)


def test_weights_of_zero_leave_erm_to_the_last_bit():
    outputs, y, env = drawn()
    erm = Objective("binary")(outputs, outputs, y, env)
    assert torch.equal(erm, row_losses(outputs, y, "binary").unflatten(0, (8, 3)).mean(0).mean())
    assert torch.equal(erm, Objective("binary", irm=0.0, ib=0.0, rex=0.0)(outputs, None, y, env))
    irm = Objective("binary", irm=3.0)(outputs, outputs, y, env)
    assert torch.equal(irm, Objective("binary", irm=3.0, ib=0.0)(outputs, outputs, y, env))
    assert float(irm) > float(erm)


def test_models_side_by_side_have_the_objectives_that_they_have_alone():
    outputs, y, env = drawn()
    both = torch.stack((outputs, 2 * outputs))
    weights = {"irm": torch.tensor([0.0, 5.0]), "ib": torch.tensor([2.0, 0.0]), "dro": torch.tensor([0.0, 0.5])}
    together = Objective("binary", **weights)(both, both, y, env)
    for k in (0, 1):
        alone = Objective("binary", **{name: float(each[k]) for name, each in weights.items()})
        assert torch.allclose(together[k], alone(both[k], both[k], y, env), rtol=1e-6)


def test_before_its_step_the_penalty_has_the_weight_of_before():
    outputs, y, env = drawn()
    objective = Objective("binary", irm=50.0, anneal=10, before=1.0)
    assert torch.equal(objective(outputs, None, y, env, 9), Objective("binary", irm=1.0)(outputs, None, y, env))
    assert torch.equal(objective(outputs, None, y, env, 10), Objective("binary", irm=50.0)(outputs, None, y, env))


def test_groupdro_puts_weight_on_the_worst_environment():
    outputs, y, env = torch.zeros(4, 1), torch.tensor([0.0, 0.0, 3.0, 3.0]), torch.tensor([0, 0, 1, 1])
    objective = Objective("regression", dro=0.5)
    losses = [float(objective(outputs, None, y, env)) for _ in range(4)]
    assert losses == sorted(losses)
    assert losses[0] > 4.5


def test_the_module_trains_a_featurizer_and_head_of_ones_own():
    torch.manual_seed(0)
    model = IBIRM(nn.Linear(4, 3), nn.Linear(3, 1), lam=1.0, gamma=0.1, task="binary")
    x, y, env = torch.randn(8, 4), torch.tensor([0.0, 1.0] * 4), torch.tensor([0] * 4 + [1] * 4)
    before = model.loss(x, y, env)
    before.backward()
    with torch.no_grad():
        for each in model.parameters():
            each -= 0.1 * each.grad
    assert model.loss(x, y, env).item() < before.item()
