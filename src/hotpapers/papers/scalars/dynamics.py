"""The verb ``dynamics``: learn how something moves from its trajectories, and roll it out.

A Hamiltonian network (``hnn``) learns an invariant energy H and moves by J ∇H; an ordinary one (``ode``) learns the
equivariant velocities. Both see positions, momenta, what never changes (gravity), and the positions' differences.
"""

import dataclasses
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.scalars import pendulum
from hotpapers.papers.scalars.groups import Group
from hotpapers.papers.scalars.model import ScalarNet
from hotpapers.papers.scalars.pendulum import advance, hamiltonian_field, rollout, rollout_error
from hotpapers.papers.scalars.plots import plot_curves
from hotpapers.papers.scalars.predict import declare
from hotpapers.papers.scalars.schema import Field
from hotpapers.papers.scalars.tables import read_columns, write_columns
from hotpapers.run import Run
from hotpapers.verbs import Device, Outcome, TableFile

Kind = Literal["hnn", "ode"]
TIME, NAME = "t", "trajectory"


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training on trajectories; ``substeps`` are Runge-Kutta steps between two points."""

    kind: Kind = "hnn"
    group: str = "O(3)"
    constants: tuple[tuple[float, ...], ...] = (pendulum.GRAVITY,)
    width: int = 100
    depth: int = 3
    steps: int = 1000
    batch: int = 128
    learning_rate: float = 5e-3
    substeps: int = 2


class Motion(nn.Module):
    """A law of motion that can be learned: ``field`` and the ``calibrate`` of its scales."""

    def field(self, z: Float[Tensor, "B z"]) -> Float[Tensor, "B z"]:
        """Return dz/dt."""
        raise NotImplementedError

    def calibrate(self, z: Float[Tensor, "B z"], velocity: Float[Tensor, "B z"]) -> None:
        """Take scales from a sample."""
        raise NotImplementedError


class Dynamics(Motion):
    """A symmetric law of motion for ``bodies`` positions and as many momenta."""

    constants: Tensor

    def __init__(self, config: Config, bodies: int, dimension: int) -> None:
        super().__init__()
        self.kind, self.bodies, self.dimension = config.kind, bodies, dimension
        self.register_buffer("constants", torch.tensor(config.constants).reshape(-1, dimension))
        vectors = 2 * bodies + bodies * (bodies - 1) // 2 + len(config.constants)
        output = "H: scalar" if config.kind == "hnn" else f"dq: {bodies} vector, dp: {bodies} vector"
        schema = f"v: {vectors} vector -> {output}"
        self.net = ScalarNet(schema, config.group, width=config.width, depth=config.depth, features="norms")

    def field(self, z: Float[Tensor, "B z"]) -> Float[Tensor, "B z"]:
        """Return dz/dt."""
        if self.kind == "ode":
            found = self.net({"v": self.vectors(z)})
            return torch.cat([found["dq"].flatten(1), found["dp"].flatten(1)], -1)
        return hamiltonian_field(self.energy, create_graph=self.training)(z)

    def energy(self, z: Float[Tensor, "B z"]) -> Float[Tensor, " B"]:
        """Return the learned H."""
        return self.net({"v": self.vectors(z)})["H"]

    def vectors(self, z: Float[Tensor, "B z"]) -> Float[Tensor, "B n d"]:
        """Return positions, momenta, differences of positions, and what never changes."""
        x = z.unflatten(-1, (2 * self.bodies, self.dimension))
        a, b = torch.triu_indices(self.bodies, self.bodies, 1)
        return torch.cat([x, x[:, a] - x[:, b], self.constants.to(z).expand(len(z), -1, -1)], 1)

    def calibrate(self, z: Float[Tensor, "B z"], velocity: Float[Tensor, "B z"]) -> None:
        """Take the scales of states and of velocities from a sample."""
        rows = {"v": self.vectors(z)}
        dq, dp = velocity.unflatten(-1, (2 * self.bodies, self.dimension)).chunk(2, 1)
        self.net.calibrate(rows | ({"H": z.new_zeros(len(z))} if self.kind == "hnn" else {"dq": dq, "dp": dp}))


def learn_motion(model: Motion, points: Float[Tensor, "B T z"], dt: float, config: Config, run: Run) -> None:
    """Train on all pairs of neighbouring points: from the first, integrated by ``dt``, to the second."""
    pairs = torch.stack([points[:, :-1], points[:, 1:]], 2).flatten(0, 1)  # B(T−1) 2 z
    velocity = (pairs[:, 1] - pairs[:, 0]) / dt
    pairs, model = pairs.to(run.device), model.to(run.device)
    model.calibrate(pairs[:, 0], velocity.to(run.device))
    model.train()
    adam = torch.optim.Adam(model.parameters(), config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, config.steps)
    _, adam, schedule = run.setup(model, adam, schedule)
    scale = (pairs[:, 1] - pairs[:, 0]).square().mean()
    for _step in run.steps(config.steps):
        z = pairs[torch.randint(len(pairs), (config.batch,), device="cpu").to(run.device)]
        loss = (advance(model.field, z[:, 0], dt, config.substeps) - z[:, 1]).square().mean() / scale
        adam.zero_grad()
        run.backward(loss)
        adam.step()
        schedule.step()
        run.log(loss=loss)
    model.eval()


def dynamics(
    table: TableFile,
    *,
    positions: str = "q: 2 vector",
    momenta: str = "p: 2 vector",
    constants: str = "0 0 -1",
    group: str = "O(3)",
    kind: Kind = "hnn",
    out: Path | None = None,
    steps: int = 1000,
    points: int = 150,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Learn a law of motion from trajectories and roll it out, from each tenth trajectory's first state.

    Every tenth trajectory is held out. Writes the rollouts as a table, and a picture of their error where the table
    goes on, and of the energy.

    Parameters
    ----------
    table
        A CSV or npz file with the columns trajectory, t, and those of positions and momenta, at even times.
    positions
        The positions' columns, such as ``q: 2 vector`` for q1_x to q2_z.
    momenta
        The momenta's, as many; velocities do where ``kind`` is ode.
    constants
        Vectors that never change, such as gravity, numbers with spaces between, ``;`` between vectors; empty for none.
    group
        The symmetry that turns positions, momenta and constants together, such as O(3).
    kind
        A Hamiltonian network (hnn), which conserves an energy, or velocities learned outright (ode).
    out
        The directory to write to; beside the table when left out.
    steps
        Training steps.
    points
        Points of each rollout.
    seed
        The seed of everything random.
    device
        Where to compute.
    """
    if not 2 <= points <= 100_000 or not 1 <= steps <= 10_000_000:
        raise BadInput("Take 2 to 100,000 points and 1 to 10,000,000 steps.")
    declared = declare(f"{positions}, {momenta}", group, outputs=False)
    q, p = _two_fields(declared.inputs)
    dimension = declared.group.dimension
    config = Config(kind, group, _vectors(constants, dimension), steps=steps)
    z, dt = read_trajectories(Path(table), [q, p], declared.group)
    test, train = z[::10], z[[k for k in range(len(z)) if k % 10]]
    out = Path(out) if out else Path(table).with_suffix(".motion")
    started = time.perf_counter()
    with written_whole(out) as temporary:
        temporary.mkdir()
        with Run(temporary / "run", seed=seed, config=config, device=device, tensorboard=False) as run:
            model = Dynamics(config, q.many, dimension)
            learn_motion(model, train.float(), dt, config, run)
        model = model.cpu().double()
        found = rollout(model.field, test[:, 0], points, dt)
        if not found.isfinite().all():
            raise BadInput("The learned motion runs away: give more trajectories, or more --steps.")
        names = q.columns(dimension) + p.columns(dimension)
        _write(temporary / "rollouts.csv", found, dt, names)
        error = rollout_error(found[:, : test.shape[1]], test[:, :points])
        times, means = (torch.arange(error.shape[1]) * dt).tolist()[1:], error.log().mean(0).exp().tolist()[1:]
        plot_curves(temporary / "error.png", times, {"held out": means}, ("time", "rollout error"), log_x=False)
    numbers: dict[str, float | int | str] = {
        "trajectories held out": len(test),
        "rollout error": float(error[:, 1:].log().mean().exp()),
        "worst tenth of rollout errors": float(error[:, 1:].quantile(0.9)),
        "seconds": round(time.perf_counter() - started, 1),
    }
    if kind == "hnn":
        energies = model.energy(found.flatten(0, 1)).detach().reshape(found.shape[:2])
        numbers["drift of the learned energy"] = float((energies - energies[:, :1]).abs().max())
    return Outcome({"rollouts": out / "rollouts.csv", "error": out / "error.png"}, numbers)


