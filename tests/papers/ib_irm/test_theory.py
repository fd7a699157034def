"""Theorem 5 in numbers, and the networks' sizes."""

import math

import numpy as np
import pytest
import torch

from hotpapers.papers.ib_irm import theory
from hotpapers.papers.ib_irm.coloured import PALETTE, coloured, small_digits
from hotpapers.papers.ib_irm.examples import EXAMPLES, sample
from hotpapers.papers.ib_irm.model import ColouredCNN, coloured_mlp


@pytest.mark.parametrize("p", [0.6, 0.9])
@pytest.mark.parametrize("gamma", [0.1, 0.58])
def test_the_bottlenecks_flow_ends_at_lamberts_w_and_without_the_spurious_feature(p, gamma):
    _, w_inv, w_spu = theory.flow(1000.0, p, gamma)
    assert w_inv == pytest.approx(theory.minimiser(gamma), abs=1e-6)
    assert w_spu == pytest.approx(0, abs=1e-6)


def test_theorem_5_has_the_published_numbers():
    assert theory.minimiser() == pytest.approx(0.515057, abs=1e-6)
    assert theory.bound() == pytest.approx(2575.3, abs=0.1)
    assert theory.remembered(theory.bound()) == pytest.approx(0.1079, abs=1e-4)
    assert theory.flow(theory.bound(), gamma=theory.GAMMA, epsilon=1e-3)[0] == pytest.approx(17.4, abs=0.1)
    _, w_inv, w_spu = theory.flow(theory.bound())
    assert w_spu / w_inv == pytest.approx(0.1495, abs=1e-4)


def test_networks_have_the_published_numbers_of_parameters():
    for network, count in ((coloured_mlp(), 166_657), (ColouredCNN(), 225_162)):
        assert sum(each.numel() for each in network.parameters()) == count


def test_two_worlds_share_their_training_data_and_disagree_on_every_test_row():
    splits, worlds = theory.two_worlds(0, 200)
    x, y = splits.train
    assert torch.equal((x[..., 0] + 2 * x[..., 1] > 0).float(), y)
    assert torch.equal((x[..., 0] > 0).float(), y)
    assert torch.equal(worlds[0], 1 - worlds[1])
    together, same = theory.two_worlds(0, 200, overlap=True)
    assert torch.equal(same[0], same[1])
    assert together.test[0][..., 1].abs().max() <= 0.1


@pytest.mark.parametrize("example", [each for each in EXAMPLES if len(each) == 1])
def test_the_test_split_permutes_the_spurious_block_only(example):
    x, y = sample(example, 0, 3, 2000).test
    x_train, y_train = sample(example, 0, 3, 2000).train
    for e in range(3):
        link, usual = (np.corrcoef(block[e, :, 5:].sum(1), t[e])[0, 1] for block, t in ((x, y), (x_train, y_train)))
        kept, before = (np.corrcoef(block[e, :, :5].sum(1), t[e])[0, 1] for block, t in ((x, y), (x_train, y_train)))
        assert abs(link) < 0.1
        assert kept == pytest.approx(before, abs=0.06)
        assert example == "1" or abs(usual) > 0.1


def test_anticausal_colours_follow_the_noisy_label_as_told():
    images, digits = small_digits()
    found = coloured(np.repeat(images, 6, 0), np.repeat(digits, 6), "ac")
    for name, flip in (("train-1", 0.2), ("train-2", 0.1), ("test", 0.9)):
        x, labels = found[name]
        colour = (x[:, 1].sum((1, 2)) > 0).long()
        assert float((colour != labels).float().mean()) == pytest.approx(flip, abs=0.03)
        assert float(x[:, 0].mul(x[:, 1]).max()) == 0


def test_covariate_colours_are_the_classes_in_training_and_any_in_the_test():
    images, digits = small_digits()
    found = coloured(images, digits, "cs")
    shades = {tuple(shade) for shade in PALETTE.tolist()}

    def seen(name):
        x, labels = found[name]
        return [
            (tuple((each.amax((1, 2)) * 255).round().int().tolist()), int(label))
            for each, label in zip(x, labels, strict=True)
        ]

    assert {shade for shade, _ in seen("test")} == shades
    assert len(set(seen("train-1"))) == 10
    assert len(set(seen("test"))) > 80
    assert math.isclose(sum(len(labels) for _, labels in found.values()), len(digits))
