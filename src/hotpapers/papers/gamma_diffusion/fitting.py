"""The verb ``fit-noise``: which law fits what a trained model takes away from images, step by step (Figure 1)."""

import csv
from pathlib import Path

import numpy as np
import torch

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media import write_image
from hotpapers.papers.gamma_diffusion.inspecting import figure_of, pixels_of
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.learning import check_config, fit
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.pictures import Pictures, read_pictures
from hotpapers.papers.gamma_diffusion.residuals import FITS, Fit, cumulative, fit_all, residuals
from hotpapers.papers.gamma_diffusion.train import Preset, changed, preset_of
from hotpapers.run import Run, load_model, save_model
from hotpapers.run.devices import make_fabric
from hotpapers.verbs import AnyFile, Device, Model, Outcome

COLOURS = {"gaussian": "#888888", "gamma": "#00629b", "mixture": "#c05800"}


def fit_noise(
    folder: AnyFile,
    *,
    model: Model | None = None,
    preset: Preset = "tiny",
    steps: int = 50,
    count: int = 64,
    train_steps: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Fit a Gaussian, a Gamma and a mixture of two Gaussians to what a Gaussian model takes away at each step.

    Images are taken all the way up to noise and down again; what is fitted are the pixels of ``x_t - x_0`` of one half
    of them, and the errors are those on the other half.

    Parameters
    ----------
    folder
        A folder or ZIP archive of images.
    model
        A trained model; without one, a Gaussian model is trained on the images.
    preset
        The settings of that training.
    steps
        Steps from noise to images.
    count
        How many images, at most.
    train_steps
        Training steps, where not the preset's.
    out
        The folder for the table, the plot and a model that was trained.
    seed
        The seed of everything random.
    device
        Where to compute.
    """
    if not 2 <= steps <= 1000:
        raise BadInput(f"--steps can be 2 to 1,000, not {steps}.")
    if not 2 <= count <= 10_000:
        raise BadInput(f"--count can be 2 to 10,000, not {count}.")
    target = Path(out) if out else Path(folder).with_name(f"{Path(folder).resolve().stem}.noise")
    if model is not None:
        net = load_model(GammaDiffusion, model, name="Gamma diffusion", make="hotpapers gamma-diffusion train FOLDER")
        net = net.to(make_fabric(device, "32-true", "auto", 1).device).eval()
        pictures = read_pictures(Path(folder), net.size, net.channels)
    else:
        config = changed(preset_of(preset), {"law": Law("gaussian"), "steps": train_steps})
        check_config(config)
        pictures = read_pictures(Path(folder), config.size, config.channels, crop=config.crop)
        with Run(target / "model", seed=seed, config=config, device=device, fresh=True) as run:
            net = fit(pictures, config, run)
            if run.rank == 0:
                save_model(net, target / "model")
    times, values = _taken(net, pictures, count, steps, seed)
    fits = {t: fit_all(each) for t, each in zip(times, values, strict=True)}
    return _told(fits, values, target)


def _taken(net: GammaDiffusion, pictures: Pictures, count: int, steps: int, seed: int) -> tuple[list[int], np.ndarray]:
    chance = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(pictures), generator=chance)[:count]
    if len(rows) < 2:
        raise BadInput("Two images are needed at least: one to fit to, and one to judge by.")
    x = pictures.batch(rows)
    last = net.schedule.level(len(net.schedule) - 1)
    start = last.m * x + last.sigma * torch.randn(x.shape, generator=chance)
    return residuals(net, start.to(net.device), steps, seed)


def _told(fits: dict[int, list[Fit]], values: np.ndarray, target: Path) -> Outcome:
    errors = {law: np.array([fit.error for each in fits.values() for fit in each if fit.law == law]) for law in FITS}
    table, plot = target / "fits.csv", target / "fits.png"
    with written_whole(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["t", "law", "error", "parameters"])
        for t, each in fits.items():
            for fit in each:
                words = "; ".join(f"{name} {value:.6g}" for name, value in fit.parameters.items())
                writer.writerow([t, fit.law, f"{fit.error:.6g}", words])
    write_image(plot, _plot(fits, errors, values))
    best = [min(each, key=lambda fit: fit.error).law for each in fits.values()]
    numbers: dict[str, float | int | str] = {f"steps that {law} fits best": best.count(law) for law in FITS}
    means = {law: float(np.exp(np.log(np.maximum(error, 1e-12)).mean())) for law, error in errors.items()}
    numbers |= {f"mean error of {law}": float(f"{mean:.4g}") for law, mean in means.items()}
    return Outcome({"plot": plot, "table": table}, numbers, "Errors are on images that were not fitted to.")


def _plot(fits: dict[int, list[Fit]], errors: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    figure, axes = figure_of(3)
    times = list(fits)
    for law, error in errors.items():
        axes[0].plot(times, np.maximum(error, 1e-12), color=COLOURS[law], label=law)
    axes[0].set(yscale="log", xlabel="t", title="error of the fits on other images")
    axes[0].legend()
    for axis, place in zip(axes[1:], (len(times) // 2, len(times) * 9 // 10), strict=True):
        held = values[place][1::2].ravel()
        edges = np.linspace(*np.quantile(held, [0.001, 0.999]), 61)
        middles, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
        axis.stairs(np.histogram(held, edges)[0] / len(held) / width, edges, fill=True, color="#dddddd")
        for each in fits[times[place]]:
            axis.plot(middles, np.diff(cumulative(each.law, each.parameters, edges)) / width, color=COLOURS[each.law])
        axis.set(title=f"x_t - x_0 at t = {times[place]}", yticks=[])
    return pixels_of(figure)
