"""Training: one photograph, scale by scale, each network learning to rebuild its level from the level below.

The visible loop is ``fit``. By default the frozen networks below a scale are not run again at every step, as the
authors' code does (``faithful``): a bank of their outputs is kept, and every step draws one and shuffles it afresh.
The blocks learn by Muon, which comes to the loss that the authors' Adam has after 500 steps in fewer than 100;
``published`` has the authors' settings.
"""

import dataclasses
import shlex
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.blocks.muon import Muon
from hotpapers.errors import BadInput
from hotpapers.media import before_after, read_image, to_pixels, to_tensor, write_image
from hotpapers.metrics import psnr
from hotpapers.papers.sinir.losses import ReconstructionLoss
from hotpapers.papers.sinir.model import ScaleNet, SinIR
from hotpapers.papers.sinir.pyramid import image_pyramid, pyramid_sizes, resize, scaled_sizes
from hotpapers.papers.sinir.shuffle import shuffle_pixels
from hotpapers.run import Run, save_model
from hotpapers.verbs import Device, ImageFile, Outcome, resume_command

BETAS = (0.5, 0.999)
OUTER_SHARE = 0.05  # of Muon's learning rate, for what Adam moves beside it
Optimiser = Literal["muon", "adam"]
SMALLEST, LARGEST = 32, 4096  # pixels
WINDOW = 11  # of SSIM: no scale may be smaller


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training run; the defaults are for editing.

    Attributes
    ----------
    preset
        The task that the settings are for.
    max_size, min_size, factor
        Longer side at the finest scale, shorter side at the coarsest, and the factor wished for between scales.
    scales
        A fixed number of scales with exactly ``factor`` between them; ``None`` lets the sizes decide.
    channels
        Width of the networks.
    optimiser, learning_rate, steps
        ``muon`` (Adam where Muon does not belong, at ``OUTER_SHARE`` of the rate) or ``adam``; its rate, falling to 0
        by a cosine in each scale; steps a scale.
    shuffle
        The probability at which a pixel is overwritten.
    resampler
        ``torch`` or ``matlab``.
    ssim_weight, mse_weight
        Of the two terms of the loss.
    bank
        How many outputs of the frozen networks are kept to draw from.
    faithful
        Run the frozen networks again at every step, as the authors' code does.
    """

    preset: str = "edit"
    max_size: int = 250
    min_size: int = 25
    factor: float = 0.75
    scales: int | None = None
    channels: int = 128
    optimiser: Optimiser = "muon"
    learning_rate: float = 0.02
    steps: int = 100
    shuffle: float = 0.005
    resampler: str = "torch"
    ssim_weight: float = 1.0
    mse_weight: float = 1.0
    bank: int = 32
    faithful: bool = False


PRESETS: dict[str, Config] = {
    "edit": Config(),
    "harmonise": Config(preset="harmonise"),
    "paint": Config(preset="paint"),
    "style-photo": Config(preset="style-photo", factor=1.0, scales=2),
    "style-art": Config(preset="style-art", max_size=500),
    "super-resolve": Config(
        preset="super-resolve", max_size=120, factor=0.5, scales=2, channels=256, steps=200, shuffle=0.0005,
        resampler="matlab",
    ),
    # Ours: a usable model in a minute and a half on two cores
    "quick": Config(preset="quick", max_size=192, channels=64, steps=60),
}  # fmt: skip


def published(preset: str) -> Config:
    """Return the settings of a preset with the authors' schedule, and their procedure to the letter (supplement A)."""
    learning_rate, steps = (1e-3, 1000) if preset == "super-resolve" else (1e-4, 500)
    schedule = {"optimiser": "adam", "learning_rate": learning_rate, "steps": steps}
    return dataclasses.replace(PRESETS[preset], **schedule, faithful=True)


PRESETS["paper"] = dataclasses.replace(published("edit"), preset="paper")
Preset = Literal["edit", "harmonise", "paint", "style-photo", "style-art", "super-resolve", "quick", "paper"]


