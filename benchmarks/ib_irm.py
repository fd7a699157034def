"""The sweep of the linear unit tests here against the authors' loop and against batched autograd: CPU seconds.

    python benchmarks/ib_irm.py --authors CHECKOUT_OF_IB-IRM

All contenders take the same steps at the same draws on the same number of rows, one thread, in one process; the time is
that of the fit alone. The authors fit one draw after another, autograd and the closed forms fit all draws at once.
"""

import argparse
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HOTPAPERS_PROGRESS", "quiet")

import torch

from hotpapers.papers.ib_irm.examples import is_regression, sample
from hotpapers.papers.ib_irm.linear import Draws, LogisticRows, Moments, sweep
from hotpapers.papers.ib_irm.objective import Objective
from hotpapers.papers.ib_irm.search import Adam
from hotpapers.papers.ib_irm.unit_tests import first_weights, hyperparameters, stacked, weighted

METHODS = {"erm": "ERM", "ib-erm": "IB_ERM", "irm": "IRMv1", "ib-irm": "IB_IRM"}
GOALS = {"2": {"erm": 3, "ib-erm": 3, "irm": 7, "ib-irm": 7}, "1": dict.fromkeys(METHODS, 500)}


def main() -> int:
    """Time what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="checkout of ahujak/IB-IRM")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of each of the three environments")
    parser.add_argument("--examples", nargs="+", choices=list(GOALS), default=list(GOALS))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--data-sets", type=int, default=50, help="data sets at once on example 1")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.authors:
        print("No --authors CHECKOUT given: there is no loop of theirs to compare with, only autograd.")
    print(f"CPU seconds for {options.steps} steps of {options.draws} draws at 3 x {options.rows} rows, a data set")
    print("| example | method | authors | autograd, all draws at once | closed forms | authors / ours | goal |")
    print("|---|---|---|---|---|---|---|")
    for example in options.examples:
        for method in METHODS:
            count = options.data_sets if is_regression(example) else 1
            ours = time_ours(example, method, options, count)
            batched = time_autograd(example, method, options)
            theirs = time_authors(example, method, options) if options.authors else None
            ratio = f"{theirs / ours:.1f}" if theirs else "–"
            told = f"{theirs:.3f}" if theirs else "–"
            print(
                f"| {example} | {method} | {told} | {batched:.3f} | {ours:.4f} | {ratio} | {GOALS[example][method]} |"
            )
            sys.stdout.flush()
    return 0


def clocked(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def draws_of(method: str, count: int) -> Draws:
    return Draws.of([weighted(hyperparameters(method, draw), 3) for draw in range(count)])


def time_ours(example: str, method: str, options: argparse.Namespace, count: int) -> float:
    sets = [sample(example, seed, 3, options.rows) for seed in range(count)]
    x, y = stacked(sets, "train")
    start = torch.stack([first_weights(draw, 10) for draw in range(options.draws)]).expand(count, -1, -1)

    built: list[Moments | LogisticRows] = []
    preparing = clocked(lambda: built.append((Moments if is_regression(example) else LogisticRows)(x, y)))
    first = start.double() if is_regression(example) else start
    steps = options.steps * (10 if is_regression(example) else 1)
    stepping = clocked(
        lambda: sweep(built[0], draws_of(method, options.draws), first, steps, conditional=method == "ib-irm")
    )
    # The data are prepared once for a sweep's 10,000 steps
    return (stepping / steps + preparing / 10_000) * options.steps / count


def time_autograd(example: str, method: str, options: argparse.Namespace) -> float:
    x, y = (part.flatten(0, 1) for part in sample(example, 0, 3, options.rows).train)
    env = torch.arange(3).repeat_interleave(options.rows)
    rows = draws_of(method, options.draws)
    task = "regression" if is_regression(example) else "binary"
    objective = Objective(
        task, risk=rows.risk, irm=rows.irm, ib=rows.ib, penalty="two-dummies", where="logits",
        conditional=method == "ib-irm",
    )  # fmt: skip
    w = torch.stack([first_weights(draw, 10) for draw in range(options.draws)])[..., None].requires_grad_()
    adam = Adam([w], rows.learning_rate, rows.weight_decay)

    def work() -> None:
        for _ in range(options.steps):
            adam.zero_grad()
            objective(x @ w[:, :-1] + w[:, -1:], None, y, env).sum().backward()
            adam.step()

    return clocked(work)


def time_authors(example: str, method: str, options: argparse.Namespace) -> float:
    sys.path.insert(0, str(options.authors / "InvarianceUnitTests" / "scripts"))
    import models
    import utils

    import datasets

    with contextlib.redirect_stdout(io.StringIO()):
        utils.set_seed(0)
        data = datasets.DATASETS[f"Example{example}"](dim_inv=5, dim_spu=5, n_envs=3)
        envs = {"train": {"envs": [data.sample(n=options.rows, env=env, split="train") for env in data.envs]}}
    total = 0.0
    for draw in range(options.draws):
        utils.set_seed(draw + 1000)
        kind = "random" if draw else "default"
        model = models.MODELS[METHODS[method]](10, 1, data.task, kind, torch.device("cpu"))
        total += clocked(lambda model=model: model.fit(envs, options.steps))
    return total


if __name__ == "__main__":
    sys.exit(main())
