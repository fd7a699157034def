"""The verb ``fit-noise``: which law fits what a trained model takes away at each of its steps (Figure 1)."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from hotpapers.blocks.diffusion.levels import Level
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media import write_image
from hotpapers.papers.gamma_diffusion.inspecting import figure_of, pixels_of
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.learning import Config, check_config, fit
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.opening import open_either
from hotpapers.papers.gamma_diffusion.pictures import read_pictures
from hotpapers.papers.gamma_diffusion.residuals import FITS, Fit, cumulative, fit_all, residuals, residuals_of_speech
from hotpapers.papers.gamma_diffusion.speech import (
    SPEECH_PRESETS,
    SpeechConfig,
    check_speech,
    crop_starts,
    fit_vocoder,
    long_mel,
    read_speech,
)
from hotpapers.papers.gamma_diffusion.train import Preset, changed, preset_of
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder, plan
from hotpapers.run import Run, generator_on, save_model
from hotpapers.verbs import AnyFile, Device, Model, Outcome

COLOURS = {"gaussian": "#888888", "gamma": "#00629b", "mixture": "#c05800"}
MOST = 200_000_000  # numbers of all steps together; 1.6 GB

Train = Callable[[Callable[[Run], Any], Config | SpeechConfig], Any]
"""Takes what trains a model within a run, and its settings; keeps the model and returns it."""


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

    Images, or crops of speech, are taken all the way up to noise and down again; what is fitted are the values of
    ``x_t - x_0`` of one half of them, and the errors are those on the other half.

    Parameters
    ----------
    folder
        A folder or ZIP archive of images; with a vocoder, or the presets of speech, of recordings.
    model
        A trained model; without one, a Gaussian model is trained on what is in the folder.
    preset
        The settings of that training; speech-tiny or speech for recordings.
    steps
        Steps from noise to images or sound.
    count
        How many images or crops, at most.
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
    folder = Path(folder)
    target = Path(out) if out else folder.with_name(f"{folder.resolve().stem}.noise")
    net = open_either(Path(model), device) if model is not None else None
    chance = generator_on("cpu", seed)

    def train(fit_in: Callable[[Run], Any], config: Config | SpeechConfig) -> Any:
        with Run(target / "model", seed=seed, config=config, device=device, fresh=True) as run:
            trained = fit_in(run)
            if run.rank == 0:
                save_model(trained, target / "model")
        return trained

    changes = {"law": Law("gaussian"), "steps": train_steps}
    if isinstance(net, Vocoder) or (net is None and preset in SPEECH_PRESETS):
        settings = SpeechConfig(rate=net.rate, factors=net.factors) if net else changed(SPEECH_PRESETS[preset], changes)
        vocoder, start, mel = _speech(folder, net, settings, train, steps, count, chance)
        times, values = residuals_of_speech(vocoder, start, mel, steps, seed)
    else:
        model_of_images, start = _images(folder, net, changed(preset_of(preset), changes), train, steps, count, chance)
        times, values = residuals(model_of_images, start, steps, seed)
    return _told(times, [fit_all(each) for each in values], values, target)


def _images(
    folder: Path, net: GammaDiffusion | None, config: Config, train: Train, steps: int, count: int, chance: Generator
) -> tuple[GammaDiffusion, Float[Tensor, "n channels size size"]]:
    """Return the model and images that are taken up to noise."""
    if net:
        if steps > len(net.schedule):
            raise BadInput(f"--steps can be 2 to {len(net.schedule):,} for this model, not {steps}.")
        pictures = read_pictures(folder, net.size, net.channels)
    else:
        check_config(config, option="--train-steps")
        pictures = read_pictures(folder, config.size, config.channels, crop=config.crop)
    x = pictures.batch(_some(len(pictures), pictures.pixels[0].numel(), steps, count, chance))
    net = net or train(lambda run: fit(pictures, config, run), config)
    return net, _noisy(x, net.schedule.level(len(net.schedule) - 1), chance).to(net.device)


def _speech(
    folder: Path, net: Vocoder | None, config: SpeechConfig, train: Train, steps: int, count: int, chance: Generator
) -> tuple[Vocoder, Float[Tensor, "n length"], Float[Tensor, "n mels frames"]]:
    """Return the vocoder, crops that are taken up to noise, and what they say; no crop overlaps another."""
    check_speech(config, option="--train-steps")
    speech = read_speech(folder, config)
    hop, length = math.prod(config.factors), config.frames * math.prod(config.factors)
    crops = crop_starts(speech.waves, hop, config.frames, every=config.frames)
    starts = crops[_some(len(crops), length, steps, count, chance)].tolist()
    net = net or train(lambda run: fit_vocoder(speech, config, run), config)
    long, frames = torch.cat(speech.waves), long_mel(speech.waves, net)
    x = torch.stack([long[at * hop :][:length] for at in starts])
    mel = torch.stack([frames[:, at : at + config.frames] for at in starts])
    return net, _noisy(x, plan(net, steps)[0], chance).to(net.device), mel.to(net.device)


def _some(available: int, values: int, steps: int, count: int, chance: Generator) -> Int[Tensor, " rows"]:
    """Return which of the images or crops are taken, each of so many values."""
    rows = torch.randperm(available, generator=chance)[:count]
    if len(rows) < 2:
        raise BadInput("Two images, or crops of speech, are needed at least: one to fit to, and one to judge by.")
    if steps * len(rows) * values > MOST:
        raise BadInput(
            f"{steps:,} steps of {len(rows):,} images or crops do not fit in memory; lower --count or --steps."
        )
    return rows


def _noisy(x: Tensor, level: Level, chance: Generator) -> Tensor:
    return level.m * x + level.sigma * torch.randn(x.shape, generator=chance)


def _told(times: list[int], fits: list[list[Fit]], values: np.ndarray, target: Path) -> Outcome:
    errors = {law: np.array([fit.error for each in fits for fit in each if fit.law == law]) for law in FITS}
    table, plot = target / "fits.csv", target / "fits.png"
    with written_whole(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["t", "law", "error", "parameters"])
        for t, each in zip(times, fits, strict=True):
            for fitted in each:
                words = "; ".join(f"{name} {value:.6g}" for name, value in fitted.parameters.items())
                writer.writerow([t, fitted.law, f"{fitted.error:.6g}", words])
    write_image(plot, _plot(times, fits, errors, values))
    best = [min(each, key=lambda fit: fit.error).law for each in fits]
    numbers: dict[str, float | int | str] = {f"steps that {law} fits best": best.count(law) for law in FITS}
    means = {law: float(np.exp(np.log(np.maximum(error, 1e-12)).mean())) for law, error in errors.items()}
    numbers |= {f"mean error of {law}": float(f"{mean:.4g}") for law, mean in means.items()}
    return Outcome({"plot": plot, "table": table}, numbers, "Errors are on images or crops that were not fitted to.")


def _plot(times: list[int], fits: list[list[Fit]], errors: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    figure, axes = figure_of(3, width=4)
    for law, error in errors.items():
        axes[0].plot(times, np.maximum(error, 1e-12), color=COLOURS[law], label=law)
    axes[0].set(yscale="log", xlabel="t", title="error of the fits")
    axes[0].legend()
    for axis, place in zip(axes[1:], (len(times) // 2, len(times) * 9 // 10), strict=True):
        held = values[place][1::2].ravel()
        edges = np.linspace(*np.quantile(held, [0.001, 0.999]), 61)
        middles, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
        axis.stairs(np.histogram(held, edges)[0] / len(held) / width, edges, fill=True, color="#dddddd")
        for each in fits[place]:
            axis.plot(middles, np.diff(cumulative(each.law, each.parameters, edges)) / width, color=COLOURS[each.law])
        axis.set(title=f"x_t - x_0 at t = {times[place]}", yticks=[])
    return pixels_of(figure)
