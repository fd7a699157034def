"""The closed forms are the objective: same gradient as autograd, same data through moments, same weights at the end."""

import pytest
import torch

from hotpapers.papers.ib_irm.linear import Draws, LogisticRows, Moments, errors, penalties, sweep
from hotpapers.papers.ib_irm.objective import Objective, irm_penalty, row_losses

ROWS = [
    {"learning_rate": 0.01, "irm": 0.7, "risk": 0.3},
    {"learning_rate": 0.02, "ib": 0.4, "weight_decay": 0.01},
    {"learning_rate": 0.03, "irm": 2.0, "ib": 0.2},
    {"learning_rate": 0.01, "rex": 3.0},
    {"learning_rate": 0.01, "dro": 0.5},
]


def drawn(task, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 3, 20, 4, generator=generator, dtype=torch.float64)
    noise = torch.randn(2, 3, 20, generator=generator, dtype=torch.float64)
    y = x[..., 0] + noise
    return x, y if task == "regression" else (y > 0).double()


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("conditional", [True, False])
def test_the_sweep_takes_the_steps_of_autograd_and_torchs_adam(task, conditional):
    x, y = drawn(task)
    source = (Moments if task == "regression" else LogisticRows)(x, y)
    start = torch.randn(len(ROWS), 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = sweep(source, Draws.of(ROWS), start.expand(2, -1, -1), 20, conditional=conditional)
    env = torch.arange(3).repeat_interleave(20)
    for k, row in enumerate(ROWS):
        w = start[k].clone().requires_grad_()
        options = {name: value for name, value in row.items() if name not in ("learning_rate", "weight_decay")}
        objective = Objective(task, **options, penalty="two-dummies", where="logits", conditional=conditional)
        adam = torch.optim.Adam([w], row["learning_rate"], weight_decay=row.get("weight_decay", 0.0))
        for _ in range(20):
            outputs = x[1].flatten(0, 1) @ w[:-1, None] + w[-1]
            adam.zero_grad()
            objective(outputs, None, y[1].flatten(), env).backward()
            adam.step()
        torch.testing.assert_close(found[1, k], w.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_rows_of_zeros_that_fill_an_environment_change_nothing(task):
    x, y = drawn(task)
    counts = torch.tensor([[20.0, 13.0, 7.0]])
    kind = Moments if task == "regression" else LogisticRows
    spoilt_x, spoilt_y = x[:1].clone(), y[:1].clone()
    for e, count in enumerate(counts[0].int()):
        spoilt_x[0, e, count:], spoilt_y[0, e, count:] = 99, 0
    source = kind(spoilt_x, spoilt_y, counts)
    w = torch.randn(1, 2, 5, dtype=torch.float64)
    g = source.gradient(w)
    for e, count in enumerate(counts[0].int()):
        alone = kind(x[:1, e : e + 1, :count], y[:1, e : e + 1, :count])
        torch.testing.assert_close(g[:, e], alone.gradient(w)[:, 0])
        torch.testing.assert_close(source.risks(w)[:, e], alone.risks(w)[:, 0], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_penalty_and_risk_are_those_of_the_outputs(task):
    x, y = drawn(task)
    source = (Moments if task == "regression" else LogisticRows)(x, y)
    w = torch.randn(2, 3, 5, dtype=torch.float64)
    outputs = x[0].flatten(0, 1) @ w[0, 1, :-1, None] + w[0, 1, -1]
    env = torch.arange(3).repeat_interleave(20)
    found = penalties(source, w)[0, :, 1]
    torch.testing.assert_close(
        found, irm_penalty(outputs, y[0].flatten(), env, task, "two-dummies"), rtol=1e-5, atol=1e-8
    )
    losses = row_losses(outputs, y[0].flatten(), task).unflatten(0, (3, 20)).mean(1)
    torch.testing.assert_close(source.risks(w)[0, :, 1], losses, rtol=1e-5, atol=1e-8)


def test_errors_count_wrong_signs_by_environment():
    x = torch.tensor([[[[1.0], [2.0]], [[-1.0], [1.0]]]])
    y = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    w = torch.tensor([[[1.0, 0.0]]])
    assert errors(w, x, y, regression=False).tolist() == [[[0.5, 0.0]]]
