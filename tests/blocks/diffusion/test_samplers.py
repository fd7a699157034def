import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from hotpapers.blocks.diffusion import (
    CLEAN,
    CosineSigma,
    GaussianNoise,
    Level,
    LinearBeta,
    SigmoidVariance,
    Table,
    ddim,
    deis,
    dpm_solver_pp,
    euler_maruyama,
    euler_ode,
    heun,
    linear_betas,
    reparametrised_sde,
    rk45,
)

SCHEDULES = {
    "VP linear": LinearBeta(),
    "VP cos": CosineSigma(),
    "sub-VP cos": CosineSigma(1, 0.5, 0.006),
    "sub-VP 1-1 cos": CosineSigma(1, 1, 0.006),
    "VP sigmoid": SigmoidVariance(t_min=0.05),
}
SPREAD = 0.5  # of the data, N(0, 1/4), whose best denoiser is known


def best_eps(x, level):
    return level.sigma * x / (level.m**2 * SPREAD**2 + level.sigma**2)


class Unit:
    """A noise law whose every draw is kept apart, so that variances can be added up exactly."""

    def __init__(self):
        self.drawn = 0

    def __call__(self, like, level, generator=None):
        self.drawn += 1
        noise = torch.zeros_like(like)
        noise[self.drawn] = 1.0
        return noise


def exact_spread(schedule, steps, eta):
    """Return the standard deviation of what comes out: every step is linear, each noise has a coordinate of its own."""
    x = torch.zeros(steps + 3, dtype=torch.float64)
    x[0] = 1.0
    return float(ddim(best_eps, x, schedule.levels(steps), eta=eta, noise=Unit()).norm())


@pytest.mark.parametrize(
    ("name", "steps", "eta_0", "eta_1"),
    [
        ("VP linear", 10, 0.3702, 0.3334),
        ("VP linear", 20, 0.4315, 0.3915),
        ("VP linear", 50, 0.4715, 0.4441),
        ("VP linear", 400, 0.4963, 0.4908),
        ("VP cos", 10, 0.4360, 0.3923),
        ("VP cos", 20, 0.4669, 0.4379),
        ("VP cos", 50, 0.4865, 0.4725),
        ("VP cos", 400, 0.4983, 0.4963),
        ("sub-VP cos", 10, 0.4305, 0.3813),
        ("sub-VP cos", 50, 0.4853, 0.4692),
        ("sub-VP cos", 400, 0.4982, 0.4959),
        ("sub-VP 1-1 cos", 10, 0.4165, 0.3621),
        ("sub-VP 1-1 cos", 50, 0.4821, 0.4637),
        ("sub-VP 1-1 cos", 400, 0.4978, 0.4951),
    ],
)
def test_gaussian_data_come_out_with_the_spread_that_the_equations_give(name, steps, eta_0, eta_1):
    assert exact_spread(SCHEDULES[name], steps, 0) == pytest.approx(eta_0, abs=5e-5)
    assert exact_spread(SCHEDULES[name], steps, 1) == pytest.approx(eta_1, abs=5e-5)


@pytest.mark.parametrize("name", SCHEDULES)
def test_beta_and_g2_are_the_slopes_of_mean_and_variance(name):
    schedule = SCHEDULES[name]
    h = 1e-5
    for t in (0.2, 0.5, 0.8):
        below, here, above = (schedule.level(t + d) for d in (-h, 0, h))
        slope = (math.log(above.m) - math.log(below.m)) / (2 * h)
        assert -2 * slope == pytest.approx(schedule.beta(t), rel=1e-6, abs=1e-9)
        variance = (above.sigma**2 - below.sigma**2) / (2 * h)
        assert variance + schedule.beta(t) * here.sigma**2 == pytest.approx(schedule.g2(t), rel=1e-6, abs=1e-9)


def test_the_cosine_schedules_end_where_the_paper_says():
    vp, sub, one = (SCHEDULES[name] for name in ("VP cos", "sub-VP cos", "sub-VP 1-1 cos"))
    assert vp.level(vp.t_min).sigma == pytest.approx(1.2e-4, rel=0.01)
    assert sub.level(sub.t_min).sigma == pytest.approx(8.9e-5, rel=0.01)
    assert [round(each.level(each.t_max).m, 4) for each in (vp, sub)] == [0.0155, 0.0094]
    assert one.level(one.t_max).m == pytest.approx(8.9e-5, rel=0.01)
    assert vp.level(vp.time_of(0.3)).sigma == pytest.approx(0.3)


