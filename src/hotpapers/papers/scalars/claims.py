"""The claims: each function measures the method and its baseline at equal budget, for every seed of the run."""

import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.errors import HotpapersError
from hotpapers.papers.scalars.check import equivariance_error
from hotpapers.papers.scalars.experiment import TEST_ROWS, Budget, geometric_mean, task_errors, train_net
from hotpapers.papers.scalars.groups import group as group_named
from hotpapers.papers.scalars.linear import LinearModel
from hotpapers.papers.scalars.model import ScalarNet
from hotpapers.papers.scalars.motion import energy_found, rollout_errors
from hotpapers.papers.scalars.networks import MLP
from hotpapers.papers.scalars.planets import planet_errors
from hotpapers.papers.scalars.plots import plot_curves
from hotpapers.papers.scalars.products import inner
from hotpapers.papers.scalars.published import Twelve
from hotpapers.papers.scalars.reconstruct import complete, few_scalars, how_many, vectors_from_gram
from hotpapers.papers.scalars.schema import Table
from hotpapers.papers.scalars.schema import schema as read_schema
from hotpapers.papers.scalars.tasks import CROSS_FLOOR, TASKS, TEST_SEED, norms_label
from hotpapers.papers.scalars.train import Config
from hotpapers.run import Run

BUDGETS: dict[Scale, Budget] = {
    "smoke": Budget(rows=(1000,), steps=20, batch=32, width=16, depth=1),
    "laptop": Budget(),
    "paper": Budget(rows=(30, 100, 300, 1000, 3000, 10000, 30000), steps=8000, batch=512, width=500, depth=5,
                    learning_rate=1e-3),
}  # fmt: skip
EMLP = Path(__file__).parent / "emlp.json"
"""EMLP's errors as ``benchmarks/scalars.py`` measured them: it needs an old JAX and cannot run beside this code."""
VECTORS = "s: 2 scalar, v: 3 vector -> f: scalar, h: vector, T: tensor"
ODD = "s: pseudoscalar, v: 2 vector, w: pseudovector -> q: pseudoscalar, h: vector, u: pseudovector"
PLACES = "x: 3 position, v: vector -> y: position, f: scalar"
CROWD = "m: 4 scalar, r: 4 vector, g: vector -> T: tensor, a: 4 vector, f: scalar"


def exactly_equivariant(scale: Scale, run: Run) -> Measurement:
    """Measure the largest error of random models of every group in float64, boosts up to rapidity 3."""
    found: dict[str, float] = {}
    for d in (2, 3) if scale == "smoke" else range(2, 7):
        for name, text, permute in [
            (f"O({d})", VECTORS, ""), (f"O({d})", ODD, ""), (f"SO({d})", VECTORS, ""), (f"E({d})", PLACES, ""),
            (f"SE({d})", PLACES, ""), (f"O(1,{d - 1})", VECTORS, ""), (f"SO(1,{d - 1})", VECTORS, ""),
            (f"Poincare(1,{d - 1})", PLACES, ""), (f"O({d})", CROWD, "m, r"), (f"O(1,{d - 1})", CROWD, "m, r"),
        ]:  # fmt: skip
            found[f"{name} {text}"] = _random_model_error(text, name, permute)
    return Measurement(values={seed: max(found.values()) for seed in run.seeds}, extras={"errors": found})


