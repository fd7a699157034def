"""The networks against the published counts, their authors' outputs, and what they are by construction."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hotpapers.blocks.diffusion import CLEAN, ddim
from hotpapers.papers.d2c.contrast import Contrast
from hotpapers.papers.d2c.logistics import Mixture, channels_out, quantise
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.presets import PRESETS
from hotpapers.papers.d2c.sampling import path
from hotpapers.papers.d2c.views import Views, _turned

GOLDEN = Path(__file__).parent / "golden" / "authors.npz"
"""Made on the CPU from ermongroup/d2c at 65b2262: its autoencoder with FFHQ's configuration, narrowed to 8 channels, 2
scales of 2 groups, latents of 3 x 4 x 4, with the weights of ``filled``; its DDIM steps with a function as network."""


def count(module):
    return sum(each.numel() for each in module.parameters())


def filled(*parts):
    """Fill weights and running statistics with seeded numbers, in the order in which a module is walked."""
    random = np.random.default_rng(7)
    for part in parts:
        for each in part.parameters():
            wide = each.ndim > 1 and each[0].numel() > 1
            each.data = torch.from_numpy(
                random.normal(0, each[0].numel() ** -0.5 if wide else 0.5, tuple(each.shape))
            ).float()
    for norm in (each for part in parts for each in part.modules() if isinstance(each, nn.BatchNorm2d)):
        norm.weight.data = 1 + 0.3 * norm.weight.data
        norm.running_mean = torch.from_numpy(random.normal(0, 0.5, norm.running_mean.shape)).float()
        norm.running_var = torch.from_numpy(random.uniform(0.5, 2, norm.running_var.shape)).float()


@pytest.mark.parametrize(
    ("preset", "encoder", "decoder", "unet", "shape"),
    [
        ("cifar", 15_601_132, 9_008_760, 34_775_562, (10, 16, 16)),
        ("ffhq", 14_831_098, 9_936_498, 45_665_544, (8, 32, 32)),
    ],
)
def test_the_published_networks_have_the_published_sizes(preset, encoder, decoder, unet, shape):
    with torch.device("meta"):
        net = D2C(**PRESETS[preset].network()).eval()
        assert (count(net.encoder), count(net.decoder), count(net.unet), net.shape) == (encoder, decoder, unet, shape)
        assert net.encoder(torch.zeros(1, 3, net.size, net.size)).shape[1:] == shape
        assert net.decoder(torch.zeros(1, *shape)).shape[1:] == (100, net.size, net.size)


def test_the_published_head_has_the_published_size():
    with torch.device("meta"):
        assert count(Contrast(nn.Identity(), 2560).head) == 11_801_088


def test_equal_weights_give_the_authors_latents_and_distributions():
    golden = np.load(GOLDEN)
    net = D2C(16, 3, 5, 8, 2, 2, 2, 3, unet_width=32, unet_multiples=(1,)).eval().requires_grad_(False)
    filled(net.encoder, net.decoder)
    x = torch.from_numpy(np.random.default_rng(8).integers(0, 256, (2, 3, 16, 16)).astype(np.float32) / 255)
    z = torch.from_numpy(golden["latent"])
    assert torch.allclose(net.encode(x), z, atol=1e-5)
    assert torch.allclose(net.decoder(z)[:, :, ::5, ::5], torch.from_numpy(golden["numbers"]), atol=1e-5)
    found = net.distribution(z).log_prob(quantise(x, 5))
    assert torch.allclose(found, torch.from_numpy(golden["log_prob"]), rtol=1e-5)


def test_a_network_in_use_follows_weights_that_change():
    torch.manual_seed(0)
    net = D2C(16, 1, 8, 4, 2, 1, 1, 3, 3, unet_width=32, unet_multiples=(1,)).eval().requires_grad_(False)
    x = torch.rand(1, 1, 16, 16)
    before = net.decoder(net.encode(x))
    net.encoder.tower[0].norm2.running_mean += 1
    net.decoder.first.log_weight_norm += 0.5
    after = net.decoder(net.encode(x))
    assert not torch.allclose(before, after)
    other = D2C(16, 1, 8, 4, 2, 1, 1, 3, 3, unet_width=32, unet_multiples=(1,)).eval()
    other.load_state_dict(net.state_dict())
    assert torch.allclose(other.decoder(other.encode(x)), after, atol=1e-5)


def test_the_authors_steps_take_the_same_latents_to_the_same_place():
    golden = np.load(GOLDEN)
    net = D2C(16, 3, scales=2, width=4, groups=2, latent=3, unet_width=32, unet_multiples=(1,))
    z = torch.from_numpy(np.random.default_rng(9).normal(size=(2, 3, 4, 4))).float()

    def eps(x, level):
        return torch.tanh(x * (1 + level.t / 1000) + 0.1)

    assert torch.allclose(ddim(eps, z, path(net, 10)), torch.from_numpy(golden["sample"]), rtol=1e-5, atol=1e-4)
    levels = [net.schedule.level(50), net.schedule.level(0), CLEAN]
    noisy = levels[0].m * z + levels[0].sigma * torch.from_numpy(golden["noise"])
    assert torch.allclose(ddim(eps, noisy, levels), torch.from_numpy(golden["edit"]), atol=1e-5)


@pytest.mark.parametrize("bits", [1, 3, 5])
def test_the_probabilities_of_a_grey_pixel_sum_to_one_over_the_grid(bits):
    torch.manual_seed(bits)
    numbers = 2 * torch.randn(1, channels_out(1, 4), 2, 3, dtype=torch.float64)
    mixture = Mixture(numbers, 1, bits)
    pixel = sum(_one_pixel(mixture, torch.full((1, 1, 2, 3), value / (2**bits - 1), dtype=torch.float64)).exp()
                for value in range(2**bits))  # fmt: skip
    assert torch.allclose(pixel, torch.ones_like(pixel), atol=1e-9)


def test_the_probabilities_of_a_coloured_pixel_sum_to_one_over_the_grid():
    torch.manual_seed(0)
    mixture = Mixture(2 * torch.randn(1, channels_out(3, 3), 1, 1, dtype=torch.float64), 3, 3)
    grid = torch.cartesian_prod(*[torch.arange(8, dtype=torch.float64) / 7] * 3)
    total = sum(float(mixture.log_prob(colour.reshape(1, 3, 1, 1)).exp()) for colour in grid)
    assert total == pytest.approx(1, abs=1e-9)


def _one_pixel(mixture, x):
    """Return the log-probability of each pixel: pictures of one pixel each, the mixture cut to match."""
    found = torch.empty(x.shape[2:], dtype=x.dtype)
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            part = Mixture.__new__(Mixture)
            part.channels, part.bits, part.couplings = 1, mixture.bits, None
            cut = np.s_[..., row : row + 1, column : column + 1]
            part.logits, part.means, part.log_scales = mixture.logits[cut], mixture.means[cut], mixture.log_scales[cut]
            found[row, column] = part.log_prob(x[cut])
    return found


def test_a_narrow_mixture_has_one_image_whichever_way_it_is_asked():
    numbers = torch.zeros(1, channels_out(3, 2), 4, 4)
    rest = numbers[:, 2:].reshape(1, 3, 6, 4, 4)
    rest[:, :, :2] = torch.tensor([-0.6, 0.2, 0.8])[None, :, None, None, None]
    rest[:, :, 2:4] = -7
    mixture = Mixture(torch.cat([numbers[:, :2], rest.reshape(1, -1, 4, 4)], 1), 3, 8)
    wanted = ((torch.tensor([-0.6, 0.2, 0.8]) + 1) / 2)[None, :, None, None].expand(1, 3, 4, 4)
    for found in (mixture.mean(), mixture.mode(), mixture.sample(torch.Generator().manual_seed(0))):
        assert torch.allclose(found, wanted, atol=0.01)
    assert torch.equal(mixture.mean(), mixture.mean())


def test_the_mean_of_a_coloured_mixture_is_that_of_what_is_drawn_from_it():
    generator = torch.Generator().manual_seed(0)
    rest = torch.rand(1, 3, 6, 1, 1, generator=generator) - 0.5  # means and couplings that seldom leave [-1, 1]
    rest[:, :, 2:4] = -3
    numbers = torch.cat([torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1), rest.reshape(1, -1, 1, 1)], 1)
    mixture = Mixture(numbers.expand(-1, -1, 128, 128), 3, 8)
    drawn = mixture.sample(generator)
    assert torch.allclose(drawn.mean((2, 3)), mixture.mean()[:, :, 0, 0], atol=0.005)
    assert float((drawn - mixture.mean()).square().mean()) < float((drawn - mixture.mode()).square().mean())


@given(st.integers(1, 8), st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_rounding_to_bits_gives_that_many_values_and_only_once(bits, values):
    x = torch.tensor(values)
    once = quantise(x, bits)
    steps = once * (2**bits - 1)
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    assert 0 <= float(once.min()) <= float(once.max()) <= 1
    assert torch.allclose(quantise(once, bits), once, atol=1e-6)


def test_where_nothing_is_told_apart_the_contrast_is_the_logarithm_of_all_keys():
    contrast = Contrast(nn.Identity(), 4, hidden=4, dim=3, queue=16)
    contrast.queue.copy_(torch.tensor([1.0, 0, 0]).expand(16, 3))
    key = torch.tensor([[1.0, 0, 0]]).expand(2, 3)
    assert float(contrast.loss(key, key)) == pytest.approx(np.log(17), abs=1e-6)


def test_keys_get_no_gradient_and_queries_do():
    torch.manual_seed(0)
    encoder = nn.Conv2d(1, 2, 3, padding=1)
    contrast = Contrast(encoder, 32, hidden=8, dim=4, queue=8)
    x = torch.rand(4, 1, 4, 4)
    key = contrast.key(x)
    contrast.loss(contrast.query(encoder(x)), key).backward()
    assert not key.requires_grad
    assert all(each.grad is None for each in (*contrast.slow_encoder.parameters(), *contrast.slow_head.parameters()))
    assert all(each.grad is not None for each in (*encoder.parameters(), *contrast.head.parameters()))


def test_the_queue_takes_new_keys_for_its_oldest_in_turn():
    contrast = Contrast(nn.Identity(), 4, hidden=4, dim=2, queue=4)
    for number in range(3):
        contrast.enqueue(torch.full((2, 2), float(number)))
    assert contrast.queue[:, 0].tolist() == [2, 2, 1, 1]
    with pytest.raises(ValueError, match="no multiple"):
        contrast.enqueue(torch.zeros(3, 2))


def test_the_slow_copy_goes_a_thousandth_of_the_way():
    encoder = nn.Conv2d(1, 1, 1)
    contrast = Contrast(encoder, 4, hidden=4, dim=2, queue=4, momentum=0.999)
    before = encoder.weight.detach().clone()
    with torch.no_grad():
        encoder.weight += 1
    contrast.follow(encoder)
    assert torch.allclose(contrast.slow_encoder.weight, before + 0.001, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3]))
def test_views_stay_images_and_no_view_at_all_is_the_image(seed, channels):
    torch.manual_seed(seed)
    x = torch.rand(3, channels, 12, 12)
    view = Views(blurred=0.5)(x)
    assert view.shape == x.shape
    assert 0 <= float(view.min()) <= float(view.max()) <= 1 + 1e-6
    assert torch.equal(Views(1.0, 0.0, 0.0, 0.0, 0.0, 0.0)(x), x)


def test_turning_the_hue_by_a_third_moves_red_to_green_and_a_whole_turn_changes_nothing():
    red = torch.tensor([1.0, 0.2, 0.2])[None, :, None, None]
    assert torch.allclose(_turned(red, torch.tensor(1 / 3)).flatten(), torch.tensor([0.2, 1.0, 0.2]), atol=1e-5)
    x = torch.rand(2, 3, 5, 5)
    assert torch.allclose(_turned(x, torch.tensor(1.0)), x, atol=1e-5)


def test_latents_that_cannot_be_halved_are_padded_for_the_network_alone():
    torch.manual_seed(0)
    net = D2C(**PRESETS["small"].network()).eval().requires_grad_(False)
    assert net.shape == (8, 7, 7)
    assert net.unet.size == 8
    assert net.noise_in(torch.randn(2, 8, 7, 7), torch.tensor([3.0, 900.0])).shape == (2, 8, 7, 7)