def read_trajectories(path: Path, fields: Sequence[Field], group: Group) -> tuple[Float[Tensor, "B T z"], float]:
    """Return trajectories of one length and even times, and the time between two points."""
    columns = read_columns(path)
    names = [name for field in fields for name in field.columns(group.dimension, group.lorentzian)]
    if missing := next((name for name in (NAME, TIME, *names) if name not in columns), None):
        raise BadInput(f"{path.name} has no column {missing!r}; it needs {NAME}, {TIME}, {', '.join(names)}.")
    label = columns[NAME]
    if wrong := next((name for name in (NAME, TIME, *names) if columns[name].shape != (len(label),)), None):
        raise BadInput(f"{path.name} has {wrong!r} of shape {columns[wrong].shape}, not one number for each point.")
    starts = np.flatnonzero(np.r_[True, label[1:] != label[:-1]])
    lengths = np.diff(np.r_[starts, len(label)])
    if len(set(lengths.tolist())) != 1 or lengths[0] < 2 or len(lengths) < 10:
        raise BadInput(f"{path.name} needs ten trajectories at least, all of one length and two points or more; it has "
                       f"{len(lengths)}, of {lengths.min()} to {lengths.max()} points.")  # fmt: skip
    times = columns[TIME].reshape(len(lengths), -1)
    gaps = np.diff(times, axis=1)
    dt = float(gaps.mean())
    if not np.isfinite(times).all() or dt <= 0 or np.abs(gaps - dt).max() > 1e-6 * abs(dt) + 1e-12:
        raise BadInput(f"{path.name} has times that are not evenly spaced upwards; resample the trajectories.")
    z = np.stack([columns[name] for name in names], -1).reshape(*times.shape, len(names))
    if not np.isfinite(z).all():
        raise BadInput(f"{path.name} has values that are not finite; remove those trajectories.")
    return torch.from_numpy(z), dt


