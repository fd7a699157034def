"""The paper's noise laws by name, and how far each is from a Gaussian at each step, before anything is trained.

The summed shape telescopes. With ``theta_t = theta_0 sqrt(abar_t)``, ``k_t = beta_t / (abar_t theta_0^2)``:
``k_bar_t = sum k_i = (1 - abar_t) / (abar_t theta_0^2)``, and the variance ``k_bar_t theta_t^2`` is ``1 - abar_t``.
"""

import dataclasses
import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.blocks.diffusion import GammaNoise, GaussianNoise, MixtureNoise, NoiseLaw, Table
from hotpapers.errors import BadInput

LawName = Literal["gaussian", "gamma", "mog"]
LAWS: tuple[LawName, ...] = ("gaussian", "gamma", "mog")
MOST_STEPS = 100_000  # of a schedule


@dataclasses.dataclass(frozen=True)
class Law:
    """A noise law and its settings; those of other laws are not looked at.

    Attributes
    ----------
    noise
        gaussian, gamma, or mog: a mixture of two Gaussians.
    theta_0
        The Gamma's scale at the clean end; 0.001 is the paper's.
    sigma_start, sigma_end
        The widths of the mixture's halves at the clean and at the noisy end; the paper's are not published.
    p
        The probability of the mixture's first half.
    """

    noise: LawName = "gaussian"
    theta_0: float = 0.001
    sigma_start: float = 0.9
    sigma_end: float = 0.5
    p: float = 0.5

    def __str__(self) -> str:
        if self.noise == "gamma":
            return f"gamma {self.theta_0:g}"
        own = (self.sigma_start, self.sigma_end) == (Law.sigma_start, Law.sigma_end)
        return self.noise if self.noise != "mog" or own else f"mog {self.sigma_start:g} {self.sigma_end:g}"

    def at(self, last: float) -> NoiseLaw:
        """Return what draws the noise, for a schedule that ends at the time ``last``."""
        if self.noise == "gamma":
            return GammaNoise(self.theta_0)
        if self.noise == "mog":
            return MixtureNoise(self.sigma_start, self.sigma_end, p=self.p, last=last)
        return GaussianNoise()


def check_law(law: Law) -> None:
    """Refuse settings that no law can have."""
    if law.noise not in LAWS:
        raise BadInput(f"There is no noise {law.noise!r}; take one of {', '.join(LAWS)}.")
    if not 1e-6 <= law.theta_0 <= 100:
        raise BadInput(f"--theta0 is a scale of 0.000001 to 100, not {law.theta_0}; the paper's is 0.001.")
    if not (0 < law.sigma_start <= 1 and 0 < law.sigma_end <= 1):
        raise BadInput("--sigma-start and --sigma-end are above 0 and at most 1.")
    if not 0 < law.p < 1:
        raise BadInput(f"The probability p lies between 0 and 1, not at {law.p}.")


def step_shapes(schedule: Table, theta_0: float) -> Float[Tensor, " T"]:
    """Return ``k_t = beta_t / (abar_t theta_0^2)`` of each step's own Gamma."""
    return schedule.betas / (schedule.alpha_bar * theta_0**2)


def shapes(schedule: Table, theta_0: float) -> Float[Tensor, " T"]:
    """Return ``k_bar_t = (1 - abar_t) / (abar_t theta_0^2)`` of all the noise up to each step."""
    return (1 - schedule.alpha_bar) / (schedule.alpha_bar * theta_0**2)


def scales(schedule: Table, theta_0: float) -> Float[Tensor, " T"]:
    """Return ``theta_t = theta_0 sqrt(abar_t)``."""
    return theta_0 * schedule.alpha_bar.sqrt()


def widths(law: Law, schedule: Table) -> Float[Tensor, " T"]:
    """Return the widths of the mixture's halves at each step."""
    return torch.linspace(law.sigma_start, law.sigma_end, len(schedule), dtype=torch.float64)


def gamma_divergence(k: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Return KL(standardised Gamma(k) || N(0, 1)) in nats: ``ln(2 pi e k)/2 - k - ln Gamma(k) - (1 - k) psi(k)``.

    From k = 10,000 on, where the terms cancel, its expansion ``1/(3k) + 1/(12 k^2)``.
    """
    k = k.double()
    entropy = k + torch.lgamma(k) + (1 - k) * torch.digamma(k)
    exact = (math.log(2 * math.pi * math.e) + k.log()) / 2 - entropy
    return torch.where(k > 1e4, 1 / (3 * k) + 1 / (12 * k**2), exact)


def mixture_divergence(s: Float[Tensor, " n"], p: float) -> Float[Tensor, " n"]:
    """Return KL(mixture of widths s || N(0, 1)) in nats, by the trapezium rule over nine widths around each half."""
    m1 = ((1 - s**2) * (1 - p) / p).sqrt()
    halves = ((p, m1), (1 - p, -p / (1 - p) * m1))
    z = torch.linspace(-9, 9, 721, dtype=torch.float64)
    weight = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    total = torch.zeros_like(s)
    for share, mean in halves:
        x = mean[:, None] + s[:, None] * z
        logs = [math.log(each) - ((x - at[:, None]) / s[:, None]) ** 2 / 2 for each, at in halves]
        log_ratio = torch.logaddexp(*logs) - s.log()[:, None] + x**2 / 2
        total += share * torch.trapezoid(weight * log_ratio, z)
    return total


def divergence(law: Law, schedule: Table) -> Float[Tensor, " T"]:
    """Return how far the law is from N(0, 1) at each step, in nats an element."""
    if law.noise == "gamma":
        return gamma_divergence(shapes(schedule, law.theta_0))
    if law.noise == "mog":
        return mixture_divergence(widths(law, schedule), law.p)
    return torch.zeros(len(schedule), dtype=torch.float64)


def skewness(law: Law, schedule: Table) -> Float[Tensor, " T"]:
    """Return the third standardised moment at each step: ``2 / sqrt(k_bar_t)`` for the Gamma."""
    if law.noise == "gamma":
        return 2 / shapes(schedule, law.theta_0).sqrt()
    if law.noise == "mog":
        s, p = widths(law, schedule), law.p
        m1 = ((1 - s**2) * (1 - p) / p).sqrt()
        m2 = -p / (1 - p) * m1
        return p * (m1**3 + 3 * m1 * s**2) + (1 - p) * (m2**3 + 3 * m2 * s**2)
    return torch.zeros(len(schedule), dtype=torch.float64)
