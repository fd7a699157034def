"""The diffusion core beside diffusers and the authors' code, at equal networks; and what 20 evaluations are worth.

    python benchmarks/diffusion.py --diffusers SITE --ddim CHECKOUT --crash CHECKOUT

``SITE`` is a folder that diffusers 0.42.1 is installed in; the checkouts are of
leosegre/Gamma-Diffusion-Domain-Adaptation (the DDIM code that Gamma diffusion and D2C build on) and of
simonrouard/CRASH. What is not given is not measured. The networks are D2C's latent U-Net for CIFAR-10 and CRASH's U-Net
on sounds of the published length. One thread; each measurement has a process of its own; rounds are taken in turn, and
the least CPU time of each counts. The second table needs no network: the data are two Gaussians, whose best denoiser is
known.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

LATENT, SOUND, STEPS = (10, 16, 16), 21_000, 20
SIZES = {"D2C": (34_775_562, 1.517), "CRASH": (15_754_817, 20.20)}  # parameters that learn, GMAC of one item
JOBS = {  # the network, what is done with it, the items, evaluations
    "D2C's network, 8 latents": ("D2C", "evaluate", 8, 1),
    "D2C's training step, 8 latents": ("D2C", "train", 8, 3),
    f"D2C's DDIM, {STEPS} steps, 4 latents": ("D2C", "sample", 4, STEPS),
    "CRASH's network, one sound": ("CRASH", "evaluate", 1, 1),
    "CRASH's training step, 2 sounds": ("CRASH", "train", 2, 3),
}
CONTENDERS = {"D2C": ("ours", "diffusers", "ddim"), "CRASH": ("ours", "crash")}


def main() -> None:
    """Measure every contender and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("diffusers", "ddim", "crash"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", nargs=2, metavar=("WHO", "JOB"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(*options.worker, options)))
        return
    speed(options)
    print()
    quality()


def speed(options: argparse.Namespace, jobs: Sequence[str] = tuple(JOBS)) -> None:
    """Print CPU seconds, peak memory and the rate of each contender."""
    print(f"matrix product, one thread: {peak():.0f} GFLOP/s\n")
    print("| job | contender | CPU s | theirs / ours | peak MiB | theirs / ours | GFLOP/s of the published count |")
    print("|---|---|---|---|---|---|---|")
    for job in jobs:
        network, _, items, evaluations = JOBS[job]
        contenders = [who for who in CONTENDERS[network] if who == "ours" or getattr(options, who)]
        found: dict[str, list[tuple[float, float]]] = {who: [] for who in contenders}
        for _ in range(options.rounds):
            for who in contenders:
                found[who].append(measure(who, job, options))
        best = {who: (min(s for s, _ in rows), min(m for _, m in rows)) for who, rows in found.items()}
        flop = 2 * SIZES[network][1] * items * evaluations
        for who, (seconds, memory) in best.items():
            ratios = [f"{theirs / ours:.2f}" for theirs, ours in zip((seconds, memory), best["ours"], strict=True)]
            numbers = f"{seconds:.2f} | {ratios[0]} | {memory:.0f} | {ratios[1]} | {flop / seconds:.0f}"
            print(f"| {job} | {who} | {numbers} |", flush=True)


def measure(who: str, job: str, options: argparse.Namespace) -> tuple[float, float]:
    """Return CPU seconds and peak MiB of a job in a process of its own."""
    command = [sys.executable, __file__, "--worker", who, job]
    for name in ("diffusers", "ddim", "crash"):
        command += [f"--{name}", str(getattr(options, name))] if getattr(options, name) else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def work(who: str, job: str, options: argparse.Namespace) -> tuple[float, float]:
    """Do a job twice and return what the second time took."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network, kind, items, _ = JOBS[job]
    net = NETWORKS[who, network](options).train(kind == "train")
    count = sum(each.numel() for each in net.parameters() if each.requires_grad)
    if count != SIZES[network][0]:
        raise SystemExit(f"{who} has {count:,} parameters, not {SIZES[network][0]:,}: the networks differ")
    for _ in range(2):
        x, t = inputs(who, network, items)
        started = time.process_time()
        with torch.set_grad_enabled(kind == "train"):
            if kind == "sample":
                SAMPLERS[who](net, x)
            elif kind == "train":
                (call(net, x, t) - torch.randn_like(x)).square().mean().backward()
            else:
                call(net, x, t)
        seconds = time.process_time() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def inputs(who: str, network: str, items: int):
    """Return noise and times in the shapes that a network takes."""
    import torch

    if network == "D2C":
        return torch.randn(items, *LATENT), torch.randint(0, 1000, (items,))
    ours = who == "ours"
    return torch.randn(items, *((1, SOUND) if ours else (SOUND,))), torch.rand(items, *(() if ours else (1,)))


def call(net, x, t):
    """Return the noise that a network sees, whoever wrote it."""
    found = net(x, t)
    return getattr(found, "sample", found)


def our_latent_network(options: argparse.Namespace):
    """Return D2C's latent U-Net for CIFAR-10."""
    from hotpapers.blocks.diffusion import UNet2d

    return UNet2d(10, 128, (1, 2, 2, 2), size=16, attention_at=(16,))


def our_sound_network(options: argparse.Namespace):
    """Return CRASH's U-Net."""
    from hotpapers.blocks.diffusion import UNet1d

    return UNet1d()


def crash_network(options: argparse.Namespace):
    """Return the U-Net of CRASH's authors, but for the line that moves its frequencies to CUDA."""
    scope: dict = {}
    exec((options.crash / "model.py").read_text().replace('freqs = freqs.to(device=torch.device("cuda"))', ""), scope)
    return scope["UNet"]()


def diffusers_network(options: argparse.Namespace):
    """Return the same network of diffusers."""
    sys.path.append(str(options.diffusers))
    from diffusers import UNet2DModel

    downs, ups = ["AttnDownBlock2D", *["DownBlock2D"] * 3], [*["UpBlock2D"] * 3, "AttnUpBlock2D"]
    return UNet2DModel(sample_size=16, in_channels=10, out_channels=10, layers_per_block=2, dropout=0.1,
                       block_out_channels=(128, 256, 256, 256), down_block_types=downs, up_block_types=ups,
                       attention_head_dim=None, norm_eps=1e-6, downsample_padding=0, flip_sin_to_cos=False,
                       freq_shift=1)  # fmt: skip


def ddim_network(options: argparse.Namespace):
    """Return the same network of the DDIM code."""
    scope: dict = {}
    exec((options.ddim / "models" / "diffusion.py").read_text(), scope)
    model = {"ch": 128, "out_ch": 10, "ch_mult": (1, 2, 2, 2), "num_res_blocks": 2, "attn_resolutions": [16],
             "dropout": 0.1, "in_channels": 10, "resamp_with_conv": True, "type": "simple"}  # fmt: skip
    parts = {"model": model, "data": {"image_size": 16}, "diffusion": {"num_diffusion_timesteps": 1000}}
    return scope["Model"](SimpleNamespace(**{name: SimpleNamespace(**each) for name, each in parts.items()}))


def our_ddim(net, x):
    """Sample with our DDIM."""
    from hotpapers.blocks.diffusion import Table, ddim, linear_betas, on_time

    return ddim(on_time(net), x, Table(linear_betas()).levels(STEPS))


def diffusers_ddim(net, x):
    """Sample with the scheduler of diffusers."""
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear",
                              clip_sample=False)  # fmt: skip
    scheduler.set_timesteps(STEPS)
    for t in scheduler.timesteps:
        x = scheduler.step(net(x, t).sample, t, x).prev_sample
    return x