def train(
    image: ImageFile,
    *,
    preset: Preset = "edit",
    out: Path | None = None,
    max_size: int | None = None,
    min_size: int | None = None,
    channels: int | None = None,
    optimiser: Optimiser | None = None,
    steps: int | None = None,
    learning_rate: float | None = None,
    shuffle: float | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Learn one photograph, so that edits of it can be given its texture.

    Writes the model, a picture of the photograph beside its reconstruction, and a preview every few seconds.

    Parameters
    ----------
    image
        The photograph (or painting, or texture) to learn.
    preset
        The settings to start from: a task's, with the paper's networks and a faster schedule (minutes on a CPU); quick,
        smaller (a minute and a half on two cores); or paper, which is edit by the authors' own schedule and procedure
        (most of an hour).
    out
        The directory to write the model to; beside the photograph when left out.
    max_size
        Longer side in pixels at the finest scale: what the networks see, and what training time grows with.
    min_size
        Shorter side in pixels at the coarsest scale.
    channels
        Width of the networks; even.
    optimiser
        What moves the weights: muon, or adam, which needs five times the steps and is the authors'.
    steps
        Training steps at each scale.
    learning_rate
        The learning rate at the start of each scale: 0.02 suits muon; for adam take 0.0001, or 0.001 for few steps.
    shuffle
        Probability at which a pixel is overwritten in training: more of it gives freer manipulation, less a more
        faithful one.
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
    picture = read_image(image, min_size=SMALLEST, needed_by="SinIR")
    changes = {
        "max_size": max_size, "min_size": min_size, "channels": channels, "optimiser": optimiser, "steps": steps,
        "learning_rate": learning_rate, "shuffle": shuffle,
    }  # fmt: skip
    config = dataclasses.replace(PRESETS[preset], **{key: value for key, value in changes.items() if value is not None})
    check_config(config, *picture.pixels.shape[:2])
    out = Path(out) if out else Path(image).with_suffix(".sinir")
    again = resume_command("sinir train", train, asked | {"out": out})
    started = time.perf_counter()
    x = to_tensor(picture.pixels) * 2 - 1
    settings = {"seed": seed, "config": config, "device": device, "resume": resume, "fresh": fresh}
    with Run(out, **settings, resume_command=again) as run:
        model = fit(x.to(run.device), config, run)
        if run.rank == 0:
            save_model(model, out)
    return _report(model, out, image, time.perf_counter() - started)


def fit(image: Float[Tensor, "1 3 H W"], config: Config, run: Run) -> SinIR:
    """Train a cascade on ``image`` (values in [-1, 1]) and return it.

    Each scale is a stage of ``run``: its network starts as a copy of the scale below and has optimisers and a cosine
    schedule of its own; what is below is frozen.
    """
    sizes, factor = training_sizes(config, *image.shape[-2:])
    targets = image_pyramid(image, sizes, config.resampler)
    pixels = ((targets[-1][0].clamp(-1, 1) + 1) * 127.5).round().byte()
    model = SinIR(sizes, config.channels, config.resampler, factor, config.preset, pixels).to(run.device)
    prefix = Prefix(targets[0], model, config)
    for scale, target in enumerate(targets):
        net = model.nets[scale]
        if scale:
            net.load_state_dict(model.nets[scale - 1].state_dict())
        optimisers = _optimisers(net, config)
        schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(each, config.steps) for each in optimisers]
        measure = ReconstructionLoss(target, config.ssim_weight, config.mse_weight)
        with run.stage(f"scale-{scale}"):
            net, *moving = run.setup(net, *optimisers, *schedules)
            for _step in run.steps(config.steps):
                output = net(prefix.draw(scale))
                loss = measure(output)
                net.zero_grad()
                run.backward(loss)
                for each in moving:
                    each.step()
                run.log(loss=loss)
                if run.due("preview", seconds=5):
                    run.picture("preview", (resize(output.detach(), sizes[-1], "torch")[0] + 1) / 2)
            model.nets[scale].requires_grad_(False).zero_grad()
            prefix.grow(scale)
    return model


def _optimisers(net: ScaleNet, config: Config) -> list[torch.optim.Optimizer]:
    if config.optimiser == "adam":
        return [torch.optim.Adam(net.parameters(), config.learning_rate, BETAS)]
    hidden = [block.weight for block in net.blocks]
    outer = [each for each in net.parameters() if not any(each is weight for weight in hidden)]
    return [Muon(hidden, config.learning_rate), torch.optim.Adam(outer, OUTER_SHARE * config.learning_rate, BETAS)]


