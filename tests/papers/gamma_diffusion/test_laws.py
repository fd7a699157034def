import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hotpapers.blocks.diffusion import GammaNoise, GaussianNoise, MixtureNoise, Table, ddim, linear_betas
from hotpapers.blocks.diffusion.levels import Level
from hotpapers.errors import BadInput
from hotpapers.papers.gamma_diffusion.laws import (
    Law,
    check_law,
    divergence,
    gamma_divergence,
    scales,
    shapes,
    skewness,
    step_shapes,
)

SCHEDULE = Table(linear_betas())


@given(st.floats(1e-3, 1.0), st.integers(2, 400), st.floats(1e-4, 1e-3), st.floats(1e-3, 0.3))
@settings(deadline=None, max_examples=40)
def test_the_shapes_of_all_steps_add_up_to_the_closed_form(theta_0, steps, low, high):
    schedule = Table(linear_betas(steps, low, high))
    summed, closed = step_shapes(schedule, theta_0).cumsum(0), shapes(schedule, theta_0)
    assert float(((summed - closed) / closed).abs().max()) < 1e-11
    variance = closed * scales(schedule, theta_0) ** 2
    assert torch.allclose(variance, 1 - schedule.alpha_bar, rtol=1e-13, atol=0)


@pytest.mark.parametrize("theta_0", [0.01, 0.1])
def test_noise_added_step_by_step_is_the_noise_of_one_draw(theta_0):
    schedule = Table(linear_betas(30, 1e-3, 0.05))
    random = np.random.default_rng(0)
    x = np.zeros(20_000)
    for beta, k, theta in zip(schedule.betas, step_shapes(schedule, theta_0), scales(schedule, theta_0), strict=True):
        x = math.sqrt(1 - beta) * x + theta.item() * (random.gamma(k, size=x.shape) - k.item())
    torch.manual_seed(0)
    level = schedule.level(29)
    once = level.sigma * GammaNoise(theta_0)(torch.empty(20_000), level).numpy()
    assert stats.ks_2samp(x, once).pvalue > 1e-3
    k = float(shapes(schedule, theta_0)[-1])
    exact = (0, 1, 2 / math.sqrt(k), 3 + 6 / k)
    for drawn in (x, once):
        for power, moment in enumerate(exact, start=1):
            values = (drawn / level.sigma) ** power
            assert abs(values.mean() - moment) < 5 * values.std() / math.sqrt(len(values))


def test_the_published_law_has_the_skewness_and_divergence_of_the_table():
    skew, nats = skewness(Law("gamma"), SCHEDULE), divergence(Law("gamma"), SCHEDULE)
    at = [0, 9, 99, 999]
    assert skew[at].tolist() == pytest.approx([0.200, 0.0459, 0.0059, 1.27e-5], rel=0.01)
    assert nats[at].tolist()[:3] == pytest.approx([3.3e-3, 1.8e-4, 2.9e-6], rel=0.04)
    assert divergence(Law("gamma", 0.01), SCHEDULE)[at].tolist()[:3] == pytest.approx([0.42, 0.018, 2.9e-4], rel=0.03)
    assert divergence(Law("gamma", 0.1), SCHEDULE)[at].tolist()[:3] == pytest.approx([94, 3.3, 0.030], rel=0.03)
    assert shapes(SCHEDULE, 0.001)[0].item() == pytest.approx(100.01, abs=0.01)


@given(st.floats(2, 1e4))
@settings(deadline=None, max_examples=15)
def test_the_divergence_of_a_gamma_is_its_integral(k):
    x = np.linspace(stats.gamma.ppf(1e-12, k), stats.gamma.ppf(1 - 1e-12, k), 200_001)
    density = stats.gamma.logpdf(x, k) + math.log(k) / 2
    integrand = np.exp(stats.gamma.logpdf(x, k)) * (density - stats.norm.logpdf((x - k) / math.sqrt(k)))
    exact = float(gamma_divergence(torch.tensor([k]))[0])
    assert np.trapezoid(integrand[1:], x[1:]) == pytest.approx(exact, rel=0.03, abs=1e-7)


def test_the_divergence_of_a_gamma_goes_on_smoothly_where_its_formula_changes():
    below, above = gamma_divergence(torch.tensor([9_999.999, 10_000.001], dtype=torch.float64)).tolist()
    assert below == pytest.approx(above, rel=1e-5)
    assert gamma_divergence(torch.tensor([1e10]))[0].item() == pytest.approx(1 / 3e10)


