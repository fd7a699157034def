"""What the pendulum's claims are measured with: Hamiltonian networks, neural ODEs, and least squares."""

import dataclasses
import functools

import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.cards import Scale
from hotpapers.papers.scalars import pendulum
from hotpapers.papers.scalars.dynamics import Config, Dynamics, Kind, Motion, learn_motion
from hotpapers.papers.scalars.networks import MLP
from hotpapers.papers.scalars.pendulum import STEP, energy, hamiltonian_field, rollout, rollout_error, thirty
from hotpapers.run import Run

TEST_SEED = 1_000_003


@dataclasses.dataclass(frozen=True)
class Rollouts:
    """Geometric mean rollout errors by seed, their curves over time, and quantiles."""

    scalars: dict[int, float]
    mlp: dict[int, float]
    curves: dict[str, list[float]]
    extras: dict[str, dict[str, float]]


class Coordinates(Motion):
    """The baseline: H, or the twelve velocities, are a network of the twelve coordinates, scaled one by one."""

    mean: Tensor
    spread: Tensor
    speed: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.kind = config.kind
        self.mlp = MLP(12, 1 if self.kind == "hnn" else 12, config.width, config.depth, "silu")
        self.register_buffer("mean", torch.zeros(12))
        self.register_buffer("spread", torch.ones(12))
        self.register_buffer("speed", torch.ones(12))

    def energy(self, z: Float[Tensor, "B 12"]) -> Float[Tensor, " B"]:
        """Return the learned H."""
        return self.mlp((z - self.mean) / self.spread)[:, 0]

    def field(self, z: Float[Tensor, "B 12"]) -> Float[Tensor, "B 12"]:
        """Return dz/dt."""
        if self.kind == "ode":
            return self.mlp((z - self.mean) / self.spread) * self.speed
        return hamiltonian_field(self.energy, create_graph=self.training)(z)

    def calibrate(self, z: Tensor, velocity: Tensor) -> None:
        """Take the scales of coordinates and velocities."""
        self.mean.copy_(z.mean(0))
        self.spread.copy_(z.std(0))
        self.speed.copy_(velocity.square().mean(0).sqrt())


def rollout_errors(scale: Scale, run: Run, kind: Kind = "hnn") -> Rollouts:
    """Train both contenders for every seed and roll them out from test states; kept, so that claims share it."""
    key = (scale, kind, tuple(run.seeds))
    if key not in _kept:
        _kept[key] = _measured(scale, run, kind)
    return _kept[key]


_kept: dict[tuple[Scale, Kind, tuple[int, ...]], Rollouts] = {}


def _measured(scale: Scale, run: Run, kind: Kind) -> Rollouts:
    count, tests, points, steps = {
        "smoke": (20, 4, 6, 3),
        "laptop": (500, 50, 151, 400 if kind == "hnn" else 1000),
        "paper": (500, 500, 151, 20000),
    }[scale]
    config = Config(kind, steps=steps, width=16 if scale == "smoke" else 100)
    start = pendulum.initial_states(tests, torch.Generator().manual_seed(TEST_SEED))
    truth = rollout(hamiltonian_field(energy), start, points, substeps=8)
    found: dict[str, dict[int, float]] = {"scalars": {}, "mlp": {}}
    curves: dict[str, list[Tensor]] = {"scalars": [], "mlp": []}
    extras: dict[str, dict[str, float]] = {}
    for seed in run.seeds:
        data = _chunks(count, seed)
        for name in found:
            torch.manual_seed(seed)
            model: Motion = Dynamics(config, 2, 3) if name == "scalars" else Coordinates(config)
            with run.child(f"{kind}-{name}-{seed}", seed=seed) as inner:
                learn_motion(model, data, STEP, config, inner)
            error = rollout_error(rollout(model.cpu().double().field, start, points, substeps=2), truth)[:, 1:]
            found[name][seed] = float(error.log().mean().exp())
            curves[name].append(error.log().mean(0).exp())
            extras[f"{name}, seed {seed}"] = {
                f"quantile {q}": float(error.flatten().quantile(q)) for q in (0.1, 0.5, 0.9)
            }
    means = {name: torch.stack(each).log().mean(0).exp().tolist() for name, each in curves.items()}
    return Rollouts(found["scalars"], found["mlp"], means, extras)


@functools.cache
def _chunks(count: int, seed: int) -> Float[Tensor, "count 5 12"]:
    return pendulum.chunks(count, torch.Generator().manual_seed(seed)).float()


@functools.cache
def energy_found(states: int, points: int, seed: int) -> tuple[float, float]:
    """Fit H = w · (30 scalars) to exact velocities by least squares; return its rollout error and how far H is off."""
    generator = torch.Generator().manual_seed(seed)
    z = pendulum.initial_states(states, generator)
    slopes = torch.func.vmap(torch.func.jacrev(thirty))(z)  # B 30 12: ∇ of each scalar
    dq, dp = hamiltonian_field(energy)(z).chunk(2, -1)
    wanted = torch.cat([-dp, dq], -1)  # ∇H, since z' = J ∇H
    w = torch.linalg.lstsq(slopes.mT.flatten(0, 1), wanted.reshape(-1, 1), rcond=1e-12, driver="gelsd").solution[:, 0]
    start = pendulum.initial_states(20, torch.Generator().manual_seed(TEST_SEED))
    found, truth = (rollout(hamiltonian_field(H), start, points) for H in (lambda z: thirty(z) @ w, energy))
    off = thirty(start) @ w - energy(start)
    return float(rollout_error(found, truth)[:, 1:].log().mean().exp()), float((off - off.mean()).abs().max())
