import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hotpapers.blocks.diffusion import GammaNoise, GaussianNoise, Level, MixtureNoise, Table, linear_betas
from hotpapers.blocks.diffusion.noise import NEARLY_GAUSSIAN, standard_gamma

TABLE = Table(linear_betas())
LAWS = {
    "gaussian": GaussianNoise(),
    "gamma 0.001": GammaNoise(0.001),
    "gamma 0.1": GammaNoise(0.1),
    "mixture": MixtureNoise(1.0, 0.3),
    "mixture of 0.2": MixtureNoise(0.9, 0.5, p=0.2),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("t", [0, 30, 400, 999])
def test_every_law_has_mean_0_and_variance_1_at_every_level(name, t):
    drawn = LAWS[name](torch.zeros(200_000), TABLE.level(t), torch.Generator().manual_seed(t)).double()
    kurtosis = float(((drawn - drawn.mean()) / drawn.std()).pow(4).mean())
    assert abs(float(drawn.mean())) < 5 / math.sqrt(200_000)
    assert float(drawn.var()) == pytest.approx(1, abs=6 * math.sqrt((kurtosis + 1) / 200_000))


def test_the_shape_telescopes_to_the_sum_of_the_steps():
    for theta in (1e-3, 1e-2, 0.1, 1.0):
        steps = TABLE.betas / (TABLE.alpha_bar * theta**2)
        k = torch.stack([GammaNoise(theta).shape(TABLE.level(t)) for t in range(1000)])
        assert float((steps.cumsum(0) / k - 1).abs().max()) < 1e-11


@pytest.mark.parametrize(("t", "skewness"), [(0, 0.200), (9, 0.0459), (99, 0.0059), (999, 1.27e-5)])
def test_the_published_scale_is_gaussian_after_a_few_steps(t, skewness):
    k = float(GammaNoise(0.001).shape(TABLE.level(t)))
    assert 2 / math.sqrt(k) == pytest.approx(skewness, rel=0.03)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.5, 8), st.integers(0, 2**32 - 1))
def test_the_standard_gamma_is_scipys(exponent, seed):
    k = torch.tensor(10.0**exponent, dtype=torch.float64)
    drawn = standard_gamma(torch.zeros(2_000, dtype=torch.float64), k, torch.Generator().manual_seed(seed))
    law = stats.gamma(float(k), loc=-math.sqrt(k), scale=1 / math.sqrt(k))
    assert stats.kstest(drawn.numpy(), law.cdf).pvalue > 1e-6


def test_tiny_shapes_are_nearly_always_nearly_nothing():
    """At k = 0.01, 79 % of a Gamma lies below 10^-10, where all of them are the same number."""
    k = torch.tensor(0.01, dtype=torch.float64)
    drawn = standard_gamma(torch.zeros(100_000), k, torch.Generator().manual_seed(0))
    assert float((drawn * 0.1 + 0.01 < 1e-4).float().mean()) == pytest.approx(stats.gamma(0.01).cdf(1e-4), abs=0.01)
    assert float((drawn * 0.1 + 0.01 > 1).float().mean()) == pytest.approx(stats.gamma(0.01).sf(1), abs=0.001)


def test_float32_draws_do_not_lose_their_digits_at_huge_shapes():
    drawn = standard_gamma(torch.zeros(100_000), torch.tensor(2.5e10, dtype=torch.float64))
    assert len(drawn.unique()) > 90_000
    assert NEARLY_GAUSSIAN < 2.5e10


def test_a_batch_may_have_a_level_for_each_item():
    times = torch.tensor([0, 5, 999])
    drawn = GammaNoise(0.005)(torch.zeros(3, 100_000), TABLE.batch(times), torch.Generator().manual_seed(0))
    for row, t in zip(drawn, times.tolist(), strict=True):
        k = float(GammaNoise(0.005).shape(TABLE.level(t)))
        law = stats.gamma(k, loc=-math.sqrt(k), scale=1 / math.sqrt(k))
        assert stats.kstest(row.double().numpy()[:5_000], law.cdf).pvalue > 1e-5


def test_noise_added_step_by_step_is_the_noise_added_at_once():
    """Kolmogorov and Smirnov find no difference between the chain and the closed form."""
    theta, steps, n = 0.4, 12, 20_000
    betas = torch.linspace(0.01, 0.2, steps, dtype=torch.float64)
    table = Table(betas)
    torch.manual_seed(0)
    x = torch.full((n,), 0.7, dtype=torch.float64)
    for beta, alpha_bar in zip(betas, table.alpha_bar, strict=True):
        scale = theta * alpha_bar.sqrt()
        k = beta / scale**2
        x = (1 - beta).sqrt() * x + scale * (torch._standard_gamma(k.expand(n)) - k)
    level = table.level(steps - 1)
    at_once = level.m * 0.7 + level.sigma * GammaNoise(theta)(x, level)
    assert stats.ks_2samp(x.numpy(), at_once.numpy()).pvalue > 1e-3
    gaussian = level.m * 0.7 + level.sigma * torch.randn_like(x)
    assert stats.ks_2samp(x.numpy(), gaussian.numpy()).pvalue < 1e-6


def test_a_small_scale_and_a_wide_mixture_are_the_gaussian():
    for law in (GammaNoise(1e-9), MixtureNoise(1.0, 1.0)):
        drawn = law(torch.zeros(20_000), Level(500.0, 0.5, math.sqrt(0.75)), torch.Generator().manual_seed(1))
        assert stats.kstest(drawn.numpy(), stats.norm.cdf).pvalue > 1e-3


def test_a_mixture_without_width_is_a_coin():
    drawn = MixtureNoise(0.0, 0.0)(torch.zeros(1_000), Level(5.0, 0.9, 0.4))
    assert drawn.unique().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("make", [lambda: GammaNoise(0), lambda: MixtureNoise(1.2), lambda: MixtureNoise(p=1)])
def test_laws_that_cannot_be_are_refused(make):
    with pytest.raises(ValueError):
        make()
