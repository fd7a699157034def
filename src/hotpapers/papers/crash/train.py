"""Training: the U-Net to tell the noise, then, where there are classes, the classifier to see through it.

The published settings are ``paper``. Short trainings take three liberties, without which a minute teaches a small
network the loudness of drums and no kick: the U-Net adds to the best linear estimate of the noise, each level of noise
weighs as much as what is left to tell at it, and the weights of the blocks are moved by Muon, whose rate falls to 0.
"""

import dataclasses
import shlex
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.blocks.diffusion import by_level, denoising_loss, moving_average
from hotpapers.blocks.diffusion.levels import Level
from hotpapers.blocks.muon import muon_beside_adam
from hotpapers.errors import BadInput
from hotpapers.media import sound_sheet, write_image
from hotpapers.papers.crash.drums import Drums, read_drums
from hotpapers.papers.crash.model import SCHEDULES, Crash, ScheduleName, estimate, left_to_tell, scores
from hotpapers.papers.crash.sampling import draw
from hotpapers.run import Run, check_seed, save_model
from hotpapers.verbs import Device, Folder, Outcome, resume_command

BINS = 10  # of time, that losses are logged in
PREVIEW = 8


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training run.

    Attributes
    ----------
    preset
        What the settings are for.
    width, classifier_width
        Of the networks; 32 is the paper's.
    rate, length
        Samples a second, and samples, of the sounds.
    schedule
        The levels of noise.
    steps, classifier_steps
        Of each network's training.
    optimiser
        muon (for the weights of the blocks, Adam beside it; both rates fall to 0) or adam (the rate falls by a fifth
        every 100,000 steps).
    batch, learning_rate
        Sounds a step, and the optimiser's rate.
    average
        Decay of the moving average of the weights that sounds are made with.
    linear_first
        Whether the U-Net adds to the best linear estimate of the noise, and learns what is left at each level alike.
    """

    preset: str = "small"
    width: int = 8
    classifier_width: int = 8
    rate: int = 22_050
    length: int = 10_500
    schedule: ScheduleName = "vp-cos"
    steps: int = 4_000
    classifier_steps: int = 600
    batch: int = 16
    optimiser: Literal["muon", "adam"] = "muon"
    learning_rate: float = 0.02
    average: float = 0.99
    linear_first: bool = True


PRESETS: dict[str, Config] = {
    "small": Config(),
    "tiny": Config(preset="tiny", width=4, classifier_width=4, rate=11_025, length=5_400, steps=1_500,
                   classifier_steps=300),
    "paper": Config(preset="paper", width=32, classifier_width=32, rate=44_100, length=21_000, steps=500_000,
                    classifier_steps=50_000, batch=100, optimiser="adam", learning_rate=2e-4, average=0.999,
                    linear_first=False),
}  # fmt: skip
Preset = Literal["small", "tiny", "paper"]


def train(
    folder: Folder,
    *,
    preset: Preset = "small",
    out: Path | None = None,
    schedule: ScheduleName | None = None,
    steps: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Learn the sounds of a folder, to make more of their kind. Sub-folders are classes, which can then be asked for.

    Writes the model, and a picture of sounds that it makes beside sounds that it learned.

    Parameters
    ----------
    folder
        WAV, FLAC, Ogg, MP3 or AIFF files, in sub-folders where there are classes; or a ZIP of them.
    preset
        The settings to start from: small (0.48 s at 22 kHz, about an hour on two cores); tiny (0.49 s at 11 kHz, some
        minutes); paper, the published networks at 44.1 kHz, for a GPU.
    out
        The directory to write the model to; beside the folder when left out.
    schedule
        How noise is spread over the steps.
    steps
        Training steps of the network that makes sounds.
    batch
        Sounds a step.
    learning_rate
        Of Muon in the presets small and tiny (0.02), of Adam in paper (0.0002).
    seed
        The seed of everything random.
    device
        Where to compute.
    resume
        Go on with the training that was interrupted in the directory.
    fresh
        Replace the training in the directory.
    """
    asked = dict(locals())
    changes = {"schedule": schedule, "steps": steps, "batch": batch, "learning_rate": learning_rate}
    config = dataclasses.replace(PRESETS[preset], **{key: value for key, value in changes.items() if value is not None})
    check_config(config)
    check_seed(seed)
    drums = read_drums(Path(folder), config.rate, config.length)
    if nameless := [each for each in drums.classes if {",", "="} & {*each} or not each.isprintable()]:
        raise BadInput(
            f"The sub-folder {nameless[0]!r} cannot be asked for as a class; rename it, without ',' and '='."
        )
    place = Path(folder).resolve()
    out = Path(out) if out else place.with_name(f"{place.stem if place.is_file() else place.name}.crash")
    again = resume_command("crash train", train, asked | {"out": out})
    started = time.perf_counter()
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=again) as run:
        model = fit(drums, config, run)
        if run.rank == 0:
            save_model(model, out)
    return _report(model, drums, out, seed, time.perf_counter() - started)


def fit(drums: Drums, config: Config, run: Run) -> Crash:
    """Train a model on ``drums`` and return it with averaged weights.

    The U-Net and the classifier are stages of ``run``.
    """
    spread = float(drums.sounds.std()) if config.linear_first else 0.0
    model = Crash(
        config.width, config.schedule, config.rate, config.length, drums.classes, config.classifier_width, spread
    )
    sounds, labels = drums.sounds.to(run.device), drums.labels.to(run.device)
    with run.stage("sounds"):
        fit_sounds(model, sounds, config, run)
    if model.classifier is not None:
        with run.stage("classes"):
            fit_classes(model, sounds, labels, config, run)
    return model.eval()


