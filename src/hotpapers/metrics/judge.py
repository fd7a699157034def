"""Judges: frozen classifiers whose features say how far apart two sets of images are.

A judge is no Inception network: its distances order methods on the same data and compare with no published FID.
"""

from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.metrics.frechet import frechet_of

FASHION = Path(__file__).with_name("fashion_judge.safetensors")
"""Weights of ``fashion_judge``; made by ``benchmarks/fashion_judge.py`` from Fashion-MNIST's training images."""


class Judge(nn.Module):
    """A small convolutional classifier with its features in reach.

    Parameters
    ----------
    channels
        Of the images.
    classes
        To tell apart.
    width
        Features of the first layer; the last has four times as many.
    """

    def __init__(self, channels: int = 1, classes: int = 10, width: int = 16) -> None:
        super().__init__()
        sizes = (channels, width, 2 * width, 4 * width)
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(sizes))
        self.norms = nn.ModuleList(nn.BatchNorm2d(each) for each in sizes[1:])
        self.last = nn.Linear(sizes[-1], classes)

    def features(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N D"]:
        """Return the mean over places of the last layer of features, for images with values in [0, 1]."""
        x = images
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(x)))
            x = F.max_pool2d(x, 2) if convolution is not self.convolutions[-1] else x
        return x.mean((2, 3))

    def forward(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N classes"]:
        """Return the logits of each class."""
        return self.last(self.features(images))


def fit_judge(judge: Judge, images: Float[Tensor, "N C H W"], labels: Int[Tensor, " N"], *, epochs: int = 3) -> Judge:
    """Train ``judge`` by AdamW on a one-cycle schedule, with shifts of two pixels, from PyTorch's random state."""
    batch, rate = 128, 4e-3
    optimiser = torch.optim.AdamW(judge.parameters(), rate, weight_decay=1e-2)
    rounds = len(images) // batch
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * rounds)
    judge.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(images))[: rounds * batch].split(batch):
            shift = torch.randint(-2, 3, (2,)).tolist()
            loss = F.cross_entropy(judge(images[rows].roll(shift, (2, 3))), labels[rows], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            scheduler.step()
    return judge.eval().requires_grad_(False)


def fashion_judge() -> Judge:
    """Return the frozen judge of clothes: 28 x 28 grey images, Fashion-MNIST's ten classes."""
    judge = Judge()
    judge.load_state_dict(load_file(FASHION))
    return judge.eval().requires_grad_(False)


@torch.no_grad()
def features_of(judge: Judge, images: Float[Tensor, "N C H W"], *, batch: int = 512) -> Float[Tensor, "N D"]:
    """Return the judge's features of many images, a batch at a time."""
    return torch.cat([judge.features(each) for each in images.split(batch)])


def frechet_between(judge: Judge, a: Float[Tensor, "N C H W"], b: Float[Tensor, "M C H W"]) -> float:
    """Return the Fréchet distance between the judge's features of two sets of images.

    Raises
    ------
    ValueError
        If a set has fewer images than the judge has features plus one, since its covariance would be singular.
    """
    found = [features_of(judge, images) for images in (a, b)]
    for each in found:
        if len(each) <= each.shape[1]:
            raise ValueError(f"{len(each)} images are too few for a Fréchet distance in {each.shape[1]} features")
    return frechet_of(*found)
