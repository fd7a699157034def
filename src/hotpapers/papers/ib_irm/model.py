"""The networks: a perceptron for tables (many side by side), the MLP of AC-CMNIST and the CNN of CS-CMNIST."""

import itertools
import math
from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn

HIDDEN = 256
CHANNELS = (64, 128, 128)


class Stack(nn.Module):
    """K perceptrons of one shape as one: every layer is a tensor K x in x out, so that a search is one product.

    ``hidden`` are the widths of the layers before the head, each with a ReLU; with none the model is linear.
    """

    def __init__(self, inputs: int, outputs: int, hidden: Sequence[int] = (), models: int = 1) -> None:
        super().__init__()
        widths = [inputs, *hidden, outputs]
        self.weights = nn.ParameterList(
            nn.Parameter(torch.empty(models, into, out)) for into, out in itertools.pairwise(widths)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(models, 1, out)) for out in widths[1:])
        for weight in self.weights:
            # Xavier's uniform bound of one model; all models start alike, so that they differ by their settings only
            bound = math.sqrt(6 / (weight.shape[1] + weight.shape[2]))
            nn.init.uniform_(weight.data[:1], -bound, bound)
            weight.data.copy_(weight.data[:1].expand_as(weight))

    def forward(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "K n C"], Float[Tensor, "K n U"]]:
        """Return the outputs and what the head sees: the last hidden layer, or the inputs."""
        h = x.expand(self.weights[0].shape[0], *x.shape)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            h = torch.baddbmm(bias, h, weight).relu()
        return torch.baddbmm(self.biases[-1], h, self.weights[-1]), h

    def weight_norm(self) -> Float[Tensor, " K"]:
        """Return the sum of squares of each model's parameters."""
        return torch.stack([each.square().sum((1, 2)) for each in self.parameters()]).sum(0)


class Network(nn.Module, PyTorchModelHubMixin):
    """A predictor for a table's columns: standardised inputs, a perceptron, and the names that belong to it.

    Attributes
    ----------
    columns, target, environment
        Names in the user's table.
    classes
        The target's values in the order of the outputs; none for regression.
    choices
        What each of the models inside is: ``trained``, or the choices of a search by ``train-domain`` and
        ``test-domain`` validation.
    record
        How it was trained and what was measured.
    """

    centre: Tensor
    scale: Tensor
    target_centre: Tensor
    target_scale: Tensor

    def __init__(
        self,
        columns: list[str],
        target: str,
        environment: str,
        classes: list[str],
        hidden: list[int],
        choices: list[str],
        record: dict | None = None,
    ) -> None:
        super().__init__()
        self.columns, self.target, self.environment, self.classes = columns, target, environment, classes
        self.hidden, self.choices, self.record = hidden, choices, record or {}
        outputs = len(classes) if len(classes) > 2 else 1
        self.stack = Stack(len(columns), outputs, hidden, len(choices))
        self.register_buffer("centre", torch.zeros(len(columns)))
        self.register_buffer("scale", torch.ones(len(columns)))
        # A regression's target is standardised in training; these take its predictions back
        self.register_buffer("target_centre", torch.zeros(()))
        self.register_buffer("target_scale", torch.ones(()))

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "K n C"]:
        """Return each choice's predictions for raw rows: numbers in the target's unit, or logits."""
        outputs, _ = self.stack((x - self.centre) / self.scale)
        return outputs * self.target_scale + self.target_centre

    def features(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "K n U"]:
        """Return what each choice's head sees."""
        return self.stack((x - self.centre) / self.scale)[1]


def coloured_mlp(models: int = 1, pixels: int = 14 * 14, hidden: int = HIDDEN) -> Stack:
    """Return AC-CMNIST's network, 2 channels of 14 x 14 → 256 → 256 → 1: 166,657 parameters."""
    return Stack(2 * pixels, 1, (hidden, hidden), models)


class ColouredCNN(nn.Module):
    """CS-CMNIST's network: three convolutions (the second of stride 2), each ReLU then BatchNorm, mean, linear.

    225,162 parameters at the published 64, 128, 128 channels and 10 classes.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, classes: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out, stride in zip((3, *channels), channels, (1, 2, 1), strict=False):
            layers += [nn.Conv2d(into, out, 3, stride, 1), nn.ReLU(), nn.BatchNorm2d(out)]
        self.featurizer = nn.Sequential(*layers)
        self.head = nn.Linear(channels[-1], classes)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> tuple[Float[Tensor, "n C"], Float[Tensor, "n U"]]:
        """Return the logits and the features, whose variance is the bottleneck."""
        features = self.featurizer(x).mean((2, 3))
        return self.head(features), features
