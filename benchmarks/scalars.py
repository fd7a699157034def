"""Scalars here against EMLP and against the authors' inertia network: test error, parameters, CPU seconds a step.

    python benchmarks/scalars.py --emlp-python PYTHON_WITH_EMLP --authors CHECKOUT [--json FILE]

Every contender sees the same rows, takes the same number of steps of the same batch, and is tested on the same 2000
rows. EMLP needs an old JAX, so it runs under an interpreter of its own that has ``emlp``; only arrays pass between.
"""

import argparse
import contextlib
import io
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

TASKS = ("norms", "inertia", "scattering")
Row = dict[str, Any]


def main() -> int:
    """Run the contenders that were asked for, one after another, and print the table."""
    options = arguments()
    if options.worker:
        options.kept.write_text(json.dumps(WORKERS[options.worker](options)))
        return 0
    kept: dict[str, Row] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for task in options.tasks:
        for seed in options.seeds:
            for name in contenders(options, task, seed):
                key = f"{task} {name} seed {seed}"
                if key not in kept:
                    print(f"measuring {key} …", file=sys.stderr, flush=True)
                    kept[key] = run_worker(name, task, seed, options)
                    if options.json:
                        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    print(table(list(kept.values())))
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--emlp-python", type=Path, help="interpreter that has emlp (jax 0.4.13, objax 1.7)")
    parser.add_argument("--authors", type=Path, help="checkout of the authors' code (weichiyao/ScalarEMLP)")
    parser.add_argument("--rows", type=int, default=1000, help="rows to learn from")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--channels", type=int, default=128, help="width of every network; EMLP's paper has 384")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to keep the numbers; what it has is not measured again")
    for hidden in ("worker", "task"):
        parser.add_argument(f"--{hidden}", help=argparse.SUPPRESS)
    for hidden in ("arrays", "kept"):
        parser.add_argument(f"--{hidden}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def contenders(options: argparse.Namespace, task: str, seed: int) -> list[str]:
    """Return who takes part in a task, and say once who could not."""
    names = ["scalars", "linear", "mlp", "mlp-aug"]
    first = task == options.tasks[0] and seed == options.seeds[0]
    if options.emlp_python:
        names.append("emlp")
    elif first:
        print("No --emlp-python PYTHON given: EMLP does not take part.")
    if options.authors and task == "inertia":
        names.append("authors")
    elif first and not options.authors:
        print("No --authors CHECKOUT given: the authors' inertia network does not take part.")
    return names


def run_worker(name: str, task: str, seed: int, options: argparse.Namespace) -> Row:
    """Measure one contender in a process of its own, EMLP under its own interpreter."""
    import numpy as np

    from hotpapers.papers.scalars.tasks import TASKS as TASK_LIST
    from hotpapers.papers.scalars.tasks import TEST_SEED

    with tempfile.TemporaryDirectory() as folder:
        arrays, kept = Path(folder) / "arrays.npz", Path(folder) / "kept.json"
        train, test = TASK_LIST[task].sample(options.rows, seed), TASK_LIST[task].sample(2000, TEST_SEED)
        np.savez(arrays, **{f"{part}.{key}": value.numpy() for part, rows in (("train", train), ("test", test))
                            for key, value in rows.items()})  # fmt: skip
        python = str(options.emlp_python) if name == "emlp" else sys.executable
        command = [python, __file__, "--worker", name, "--task", task, "--seed", str(seed), "--arrays", str(arrays),
                   "--kept", str(kept)]  # fmt: skip
        for option in ("rows", "steps", "batch", "channels", "threads", "authors"):
            if (value := getattr(options, option)) is not None:
                command += [f"--{option}", str(value)]
        flags = "--xla_cpu_multi_thread_eigen=false" if options.threads == 1 else ""
        environment = os.environ | {"OMP_NUM_THREADS": str(options.threads), "XLA_FLAGS": flags,
                                    "JAX_PLATFORMS": "cpu", "HOTPAPERS_PROGRESS": "quiet"}  # fmt: skip
        subprocess.run(command, check=True, env=environment)
        return {"task": task, "contender": name, "seed": seed, "rows": options.rows, "steps": options.steps,
                "batch": options.batch, "channels": options.channels, **json.loads(kept.read_text())}  # fmt: skip


def work_emlp(options: argparse.Namespace) -> Row:
    """Train EMLP with its published depth, learning rate and optimiser (3 layers, Adam, 3e-3 throughout)."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import objax
    from emlp.groups import Lorentz, O
    from emlp.nn import EMLP
    from emlp.reps import Scalar, T, Vector

    np.random.seed(options.seed)
    objax.random.DEFAULT_GENERATOR.seed(options.seed)
    rep_in, rep_out, group, columns, label = {
        "norms": (2 * Vector, Scalar, O(5), ("x",), "f"),
        "inertia": (5 * Scalar + 5 * Vector, T(2), O(3), ("m", "r"), "I"),
        "scattering": (4 * Vector, Scalar, Lorentz(), ("p",), "M"),
    }[options.task]
    with contextlib.redirect_stderr(io.StringIO()):  # the bars of its solver
        model = EMLP(rep_in, rep_out, group, ch=options.channels, num_layers=3)
    adam = objax.optimizer.Adam(model.vars())

    @objax.Function.with_vars(model.vars())
    def loss(x: Any, y: Any) -> Any:
        return jnp.mean((model(x) - y) ** 2)

    gradients = objax.GradValues(loss, model.vars())

    @objax.Function.with_vars(model.vars() + adam.vars())
    def step(x: Any, y: Any) -> Any:
        found, value = gradients(x, y)
        adam(3e-3, found)
        return value

    step, predict = objax.Jit(step), objax.Jit(model)
    arrays = np.load(options.arrays)

    def flat(part: str, names: tuple[str, ...]) -> Any:
        return np.concatenate(
            [arrays[f"{part}.{name}"].reshape(len(arrays[f"{part}.{name}"]), -1) for name in names], 1
        )

    x, y, generator = flat("train", columns), flat("train", (label,)), np.random.default_rng(options.seed)
    clock = Clock()
    for _ in range(options.steps):
        rows = generator.integers(len(x), size=options.batch)
        with clock:
            jax.block_until_ready(step(x[rows], y[rows]))
    error = float(np.square(np.asarray(predict(flat("test", columns))) - flat("test", (label,))).mean())
    size = int(sum(np.prod(each.shape) for each in model.vars().subset(objax.TrainVar)))
    return {"test_mse": error, "parameters": size,
            "cpu_per_step": clock.per_step(),
            "versions": f"jax {jax.__version__}, objax {objax.__version__}"}  # fmt: skip


class Clock:
    """CPU seconds of each step; the first three, which compile, do not count."""

    def __init__(self) -> None:
        self.steps: list[float] = []

    def __enter__(self) -> None:
        self.started = time.process_time()

    def __exit__(self, *_: object) -> None:
        self.steps.append(time.process_time() - self.started)

    def per_step(self) -> float:
        """Return the mean."""
        return statistics.mean(self.steps[3:] or self.steps)


def work_ours(options: argparse.Namespace) -> Row:
    """Train one of this project's contenders: scalars, an MLP with or without augmentation, or least squares."""
    import torch

    from hotpapers.papers.scalars.experiment import Budget, task_errors, task_sizes

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    budget = Budget((options.rows,), options.steps, options.batch, options.channels)
    started = time.process_time()
    errors = task_errors(options.task, budget, (options.seed,), only=options.worker)
    seconds = time.process_time() - started
    steps = 1 if options.worker == "linear" else options.steps
    error = errors[options.worker][options.rows][options.seed]
    size = task_sizes(options.task, budget)[options.worker]
    return {"test_mse": error, "parameters": size, "cpu_per_step": seconds / steps,
            "versions": f"torch {torch.__version__}"}  # fmt: skip


def work_authors(options: argparse.Namespace) -> Row:
    """Train the authors' permutation network (12 of width 300) with their learning rate, 5e-3."""
    import numpy as np
    import torch

    sys.path.insert(0, str(options.authors / "experiments"))
    from scalars_nn import EquivariancePermutationLayer, dataset_transform

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    arrays = np.load(options.arrays)

    def seen(part: str) -> Any:
        x = np.concatenate([arrays[f"{part}.m"], arrays[f"{part}.r"].reshape(-1, 15)], 1)
        y = arrays[f"{part}.I"].reshape(-1, 9)
        return dataset_transform(types.SimpleNamespace(X=x, Y=y, symname="O3equivariant"))["dataset"].tensors

    net = EquivariancePermutationLayer(3, 300, 2, False)
    adam = torch.optim.Adam(net.parameters(), 5e-3)
    (scalars, outer, y), clock = seen("train"), Clock()
    for _ in range(options.steps):
        pick = torch.randint(len(y), (options.batch,))
        with clock:
            loss = (net((scalars[pick], outer[pick])) - y[pick]).square().mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    scalars, outer, y = seen("test")
    with torch.no_grad():
        error = float((net((scalars, outer)) - y).square().mean())
    return {"test_mse": error, "parameters": sum(each.numel() for each in net.parameters()),
            "cpu_per_step": clock.per_step(), "versions": f"torch {torch.__version__}"}  # fmt: skip


WORKERS = {"scalars": work_ours, "linear": work_ours, "mlp": work_ours, "mlp-aug": work_ours, "emlp": work_emlp,
           "authors": work_authors}  # fmt: skip


def table(rows: list[Row]) -> str:
    """Return the numbers as Markdown: a line a task and contender, and the ratios to ours."""
    lines = ["| task | contender | seeds | test MSE | / scalars | parameters | CPU ms a step | / scalars |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        ours = [row for row in mine if row["contender"] == "scalars"]
        for name in dict.fromkeys(row["contender"] for row in mine):
            theirs = [row for row in mine if row["contender"] == name]
            error, step = mean(theirs, "test_mse"), mean(theirs, "cpu_per_step")
            ratios = [
                f"{mean(theirs, key) / mean(ours, key):.3g}" if ours else "–" for key in ("test_mse", "cpu_per_step")
            ]
            cells = [task, name, str(len(theirs)), f"{error:.3g}", ratios[0], f"{theirs[0]['parameters']:,}",
                     f"{1000 * step:.3g}", ratios[1]]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", "linear: least squares on monomials of the scalars; its one step is the whole fit."])


def mean(rows: list[Row], key: str) -> float:
    """Return the geometric mean."""
    return math.exp(statistics.mean(math.log(row[key]) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
