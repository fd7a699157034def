from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hotpapers.papers.sinir.model import ScaleNet, SinIR
from hotpapers.papers.sinir.pyramid import resize

GOLDEN = {
    key: torch.from_numpy(value) for key, value in np.load(Path(__file__).parent / "golden" / "network.npz").items()
}


def golden_net(index: int) -> ScaleNet:
    net = ScaleNet(16)
    net.load_state_dict({k.removeprefix(f"{index}."): v for k, v in GOLDEN.items() if k.startswith(f"{index}.")})
    return net


@pytest.mark.parametrize(("channels", "count"), [(64, 225_987), (128, 902_531), (256, 3_607_299)])
def test_a_scale_has_the_published_number_of_parameters(channels, count):
    assert sum(each.numel() for each in ScaleNet(channels).parameters()) == count


def test_equal_weights_give_the_authors_output():
    torch.testing.assert_close(golden_net(0)(GOLDEN["x"]), GOLDEN["y0"], atol=1e-5, rtol=0)


def test_equal_weights_give_the_authors_gradients():
    net = golden_net(0)
    net(GOLDEN["x"]).square().sum().backward()
    torch.testing.assert_close(net.from_rgb[0].weight.grad, GOLDEN["grad.first"], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(net.blocks[3].weight.grad, GOLDEN["grad.block"], atol=1e-3, rtol=1e-3)


def test_a_cascade_of_equal_weights_gives_the_authors_output():
    model = SinIR([[20, 24], [27, 32]], channels=16)
    for index, net in enumerate(model.nets):
        net.load_state_dict(golden_net(index).state_dict())
    torch.testing.assert_close(model(GOLDEN["x"]), GOLDEN["y1"], atol=1e-5, rtol=0)


def plain_forward(net: ScaleNet, x: torch.Tensor) -> torch.Tensor:
    """The network layer by layer, left to autograd."""
    x = skip = net.from_rgb(x)
    for conv in net.blocks:
        x = F.leaky_relu(F.instance_norm(conv(F.pad(x, (1, 1, 1, 1), mode="reflect"))), 0.2) + skip
    return net.to_rgb(x).tanh()


def test_the_fused_blocks_have_the_output_and_gradients_of_plain_layers_in_double_precision():
    torch.manual_seed(0)
    net, x = ScaleNet(6).double(), torch.rand(1, 3, 9, 7).double().requires_grad_()
    wanted, found = plain_forward(net, x), net(x)
    torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)
    inputs = [x, *net.parameters()]
    weights = torch.rand_like(wanted)
    for a, b in zip(
        torch.autograd.grad((wanted * weights).sum(), inputs),
        torch.autograd.grad((found * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(b, a, atol=1e-10, rtol=1e-8)


def test_the_bias_before_instance_norm_changes_nothing():
    net, x = golden_net(0), GOLDEN["x"]
    before = net(x)
    torch.nn.init.constant_(net.blocks[2].bias, 5.0)
    torch.testing.assert_close(net(x), before, atol=1e-4, rtol=0)


def test_the_output_has_the_size_of_the_input_and_lies_between_minus_one_and_one():
    y = ScaleNet(8)(torch.randn(1, 3, 17, 31) * 5)
    assert y.shape == (1, 3, 17, 31)
    assert y.abs().max() <= 1


def test_a_saved_model_comes_back_bit_for_bit_with_its_photograph(tmp_path):
    image = torch.randint(256, (3, 20, 16), dtype=torch.uint8)
    model = SinIR([[12, 10], [20, 16]], channels=4, resampler="matlab", factor=0.6, preset="quick", image=image)
    model.save_pretrained(tmp_path)
    back = SinIR.from_pretrained(tmp_path)
    assert torch.equal(back.image, image)
    assert (back.sizes, back.resampler, back.factor, back.preset) == (model.sizes, "matlab", 0.6, "quick")
    for a, b in zip(model.parameters(), back.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_last_network_can_do_every_scale():
    model = SinIR([[12, 10], [20, 16]], channels=4)
    x = torch.rand(1, 3, 12, 10) * 2 - 1
    last = model.nets[1]
    wanted = last(resize(last(x), (20, 16)))
    assert torch.equal(model(x, last_net_only=True), wanted)
