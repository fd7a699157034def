"""A small residual network for 64 x 64 photographs, trained here on the categories that Tiny ImageNet has."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from hotpapers import datasets
from hotpapers.datasets.model_vs_human import TINY_CLASSES
from hotpapers.run import Run

TEST = 50
"""Photographs of each class that are only tested with: its last ones."""


class SmallResNet(nn.Module):
    """Three stages of one residual block each, 24, 48 and 96 channels; batch x 3 x 64 x 64 in [0, 1] to logits."""

    def __init__(self, classes: int, width: int = 24) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.head = nn.Linear(4 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, batch x classes."""
        return self.head(self.stages(self.stem((images - 0.45) / 0.25)).mean((2, 3)))


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inner, outer, 3, stride, 1, bias=False), nn.BatchNorm2d(outer), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(outer, outer, 3, 1, 1, bias=False), nn.BatchNorm2d(outer))
        self.shortcut = nn.Conv2d(inner, outer, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return batch x outer x height/stride x width/stride."""
        return torch.relu(self.shortcut(x) + self.second(self.first(x)))


def train_small(run: Run, photographs: np.ndarray, labels: np.ndarray, classes: int, *, steps: int) -> SmallResNet:
    """Train on photographs (N x 64 x 64 x 3 ``uint8``) with shifts, mirror images and grey ones; AdamW, one cycle.

    Half of the photographs are shown grey, as most of the tests are.
    """
    images = torch.from_numpy(photographs).permute(0, 3, 1, 2)
    targets = torch.from_numpy(labels)
    # Each category as often as the others, whatever its number of classes
    shares = 1 / torch.bincount(targets, minlength=classes)[targets].double()
    model = SmallResNet(classes)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.2)
    model, optimiser = run.setup(model, optimiser)
    model.train()
    for _ in run.steps(steps):
        batch = torch.multinomial(shares, 64, replacement=True)
        loss = functional.cross_entropy(model(_varied(images[batch]).to(run.device)), targets[batch].to(run.device))
        optimiser.zero_grad()
        run.backward(loss)
        optimiser.step()
        schedule.step()
        run.log(loss=float(loss.detach()))
    return model.eval()


def tiny_imagenet(per_class: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return photographs and labels to train with and to test with, ``per_class`` and ``TEST`` of each class."""
    folder = datasets.fetch("tiny-imagenet") / "tiny-imagenet-200" / "train"
    sets: tuple[list[np.ndarray], list[int], list[np.ndarray], list[int]] = ([], [], [], [])
    for label, codes in enumerate(TINY_CLASSES.values()):
        for code in codes:
            for number in [*range(per_class), *range(500 - TEST, 500)]:
                part = 0 if number < 500 - TEST else 2
                sets[part].append(_pixels(folder / code / "images" / f"{code}_{number}.JPEG"))
                sets[part + 1].append(label)
    return np.stack(sets[0]), np.array(sets[1]), np.stack(sets[2]), np.array(sets[3])


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path, formats=("JPEG",)) as image:
        return np.asarray(image.convert("RGB"))


def _varied(images: Tensor) -> Tensor:
    """Return the batch as floats: mirrored, shifted by up to four pixels, and grey, each by chance."""
    values = images.float() / 255
    mirrored = torch.rand(len(values)) < 0.5
    values[mirrored] = values[mirrored].flip(3)
    down, right = torch.randint(0, 9, (2,)).tolist()
    values = functional.pad(values, (4, 4, 4, 4), mode="reflect")[:, :, down : down + 64, right : right + 64]
    grey = torch.rand(len(values)) < 0.5
    values[grey] = values[grey].mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return values
