"""A small training with everything chance can enter by, shared by the tests and by the processes that they start."""

import json
import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hotpapers.run import Run

STEPS = 20
CONFIG = {"steps": STEPS, "nested": {"rate": 0.01}}


def fit(out, *, stages=("coarse", "fine"), kill_at=None, raise_at=None, trace=None, **settings) -> list[Tensor]:
    """Train a net in each stage and return all their weights; ``kill_at`` is the (stage, step) to die in."""
    settings = {"seed": 3, "config": CONFIG, "device": "cpu", "checkpoint_seconds": 0, "tensorboard": False} | settings
    nets = []
    with Run(out, **settings) as run:
        for stage in stages:
            with run.stage(stage):
                nets.append(_train(run, stage, kill_at, raise_at, trace))
    return [weight.detach().clone() for net in nets for weight in net.parameters()]


def _train(run, stage, kill_at, raise_at, trace):
    net = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.Linear(16, 4))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    target = torch.randn(4, device=run.device)  # drawn between stages: resuming must draw the same
    shuffle = torch.Generator().manual_seed(run.seed)
    net, optimiser, schedule, shuffle = run.setup(net, optimiser, schedule, shuffle)
    data = torch.linspace(-1, 1, 64).reshape(16, 4)
    for step in run.steps(STEPS):
        if (stage, step) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if (stage, step) == raise_at:
            raise RuntimeError("broken")
        batch = data[torch.randperm(16, generator=shuffle)[:8]]
        noise = torch.randn(8, 4) * random.random() + float(np.random.rand())
        optimiser.zero_grad()
        loss = (net(batch + noise) - target).square().mean()
        run.backward(loss)
        optimiser.step()
        schedule.step()
        run.log(loss=loss)
        if trace is not None:
            trace.append((stage, step))
    run.log(target=target.mean())
    return net


def _in_two_processes(folder: Path) -> None:
    """Under torchrun: check that gradients are averaged and that a broken run resumes exactly, on both ranks."""
    with Run(folder / "once", seed=1, device="cpu") as run:
        net = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(net.weight)
        net, sgd = run.setup(net, torch.optim.SGD(net.parameters(), lr=1.0))
        for _ in run.steps(1):
            run.backward(net(torch.full((1, 1), float(run.rank))).sum())  # the gradient is the rank: 0 and 1
            sgd.step()
        averaged = float(next(net.parameters()))
        rank, processes = run.rank, run.fabric.world_size
    whole = fit(folder / "whole")
    try:
        fit(folder / "broken", raise_at=("fine", 15))
    except RuntimeError:
        torch.distributed.barrier()
    trace: list[tuple[str, int]] = []
    resumed = fit(folder / "broken", resume=True, trace=trace)
    facts = {
        "rank": rank,
        "processes": processes,
        "averaged": averaged,
        "same": all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True)),
        "first": trace[0],
        "weights": float(sum(weight.double().sum() for weight in resumed)),
        "noise": float(torch.rand(())),
    }
    (folder / f"rank-{rank}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    _in_two_processes(Path(sys.argv[1]))