@pytest.mark.parametrize("name", SCHEDULES)
def test_eta_0_is_the_reparametrised_ode_and_eta_1_the_ddpm_posterior(name):
    x = torch.randn(64, dtype=torch.float64)
    for t, s in pairwise(SCHEDULES[name].levels(7)[:-1]):
        e, z, r = best_eps(x, t), torch.randn_like(x), s.m / t.m
        assert torch.allclose(ddim(best_eps, x, [t, s]) / s.m, x / t.m + (s.sigma / s.m - t.sigma / t.m) * e)
        posterior = r * x + (s.sigma**2 / (t.sigma * r) - t.sigma * r) * e
        posterior += s.sigma * math.sqrt(max(0.0, 1 - (s.sigma / (t.sigma * r)) ** 2)) * z
        found = ddim(best_eps, x, [t, s], eta=1, noise=lambda like, level, generator=None, z=z: z)
        assert torch.allclose(found, posterior)


GOLDEN = np.load(Path(__file__).parent / "diffusers.npz")


def made_up_network(x, level):
    """The network that the golden arrays were made with (``make_diffusers_golden.py``)."""
    return 0.9 * x - 0.2 * torch.sin(3 * x) + 1e-4 * level.t


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("ddim", ddim),
        ("ddim_clipped", lambda *args, **rest: ddim(*args, clip=1.0, **rest)),
        ("ddpm", lambda *args, **rest: ddim(*args, eta=1.0, generator=torch.Generator().manual_seed(1), **rest)),
        ("dpm_solver_pp", dpm_solver_pp),
    ],
)
def test_every_step_is_that_of_diffusers(name, sampler):
    states = []
    levels = Table(linear_betas()).at(GOLDEN[f"{name}_times"].tolist())
    sampler(made_up_network, torch.tensor(GOLDEN["start"]), levels, after=lambda x, s: (states.append(x), x)[1])
    assert np.abs(np.stack([each.numpy() for each in states]) - GOLDEN[f"{name}_states"]).max() < 1e-5


def test_the_tables_times_are_those_of_ddim():
    table = Table(linear_betas())
    assert [level.t for level in table.levels(10)] == [900, 800, 700, 600, 500, 400, 300, 200, 100, 0, 0]
    assert [level.t for level in table.levels(5, "quadratic")] == [800, 450, 200, 50, 0, 0]
    assert [level.t for level in table.levels(4, "ends")][:-1] == [999, 666, 333, 0]
    assert [level.t for level in table.levels(4, "log-snr")][:-1] == [999, 603, 73, 0]
    assert [level.t for level in table.levels(10, start=350)] == [300, 200, 100, 0, 0]
    assert table.levels(10)[-1] == CLEAN
    assert table.level(999).m ** 2 == pytest.approx(4.04e-5, rel=2e-3)


SOLVERS = {
    "heun": lambda x, schedule, levels: heun(best_eps, x, levels),
    "dpm_solver_pp": lambda x, schedule, levels: dpm_solver_pp(best_eps, x, levels),
    "ddim": lambda x, schedule, levels: ddim(best_eps, x, levels),
    "euler_ode": lambda x, schedule, levels: euler_ode(best_eps, x, levels, schedule),
}


def gain(solver, steps, spacing="time"):
    """Return the factor between latent and data that a solver of the ODE comes to, and the exact one."""
    schedule = SCHEDULES["VP cos"]
    top = schedule.level(schedule.t_max)
    exact = SPREAD / math.sqrt(top.m**2 * SPREAD**2 + top.sigma**2)
    return float(SOLVERS[solver](torch.ones(1, dtype=torch.float64), schedule, schedule.levels(steps, spacing))), exact


@pytest.mark.parametrize(("solver", "order"), [("heun", 2), ("dpm_solver_pp", 2), ("ddim", 1), ("euler_ode", 1)])
def test_solvers_converge_to_the_exact_flow_at_their_order(solver, order):
    """Half the step leaves a quarter of the error, or half of it."""
    few, many = (abs(found - exact) for found, exact in (gain(solver, n) for n in (200, 400)))
    assert many < 0.02
    assert few / many == pytest.approx(2**order, rel=0.35)


def test_second_order_within_20_evaluations_beats_50_steps_of_ddim():
    """Levels evenly spaced in log-SNR: Heun's steps would have to be smaller at the noisy end."""
    found, exact = gain("dpm_solver_pp", 19, "log-snr")
    for spacing in ("time", "log-snr"):
        assert abs(found - exact) < abs(gain("ddim", 49, spacing)[0] - exact)


@pytest.mark.parametrize("name", SCHEDULES)
def test_levels_can_be_spaced_by_the_ratio_of_signal_to_noise(name):
    levels = SCHEDULES[name].levels(8, "log-snr")
    ratios = torch.tensor([math.log(level.m / level.sigma) for level in levels[:-1]], dtype=torch.float64)
    assert torch.allclose(ratios.diff(), ratios.diff().mean(), rtol=1e-6)
    assert [levels[0], levels[-2]] == [SCHEDULES[name].level(t) for t in (SCHEDULES[name].t_max, SCHEDULES[name].t_min)]


