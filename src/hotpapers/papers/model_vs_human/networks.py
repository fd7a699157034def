"""Small ImageNet classifiers whose weights can be had without a model hub: MobileNetV2 and EfficientNet-Lite 0, 1, 2.

MobileNetV2 (arXiv 1801.04381) and EfficientNet-Lite (EfficientNet, arXiv 1905.11946, with ReLU6 and without squeeze and
excitation) are both stacks of inverted residuals: widen by a 1 x 1 convolution, filter each channel, narrow again.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from hotpapers import datasets
from hotpapers.errors import BadInput


@dataclasses.dataclass(frozen=True)
class Shape:
    """How wide, deep and large a network is, and what its input is.

    Attributes
    ----------
    width, depth
        Factors on channels and on blocks of a stage.
    size
        Pixels of the square input.
    lite
        EfficientNet-Lite's stages, padding and input range; else MobileNetV2's.
    """

    width: float = 1.0
    depth: float = 1.0
    size: int = 224
    lite: bool = True


SHAPES = {
    "mobilenet-v2": Shape(lite=False),
    "efficientnet-lite0": Shape(),
    "efficientnet-lite1": Shape(depth=1.1, size=240),
    "efficientnet-lite2": Shape(width=1.1, depth=1.2, size=260),
}

# Expansion, channels, blocks, stride of the first block, kernel
_MOBILE = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3), (6, 160, 3, 2, 3),
           (6, 320, 1, 1, 3))  # fmt: skip
_LITE = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
         (6, 320, 1, 1, 3))  # fmt: skip
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Network(nn.Module):
    """A stack of inverted residuals with 1,000 outputs.

    Takes batch x 3 x height x width in [0, 1] and gives logits; resizing and normalising are part of it.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        stages = _LITE if shape.lite else _MOBILE
        make = _same if shape.lite else _centred
        layers = [make(3, 32, 3, 2)]
        channels = 32
        for number, (expansion, wide, blocks, stride, kernel) in enumerate(stages):
            wide = _rounded(wide * shape.width)
            # EfficientNet-Lite leaves its first and last stage as they are
            ends = number in (0, len(stages) - 1)
            repeats = blocks if ends else -int(-blocks * shape.depth // 1)
            for block in range(repeats):
                layers.append(
                    Residual(channels, wide, expansion, stride if block == 0 else 1, kernel, make, shape.lite)
                )
                channels = wide
        layers.append(make(channels, 1280, 1, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(1280, 1000)
        if shape.lite:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eps = 1e-3

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, batch x 1000."""
        size = (self.shape.size, self.shape.size)
        if images.shape[-2:] != size:
            images = functional.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)
        if self.shape.lite:
            images = (images * 255 - 127) / 128
        else:
            mean, std = (torch.tensor(each, device=images.device)[:, None, None] for each in (_MEAN, _STD))
            images = (images - mean) / std
        return self.classifier(self.features(images).mean((2, 3)))


class Residual(nn.Module):
    """An inverted residual: 1 x 1 wider, each channel by itself, 1 x 1 narrower; added to its input where it fits."""

    def __init__(self, inner: int, outer: int, expansion: int, stride: int, kernel: int,
                 make: Callable[..., nn.Module], lite: bool) -> None:  # fmt: skip
        super().__init__()
        wide = inner * expansion
        layers = [make(inner, wide, 1, 1)] if expansion > 1 else []
        layers.append(make(wide, wide, kernel, stride, groups=wide))
        layers += [nn.Conv2d(wide, outer, 1, bias=False), nn.BatchNorm2d(outer)]
        self.layers = nn.Sequential(*layers)
        self.added = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        """Return batch x outer x height/stride x width/stride."""
        return x + self.layers(x) if self.added else self.layers(x)


class _SamePadded(nn.Conv2d):
    """A convolution that pads as TensorFlow does: what an even stride leaves over goes to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [missing // 2, missing - missing // 2]
        return super().forward(functional.pad(x, pads))


def _same(inner: int, outer: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    convolution = _SamePadded(inner, outer, kernel, stride, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU6(inplace=True))


def _centred(inner: int, outer: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inner, outer, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU6(inplace=True))


def _rounded(channels: float) -> int:
    """Return the nearest multiple of 8 that is not a tenth less."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def load_network(name: str, path: Path | None = None) -> Network:
    """Return one of ``SHAPES`` with its published weights, in evaluation mode.

    Parameters
    ----------
    name
        Its name.
    path
        The weights' file; left out, it is fetched (13 to 23 MB) and verified.
    """
    if name not in SHAPES:
        raise BadInput(f"There is no network {name[:40]!r}; there are: {', '.join(SHAPES)}.")
    network = Network(SHAPES[name])
    # Tensors alone: nothing else in the file is unpickled, and its checksum is known
    stored = torch.load(path or datasets.weights(name), map_location="cpu", weights_only=True)
    ours = list(network.state_dict())
    values = list(stored.values())  # in the order of the layers, as here, under other names
    if len(values) != len(ours):
        raise BadInput(f"The weights of {name} have {len(values)} tensors, not {len(ours)}: another edition?")
    network.load_state_dict(dict(zip(ours, values, strict=True)))
    return network.eval()