@pytest.mark.parametrize("law", [Law("gaussian"), Law("gamma", 1e-6), Law("mog", sigma_start=1.0, sigma_end=1.0)])
def test_laws_become_gaussian_in_their_limits(law):
    assert float(divergence(law, SCHEDULE).abs().max()) < 1e-8
    torch.manual_seed(0)
    assert stats.kstest(law.at(999)(torch.empty(5_000), SCHEDULE.level(0)).numpy(), "norm").pvalue > 1e-3


def test_a_mixture_without_width_is_a_coin():
    torch.manual_seed(0)
    drawn = Law("mog", sigma_start=1e-9, sigma_end=1e-9).at(999)(torch.empty(1_000), SCHEDULE.level(500))
    assert torch.allclose(drawn.abs(), torch.ones(1_000), atol=1e-6)


@given(st.floats(0.05, 1.0), st.floats(0.05, 0.95))
@settings(deadline=None, max_examples=15)
def test_the_divergence_of_a_mixture_is_its_integral(s, p):
    law = Law("mog", sigma_start=s, sigma_end=s, p=p)
    m1 = math.sqrt((1 - s**2) * (1 - p) / p)
    reach = 9 * s + max(m1, p / (1 - p) * m1)
    x = np.linspace(-reach, reach, 60_001)
    density = p * stats.norm.pdf(x, m1, s) + (1 - p) * stats.norm.pdf(x, -p / (1 - p) * m1, s)
    log_ratio = np.log(np.maximum(density, 1e-300)) - stats.norm.logpdf(x)
    expected = np.trapezoid(density * log_ratio, x)
    assert float(divergence(law, SCHEDULE)[5]) == pytest.approx(expected, rel=1e-4, abs=1e-7)


@given(st.floats(0.05, 1.0), st.floats(0.05, 0.95))
@settings(deadline=None, max_examples=20)
def test_every_mixture_has_mean_0_variance_1_and_the_skewness_that_is_said(s, p):
    law = Law("mog", sigma_start=s, sigma_end=s, p=p)
    torch.manual_seed(1)
    drawn = law.at(999)(torch.empty(20_000, dtype=torch.float64), SCHEDULE.level(7))
    third = float(skewness(law, SCHEDULE)[7])
    for power, moment in ((1, 0.0), (2, 1.0), (3, third)):
        values = drawn**power
        assert abs(float(values.mean()) - moment) < 6 * float(values.std()) / math.sqrt(len(drawn)) + 1e-9


@pytest.mark.parametrize("noise", [GaussianNoise(), GammaNoise(0.1), GammaNoise(0.001), MixtureNoise(0.9, 0.5)])
@pytest.mark.parametrize("t", [20, 300])
def test_the_best_linear_denoiser_errs_alike_under_every_law(noise, t):
    torch.manual_seed(2)
    level, s = SCHEDULE.level(t), 0.7
    x_0 = s * torch.randn(200_000, dtype=torch.float64)
    x = level.m * x_0 + level.sigma * noise(x_0, level)
    wiener = level.m * s**2 / (level.m**2 * s**2 + level.sigma**2)
    error = level.m**2 * s**2 * level.sigma**2 / (level.m**2 * s**2 + level.sigma**2)  # of m x_0
    squares = level.m**2 * (wiener * x - x_0) ** 2
    assert float(squares.mean()) == pytest.approx(error, abs=6 * float(squares.std()) / math.sqrt(len(x)))


def test_with_the_best_denoiser_of_gaussian_data_all_laws_make_data_of_the_same_spread():
    levels, s = SCHEDULE.levels(20), 0.5

    def eps(x, level: Level):
        return level.sigma * x / (level.m**2 * s**2 + level.sigma**2)

    spreads = []
    for law in (Law(), Law("gamma", 0.1), Law("mog")):
        torch.manual_seed(3)
        start = law.at(999)(torch.empty(40_000), SCHEDULE.level(999))
        spreads.append(float(ddim(eps, start, levels, eta=1.0, noise=law.at(999)).std()))
    assert max(spreads) - min(spreads) < 0.01


@pytest.mark.parametrize(
    "law", [Law("poisson"), Law("gamma", 0.0), Law("gamma", math.nan), Law("mog", sigma_end=0.0), Law("mog", p=1.0)]
)
def test_settings_that_make_no_law_are_refused(law):
    with pytest.raises(BadInput):
        check_law(law)