def test_rk45_finds_the_exact_flow():
    schedule = SCHEDULES["VP cos"]
    found, evaluations = rk45(best_eps, torch.ones(1, 1, dtype=torch.float64), schedule)
    top = schedule.level(schedule.t_max)
    assert float(found) == pytest.approx(SPREAD / math.sqrt(top.m**2 * SPREAD**2 + top.sigma**2), abs=2e-4)
    assert evaluations < 400


@pytest.mark.parametrize("sampler", ["reparametrised_sde", "euler_maruyama"])
def test_the_sdes_give_the_data_their_spread(sampler):
    schedule = SCHEDULES["VP cos"]
    x = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    if sampler == "reparametrised_sde":
        found = reparametrised_sde(best_eps, x, schedule.levels(400), generator=generator)
    else:
        found = euler_maruyama(best_eps, x, schedule.levels(400), schedule, generator=generator)
    assert float(found.std()) == pytest.approx(SPREAD, abs=0.015)


def test_sampling_is_the_same_for_the_same_seed_and_another_for_another():
    levels = SCHEDULES["VP cos"].levels(5)
    x = torch.randn(4, 3)
    draw = lambda seed: ddim(best_eps, x, levels, eta=1, generator=torch.Generator().manual_seed(seed))  # noqa: E731
    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))


def test_the_last_step_is_the_jump_to_the_estimate_of_the_data():
    t = Level(0.3, 0.8, 0.6)
    x = torch.randn(3)
    assert torch.allclose(ddim(best_eps, x, [t, CLEAN], eta=1), (x - 0.6 * best_eps(x, t)) / 0.8)
    assert torch.allclose(dpm_solver_pp(best_eps, x, [t, CLEAN]), heun(best_eps, x, [t, CLEAN]))
    assert torch.allclose(reparametrised_sde(best_eps, x, [t, CLEAN]), ddim(best_eps, x, [t, CLEAN]))


def test_gaussian_noise_is_torchs():
    like = torch.zeros(5)
    found = GaussianNoise()(like, CLEAN, torch.Generator().manual_seed(3))
    assert torch.equal(found, torch.randn(5, generator=torch.Generator().manual_seed(3)))


@given(st.integers(1, 4), st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_adams_bashforth_is_exact_where_the_noise_is_a_polynomial_of_the_log_snr(order, coefficients):
    polynomial = np.poly1d(coefficients[:order])
    schedule = SCHEDULES["VP cos"]
    levels = [schedule.level(t) for t in (0.8, 0.7, 0.62, 0.5, 0.45)]
    ratio = [level.sigma / level.m for level in levels]

    def integral(a: float, b: float) -> float:
        return quad(lambda r: polynomial(-math.log(r)), a, b, epsabs=1e-13)[0]

    def eps(x, level):
        return torch.full_like(x, polynomial(math.log(level.m / level.sigma)))

    states = []
    deis(eps, torch.zeros(1, dtype=torch.float64), levels, order=order,
         after=lambda x, s: (states.append(float(x) / s.m), x)[1])  # fmt: skip
    full = range(max(1, order - 1), len(levels) - 1)  # steps that see as many estimates as they may
    for k in full:
        assert states[k] - states[k - 1] == pytest.approx(integral(ratio[k], ratio[k + 1]), abs=1e-9)


def test_adams_bashforth_of_order_1_is_ddim():
    levels = SCHEDULES["sub-VP cos"].levels(9)
    x = torch.randn(32, dtype=torch.float64)
    torch.testing.assert_close(deis(best_eps, x, levels, order=1), ddim(best_eps, x, levels))


@pytest.mark.parametrize(("name", "spacing"), [("VP cos", "time"), ("sub-VP cos", "time"), ("VP linear", "log-snr")])
def test_20_evaluations_of_adams_bashforth_end_nearer_to_the_flow_than_50_of_ddim(name, spacing):
    """On two narrow peaks, where the flow bends more than on one."""

    def eps(x, level):
        spread = level.m**2 * 0.04 + level.sigma**2
        side = (level.m * x / spread).tanh()
        return (x - level.m * (side + level.m * 0.04 / spread * (x - level.m * side))) / level.sigma

    schedule, x = SCHEDULES[name], torch.linspace(-3, 3, 301, dtype=torch.float64)
    exact = heun(eps, x, schedule.levels(1000))

    def error(made):
        return float((made - exact).square().mean().sqrt())

    few = error(deis(eps, x, schedule.levels(19, spacing)))
    assert few < error(ddim(eps, x, schedule.levels(49)))
