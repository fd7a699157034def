"""The rival: a WaveGAN of our making (Donahue et al., 2019), by which the paper means "GANs on raw audio".

Transposed convolutions of 25 samples from noise to a waveform, against a critic with phase shuffle that is trained by
the Wasserstein loss with gradient penalty, five of its steps for one of the generator's.
"""

import math
import time

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

LATENT, KERNEL, SLOPE = 100, 25, 0.2
FACTORS = (5, 5, 3, 2, 2)
MULTIPLES = (16, 16, 8, 4, 4)
CRITIC_STEPS, PENALTY, SHUFFLE = 5, 10.0, 2
CRITIC_FACTORS = (4, 4, 4, 4)


class WaveGan(nn.Module):
    """Sounds from 100 uniform numbers.

    Parameters
    ----------
    width
        Channels of the last layer but one, over 4.
    length
        Samples of a sound; a multiple of 300.
    """

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.length, self.frames = length, length // math.prod(FACTORS)
        sizes = [width * each for each in MULTIPLES]
        self.first = nn.Linear(LATENT, sizes[0] * self.frames)
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(a, b, KERNEL, stride=f, padding=(KERNEL - f + 1) // 2, output_padding=(KERNEL - f) % 2)
            for a, b, f in zip(sizes, [*sizes[1:], 1], FACTORS, strict=True)
        )

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch length"]:
        """Return sounds in [-1, 1]."""
        h = self.first(z).reshape(len(z), -1, self.frames)
        for layer in self.layers:
            h = layer(F.relu(h))
        return torch.tanh(h[:, 0, : self.length])

    def draw(self, count: int, generator: Generator | None = None) -> Float[Tensor, "count length"]:
        """Return new sounds."""
        with torch.no_grad():
            return self(latents(count, generator))


class Critic(nn.Module):
    """How real a waveform sounds, with phase shuffle after every layer but the last."""

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        sizes = [1, *(width * 2**each for each in range(len(CRITIC_FACTORS)))]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, KERNEL, stride=f, padding=KERNEL // 2)
            for a, b, f in zip(sizes, sizes[1:], CRITIC_FACTORS, strict=False)
        )
        frames = length
        for factor in CRITIC_FACTORS:
            frames = -(-frames // factor)
        self.last = nn.Linear(sizes[-1] * frames, 1)

    def forward(self, x: Float[Tensor, "batch length"]) -> Float[Tensor, " batch"]:
        """Return a score, higher for what sounds real."""
        h = x[:, None]
        for number, layer in enumerate(self.layers):
            h = F.leaky_relu(layer(h), SLOPE)
            if number < len(self.layers) - 1:
                h = shuffled(h)
        return self.last(h.flatten(1))[:, 0]


def latents(count: int, generator: Generator | None = None) -> Float[Tensor, "count latent"]:
    """Return uniform numbers in [-1, 1]."""
    return 2 * torch.rand(count, LATENT, generator=generator) - 1


def shuffled(h: Float[Tensor, "batch channels n"], most: int = SHUFFLE) -> Float[Tensor, "batch channels n"]:
    """Return a batch shifted by up to ``most`` samples, reflected at the ends, so that phase tells nothing."""
    by = int(torch.randint(-most, most + 1, ()))
    n = h.shape[-1]
    return F.pad(h, (max(by, 0), max(-by, 0)), mode="reflect")[..., max(-by, 0) : max(-by, 0) + n]


def matching_width(parameters: int, length: int) -> int:
    """Return the smallest width whose generator has at least so many parameters."""
    with torch.device("meta"):
        return next(
            width
            for width in range(1, 1_000)
            if sum(each.numel() for each in WaveGan(width, length).parameters()) >= parameters
        )


def fit_gan(
    sounds: Float[Tensor, "n length"], parameters: int, seconds: float, batch: int, seed: int, rate: float
) -> WaveGan:
    """Train a generator of at least ``parameters`` for ``seconds`` of CPU time, the critic's included.

    ``rate`` is Adam's; Donahue et al. take 0.0001.
    """
    began = time.process_time()
    torch.manual_seed(seed)
    width = matching_width(parameters, sounds.shape[1])
    generator, critic = WaveGan(width, sounds.shape[1]), Critic(2 * width, sounds.shape[1])
    of_generator, of_critic = (torch.optim.Adam(net.parameters(), rate, (0.5, 0.9)) for net in (generator, critic))
    while True:
        for _ in range(CRITIC_STEPS):
            real = sounds[torch.randint(len(sounds), (batch,))]
            loss = critic_loss(critic, real, generator.draw(batch))
            of_critic.zero_grad()
            loss.backward()
            of_critic.step()
        loss = -critic(generator(latents(batch))).mean()
        of_generator.zero_grad()
        loss.backward()
        of_generator.step()
        if time.process_time() - began > seconds:
            return generator.eval()


def critic_loss(critic: Critic, real: Float[Tensor, "b n"], made: Float[Tensor, "b n"]) -> Float[Tensor, ""]:
    """Return the Wasserstein loss and its penalty on gradients whose norm is not 1, between real and made."""
    share = torch.rand(len(real), 1)
    between = (share * real + (1 - share) * made).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return critic(made).mean() - critic(real).mean() + PENALTY * (gradient.norm(dim=1) - 1).square().mean()