class Prefix:
    """What a scale learns from: the coarsest level, through the frozen networks below, shuffled after each of them."""

    def __init__(self, coarsest: Float[Tensor, "1 3 h w"], model: SinIR, config: Config) -> None:
        self.coarsest, self.model, self.config = coarsest, model, config
        self.bank: list[Tensor] = []  # outputs of the last frozen network, not yet shuffled

    def draw(self, scale: int) -> Float[Tensor, "1 3 H W"]:
        """Return an input for ``scale``, shuffled afresh; the coarsest level itself is never shuffled."""
        if scale == 0:
            return self.coarsest
        if self.config.faithful:
            return self._through_all(scale)
        return self._enter(self.bank[int(torch.randint(len(self.bank), ()))], scale)

    @torch.no_grad()
    def grow(self, scale: int) -> None:
        """Put outputs of the network of ``scale``, now frozen, into the bank; the coarsest gives always the same."""
        if self.config.faithful or scale + 1 == len(self.model.nets):
            return
        count = self.config.bank if scale else 1
        sources = [self.bank[k % len(self.bank)] if scale else self.coarsest for k in range(count)]
        net = self.model.nets[scale]
        self.bank = [net(self._enter(each, scale) if scale else each) for each in sources]

    @torch.no_grad()
    def _through_all(self, scale: int) -> Tensor:
        x = self.coarsest
        for below in range(scale):
            x = self._enter(self.model.nets[below](x), below + 1)
        return x

    def _enter(self, y: Tensor, scale: int) -> Tensor:
        return resize(shuffle_pixels(y, self.config.shuffle), self.model.sizes[scale], self.config.resampler)


def training_sizes(config: Config, height: int, width: int) -> tuple[list[tuple[int, int]], float]:
    """Return the sizes of all scales, coarse to fine, and the factor between them, for a photograph."""
    if config.scales is None:
        return pyramid_sizes(height, width, config.max_size, config.min_size, config.factor)
    longer = max(height, width)
    finest = (round(height * config.max_size / longer), round(width * config.max_size / longer))
    return scaled_sizes(*finest, config.factor, config.scales), config.factor


def check_config(config: Config, height: int, width: int) -> None:
    """Refuse settings that cannot train on a photograph of that size; ``BadInput`` names the mend."""
    bounds: list[tuple[str, bool, str]] = [
        ("--max-size", SMALLEST // 2 <= config.max_size <= LARGEST, f"{SMALLEST // 2} to {LARGEST} pixels"),
        ("--min-size", config.min_size > WINDOW, f"{WINDOW + 1} pixels or more"),
        ("--channels", config.channels % 2 == 0 and 2 <= config.channels <= 1024, "an even number up to 1024"),
        ("--steps", 1 <= config.steps <= 1_000_000, "at least 1"),
        ("--learning-rate", 0 < config.learning_rate <= 1, "above 0 and at most 1"),
        ("--shuffle", 0 <= config.shuffle <= 1, "a probability from 0 to 1"),
    ]
    for option, fine, words in bounds:
        if not fine:
            value = getattr(config, option.strip("-").replace("-", "_"))
            raise BadInput(f"{option} cannot be {value}: it must be {words}.")
    try:
        sizes, _ = training_sizes(config, height, width)
    except ValueError as error:
        raise BadInput(
            f"--min-size and --max-size do not fit: {error}. Lower --min-size or raise --max-size."
        ) from error
    if min(min(size) for size in sizes) < WINDOW + 1:
        raise BadInput(
            f"The photograph of {width} x {height} would be {sizes[0][1]} x {sizes[0][0]} at its coarsest scale, and "
            f"{WINDOW + 1} pixels are needed: crop it to a less narrow shape, or raise --max-size."
        )


@torch.no_grad()
def _reconstruction(model: SinIR, coarsest: Tensor, scale: int) -> Float[Tensor, "3 H W"]:
    """Return what the networks up to ``scale`` make of the coarsest level, at the finest size, in [0, 1]."""
    x = model.nets[0](coarsest)
    for each in range(1, scale + 1):
        x = model.nets[each](resize(x, model.sizes[each], model.resampler))
    return (resize(x, model.sizes[-1], "torch")[0] + 1) / 2


def _report(model: SinIR, out: Path, image: Path, seconds: float) -> Outcome:
    photograph = model.image.float()[None].to(model.image.device) / 127.5 - 1
    coarsest = image_pyramid(photograph, model.sizes, model.resampler)[0]
    rebuilt = _reconstruction(model, coarsest, len(model.sizes) - 1)[None]
    picture = out / "reconstruction.png"
    labels = ("photograph", "rebuilt from its coarsest scale")
    before: np.ndarray = to_pixels((photograph + 1) / 2)
    write_image(picture, before_after(before, to_pixels(rebuilt.clamp(0, 1)), labels))
    return Outcome(
        files={"model": out, "reconstruction": picture},
        numbers={
            "scales": len(model.sizes),
            "size": f"{model.sizes[-1][1]} x {model.sizes[-1][0]}",
            "parameters": sum(each.numel() for each in model.parameters()),
            "reconstruction PSNR, dB": psnr(rebuilt, (photograph + 1) / 2),
            "seconds": round(seconds, 1),
        },
        note=f"Now change something in it: hotpapers sinir apply {shlex.quote(str(out))} {shlex.quote(str(image))}",
    )
