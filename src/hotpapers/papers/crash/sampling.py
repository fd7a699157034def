"""Sampling: sounds from noise, with every sampler of the paper and faster ones, guided to classes where asked."""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional as F

from hotpapers.blocks.diffusion import (
    LinearBeta,
    SigmoidVariance,
    ddim,
    deis,
    dpm_solver_pp,
    euler_maruyama,
    euler_ode,
    guided,
    heun,
    reparametrised_sde,
    rk45,
)
from hotpapers.blocks.diffusion.levels import Eps, Level
from hotpapers.blocks.diffusion.samplers import After
from hotpapers.errors import BadInput
from hotpapers.papers.crash.model import SCHEDULES, Crash

Sampler = Literal["dpm-solver", "deis", "heun", "ddim", "ddpm", "sde", "reparametrised-sde", "ode", "rk45"]
STRONGEST = 1_000  # pull to classes


def draw(
    model: Crash,
    count: int,
    *,
    steps: int = 30,
    sampler: Sampler = "dpm-solver",
    classes: Mapping[str, float] | None = None,
    strength: float = 1.0,
    schedule: str | None = None,
    generator: Generator | None = None,
) -> Float[Tensor, "count length"]:
    """Return sounds made from noise.

    Parameters
    ----------
    steps
        Steps from noise to sound; ``rk45`` takes as many as it needs.
    sampler
        ``ddim`` is algorithm 5 (the reparametrised ODE), ``reparametrised-sde`` algorithm 6, ``ddpm`` what the code
        calls the most precise, ``sde`` and ``ode`` Euler's steps, ``rk45`` SciPy's; ``heun``, ``dpm-solver`` and
        ``deis`` need fewer evaluations of the network.
    classes
        Weights of the classes that the sounds shall have a share of; they are scaled to add up to 1.
    strength
        How hard to pull to the classes; 1 is the exact posterior of a perfect classifier.
    schedule
        Another schedule than the one that the model was trained with.
    """
    device = model.unet.first.weight.device
    x = torch.randn(count, model.length, generator=generator, device=device)
    return denoise(model, x, steps=steps, sampler=sampler, classes=classes, strength=strength, schedule=schedule,
                   generator=generator)  # fmt: skip


def denoise(
    model: Crash,
    x: Float[Tensor, "count length"],
    *,
    start: float | None = None,
    steps: int = 30,
    sampler: Sampler = "dpm-solver",
    classes: Mapping[str, float] | None = None,
    strength: float = 1.0,
    schedule: str | None = None,
    after: After | None = None,
    generator: Generator | None = None,
) -> Float[Tensor, "count length"]:
    """Return the sounds that noise turns into, or sounds that were noised up to the time ``start``."""
    if not 0 <= strength <= STRONGEST:
        raise BadInput(f"--strength can be 0 to {STRONGEST:,}, not {strength}.")
    plan = SCHEDULES[schedule] if schedule else model.schedule
    eps = model.eps if not classes else mixed(model, classes, strength)
    linear = isinstance(plan, LinearBeta | SigmoidVariance)  # in time these spend hardly a step on little noise
    even = sampler == "dpm-solver" or (sampler == "deis" and linear)
    spacing: Literal["time", "log-snr"] = "log-snr" if even and start is None else "time"
    levels = plan.levels(steps, spacing)
    if start is not None:
        top = plan.level(start)
        times = torch.linspace(start, plan.t_min, steps + 1, dtype=torch.float64).tolist()
        levels = [top, *(plan.level(t) for t in times[1:]), levels[-1]]
    if sampler == "ddim":
        return ddim(eps, x, levels, after=after)
    if sampler == "ddpm":
        return ddim(eps, x, levels, eta=1.0, after=after, generator=generator)
    if sampler == "reparametrised-sde":
        return reparametrised_sde(eps, x, levels, after=after, generator=generator)
    if sampler == "sde":
        return euler_maruyama(eps, x, levels, plan, after=after, generator=generator)
    if sampler == "ode":
        return euler_ode(eps, x, levels, plan, after=after)
    if sampler == "deis":
        return deis(eps, x, levels, after=after)
    if sampler == "heun":
        return heun(eps, x, levels, after=after)
    if sampler == "dpm-solver":
        return dpm_solver_pp(eps, x, levels, after=after)
    if after is not None:
        raise BadInput("rk45 chooses its own steps, and nothing can be kept at them; take another sampler.")
    return rk45(eps, x, plan, start=start or 0.999)[0]


def mixed(model: Crash, classes: Mapping[str, float], strength: float) -> Eps:
    """Return the U-Net's noise, steered by ``sum_i weight_i log p(class_i | x, sigma)`` (class mixing).

    The gradient is multiplied by sigma, as the score of a mean of 0 and a deviation of sigma asks; the authors' code
    leaves that out.
    """
    if model.classifier is None:
        raise BadInput("This model knows no classes: train it on a folder with a sub-folder for each.")
    if unknown := sorted(set(classes) - set(model.classes)):
        raise BadInput(f"This model knows {', '.join(model.classes)}, not {', '.join(unknown)}.")
    total = sum(classes.values())
    if not (math.isfinite(total) and total > 0 and min(classes.values()) >= 0):
        raise BadInput("The classes' weights are finite numbers of 0 or more, and one at least is more.")
    weights = torch.tensor([classes.get(name, 0.0) / total for name in model.classes])

    def log_likelihood(x: Tensor, level: Level) -> Tensor:
        return F.log_softmax(model.class_scores(x, level), dim=-1) @ weights.to(x.device)

    return guided(model.eps, log_likelihood, strength)


def check_steps(steps: int) -> None:
    """Refuse what is no number of steps from noise to sound.

    Raises
    ------
    BadInput
        If there are none, or more than anyone waits for.
    """
    if not 1 <= steps <= 10_000:
        raise BadInput(f"--steps can be 1 to 10,000, not {steps}.")
