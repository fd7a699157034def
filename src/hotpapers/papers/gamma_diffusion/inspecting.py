"""The verb ``inspect``: whether a noise law can be told from a Gaussian, and until which step, before training."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.blocks.diffusion import Table, linear_betas
from hotpapers.errors import BadInput
from hotpapers.files import replaceable, written_whole
from hotpapers.media import write_image
from hotpapers.papers.gamma_diffusion.laws import MOST_STEPS, Law, LawName, check_law, divergence, shapes, skewness
from hotpapers.verbs import Outcome

TOLD_APART = 1e-4  # nats: some 10,000 numbers tell one law from the other


def inspect(
    *,
    noise: LawName = "gamma",
    theta0: float = 0.001,
    sigma_start: float = 0.9,
    sigma_end: float = 0.5,
    steps: int = 1000,
    beta_start: float = 1e-4,
    beta_end: float = 0.02,
    out: Path | None = None,
) -> Outcome:
    """Say how far a noise law is from a Gaussian at every step of a schedule, without training anything.

    Parameters
    ----------
    noise
        gaussian, gamma, or mog, a mixture of two Gaussians.
    theta0
        The Gamma's scale at the clean end.
    sigma_start, sigma_end
        The widths of the mixture's halves at the clean and at the noisy end.
    steps
        The length of the schedule.
    beta_start, beta_end
        The first and the last of its linear betas.
    out
        The folder for the table and the plot.
    """
    law = Law(noise, theta0, sigma_start, sigma_end)
    check_law(law)
    if not 2 <= steps <= MOST_STEPS:
        raise BadInput(f"--steps can be 2 to {MOST_STEPS:,}, not {steps}.")
    if not 0 < beta_start <= beta_end < 1:
        raise BadInput("The betas lie between 0 and 1, and --beta-start is at most --beta-end.")
    schedule = Table(linear_betas(steps, beta_start, beta_end))
    nats, skew = divergence(law, schedule), skewness(law, schedule)
    k = shapes(schedule, theta0).tolist() if noise == "gamma" else [""] * steps
    target = replaceable(Path(out) if out else Path("noise"), r"steps\.(csv|png)")
    with written_whole(target) as temporary:
        temporary.mkdir()
        with (temporary / "steps.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["step", "alpha_bar", "k_bar", "skewness", "nats_to_gaussian"])
            rows = zip(schedule.alpha_bar.tolist(), k, skew.tolist(), nats.tolist(), strict=True)
            writer.writerows([step, *row] for step, row in enumerate(rows, start=1))
        write_image(temporary / "steps.png", _plot(law, nats.numpy(), skew.numpy()))
    apart = int((nats > TOLD_APART).sum())
    numbers: dict[str, float | int | str] = {"law": str(law), "steps that can be told from Gaussian": apart}
    numbers |= {f"nats at step {t}": float(f"{nats[t - 1]:.3g}") for t in (1, 10, 100, 1000) if t <= steps}
    note = "This noise is a Gaussian's at every step." if not apart else (
        f"From {TOLD_APART:g} nats an element on, {apart} of {steps} steps differ from Gaussian noise."
    )  # fmt: skip
    return Outcome({"plot": target / "steps.png", "table": target / "steps.csv"}, numbers, note)


def _plot(law: Law, nats: np.ndarray, skew: np.ndarray) -> np.ndarray:
    figure, axes = figure_of(2)
    steps = np.arange(1, len(nats) + 1)
    for axis, values, label in ((axes[0], nats, "nats an element to N(0, 1)"), (axes[1], np.abs(skew), "|skewness|")):
        axis.plot(steps, np.maximum(values, 1e-12), color="#00629b")
        axis.set(xscale="log", yscale="log", xlabel="step", title=f"{label}, {law}")
        axis.grid(alpha=0.3)
    axes[0].axhline(TOLD_APART, color="#888888", linewidth=0.8, linestyle="--")
    return pixels_of(figure)


def figure_of(columns: int, width: float = 5.5) -> tuple[Any, Any]:
    """Return a figure with some axes in a row, each so many inches wide."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, 4), dpi=110, layout="constrained")
    return figure, np.atleast_1d(figure.subplots(1, columns))


def pixels_of(figure: Any) -> np.ndarray:
    """Return a drawn figure, height x width x 3."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