def fit_sounds(model: Crash, sounds: Tensor, config: Config, run: Run) -> None:
    """Train the U-Net by ``|eps - eps(m x + sigma eps, sigma)|^2`` at uniform times; it ends with averaged weights."""
    net, moving = _set_up(model.unet, [model.unet.down, model.unet.up], config, config.steps, run)
    average = moving_average(model.unet, config.average)
    run.setup(average)

    def eps(x: Tensor, level: Level) -> Tensor:
        return estimate(net, x, level, model.spread)

    edges = torch.linspace(model.schedule.t_min, model.schedule.t_max, BINS + 1).tolist()
    for _ in run.steps(config.steps):
        x = sounds[torch.randint(len(sounds), (config.batch,), device=sounds.device)]
        t = uniform_times(model, len(x), x.device)
        level = model.schedule.batch(t)
        losses = denoising_loss(eps, x, level)
        loss = (losses / left_to_tell(level, model.spread)).mean()
        model.unet.zero_grad()
        run.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(model.unet.parameters(), 1.0)
        for each in moving:
            each.step()
        average.update_parameters(model.unet)
        run.log(loss=loss.detach(), gradient=norm)
        if run.due("bins", seconds=10):
            means = by_level(losses.detach(), t, edges)
            run.log(**{f"loss in tenth {number}": mean for number, mean in enumerate(means) if mean == mean})
    model.unet.load_state_dict(average.module.state_dict())


def _set_up(
    net: nn.Module, blocks: Iterable[nn.Module], config: Config, steps: int, run: Run
) -> tuple[nn.Module, list[Any]]:
    """Return a network, and its optimisers and their schedules, which all take a step after each gradient.

    Muon moves the convolutions of the blocks and Adam all the rest, or Adam everything.
    """
    optimisers: list[torch.optim.Optimizer]
    schedules: list[torch.optim.lr_scheduler.LRScheduler]
    if config.optimiser == "adam":
        optimisers = [torch.optim.Adam(net.parameters(), config.learning_rate, fused=True)]
        schedules = [torch.optim.lr_scheduler.StepLR(optimisers[0], 100_000, 0.8)]
    else:
        optimisers, schedules = muon_beside_adam(net, blocks, config.learning_rate, steps)
    net, *moving = run.setup(net, *optimisers, *schedules)
    return net, moving


def fit_classes(model: Crash, sounds: Tensor, labels: Tensor, config: Config, run: Run) -> None:
    """Train the classifier on sounds at every level of noise."""
    assert model.classifier is not None
    net, moving = _set_up(model.classifier, model.classifier.blocks, config, config.classifier_steps, run)
    share = 1 / torch.bincount(labels, minlength=len(model.classes)).clamp(min=1).float()[labels]  # classes alike often
    for _ in run.steps(config.classifier_steps):
        rows = torch.multinomial(share, config.batch, replacement=True)
        t = uniform_times(model, len(rows), sounds.device)
        level = model.schedule.batch(t)
        x = level.m[:, None] * sounds[rows] + level.sigma[:, None] * torch.randn_like(sounds[rows])
        loss = F.cross_entropy(scores(net, x, level, model.spread), labels[rows])
        model.classifier.zero_grad()
        run.backward(loss)
        for each in moving:
            each.step()
        run.log(loss=loss.detach())


def uniform_times(model: Crash, count: int, device: torch.device) -> Tensor:
    """Return times between the ends of the model's schedule."""
    first, last = model.schedule.t_min, model.schedule.t_max
    return first + (last - first) * torch.rand(count, device=device)


def check_config(config: Config) -> None:
    """Refuse settings that no training can have."""
    for name, low, high in (("steps", 1, 10**8), ("batch", 1, 4_096)):
        if not low <= (value := getattr(config, name)) <= high:
            raise BadInput(f"--{name} can be {low} to {high:,}, not {value}.")
    if not 0 < config.learning_rate <= 1:
        raise BadInput(f"--learning-rate is above 0 and at most 1, not {config.learning_rate}.")
    if config.schedule not in SCHEDULES:
        raise BadInput(f"There is no schedule {config.schedule!r}; take one of {', '.join(SCHEDULES)}.")


def _report(model: Crash, drums: Drums, out: Path, seed: int, seconds: float) -> Outcome:
    made = draw(model, PREVIEW, steps=30, generator=torch.Generator(model.unet.first.weight.device).manual_seed(seed))
    shown = [*drums.sounds[:: max(1, len(drums.sounds) // PREVIEW)][:PREVIEW].numpy(), *made.cpu().numpy()]
    labels = [*["learned"] * (len(shown) - PREVIEW), *["made"] * PREVIEW]
    picture = write_image(out / "sounds.png", sound_sheet(shown, labels, model.rate))
    numbers: dict[str, float | int | str] = {
        "sounds": len(drums.sounds),
        "files left out": len(drums.left_out),
        "classes": ", ".join(model.classes) or "none",
        "parameters": sum(each.numel() for each in model.unet.parameters()),
        "seconds": round(seconds, 1),
    }
    return Outcome(
        {"model": out, "sounds": picture}, numbers, f"Make some: hotpapers crash sample {shlex.quote(str(out))}"
    )
