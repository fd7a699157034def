"""Presets: the settings of a training, those of the paper at full size among them."""

import dataclasses
import math
from typing import Any, Literal

from hotpapers.errors import BadInput
from hotpapers.papers.d2c.views import Views

Preset = Literal["small", "colour", "cifar", "celeba64", "ffhq"]


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training run.

    Attributes
    ----------
    preset
        What the settings are for.
    size, channels, bits, width, scales, groups, cells, latent, mixtures, widen
        Of images and autoencoder; see ``D2C``.
    hidden, dim, queue, momentum, temperature
        Of the contrast; see ``Contrast``.
    contrast
        Weight of the contrast beside nats a dimension. The authors' code has ``NLL / 17500 + L_C`` with the NLL of a
        whole image: 5.70 for CIFAR's 3,072 dimensions.
    crop, jitter, jittered, grey, mirrored, blurred
        Of the views; see ``Views``.
    clean_view
        Reconstruct the image itself, not a view of it.
    joint
        One stage for all.
    steps, batch, learning_rate, weight_decay, clip
        Of the autoencoder's AdamW; gradients are no longer than ``clip``, which the authors do not hold them to.
    decay
        Whether rates fall to nothing by a half cosine.
    unet_width, unet_multiples, unet_blocks, unet_groups, attention_at, dropout, velocity
        Of the diffusion network; see ``D2C``.
    diffusion_steps, diffusion_batch, diffusion_rate, average
        Of its Adam and the moving average of its weights.
    accumulate
        Batches a step.
    """

    preset: str = "small"
    size: int = 28
    channels: int = 1
    bits: int = 8
    width: int = 8
    scales: int = 2
    groups: int = 2
    cells: int = 1
    latent: int = 8
    mixtures: int = 5
    widen: int = 4
    hidden: int = 256
    dim: int = 128
    queue: int = 4096
    momentum: float = 0.99
    temperature: float = 0.1
    contrast: float = 0.3
    crop: float = 0.4
    jitter: float = 0.4
    jittered: float = 0.5
    grey: float = 0.0
    mirrored: float = 0.0
    blurred: float = 0.0
    clean_view: bool = True
    joint: bool = False
    steps: int = 3_000
    batch: int = 64
    learning_rate: float = 5e-3
    weight_decay: float = 1e-4
    clip: float = 10.0
    decay: bool = True
    unet_width: int = 32
    unet_multiples: tuple[int, ...] = (1, 2)
    unet_blocks: int = 1
    unet_groups: int = 8
    attention_at: tuple[int, ...] = ()
    dropout: float = 0.0
    velocity: bool = True
    diffusion_steps: int = 5_000
    diffusion_batch: int = 128
    diffusion_rate: float = 2e-3
    average: float = 0.999
    accumulate: int = 1

    def network(self) -> dict[str, Any]:
        """Return what ``D2C`` takes."""
        names = ("size", "channels", "bits", "width", "scales", "groups", "cells", "latent", "mixtures", "widen",
                 "unet_width", "unet_multiples", "unet_blocks", "attention_at", "dropout",
                 "unet_groups", "velocity")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def head(self) -> dict[str, Any]:
        """Return what ``Contrast`` takes besides the encoder."""
        return {name: getattr(self, name) for name in ("hidden", "dim", "queue", "momentum", "temperature")}

    def views(self) -> Views:
        """Return the views; mirrors are drawn before them, once for both."""
        return Views(self.crop, self.jitter, self.jittered, self.grey, 0.5 if self.mirrored else 0.0, self.blurred)

    def rate_at(self, step: int) -> float:
        """Return the share of the autoencoder's rate at a step."""
        return _half_cosine(step, self.steps) if self.decay else 1.0

    def diffusion_rate_at(self, step: int) -> float:
        """Return the share of the diffusion network's rate at a step."""
        return _half_cosine(step, self.diffusion_steps) if self.decay else 1.0


def _half_cosine(step: int, steps: int) -> float:
    """Rise over the first twentieth of the steps, at most 100, then fall."""
    rise = max(1, min(100, steps // 20))
    return min(1.0, (step + 1) / rise) * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2


_PAPER = Config(
    preset="cifar", size=32, channels=3, width=128, scales=1, groups=6, cells=2, latent=10, mixtures=10, widen=6,
    hidden=2560, dim=2048, queue=65_536, momentum=0.999, temperature=0.07, contrast=17_500 / (3 * 32**2),
    crop=0.2, jitter=0.4, jittered=0.8, grey=0.2, mirrored=0.5, steps=390_000, batch=128, learning_rate=1e-3,
    clip=1e6, decay=False, unet_width=128, unet_multiples=(1, 2, 2, 2), unet_blocks=2, unet_groups=32,
    attention_at=(16,), dropout=0.1, diffusion_steps=800_000, diffusion_batch=256, diffusion_rate=2e-4, average=0.9999,
    clean_view=False, velocity=False,
)  # fmt: skip

PRESETS: dict[str, Config] = {
    "small": Config(),
    "colour": Config(preset="colour", size=32, channels=3, width=16, mixtures=5, hidden=512, contrast=1.0, grey=0.2,
                     jittered=0.8, mirrored=0.5, steps=10_000, diffusion_steps=20_000, unet_width=64,
                     unet_blocks=2, unet_groups=16),
    "cifar": _PAPER,
    # CelebA at 64 has no published settings: FFHQ's kind of network at CIFAR's bits
    "celeba64": dataclasses.replace(_PAPER, preset="celeba64", size=64, width=64, scales=2, groups=5, latent=5,
                                    hidden=1280, queue=32_768, contrast=17_500 / (3 * 64**2), crop=0.25, jittered=0.5),
    "ffhq": dataclasses.replace(_PAPER, preset="ffhq", size=256, bits=5, width=24, scales=3, groups=8, latent=8,
                                hidden=2048, queue=15_000, momentum=0.9999, contrast=17_500 / (3 * 256**2), crop=0.25,
                                jittered=0.5, blurred=0.2, steps=547_000, batch=120, unet_multiples=(1, 2, 2, 2, 2),
                                diffusion_batch=128),
}  # fmt: skip
"""``cifar`` and ``ffhq`` are the published settings; FFHQ's batch is 120, not 128, as it must divide the queue."""


def check_config(config: Config) -> None:
    """Refuse settings that no training can have."""
    for name, low, high in (("steps", 1, 10**8), ("diffusion_steps", 1, 10**8), ("batch", 2, 10**5),
                            ("accumulate", 1, 10**4)):  # fmt: skip
        if not low <= (value := getattr(config, name)) <= high:
            raise BadInput(f"--{name.replace('_', '-')} can be {low} to {high:,}, not {value}.")
    if not 0 < config.learning_rate <= 1:
        raise BadInput(f"--learning-rate is above 0 and at most 1, not {config.learning_rate}.")
    if not 0 <= config.contrast <= 1e6:
        raise BadInput(f"--contrast is a weight from 0 on, not {config.contrast}.")
    if config.contrast and config.queue % config.batch:
        raise BadInput(f"--batch must divide the {config.queue:,} keys of the queue; {config.batch} does not.")