def few_scalars_suffice(scale: Scale, run: Run) -> Measurement:
    """Complete Gram matrices from the products with d vectors, and rebuild the vectors, Euclidean and Lorentzian."""
    errors, counts = {}, {}
    for d in range(2, 7):
        n = 4 * d
        counts[f"n = {n}, d = {d}"] = list(how_many(n, d))
        for name in (f"O({d})", f"O(1,{d - 1})"):
            eta = torch.tensor(group_named(name).metric, dtype=torch.float64)
            v = torch.randn(100, n, d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
            gram = inner(v, v, eta)
            rebuilt = vectors_from_gram(gram, eta)
            for way, other in (("completed", complete(few_scalars(v, eta))), ("rebuilt", inner(rebuilt, rebuilt, eta))):
                errors[f"{name} {way}"] = float(((other - gram).abs().amax((1, 2)) / gram.abs().amax((1, 2))).max())
    return Measurement(values={seed: max(errors.values()) for seed in run.seeds},
                       extras={"errors": errors, "products, and how many suffice": counts})  # fmt: skip


def parameters(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of the networks as the authors' code builds them."""
    counts = {"norms": MLP(3, 1, 500, 5), "scattering": MLP(10, 1, 500, 5), "pendulum, HNN": MLP(30, 1, 100, 3),
              "pendulum, N-ODE": MLP(6000, 24, 100, 3), "inertia": Twelve()}  # fmt: skip
    sizes = {name: sum(each.numel() for each in net.parameters()) for name, net in counts.items()}
    return Measurement(values={seed: float(sizes["norms"]) for seed in run.seeds}, extras={"parameters": sizes})


def norms_beat_augmentation(scale: Scale, run: Run) -> Measurement:
    """Measure the O(5)-invariant task."""
    return _against(scale, run, "norms")


def inertia_beats_augmentation(scale: Scale, run: Run) -> Measurement:
    """Measure the inertia task; ours sees pairs of identical particles."""
    return _against(scale, run, "inertia")


def scattering_beats_augmentation(scale: Scale, run: Run) -> Measurement:
    """Measure the Lorentz-invariant task; the baseline is augmented with boosts up to rapidity 1."""
    return _against(scale, run, "scattering")


def scattering_beats_emlp(scale: Scale, run: Run) -> Measurement:
    """Measure an MLP on scalars against EMLP on the Lorentz task at 1,000 rows."""
    return _against_emlp(scale, run, "scattering")


def norms_beat_emlp(scale: Scale, run: Run) -> Measurement:
    """Measure an MLP on scalars against EMLP on the O(5) task at 1,000 rows."""
    return _against_emlp(scale, run, "norms")


def linear_in_scalars(scale: Scale, run: Run) -> Measurement:
    """Fit inertia and scattering by least squares from 300 rows; the baseline is least squares on raw columns.

    The baseline's monomials of degree four of four-vectors would be thousands: it has those of degree two.
    """
    method, baseline, extras = {}, {}, {}
    for seed in run.seeds:
        errors, plain = {}, {}
        for name in ("inertia", "scattering"):
            task = TASKS[name]
            schema = read_schema(task.schema, group_named(task.group))
            train, test = task.sample(300, seed), task.sample(TEST_ROWS, TEST_SEED)
            label = schema.outputs[0].name
            spread = float((test[label] - test[label].mean(0)).square().mean())
            found = LinearModel(schema, task.permute).fit(train).predict(test)[label]
            errors[name] = float((found - test[label]).square().mean()) / spread
            plain[name] = _raw_least_squares(train, test, label) / spread
        method[seed], baseline[seed], extras[str(seed)] = max(errors.values()), max(plain.values()), errors
    return Measurement(values=method, method=method, baseline=baseline, unit="MSE / variance", extras=extras)


def cross_needs_parity(scale: Scale, run: Run) -> Measurement:
    """Train the same model as O(3) and as SO(3) on a cross product, and on a determinant beside."""
    steps, rows = (20, 100) if scale == "smoke" else (600, 2000)
    method, baseline = {}, {}
    extras: dict[str, Any] = {"least possible under O(3)": CROSS_FLOOR}
    for seed in run.seeds:
        for name in ("cross", "determinant"):
            task = TASKS[name]
            train, test = task.sample(rows, seed), task.sample(TEST_ROWS, TEST_SEED)
            errors = {}
            for group in ("SO(3)", "O(3)"):
                config = Config(task.schema, group, width=32, depth=1, steps=steps, learning_rate=5e-3)
                model = train_net(config, train, seed)
                label = model.schema.outputs[0].name
                with torch.no_grad():
                    errors[group] = float((model(test)[label] - test[label]).square().mean())
            extras[f"{name}, seed {seed}"] = errors
            if name == "cross":
                method[seed], baseline[seed] = errors["SO(3)"], errors["O(3)"]
    return Measurement(values=_ratio(baseline, method), method=method, baseline=baseline, unit="MSE", extras=extras)


def rotated_data_cost_nothing(scale: Scale, run: Run) -> Measurement:
    """Train on vectors of one octant; the value is how much more the MLP's error grows under rotation."""
    task, budget = TASKS["norms"], BUDGETS["smoke" if scale == "smoke" else "laptop"]
    method: dict[int, float] = {}
    baseline: dict[int, float] = {}
    for seed in run.seeds:
        train, test = ({"x": rows["x"].abs(), "f": norms_label(rows["x"].abs())}
                       for rows in (task.sample(1000, seed), task.sample(TEST_ROWS, TEST_SEED)))  # fmt: skip
        element = group_named("O(5)").sample(TEST_ROWS, torch.Generator().manual_seed(seed))
        turned = torch.einsum("bij,bnj->bni", element.A.float(), test["x"])
        for group, kept in (("O(5)", method), ("raw", baseline)):
            settings = {"width": budget.width, "depth": budget.depth, "steps": budget.steps, "batch": budget.batch}
            text = task.schema if group != "raw" else "x: 10 scalar -> f: scalar"
            shape: Callable[[Tensor], Tensor] = (lambda x: x) if group != "raw" else (lambda x: x.flatten(1))
            model = train_net(Config(text, "O(5)", **settings), {"x": shape(train["x"]), "f": train["f"]}, seed)
            with torch.no_grad():
                before, after = ((model({"x": shape(x)})["f"] - test["f"]).square().mean() for x in (test["x"], turned))
            kept[seed] = float(after / before)
    return Measurement(values=_ratio(baseline, method), method=method, baseline=baseline, unit="growth of the MSE")


def pendulum_beats_mlp(scale: Scale, run: Run) -> Measurement:
    """Measure rollout errors of Hamiltonian networks on scalars and on coordinates, same data, steps and width."""
    found = rollout_errors(scale, run)
    return Measurement(values=_ratio(found.mlp, found.scalars), method=found.scalars, baseline=found.mlp,
                       unit="rollout error", extras=found.extras, files=[_error_curves(run, found.curves)])  # fmt: skip


def pendulum_beats_emlp_figure(scale: Scale, run: Run) -> Measurement:
    """Measure the rollout error of the Hamiltonian network on scalars; EMLP's 0.012 is published, not measured here."""
    found = rollout_errors(scale, run)
    return Measurement(values=found.scalars, method=found.scalars, baseline=found.mlp, unit="rollout error",
                       extras=found.extras)  # fmt: skip


def pendulum_ode_beats_mlp(scale: Scale, run: Run) -> Measurement:
    """Measure rollout errors where velocities are learned outright, on scalars and on coordinates."""
    found = rollout_errors(scale, run, "ode")
    return Measurement(values=_ratio(found.mlp, found.scalars), method=found.scalars, baseline=found.mlp,
                       unit="rollout error", extras=found.extras, files=[_error_curves(run, found.curves)])  # fmt: skip


def pendulum_energy_is_linear(scale: Scale, run: Run) -> Measurement:
    """Find the energy by least squares on 30 scalars from exact velocities; roll it out beside the true one."""
    found = {seed: energy_found(200, 10 if scale == "smoke" else 151, seed) for seed in run.seeds}
    off = {str(seed): difference for seed, (_, difference) in found.items()}
    errors = {seed: error for seed, (error, _) in found.items()}
    return Measurement(values=errors, extras={"energy off by, after a constant": off})


def planets_beat_mlp(scale: Scale, run: Run) -> Measurement:
    """Learn what draws the inner planets to the Sun; in the extras are turned frames and the law by least squares."""
    found = {seed: planet_errors(scale, seed) for seed in run.seeds}
    method, baseline = ({seed: each.plain[way] for seed, each in found.items()} for way in ("scalars", "mlp"))
    extras = {str(seed): dataclasses.asdict(each) for seed, each in found.items()}
    return Measurement(values=_ratio(baseline, method), method=method, baseline=baseline, unit="relative error",
                       extras=extras)  # fmt: skip


def inertia_step_is_faster(scale: Scale, run: Run) -> Measurement:
    """Time a training step of the twelve published networks (width 300) and of ours (width 64), batch 512."""
    batch, repeats = (32, 2) if scale == "smoke" else (512, 15)
    task = TASKS["inertia"]
    method, baseline = {}, {}
    for seed in run.seeds:
        rows = task.sample(batch, seed)
        ours, theirs = ScalarNet(task.schema, task.group, task.permute, width=64), Twelve()
        ours.calibrate(rows)
        method[seed], baseline[seed] = _step_seconds(ours, theirs, rows, repeats)
    return Measurement(values=_ratio(baseline, method), method=method, baseline=baseline, unit="CPU s")


def _against(scale: Scale, run: Run, task: str) -> Measurement:
    budget = BUDGETS[scale]
    errors = task_errors(task, budget, tuple(run.seeds))
    means = {way: {seed: geometric_mean([errors[way][rows][seed] for rows in budget.rows]) for seed in run.seeds}
             for way in errors}  # fmt: skip
    curves = {way: [geometric_mean(list(errors[way][rows].values())) for rows in budget.rows] for way in errors}
    picture = run.out / f"{task}.png"
    plot_curves(picture, budget.rows, curves, ("rows to learn from", "test MSE"))
    return Measurement(
        values=_ratio(means["mlp-aug"], means["scalars"]), method=means["scalars"], baseline=means["mlp-aug"],
        unit="test MSE", extras={"budget": dataclasses.asdict(budget), "errors": _plain(errors)}, files=[picture],
    )  # fmt: skip


def _against_emlp(scale: Scale, run: Run, task: str) -> Measurement:
    stored = [row for row in json.loads(EMLP.read_text()) if row["task"] == task]
    measured = {row["seed"]: row["test_mse"] for row in stored}
    if missing := [seed for seed in run.seeds if seed not in measured]:
        raise HotpapersError(f"EMLP was not measured with seed {missing[0]}; benchmarks/scalars.py --seeds does it.")
    baseline = {seed: measured[seed] for seed in run.seeds}
    errors = task_errors(task, BUDGETS["smoke" if scale == "smoke" else "laptop"], tuple(run.seeds))
    method = errors["scalars"][1000]
    return Measurement(
        values=_ratio(baseline, method), method=method, baseline=baseline, unit="test MSE",
        extras={"baseline": "measured by benchmarks/scalars.py, kept in emlp.json", "emlp": stored,
                "linear in scalars": {str(seed): error for seed, error in errors["linear"][1000].items()}},
    )  # fmt: skip


def _plain(errors: dict[str, dict[int, dict[int, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    return {way: {str(rows): {str(seed): e for seed, e in by_seed.items()} for rows, by_seed in by_rows.items()}
            for way, by_rows in errors.items()}  # fmt: skip


def _ratio(over: dict[int, float], under: dict[int, float]) -> dict[int, float]:
    return {seed: over[seed] / under[seed] for seed in under}


def _random_model_error(text: str, group: str, permute: str) -> float:
    torch.manual_seed(0)
    model = ScalarNet(text, group, permute, width=16).double()
    d = model.schema.group.dimension
    rows = {field.name: torch.randn(50, *field.shape(d), dtype=torch.float64) for field in model.schema.fields}
    model.calibrate(rows)
    error = equivariance_error(model, model.schema, rows, rapidity=3.0)
    if permute:
        order = torch.randperm(4)
        particles = {"m", "r", "a"}
        shuffled = {name: value[:, order] if name in particles else value for name, value in rows.items()}
        with torch.no_grad():
            found, wanted = model(shuffled), model(rows)
        error = max(error, *(float((found[k] - (wanted[k][:, order] if k in particles else wanted[k])).abs().max())
                             for k in wanted))  # fmt: skip
    return error


def _raw_least_squares(train: dict[str, Tensor], test: dict[str, Tensor], label: str) -> float:
    def design(rows: dict[str, Tensor]) -> Tensor:
        x = torch.cat([value.flatten(1) for name, value in rows.items() if name != label], 1)
        a, b = torch.triu_indices(x.shape[1], x.shape[1])
        return torch.cat([torch.ones(len(x), 1), x, x[:, a] * x[:, b]], 1)

    weights = torch.linalg.lstsq(design(train), train[label].reshape(len(train[label]), -1), driver="gelsd").solution
    return float((design(test) @ weights - test[label].reshape(len(test[label]), -1)).square().mean())


def _step_seconds(ours: ScalarNet, theirs: Twelve, rows: Table, repeats: int) -> list[float]:
    """Return the median CPU seconds of a step of each, taken in turns, so that other work slows both alike."""
    adams = [torch.optim.Adam(net.parameters()) for net in (ours, theirs)]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 2):  # two warm up
        for loss, adam, kept in zip((ours.loss, theirs.loss), adams, times, strict=True):
            started = time.process_time()
            adam.zero_grad()
            loss(rows).backward()
            adam.step()
            kept.append(time.process_time() - started)
    return [statistics.median(kept[2:]) for kept in times]


def _error_curves(run: Run, curves: dict[str, list[float]]) -> Path:
    picture = run.out / "rollouts.png"
    times = [0.2 * (k + 1) for k in range(len(next(iter(curves.values()))))]
    plot_curves(picture, times, curves, ("seconds", "rollout error"), log_x=False)
    return picture
