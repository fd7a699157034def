"""Diffusion: one core for every paper that adds noise to data and learns to take it away.

A *level* says how much of the signal is left (``m``) and how much noise there is (``sigma``): ``x = m x0 + sigma eps``.
A *schedule* lists levels from noise to data. A *noise law* draws ``eps``. A *sampler* is a plain function that walks
down a list of levels with any callable ``eps(x, level)``. Nothing in here knows a paper, a data set or a network.
"""

from hotpapers.blocks.diffusion.controls import decode, encode, guided, kept_region, partly_noised, slerp
from hotpapers.blocks.diffusion.levels import CLEAN, Level, on_sigma, on_time
from hotpapers.blocks.diffusion.noise import GammaNoise, GaussianNoise, MixtureNoise, NoiseLaw
from hotpapers.blocks.diffusion.samplers import (
    ddim,
    deis,
    dpm_solver_pp,
    euler_maruyama,
    euler_ode,
    heun,
    reparametrised_sde,
    rk45,
)
from hotpapers.blocks.diffusion.schedules import (
    Continuous,
    CosineSigma,
    LinearBeta,
    SigmoidVariance,
    Table,
    linear_betas,
)
from hotpapers.blocks.diffusion.training import antithetic_times, by_level, denoising_loss, moving_average
from hotpapers.blocks.diffusion.unet1d import UNet1d
from hotpapers.blocks.diffusion.unet2d import UNet2d

__all__ = [
    "CLEAN",
    "Continuous",
    "CosineSigma",
    "GammaNoise",
    "GaussianNoise",
    "Level",
    "LinearBeta",
    "MixtureNoise",
    "NoiseLaw",
    "SigmoidVariance",
    "Table",
    "UNet1d",
    "UNet2d",
    "antithetic_times",
    "by_level",
    "ddim",
    "decode",
    "deis",
    "denoising_loss",
    "dpm_solver_pp",
    "encode",
    "euler_maruyama",
    "euler_ode",
    "guided",
    "heun",
    "kept_region",
    "linear_betas",
    "moving_average",
    "on_sigma",
    "on_time",
    "partly_noised",
    "reparametrised_sde",
    "rk45",
    "slerp",
]