def write_trajectories(path: Path, count: int, seed: int) -> None:
    """Write chunks of the pendulum's trajectories as a table."""
    z = pendulum.chunks(count, torch.Generator().manual_seed(seed))
    names = [f"{kind}{k}_{axis}" for kind in "qp" for k in (1, 2) for axis in "xyz"]
    with written_whole(path) as temporary:
        _write(temporary, z, pendulum.STEP, names)


def _write(path: Path, z: Float[Tensor, "B T z"], dt: float, names: Sequence[str]) -> None:
    count, points = z.shape[:2]
    label = torch.arange(count, dtype=torch.float64)[:, None, None].expand(-1, points, 1)
    times = (torch.arange(points, dtype=torch.float64) * dt)[None, :, None].expand(count, -1, 1)
    write_columns(path, [NAME, TIME, *names], torch.cat([label, times, z], -1).flatten(0, 1).numpy())


def _two_fields(fields: Sequence[Field]) -> tuple[Field, Field]:
    if len(fields) != 2 or any(field.kind != "vector" for field in fields) or fields[0].many != fields[1].many:
        raise BadInput("Positions and momenta are one entry of vectors each, and as many: q: 2 vector and p: 2 vector.")
    return fields[0], fields[1]


def _vectors(text: str, dimension: int) -> tuple[tuple[float, ...], ...]:
    rows = [re.split(r"[\s,]+", row.strip()) for row in text.split(";") if row.strip()]
    try:
        found = tuple(tuple(float(each) for each in row) for row in rows)
    except ValueError as error:
        raise BadInput(f"Constants are numbers, such as '0 0 -1', not {text[:40]!r}.") from error
    if any(len(row) != dimension or not np.isfinite(row).all() for row in found):
        raise BadInput(f"Each constant has {dimension} finite numbers, as the group's vectors have.")
    return found
