"""The type detector, a network of Sherlock's shape: each large group of features through layers of its own, then all.

Each of characters (960), words (201) and text (400) passes two layers of 300, 200 and 400 units; what comes out stands
beside the 27 features of the whole column and passes two layers of 500 to the types' scores.
"""

from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from hotpapers.papers.gittables.features import GROUPS, SIZE

UNITS = {"characters": 300, "words": 200, "text": 400}


class ColumnNet(nn.Module, PyTorchModelHubMixin, library_name="hotpapers"):
    """Scores of semantic types for a column's features.

    Parameters
    ----------
    types
        The labels that it tells apart.
    width
        Units of the last two layers.
    shrink
        Divides the units of all layers.
    dropout
        Share of units that are left out in training.
    """

    def __init__(self, types: Sequence[str], width: int = 500, shrink: int = 1, dropout: float = 0.35) -> None:
        super().__init__()
        if not types or shrink < 1 or width < shrink:
            raise ValueError("a detector needs types, and units to tell them by")
        self.types = list(types)
        self.parts = nn.ModuleDict({
            name: _layers(GROUPS[name], units // shrink, dropout) for name, units in UNITS.items()
        })  # fmt: skip
        self.whole = nn.BatchNorm1d(GROUPS["whole"])
        joined = sum(units // shrink for units in UNITS.values()) + GROUPS["whole"]
        self.head = nn.Sequential(
            _layers(joined, width // shrink, dropout), nn.Linear(width // shrink, len(self.types))
        )
        self.centre: Tensor
        self.scale: Tensor
        self.register_buffer("centre", torch.zeros(SIZE))
        self.register_buffer("scale", torch.ones(SIZE))

    def calibrate(self, features: Tensor) -> None:
        """Take centre and scale of the features (N, 1588) from those that are trained on."""
        squeezed = _squeeze(features)
        self.centre.copy_(squeezed.mean(0))
        self.scale.copy_(squeezed.std(0).clamp(min=1e-3))

    def forward(self, features: Tensor) -> Tensor:
        """Return the scores (N, T) of features (N, 1588)."""
        standard = ((_squeeze(features) - self.centre) / self.scale).clamp(-8, 8)
        groups = dict(zip(GROUPS, standard.split(list(GROUPS.values()), 1), strict=True))
        parts = [self.parts[name](groups[name]) for name in UNITS]
        return self.head(torch.cat([*parts, self.whole(groups["whole"])], 1))

    @torch.no_grad()
    def probabilities(self, features: Tensor) -> Tensor:
        """Return the probabilities (N, T) of the types."""
        self.eval()
        return self(features).softmax(1)


def _squeeze(features: Tensor) -> Tensor:
    """Take the logarithm of the features' size: counts and lengths run over orders of magnitude."""
    return features.sign() * features.abs().log1p()


def _layers(inputs: int, units: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm1d(inputs), nn.Linear(inputs, units), nn.ReLU(), nn.Dropout(dropout),
                         nn.Linear(units, units), nn.ReLU())  # fmt: skip
