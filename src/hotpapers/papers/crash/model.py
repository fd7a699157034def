"""The networks of CRASH: a U-Net that tells the noise in a waveform, and a classifier that can see through noise.

Both are told sigma. The U-Net and the schedules are the diffusion core's.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.blocks.diffusion import Continuous, CosineSigma, LinearBeta, SigmoidVariance, UNet1d
from hotpapers.blocks.diffusion.levels import Eps, Level, batch_level
from hotpapers.blocks.diffusion.unet1d import DILATIONS, SLOPE, TOLD, SigmaEmbedding

ScheduleName = Literal["vp-cos", "sub-vp-cos", "sub-vp-1-1-cos", "vp-exp", "vp-sigmoid"]
SCHEDULES: dict[str, Continuous] = {
    "vp-cos": CosineSigma(2, 0.5, 0.007),
    "sub-vp-cos": CosineSigma(1, 0.5, 0.006),
    "sub-vp-1-1-cos": CosineSigma(1, 1, 0.006),
    "vp-exp": LinearBeta(),
    "vp-sigmoid": SigmoidVariance(),
}
"""The paper's three cosines, its baseline (Song et al.'s linear beta), and the default of the authors' code."""

MAX_LENGTH, MAX_RATE = 3_000_000, 1_000_000  # samples, and samples a second


class Crash(nn.Module, PyTorchModelHubMixin):
    """A trained model: the networks, and what sounds they know.

    Parameters
    ----------
    width
        Of the U-Net; 32 is the paper's, 15,754,849 parameters.
    schedule
        The schedule that it was trained with. As the network is told sigma, close schedules will do as well.
    rate, length
        Samples a second, and samples, of its sounds.
    classes
        What the classifier tells apart; none for a model without one.
    classifier_width
        Of the classifier; 32 is the authors', 11,034,339 parameters with three classes.
    spread
        The standard deviation of the sounds, where the U-Net adds to the best linear estimate of the noise; 0, as in
        the paper, where it gives the whole.

    Raises
    ------
    ValueError
        If no sounds can have such a length, rate or spread, or a class has no name.
    """

    def __init__(
        self,
        width: int = 32,
        schedule: ScheduleName = "vp-cos",
        rate: int = 44_100,
        length: int = 21_000,
        classes: Sequence[str] = (),
        classifier_width: int = 32,
        spread: float = 0.0,
    ) -> None:
        super().__init__()
        self.unet = UNet1d(width)
        self.spread = spread
        if not (isinstance(length, int) and 0 < length <= MAX_LENGTH and length % self.unet.multiple == 0):
            raise ValueError(f"the length is a multiple of {self.unet.multiple} up to {MAX_LENGTH:,}, not {length!r}")
        if not (isinstance(rate, int) and 0 < rate <= MAX_RATE):
            raise ValueError(f"the rate is a whole number from 1 to {MAX_RATE:,}, not {rate!r}")
        if not (math.isfinite(spread) and spread >= 0):
            raise ValueError(f"the spread is a number of 0 or more, not {spread!r}")
        if not all(isinstance(each, str) for each in classes):
            raise ValueError(f"classes are names, not {classes!r}")
        self.schedule, self.rate, self.length, self.classes = SCHEDULES[schedule], rate, length, tuple(classes)
        self.classifier = Classifier(len(classes), classifier_width) if classes else None

    @property
    def eps(self) -> Eps:
        """The noise that the U-Net hears in sounds, batch x length, as samplers take it."""

        return lambda x, level: estimate(self.unet, x, level, self.spread)

    def class_scores(self, x: Float[Tensor, "batch length"], level: Level) -> Float[Tensor, "batch classes"]:
        """Return logits of the classes of noisy sounds; brought to unit variance first where their spread is known."""
        assert self.classifier is not None
        return scores(self.classifier, x, level, self.spread)


