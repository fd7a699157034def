import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from hotpapers.blocks.diffusion import UNet1d, UNet2d
from hotpapers.blocks.diffusion.unet1d import stretched_conv
from hotpapers.blocks.diffusion.unet2d import norm

sys.path.insert(0, str(Path(__file__).parent))
from make_authors_golden import SMALL, filled, inputs


def parameters(model):
    return sum(each.numel() for each in model.parameters())


@pytest.mark.parametrize(("width", "count"), [(32, 15_754_849), (16, 4_465_921), (8, 1_444_945), (4, 590_329)])
def test_the_waveform_net_has_the_published_size(width, count):
    model = UNet1d(width)
    assert parameters(model) + model.embedding.frequencies.numel() == count
    assert model.multiple == 300


def test_the_waveform_net_gives_noise_of_its_inputs_shape():
    model = UNet1d(4, channels=3, out_channels=2)
    assert model(torch.randn(2, 3, 600), torch.rand(2)).shape == (2, 2, 600)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 7), st.integers(0, 1000))
def test_a_convolution_of_a_stretched_signal_needs_no_stretching(factor, length, seed):
    torch.manual_seed(seed)
    x, weight, bias = torch.randn(2, 3, length).double(), torch.randn(4, 3, 3).double(), torch.randn(4).double()
    written = F.conv1d(x.repeat_interleave(factor, -1), weight, bias, padding=1)
    assert torch.allclose(stretched_conv(x, weight, bias, factor), written, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"size": 32}, 35_746_307),
        ({"multiples": (1, 2, 2, 2, 4), "size": 64}, 78_700_803),
        ({"multiples": (1, 1, 2, 2, 4, 4), "size": 256}, 113_673_219),
        ({"channels": 10, "size": 16}, 34_775_562),
        ({"channels": 8, "multiples": (1, 2, 2, 2, 2), "size": 32}, 45_665_544),
    ],
)
def test_the_image_net_has_the_published_sizes(options, count):
    with torch.device("meta"):
        assert parameters(UNet2d(**options)) == count


def test_the_image_net_gives_noise_of_its_inputs_shape():
    model = UNet2d(2, 32, (1, 2), size=8, attention_at=(4,))
    assert model(torch.randn(3, 2, 8, 8), torch.tensor([0, 5, 999])).shape == (3, 2, 8, 8)


GOLDEN = np.load(Path(__file__).parent / "unets.npz")


def test_the_waveform_net_gives_what_the_authors_gives_with_the_same_weights():
    with torch.no_grad():
        found = filled(UNet1d())(inputs(1, 600), torch.tensor([0.1, 0.7]))[:, 0]
    assert np.abs(GOLDEN["crash"]).max() > 0.1
    assert np.abs(found.numpy() - GOLDEN["crash"]).max() < 1e-5


def test_the_image_net_gives_what_the_authors_gives_with_the_same_weights():
    with torch.no_grad():
        found = filled(UNet2d(**SMALL).eval())(inputs(3, 16, 16), torch.tensor([3, 700]))
    assert np.abs(GOLDEN["ddpm"]).max() > 0.1
    assert np.abs(found.numpy() - GOLDEN["ddpm"]).max() < 1e-5


@pytest.mark.parametrize(("channels", "groups"), [(24, 24), (32, 32), (48, 24), (100, 25), (128, 32), (37, 1)])
def test_channels_are_normalised_in_at_most_32_groups_that_divide_them(channels, groups):
    assert norm(channels, 32).num_groups == groups
