"""Learning to tell the noise in images: the settings, the published ones among them, and the loop."""

import dataclasses
from typing import Literal

import torch

from hotpapers.blocks.diffusion import antithetic_times, denoising_loss, moving_average
from hotpapers.blocks.diffusion.levels import Level
from hotpapers.errors import BadInput
from hotpapers.papers.gamma_diffusion.laws import Law, check_law
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.pictures import Crop, Pictures
from hotpapers.run import Run

Loss = Literal["sum-mse", "l1"]


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training run on images.

    Attributes
    ----------
    preset
        What the settings are for.
    channels, size, width, multiples, blocks, attention_at, dropout
        As in ``GammaDiffusion``.
    table
        How many steps of noise there are.
    law
        The noise.
    loss
        sum-mse: squares summed over pixels, averaged over images (the authors' code); l1: mean absolute error.
    steps, batch, learning_rate
        Of Adam.
    clip
        The largest norm of the gradient.
    average, warm_up
        Decay of the moving average of the weights that images are made with; whether it forgets the start faster.
    flip
        Mirror half of the images.
    crop
        As in ``read_pictures``.
    """

    preset: str = "small"
    channels: int = 3
    size: int = 32
    width: int = 32
    multiples: tuple[int, ...] = (1, 2, 2)
    blocks: int = 2
    attention_at: tuple[int, ...] = (16,)
    dropout: float = 0.0
    table: int = 1000
    law: Law = dataclasses.field(default_factory=lambda: Law("gamma"))
    loss: Loss = "sum-mse"
    steps: int = 20_000
    batch: int = 64
    learning_rate: float = 5e-4
    clip: float = 1.0
    average: float = 0.999
    warm_up: bool = True
    flip: bool = True
    crop: Crop = "square"


PRESETS: dict[str, Config] = {
    "small": Config(),
    "grey": Config(preset="grey", channels=1, size=28, multiples=(1, 2, 2), attention_at=(7,), flip=False, steps=6_000,
                   learning_rate=1e-3),
    "tiny": Config(preset="tiny", channels=1, size=14, width=16, multiples=(1, 2), attention_at=(7,), flip=False,
                   steps=600, learning_rate=2e-3, average=0.99),
    "celeba": Config(preset="celeba", size=64, width=128, multiples=(1, 2, 2, 2, 4), dropout=0.1, steps=500_000,
                     batch=128, learning_rate=2e-4, average=0.9999, warm_up=False, crop="celeba"),
    "church": Config(preset="church", size=256, width=128, multiples=(1, 1, 2, 2, 4, 4), dropout=0.0, steps=500_000,
                     batch=64, learning_rate=2e-5, average=0.999, warm_up=False),
    "cifar": Config(preset="cifar", size=32, width=128, multiples=(1, 2, 2, 2), dropout=0.1, steps=500_000, batch=128,
                    learning_rate=2e-4, average=0.9999, warm_up=False),
}  # fmt: skip
"""``celeba`` and ``church`` are the authors' configurations, ``cifar`` DDIM's; how long to train is not published."""


def untrained(config: Config) -> GammaDiffusion:
    """Return the model that a training starts from."""
    return GammaDiffusion(config.channels, config.size, config.width, config.multiples, config.blocks,
                          config.attention_at, config.dropout, config.table,
                          **dataclasses.asdict(config.law))  # fmt: skip


def fit(pictures: Pictures, config: Config, run: Run) -> GammaDiffusion:
    """Train a model and return it with averaged weights.

    Which images, which times and the network's start depend on the seed alone: two laws see the same.
    """
    model = untrained(config)
    order = torch.Generator().manual_seed(run.seed)
    pictures, size = pictures.to(run.device), config.channels * config.size**2
    schedule, noise = model.schedule, model.noise
    power: Literal[1, 2] = 2 if config.loss == "sum-mse" else 1
    model.train()
    optimiser = torch.optim.Adam(model.unet.parameters(), config.learning_rate, fused=True)
    net, optimiser = run.setup(model.unet, optimiser)
    average = moving_average(model.unet, config.average, warm_up=config.warm_up)
    run.setup(average, order)

    def eps(x: torch.Tensor, level: Level) -> torch.Tensor:
        return net(x, level.t)

    for _ in run.steps(config.steps):
        rows = torch.randint(len(pictures), (config.batch,), generator=order)
        t = antithetic_times(config.batch, len(schedule), generator=order).to(run.device)
        x = pictures.batch(rows.to(run.device), flip=config.flip)
        losses = denoising_loss(eps, x, schedule.batch(t.float()), noise=noise, power=power)
        loss = losses.mean() * (size if config.loss == "sum-mse" else 1)
        optimiser.zero_grad()
        run.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(model.unet.parameters(), config.clip)
        optimiser.step()
        average.update_parameters(model.unet)
        run.log(loss=losses.detach().mean(), gradient=norm)
    model.unet.load_state_dict(average.module.state_dict())
    return model.eval()


def check_training(law: Law, steps: int, batch: int, learning_rate: float, *, option: str = "--steps") -> None:
    """Refuse settings that no training can have, of images or of speech; ``option`` is what its steps are asked by."""
    check_law(law)
    for name, value, high in ((option, steps, 10**8), ("--batch", batch, 10**5)):
        if not 1 <= value <= high:
            raise BadInput(f"{name} can be 1 to {high:,}, not {value}.")
    if not 0 < learning_rate <= 1:
        raise BadInput(f"--learning-rate is above 0 and at most 1, not {learning_rate}.")


def check_config(config: Config, *, option: str = "--steps") -> None:
    """Refuse settings that no training on images can have."""
    check_training(config.law, config.steps, config.batch, config.learning_rate, option=option)
    parts = 2 ** (len(config.multiples) - 1)
    if not parts <= config.size <= 1024 or config.size % parts:
        raise BadInput(f"--size is a multiple of {parts} up to 1,024 for this preset, not {config.size}.")