def ddim_ddim(net, x):
    """Sample with the loop of the DDIM code, whose equations these are (its own keeps every state, and needs CUDA)."""
    import torch

    bars = torch.cat([torch.ones(1), torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)])
    times = [*range(0, 1000, 1000 // STEPS)]
    for t, s in zip(reversed(times), reversed([-1, *times[:-1]]), strict=True):
        e = net(x, torch.full((len(x),), float(t)))
        x0 = (x - (1 - bars[t + 1]).sqrt() * e) / bars[t + 1].sqrt()
        x = bars[s + 1].sqrt() * x0 + (1 - bars[s + 1]).sqrt() * e
    return x


NETWORKS = {
    ("ours", "D2C"): our_latent_network,
    ("diffusers", "D2C"): diffusers_network,
    ("ddim", "D2C"): ddim_network,
    ("ours", "CRASH"): our_sound_network,
    ("crash", "CRASH"): crash_network,
}
SAMPLERS = {"ours": our_ddim, "diffusers": diffusers_ddim, "ddim": ddim_ddim}


def peak() -> float:
    """Return what one thread gets from a large matrix product."""
    import torch

    torch.set_num_threads(1)
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    rates = []
    for _ in range(5):
        started = time.process_time()
        a @ b
        rates.append(2 * 1024**3 / (time.process_time() - started) / 1e9)
    return max(rates)


def quality() -> None:
    """Print how far each sampler ends from the exact solution of its ODE on two Gaussians, by schedule."""
    import torch

    from hotpapers.blocks.diffusion import CosineSigma, LinearBeta, Table, ddim, deis, dpm_solver_pp, heun, linear_betas

    start = torch.randn(4096, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    vp, sub = CosineSigma(2, 0.5), CosineSigma(1, 0.5)
    schedules = {"linear beta, 1,000 times": (Table(linear_betas()), 0, "log-snr"),
                 "VP exp": (LinearBeta(), 1, "log-snr"), "VP cos": (vp, 1, "time"),
                 "sub-VP cos": (sub, 1, "time")}  # fmt: skip
    ways = {"DDIM, 50": (ddim, 50, None), "DDIM, 20": (ddim, 20, None), "Heun, 20": (heun, 10.5, None),
            "DPM-Solver++, 20": (dpm_solver_pp, 20, "log-snr"), "DEIS, 20": (deis, 20, "best")}  # fmt: skip
    print("Root mean square distance from the end of 1,000 Heun steps, two Gaussians (±1, deviation 0.2):\n")
    print(f"| schedule | {' | '.join(ways)} |\n|---|{'---|' * len(ways)}")
    for name, (schedule, extra, best) in schedules.items():
        exact = heun(best_denoiser, start, schedule.levels(1000))
        found = []
        for way, evaluations, spacing in ways.values():
            spaced = {"spacing": best if spacing == "best" else spacing} if spacing else {}
            levels = schedule.levels(int(evaluations) - extra, **spaced)
            found.append(float((way(best_denoiser, start, levels) - exact).square().mean().sqrt()))
        print(f"| {name} | {' | '.join(f'{each:.4f}' for each in found)} |")


def best_denoiser(x, level):
    """Return the noise to expect in ``x`` where data are +1 or -1 with deviation 0.2."""
    spread = level.m**2 * 0.2**2 + level.sigma**2
    side = (level.m * x / spread).tanh()  # what the sign of the data is expected to be
    mean = side + (level.m * 0.2**2 / spread) * (x - level.m * side)
    return (x - level.m * mean) / level.sigma if level.sigma > 0 else x * math.nan


if __name__ == "__main__":
    main()
