import pytest
import torch

from hotpapers.blocks.diffusion import (
    CLEAN,
    CosineSigma,
    Level,
    antithetic_times,
    by_level,
    ddim,
    decode,
    denoising_loss,
    encode,
    guided,
    kept_region,
    moving_average,
    on_sigma,
    on_time,
    partly_noised,
    slerp,
)

SCHEDULE = CosineSigma()


def best_eps(x, level):
    """Of data N(1, 1/4)."""
    return level.sigma * (x - level.m) / (level.m**2 * 0.25 + level.sigma**2)


def test_decoding_what_was_encoded_gives_it_back_the_better_the_more_steps():
    x = 1 + torch.randn(4, 1, 50, dtype=torch.float64) / 2
    errors = []
    for steps in (25, 50, 100, 200):
        levels = SCHEDULE.levels(steps)
        errors.append(float((decode(best_eps, encode(best_eps, x, levels), levels) - x).std()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def test_latents_of_the_data_are_standard_normal():
    x = 1 + torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0)) / 2
    latent = encode(best_eps, x, SCHEDULE.levels(200))
    assert float(latent.mean()) == pytest.approx(0, abs=0.05)
    assert float(latent.std()) == pytest.approx(1, abs=0.05)


def test_slerp_keeps_the_length_and_meets_both_ends():
    a, b = torch.randn(3, 2, 100), torch.randn(3, 2, 100)
    a, b = (each / each.flatten(1).norm(dim=1)[:, None, None] for each in (a, b))
    assert torch.allclose(slerp(a, b, 0.0), a, atol=1e-6)
    assert torch.allclose(slerp(a, b, 1.0), b, atol=1e-6)
    assert torch.allclose(slerp(a, b, 0.3).flatten(1).norm(dim=1), torch.ones(3), atol=1e-6)
    assert torch.allclose(slerp(a, a, 0.4), a, atol=1e-6)


def test_inpainting_keeps_the_region_exactly_and_fills_the_rest():
    known = torch.full((200, 1, 10), 5.0)
    keep = torch.arange(10) < 4
    after = kept_region(known, keep, torch.Generator().manual_seed(0))
    start = torch.randn(200, 1, 10, generator=torch.Generator().manual_seed(1))
    found = ddim(best_eps, start, SCHEDULE.levels(50), eta=1, after=after)
    assert torch.equal(found[..., :4], known[..., :4])
    assert float(found[..., 4:].mean()) == pytest.approx(1, abs=0.1)


def test_the_more_noise_the_farther_a_variation_lies_from_its_source():
    x = 1 + torch.randn(500, 1, 8) / 2
    distances = []
    for sigma in (0.05, 0.3, 0.8):
        top = SCHEDULE.level(SCHEDULE.time_of(sigma))
        levels = [level for level in SCHEDULE.levels(100) if level.t <= top.t]
        varied = ddim(best_eps, partly_noised(x, top), [top, *levels], eta=1)
        distances.append(float((varied - x).std()))
    assert distances == sorted(distances)
    assert distances[0] < 0.2


def test_guidance_by_the_exact_likelihood_samples_the_exact_posterior():
    """p(x) = N(1, 1/4) and p(y | x0) = exp(-(x0 - 2)^2 / 2), seen through the noise, give N(1.2, 1/5)."""

    def log_likelihood(x, level):
        precision = level.m**2 * 0.25 + level.sigma**2
        mean = 1 + 0.25 * level.m * (x - level.m) / precision
        spread = 0.25 - (0.25 * level.m) ** 2 / precision
        return (-((mean - 2) ** 2) / (2 * (1 + spread))).flatten(1).sum(1)

    start = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    levels = SCHEDULE.levels(200)
    steered = ddim(guided(best_eps, log_likelihood), start, levels)
    assert float(steered.mean()) == pytest.approx(1.2, abs=0.02)
    assert float(steered.std()) == pytest.approx(0.2**0.5, abs=0.02)
    assert torch.allclose(ddim(guided(best_eps, log_likelihood, 0.0), start, levels), ddim(best_eps, start, levels))


def test_the_best_denoiser_has_the_error_of_linear_least_squares():
    torch.manual_seed(0)
    level = SCHEDULE.level(0.4)
    batch = Level(torch.full((50_000,), 0.4), *(torch.full((50_000,), each) for each in level[1:]))
    x = 1 + torch.randn(50_000, 1) / 2
    loss = denoising_loss(best_eps_of_batch, x, batch)
    assert loss.shape == (50_000,)
    exact = level.m**2 * 0.25 / (level.m**2 * 0.25 + level.sigma**2)
    assert float(loss.mean()) == pytest.approx(exact, rel=0.03)
    assert float(denoising_loss(best_eps_of_batch, x, batch, power=1).mean()) < float(loss.mean() ** 0.5)


def best_eps_of_batch(x, level):
    m, sigma = level.m[:, None], level.sigma[:, None]
    return sigma * (x - m) / (m**2 * 0.25 + sigma**2)


def test_networks_are_told_a_number_for_each_item():
    told = lambda x, number: number  # noqa: E731
    x = torch.zeros(3, 2)
    assert on_sigma(told)(x, Level(7.0, 0.8, 0.6)).tolist() == pytest.approx([0.6] * 3)
    assert on_time(told)(x, Level(7, 0.8, 0.6)).tolist() == [7.0] * 3
    assert on_time(told)(x, Level(torch.tensor([1, 2, 3]), 0, 0)).tolist() == [1, 2, 3]
    assert on_time(told)(x, CLEAN).tolist() == [0, 0, 0]


def test_antithetic_times_come_in_pairs_that_add_up():
    times = antithetic_times(64, 1000)
    assert times.shape == (64,)
    assert all(1000 - 1 - t in times.tolist() for t in times[:31].tolist())
    assert antithetic_times(5, 10).max() < 10


def test_losses_are_told_apart_by_level():
    losses, times = torch.tensor([1.0, 3.0, 10.0]), torch.tensor([0.1, 0.2, 0.9])
    first, middle, last = by_level(losses, times, [0, 0.3, 0.6, 1.0])
    assert (first, last) == (2.0, 10.0)
    assert middle != middle


def test_the_moving_average_warms_up_and_then_forgets_slowly():
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = moving_average(model, 0.99)
    torch.nn.init.ones_(model.weight)
    expected = None
    for count in range(30):
        average.update_parameters(model)
        kept = min(0.99, (1 + count) / (10 + count))
        expected = 1.0 if expected is None else kept * expected + (1 - kept)
    assert average.module.weight.item() == pytest.approx(expected, abs=1e-6)
    again = moving_average(torch.nn.Linear(1, 1, bias=False), 0.99)
    again.load_state_dict(average.state_dict())
    assert int(again.n_averaged) == 30
