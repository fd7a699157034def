"""The vocoder: WaveGrad's network (Chen et al., 2021), told the noise level by FiLM and what to say by a spectrogram.

The noisy wave goes down through four blocks; at every rate FiLM layers make a shift and a scale of it, which steer the
five blocks through which the spectrogram goes up to the wave's rate. Exact, and cheaper than written: the first
convolution after an upsampling is done on the short signal.
"""

import math
from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.blocks.diffusion import NoiseLaw, Table, linear_betas
from hotpapers.blocks.diffusion.levels import CLEAN, Eps, Level
from hotpapers.blocks.diffusion.unet1d import SLOPE, conv, stretched_conv
from hotpapers.papers.gamma_diffusion.laws import MOST_STEPS, Law, LawName, check_law

DOWN, UP = (1, 4, 4, 8, 16), (16, 16, 8, 4, 4)  # channels over the width
LONGEST_HOP = 4_096  # samples a frame
DILATIONS = ((1, 2, 1, 2), (1, 2, 1, 2), (1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8))


class WaveGrad(nn.Module):
    """``eps(y, mel, m)`` for waves of ``hop`` samples a frame.

    Parameters
    ----------
    mels
        Bands of the spectrogram.
    width
        32 is WaveGrad's base model; with 128 bands and the defaults 15,920,993 parameters.
    factors
        By how much each block going up lengthens the signal; their product is the hop.
    spread
        What the level is multiplied by before its sines are taken: 5,000 in the paper.
    """

    def __init__(
        self, mels: int = 128, width: int = 32, factors: Sequence[int] = (5, 5, 3, 2, 2), spread: float = 5000.0
    ) -> None:
        super().__init__()
        self.hop = math.prod(factors)
        down, up = [width * each for each in DOWN], [width * each for each in UP]
        self.first = conv(1, down[0], 5)
        self.down = nn.ModuleList(
            Down(a, b, factor) for a, b, factor in zip(down, down[1:], reversed(factors[1:]), strict=False)
        )
        self.film = nn.ModuleList(Film(a, b, spread) for a, b in zip(down, reversed(up), strict=True))
        self.mel = conv(mels, 24 * width, 3)
        self.up = nn.ModuleList(
            Up(a, b, factor, dilations)
            for a, b, factor, dilations in zip([24 * width, *up], up, factors, DILATIONS, strict=False)
        )
        self.last = conv(up[-1], 1, 3)

    def forward(
        self,
        y: Float[Tensor, "batch length"],
        mel: Float[Tensor, "batch mels frames"],
        m: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch length"]:
        """Return the noise that the network hears in ``y``, of which ``m`` is signal."""
        h = self.first(y[:, None])
        steer = [self.film[0](h, m)]
        for block, film in zip(self.down, self.film[1:], strict=True):
            h = block(h)
            steer.append(film(h, m))
        h = self.mel(mel)
        for block in self.up:
            h = block(h, *steer.pop())
        return self.last(h)[:, 0]


class Down(nn.Module):
    """Shorten by ``factor``, three convolutions with dilations 1, 2, 4; the way past is a 1 x 1 convolution."""

    def __init__(self, channels: int, out: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.past = conv(channels, out, 1)
        self.layers = nn.ModuleList(conv(a, out, 3, each) for a, each in ((channels, 1), (out, 2), (out, 4)))

    def forward(self, x: Float[Tensor, "b c n"]) -> Float[Tensor, "b o m"]:
        """Return a signal ``factor`` times shorter."""
        short = x[..., :: self.factor]  # nearest-neighbour, and so it may come before the 1 x 1 convolution
        h = short
        for layer in self.layers:
            h = layer(F.leaky_relu(h, SLOPE))
        return h + self.past(short)


class Film(nn.Module):
    """What the noisy wave says to a block going up: a shift and a scale for each channel and sample."""

    def __init__(self, channels: int, out: int, spread: float) -> None:
        super().__init__()
        self.spread = spread
        self.input = nn.Conv1d(channels, channels, 3, padding=1)
        self.output = nn.Conv1d(channels, 2 * out, 3, padding=1)
        for layer in (self.input, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Float[Tensor, "b c n"], m: Float[Tensor, " b"]) -> tuple[Tensor, Tensor]:
        """Return shift and scale."""
        h = F.leaky_relu(self.input(x), SLOPE)
        half = h.shape[1] // 2
        angle = self.spread * m[:, None] * torch.exp(torch.arange(half, device=m.device) * (-math.log(1e4) / half))
        h = h + torch.cat([angle.sin(), angle.cos()], dim=1)[..., None]
        shift, scale = self.output(h).chunk(2, dim=1)
        return shift, scale


class Up(nn.Module):
    """Lengthen by ``factor`` and convolve four times, steered before all but the first; two ways past."""

    def __init__(self, channels: int, out: int, factor: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.factor = factor
        self.past = conv(channels, out, 1)
        self.layers = nn.ModuleList(
            conv(a, out, 3, each) for a, each in zip((channels, out, out, out), dilations, strict=True)
        )

    def forward(self, x: Float[Tensor, "b c m"], shift: Tensor, scale: Tensor) -> Float[Tensor, "b o n"]:
        """Return a signal ``factor`` times longer."""

        def steered(h: Tensor, layer: nn.Module) -> Tensor:
            return layer(F.leaky_relu(torch.addcmul(shift, scale, h), SLOPE))

        first, second, third, fourth = self.layers
        h = stretched_conv(F.leaky_relu(x, SLOPE), first.weight, first.bias, self.factor)
        h = steered(h, second) + self.past(x).repeat_interleave(self.factor, dim=-1)
        return h + steered(steered(h, third), fourth)


class Vocoder(nn.Module, PyTorchModelHubMixin):
    """A trained vocoder: the network, the sounds that it knows, and the noise law that it was trained with.

    Parameters
    ----------
    rate
        Samples a second.
    mels, width, factors
        As in ``WaveGrad``.
    steps
        T, the length of the table of linear betas, 0.000001 to 0.01.
    noise, theta_0, sigma_start, sigma_end, p
        The law, as in ``Law``.
    """

    def __init__(
        self,
        rate: int = 22_050,
        mels: int = 128,
        width: int = 32,
        factors: Sequence[int] = (5, 5, 3, 2, 2),
        steps: int = 1000,
        noise: LawName = "gamma",
        theta_0: float = 0.001,
        sigma_start: float = 0.9,
        sigma_end: float = 0.5,
        p: float = 0.5,
    ) -> None:
        super().__init__()
        if not 1_000 <= rate <= 384_000:
            raise ValueError(f"the rate is 1,000 to 384,000 samples a second, not {rate}")
        if not 1 <= math.prod(factors) <= LONGEST_HOP:
            raise ValueError(f"the factors make a hop of 1 to {LONGEST_HOP:,} samples, not {factors}")
        self.network = WaveGrad(mels, width, factors)
        self.rate, self.mels, self.factors, self.hop = rate, mels, tuple(factors), self.network.hop
        if not 2 <= steps <= MOST_STEPS:
            raise ValueError(f"there are 2 to {MOST_STEPS:,} steps, not {steps}")
        with torch.device("cpu"):
            self.schedule = Table(linear_betas(steps, 1e-6, 0.01))
        self.law = Law(noise, theta_0, sigma_start, sigma_end, p)
        check_law(self.law)

    @property
    def noise(self) -> NoiseLaw:
        """What draws the noise that it was trained with."""
        return self.law.at(len(self.schedule) - 1)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.first.weight.device

    def eps(self, mel: Float[Tensor, "batch mels frames"]) -> Eps:
        """Return the noise that the network hears in waves that shall sound like ``mel``, as samplers take it."""

        def eps(y: Tensor, level: Level) -> Tensor:
            m = level.m if isinstance(level.m, Tensor) else torch.full((len(y),), level.m, device=y.device)
            return self.network(y, mel, m)

        return eps

    def between(self, t: Float[Tensor, " batch"]) -> Level:
        """Return the levels at times between the table's own: WaveGrad is trained on all levels, not on T of them."""
        table = self.schedule.alpha_bar.sqrt().to(t.device)
        low = t.long().clamp(max=len(table) - 2)
        m = torch.lerp(table[low], table[low + 1], (t - low).double())
        return Level(t, m.float(), (1 - m**2).sqrt().float())


def plan(model: Vocoder, steps: int) -> list[Level]:
    """Return levels from noise to sound: betas that grow like Fibonacci's numbers up to 25 steps, linearly beyond.

    WaveGrad's 6 betas came from a grid search for its own training; here 6 (and fewer) grow geometrically. All are
    brought to the signal that is left at the end of the training's table, and told the time of such a level there.
    """
    if steps <= 6:
        shape = torch.logspace(0, -5, steps, dtype=torch.float64).flip(0)
    elif steps <= 25:
        numbers = [1.0, 2.0]
        while len(numbers) < steps:
            numbers.append(numbers[-1] + numbers[-2])
        shape = torch.tensor(numbers, dtype=torch.float64) / numbers[-1]
    else:
        shape = torch.linspace(1e-4, 1, steps, dtype=torch.float64)
    trained = model.schedule.alpha_bar
    low, high = torch.zeros((), dtype=torch.float64), torch.full((), 1e6, dtype=torch.float64)
    for _ in range(100):  # betas = s shape / (1 + s shape), which stay below 1 for every s
        middle = (low + high) / 2
        left = torch.log1p(-(middle * shape) / (1 + middle * shape)).sum().exp()
        low, high = (middle, high) if left > trained[-1] else (low, middle)
    table = Table(high * shape / (1 + high * shape))
    times = torch.searchsorted(-trained, -table.alpha_bar).clamp(max=len(trained) - 1).tolist()
    levels = [table.level(t) for t in range(steps)]
    return [*(level._replace(t=float(t)) for level, t in zip(reversed(levels), reversed(times), strict=True)), CLEAN]
