"""Make ``diffusers.npz``: what the schedulers of diffusers 0.42.1 do with the network in ``made_up_network``.

``pip install diffusers==0.42.1``, then ``python make_diffusers_golden.py`` in this folder.
"""

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler

TABLE = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}


def made_up_network(x: torch.Tensor, t: float) -> torch.Tensor:
    """Return something that bends, so that no two ways of stepping agree by chance."""
    return 0.9 * x - 0.2 * torch.sin(3 * x) + 1e-4 * t


def run(scheduler, x: torch.Tensor, steps: int, **options) -> dict[str, np.ndarray]:
    """Return the times and the state after each step."""
    scheduler.set_timesteps(steps)
    states = []
    for t in scheduler.timesteps:
        x = scheduler.step(made_up_network(x, float(t)), t, x, **options).prev_sample
        states.append(x.numpy())
    return {"times": scheduler.timesteps.numpy(), "states": np.stack(states)}


def main() -> None:
    start = torch.randn(1, 2, 3, generator=torch.Generator().manual_seed(0))
    plain = {"clip_sample": False, "timestep_spacing": "leading"}
    runs = {
        "ddim": run(DDIMScheduler(**TABLE, **plain, set_alpha_to_one=True), start, 20),
        "ddim_clipped": run(DDIMScheduler(**TABLE, timestep_spacing="leading", set_alpha_to_one=True), start, 20),
        "ddpm": run(DDPMScheduler(**TABLE, **plain), start, 20, generator=torch.Generator().manual_seed(1)),
        "dpm_solver_pp": run(DPMSolverMultistepScheduler(**TABLE, final_sigmas_type="zero"), start, 20),
    }
    arrays = {f"{name}_{key}": value for name, each in runs.items() for key, value in each.items()}
    np.savez_compressed("diffusers.npz", start=start.numpy(), **arrays)


if __name__ == "__main__":
    main()
