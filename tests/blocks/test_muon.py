import pytest
import torch

from hotpapers.blocks.muon import COEFFICIENTS, ITERATIONS, MOMENTUM, Muon, muon_beside_adam, orthogonalised


def random_matrices(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(3, 8, 40), (1, 16, 16), (2, 40, 8)])
def test_the_gram_matrix_gives_what_iterating_the_matrix_itself_gives(shape):
    given = random_matrices(*shape).double()
    a, b, c = COEFFICIENTS
    for matrix, found in zip(given, orthogonalised(given), strict=True):
        x = matrix / matrix.norm()
        for _ in range(ITERATIONS):
            square = x @ x.T
            x = a * x + (b * square + c * square @ square) @ x
        torch.testing.assert_close(found, x, atol=1e-9, rtol=0)


def test_singular_values_come_near_one_and_singular_vectors_stay():
    given = random_matrices(2, 128, 1152)
    found = orthogonalised(given)
    u, _, vh = torch.linalg.svd(given, full_matrices=False)
    aligned = u.mT @ found @ vh.mT
    values = aligned.diagonal(dim1=-2, dim2=-1)
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert (aligned - torch.diag_embed(values)).abs().max() < 1e-3


def test_the_size_of_the_gradient_does_not_matter_and_zero_gives_zero():
    given = random_matrices(1, 6, 9)
    torch.testing.assert_close(orthogonalised(given * 1e-4), orthogonalised(given), atol=1e-5, rtol=1e-4)
    assert torch.equal(orthogonalised(torch.zeros(1, 6, 9)), torch.zeros(1, 6, 9))


def test_a_step_is_the_orthogonal_momentum_with_nesterov():
    weight = torch.nn.Parameter(random_matrices(4, 3, 3, 3))
    before, gradients = weight.detach().clone(), random_matrices(2, 4, 3, 3, 3)
    optimiser = Muon([weight], 0.1)
    momentum = torch.zeros_like(before)
    for gradient in gradients:
        weight.grad = gradient
        optimiser.step()
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
        nesterov = (MOMENTUM * momentum + (1 - MOMENTUM) * gradient).flatten(1)
        before -= 0.1 * orthogonalised(nesterov[None])[0].view_as(before)
    torch.testing.assert_close(weight.detach(), before)


def test_a_weight_without_gradient_stays():
    first, second = (torch.nn.Parameter(random_matrices(4, 5)) for _ in range(2))
    first.grad = torch.ones(4, 5)
    Muon([first, second], 0.1).step()
    assert torch.equal(second, random_matrices(4, 5))
    assert not torch.equal(first, second)


def test_beside_adam_muon_moves_the_convolutions_within_and_both_rates_fall_to_nought():
    net = torch.nn.ModuleDict({"first": torch.nn.Conv1d(1, 4, 3), "block": torch.nn.Conv1d(4, 4, 3)})
    optimisers, schedules = muon_beside_adam(net, [net["block"]], 0.02, 2)
    muon, adam = ([each for group in one.param_groups for each in group["params"]] for one in optimisers)
    assert len(muon) == 1
    assert muon[0] is net["block"].weight
    assert {id(each) for each in muon + adam} == {id(each) for each in net.parameters()}
    rates = []
    for _ in range(3):
        rates.append([one.param_groups[0]["lr"] for one in optimisers])
        for each in (*optimisers, *schedules):
            each.step()
    assert rates == [[0.02, pytest.approx(0.002)], [0.01, pytest.approx(0.001)], [0, 0]]
