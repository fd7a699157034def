"""SinGAN against its published classes, its published sizes, and what its procedure promises."""

import json
from pathlib import Path

import pytest
import torch

from hotpapers.papers.sinir import singan
from hotpapers.papers.sinir.singan import Discriminator, Generator, SinGAN, SinGANConfig, train_singan
from hotpapers.run import Run

GOLDEN = json.loads((Path(__file__).parent / "golden" / "singan_networks.json").read_text())
TINY = SinGANConfig(max_size=30, min_size=18, epochs=1, double_every=1, channels=4, max_channels=8)


def fill(network: torch.nn.Module) -> torch.nn.Module:
    for i, parameter in enumerate(network.parameters()):
        wave = 0.05 * torch.sin(0.37 * torch.arange(parameter.numel(), dtype=torch.float64) + i)
        is_norm_weight = parameter.ndim == 1 and i % 4 == 2
        parameter.data = wave.view(parameter.shape) + (1 if is_norm_weight else 0)
    return network.double()


def picture(height: int, width: int, phase: float = 0.0) -> torch.Tensor:
    wave = torch.sin(0.11 * torch.arange(3 * height * width, dtype=torch.float64) + phase)
    return wave.view(1, 3, height, width)


def train(out: Path, *, seed: int = 0, config: SinGANConfig = TINY) -> SinGAN:
    with Run(out, seed=seed, device="cpu") as run:
        return train_singan(picture(24, 30).float(), config, run)


def test_nine_scales_have_the_published_number_of_parameters() -> None:
    generators = [Generator(SinGANConfig().width(level)) for level in range(9)]
    assert sum(p.numel() for generator in generators for p in generator.parameters()) == 1_029_147


def test_the_generator_gives_what_the_published_one_gives_on_equal_weights() -> None:
    found = fill(Generator(32))(picture(15, 17), picture(15, 17, 1.0))
    assert found.shape == (1, 3, 5, 7)
    assert found.flatten().tolist() == pytest.approx(GOLDEN["generator"], abs=1e-8)


def test_the_discriminator_and_its_gradient_penalty_are_the_published_ones() -> None:
    discriminator = fill(Discriminator(32))
    assert discriminator(picture(15, 17)).flatten().tolist() == pytest.approx(GOLDEN["discriminator"], abs=1e-8)
    torch.manual_seed(7)
    penalty = singan.gradient_penalty(discriminator, picture(15, 17), picture(15, 17, 2.0))
    assert 0.1 * float(penalty.detach()) == pytest.approx(GOLDEN["gradient_penalty"], abs=1e-8)


@pytest.mark.parametrize("given", GOLDEN["sizes"])
def test_the_pyramid_has_the_published_sizes(given: str) -> None:
    height, width = map(int, given.split("x"))
    sizes, factor = singan.singan_sizes(height, width)
    assert [list(size) for size in sizes] == GOLDEN["sizes"][given]["sizes"]
    assert factor == pytest.approx(GOLDEN["sizes"][given]["factor"])


@pytest.mark.parametrize(("name", "scale"), [("smaller", 0.75), ("larger", 1 / 0.75)])
def test_away_from_the_first_rows_and_columns_resampling_is_the_published_one(name: str, scale: float) -> None:
    height, width = GOLDEN[f"{name}_size"]
    found = singan._resize(picture(12, 14).float(), scale, (height, width))
    expected = torch.tensor(GOLDEN[name]).view(1, 3, height, width).clamp(-1, 1)
    # There the published code drops taps instead of mirroring them: its unsigned indices wrap around
    assert torch.allclose(found[..., 3:, 3:], expected[..., 3:, 3:], atol=1e-5)


def test_training_is_deterministic_and_the_seed_matters(tmp_path: Path) -> None:
    first, again, other = train(tmp_path / "a"), train(tmp_path / "b"), train(tmp_path / "c", seed=1)
    assert torch.equal(first.reconstruct(), again.reconstruct())
    assert not torch.equal(first.reconstruct(), other.reconstruct())


def test_a_level_starts_as_a_copy_of_the_one_below_only_where_both_are_as_wide(tmp_path: Path) -> None:
    model = train(tmp_path, config=SinGANConfig(max_size=30, min_size=18, epochs=0, channels=4, double_every=2))
    first, second, third = model.generators[:3]
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert second.layers[0].weight.shape[0] == 4
    assert third.layers[0].weight.shape[0] == 8


def test_samples_differ_and_the_reconstruction_does_not(tmp_path: Path) -> None:
    model = train(tmp_path)
    assert model.sample().shape == (1, 3, 24, 30)
    assert not torch.equal(model.sample(), model.sample())
    assert torch.equal(model.reconstruct(), model.reconstruct())


def test_training_learns_the_photograph(tmp_path: Path) -> None:
    config = SinGANConfig(max_size=30, min_size=18, epochs=10, channels=8)
    target = picture(24, 30).float()
    model = train(tmp_path, config=config)
    # Weights of a new level start near zero, so that what is learnt shows as a gain on grey
    assert (model.reconstruct() - target).square().mean() < 0.5 * target.square().mean()


def test_finished_levels_never_change(tmp_path: Path) -> None:
    model = train(tmp_path)
    assert all(not parameter.requires_grad for parameter in model.generators.parameters())
    assert all(not generator.training for generator in model.generators)
    before = [buffer.clone() for buffer in model.generators.buffers()]
    model.sample()
    assert all(torch.equal(a, b) for a, b in zip(before, model.generators.buffers(), strict=True))


def test_noise_is_as_strong_as_what_the_levels_below_leave(tmp_path: Path) -> None:
    model = train(tmp_path)
    targets = singan.singan_pyramid(picture(24, 30).float(), model.sizes, model.factor)
    left = (targets[1] - model.before(1, random=False)).square().mean().sqrt()
    assert model.amplitudes[:2] == pytest.approx([1.0, 0.1 * float(left)])
