"""Noise and a training step of Non Gaussian diffusion beside others', as ratios of CPU seconds, one thread.

    python benchmarks/gamma_diffusion.py --authors CHECKOUT

Noise: ours, ``torch.distributions.Gamma`` and ``torch.randn``, a million numbers at the levels of 1,000 steps alike
often. Training step: ours and that of the authors' code (``CHECKOUT`` is one of
leosegre/Gamma-Diffusion-Domain-Adaptation), the CIFAR-10 network at a quarter of its width, Gamma noise, equal batches.
Least of three rounds in turn.
"""

import argparse
import sys
import time
from pathlib import Path
from types import SimpleNamespace

WIDTH, BATCH = 32, 4


def main() -> None:
    """Measure every contender and print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    jobs = {f"noise, theta_0 {theta_0:g}": noises(theta_0) for theta_0 in (0.001, 0.01, 0.1)}
    jobs["training step"] = training_steps(options.authors)
    print("| job | contender | CPU s | theirs / ours |")
    print("|---|---|---|---|")
    for job, contenders in jobs.items():
        found = {who: [] for who in contenders}
        for _ in range(options.rounds + 1):  # the first warms up
            for who, work in contenders.items():
                started = time.process_time()
                work()
                found[who].append(time.process_time() - started)
        best = {who: min(rows[1:]) for who, rows in found.items()}
        for who, seconds in best.items():
            print(f"| {job} | {who} | {seconds:.4f} | {seconds / best['ours']:.2f} |")


def noises(theta_0: float):
    """Return the ways to draw a million numbers."""
    import torch

    from hotpapers.blocks.diffusion import GammaNoise, Table, linear_betas

    torch.manual_seed(0)
    level = Table(linear_betas()).batch(torch.randint(1000, (1000,)).float())
    like, noise = torch.empty(1000, 1000), GammaNoise(theta_0)
    k = noise.shape(level)[:, None].float().expand_as(like)
    return {
        "ours": lambda: noise(like, level),
        "torch.distributions.Gamma": lambda: (torch.distributions.Gamma(k, torch.ones(())).sample() - k) / k.sqrt(),
        "torch.randn": lambda: torch.randn_like(like),
    }


def training_steps(authors: Path | None):
    """Return the ways to take one step of training."""
    import torch

    from hotpapers.blocks.diffusion import GammaNoise, Table, UNet2d, antithetic_times, denoising_loss, linear_betas

    x, schedule = torch.rand(BATCH, 3, 32, 32) * 2 - 1, Table(linear_betas())
    net = UNet2d(3, WIDTH, dropout=0.0)
    adam = torch.optim.Adam(net.parameters(), 2e-4, fused=True)
    noise = GammaNoise(0.001)

    def ours() -> None:
        level = schedule.batch(antithetic_times(BATCH, 1000).float())
        loss = denoising_loss(lambda x, level: net(x, level.t), x, level, noise=noise).mean() * x[0].numel()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()

    if authors is None:
        return {"ours": ours}
    sys.path.insert(0, str(authors))
    from functions.losses import gamma_estimation_loss
    from models.diffusion import Model

    config = SimpleNamespace(
        model=SimpleNamespace(type="simple", in_channels=3, out_ch=3, ch=WIDTH, ch_mult=[1, 2, 2, 2], num_res_blocks=2,
                              attn_resolutions=[16], dropout=0.0, resamp_with_conv=True, var_type="fixedlarge"),
        data=SimpleNamespace(image_size=32), diffusion=SimpleNamespace(num_diffusion_timesteps=1000),
    )  # fmt: skip
    model, betas = Model(config), torch.linspace(1e-4, 0.02, 1000)
    theirs_adam = torch.optim.Adam(model.parameters(), 2e-4)

    def theirs() -> None:
        half = torch.randint(0, 1000, (BATCH // 2 + 1,))
        loss = gamma_estimation_loss(model, x, torch.cat([half, 999 - half])[:BATCH], betas, theta_0=0.001)
        theirs_adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        theirs_adam.step()

    return {"ours": ours, "authors": theirs}


if __name__ == "__main__":
    main()