def estimate(
    unet: Callable[[Tensor, Tensor], Tensor], x: Float[Tensor, "batch length"], level: Level, spread: float
) -> Float[Tensor, "batch length"]:
    """Return the noise in sounds: what the network says, or ``c x + b net(x / d)`` where the sounds' spread s is given.

    With ``d^2 = m^2 s^2 + sigma^2``, ``c = sigma / d^2`` is the best linear estimate and ``b = m s / d`` what is left
    to tell (Karras et al., 2022, table 1, solved for the noise). A network that has learned little then makes sounds
    of the right loudness.
    """
    m, sigma, told = _told(x, level)
    if not spread:
        return unet(x[:, None], told)[:, 0]
    d = (m**2 * spread**2 + sigma**2).sqrt()
    return sigma / d**2 * x + m * spread / d * unet((x / d)[:, None], told)[:, 0]


def left_to_tell(level: Level, spread: float) -> Float[Tensor, " batch"]:
    """Return ``b^2``, the variance of the noise that the best linear estimate cannot tell; 1 where it is not taken."""
    if not spread:
        return torch.ones_like(level.m)
    signal = (level.m * spread) ** 2
    return signal / (signal + level.sigma**2)


def scores(
    classifier: Callable[[Tensor, Tensor], Tensor], x: Float[Tensor, "batch length"], level: Level, spread: float
) -> Float[Tensor, "batch classes"]:
    """Return logits of the classes of noisy sounds, brought to unit variance first where their spread is given."""
    m, sigma, told = _told(x, level)
    return classifier(x / (m**2 * spread**2 + sigma**2).sqrt() if spread else x, told)


def _told(x: Tensor, level: Level) -> tuple[Tensor, Tensor, Tensor]:
    """Return m and sigma as they broadcast against ``x``, and sigma as a network is told it."""
    _, m, sigma = batch_level(Level(*(torch.as_tensor(each, dtype=x.dtype, device=x.device) for each in level)), x)
    return m, sigma, sigma.flatten().expand(x.shape[0])


class Classifier(nn.Module):
    """Class scores of a noisy waveform (``model_classifier_v2`` of the authors' code).

    Parameters
    ----------
    classes
        How many; 3 in the paper: kick, snare, cymbal.
    width
        Channels of the first convolution.
    """

    MULTIPLES = (4, 8, 8, 8, 16, 16)
    FACTORS = (4, 6, 5, 5, 5, 7)  # 21,000 samples end as one frame

    def __init__(self, classes: int = 3, width: int = 32) -> None:
        super().__init__()
        self.embedding = SigmaEmbedding()
        self.first = nn.Conv1d(1, width, 5, padding=2)
        sizes = [width, *(width * each for each in self.MULTIPLES)]
        self.blocks = nn.ModuleList(
            Stride(a, b, factor) for a, b, factor in zip(sizes, sizes[1:], self.FACTORS, strict=False)
        )
        self.last = nn.Linear(sizes[-1], classes)

    def forward(
        self, x: Float[Tensor, "batch length"], sigma: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch classes"]:
        """Return logits; frames beyond the first, which other lengths have, are averaged."""
        told = self.embedding(sigma)
        h = self.first(x[:, None])
        for block in self.blocks:
            h = block(h, told)
        return self.last(h.mean(-1))


class Stride(nn.Module):
    """The U-Net's down block with strides in place of resampling."""

    def __init__(self, channels: int, out: int, factor: int) -> None:
        super().__init__()
        self.past = nn.Conv1d(channels, out, 1, stride=factor)
        self.first = nn.Conv1d(channels, out, 3, padding=1, stride=factor)
        self.film = nn.Linear(TOLD[-1], 2 * out)
        self.rest = nn.ModuleList(nn.Conv1d(out, out, 3, padding=each, dilation=each) for each in DILATIONS[1:])

    def forward(self, x: Float[Tensor, "batch c n"], told: Float[Tensor, "batch told"]) -> Float[Tensor, "batch o m"]:
        """Return a signal ``factor`` times shorter."""
        gamma, beta = self.film(told)[..., None].chunk(2, dim=1)
        h = torch.addcmul(beta, gamma, self.first(F.leaky_relu(x, SLOPE)))
        for layer in self.rest:
            h = layer(F.leaky_relu(h, SLOPE))
        return h + self.past(x)
