"""The judge: a classifier of clean drum sounds that had no part in making any, and what is measured in its features.

It sees a log spectrogram; its last layer before the classes is the space of Fréchet distance, precision and recall.
"""

import itertools
from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional as F

NEIGHBOURS = 3
WINDOW, HOP = 256, 64
FLOOR = 1e-4  # of a spectrum's magnitude


class Judge(nn.Module, PyTorchModelHubMixin):
    """Class scores of a clean sound.

    Parameters
    ----------
    rate, length
        Samples a second, and samples, of the sounds.
    classes
        What it tells apart.
    features
        Of the layer before the classes.
    """

    def __init__(self, rate: int, length: int, classes: Sequence[str], features: int = 32) -> None:
        super().__init__()
        self.rate, self.length, self.classes = rate, length, tuple(classes)
        self.window: Tensor
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)
        sizes = (1, 8, 16, features)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 5, stride=2, padding=2) for a, b in itertools.pairwise(sizes))
        self.mix = nn.Linear(4 * features, features)
        self.last = nn.Linear(features, len(self.classes))

    def features(self, sounds: Float[Tensor, "batch length"]) -> Float[Tensor, "batch features"]:
        """Return what the judge hears in sounds, each brought to full level first."""
        level = sounds / sounds.abs().amax(1, keepdim=True).clamp(min=1e-6)
        spectrum = torch.stft(level, WINDOW, HOP, window=self.window, return_complex=True).abs()
        h = (spectrum.clamp(min=FLOOR).log() / 4)[:, None]
        for layer in self.layers:
            h = F.relu(layer(h))
        return F.relu(self.mix(F.adaptive_avg_pool2d(h, (4, 1)).flatten(1)))  # where in pitch, not when

    def forward(self, sounds: Float[Tensor, "batch length"]) -> Float[Tensor, "batch classes"]:
        """Return logits."""
        return self.last(self.features(sounds))

    @torch.no_grad()
    def hear(self, sounds: Float[Tensor, "batch length"]) -> Int[Tensor, " batch"]:
        """Return the index of the class that each sound is heard as."""
        return torch.cat([self(each).argmax(1) for each in sounds.split(256)])

    @torch.no_grad()
    def described(self, sounds: Float[Tensor, "batch length"]) -> Float[Tensor, "batch features"]:
        """Return the features of many sounds."""
        return torch.cat([self.features(each) for each in sounds.split(256)])


def fit_judge(
    sounds: Float[Tensor, "n length"],
    labels: Int[Tensor, " n"],
    classes: Sequence[str],
    rate: int,
    *,
    steps: int = 300,
    batch: int = 32,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> Judge:
    """Train a judge on clean sounds, classes alike often."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge(rate, sounds.shape[1], classes)
    optimiser = torch.optim.Adam(judge.parameters(), learning_rate)
    generator = Generator().manual_seed(seed)
    share = 1 / torch.bincount(labels, minlength=len(classes)).clamp(min=1).float()[labels]
    for _ in range(steps):
        rows = torch.multinomial(share, batch, replacement=True, generator=generator)
        loss = F.cross_entropy(judge(sounds[rows]), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return judge.eval().requires_grad_(False)


def precision_and_recall(
    made: Float[Tensor, "n features"], real: Float[Tensor, "m features"], neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Return which share of the made lies among the real, and of the real among the made (Kynkäänniemi et al., 2019).

    A point lies among others when it is nearer to one of them than that one's ``neighbours``-th neighbour.
    """
    return _among(made, real, neighbours), _among(real, made, neighbours)


def _among(points: Tensor, others: Tensor, neighbours: int) -> float:
    radius = torch.cdist(others, others).kthvalue(min(neighbours + 1, len(others)), dim=1).values
    return float((torch.cdist(points, others) <= radius).any(1).float().mean())
