"""What comes with the package: a small model of clothes, and attributes of it; and how any model is opened."""

from pathlib import Path

import torch

from hotpapers.papers.d2c.model import D2C
from hotpapers.run import generator_on, load_model
from hotpapers.run.devices import make_fabric

FOLDER = Path(__file__).parent / "clothes"
EXAMPLES = Path(__file__).parent / "examples"
BAG = EXAMPLES / "bag.attribute"


def open_model(folder: Path | None, device: str) -> D2C:
    """Return a trained model, ready to use; the one that comes with the package where none is named.

    Raises
    ------
    BadInput
        If there is no model of D2C's there, or its weights are not finite.
    """
    place = make_fabric(device, "32-true", "auto", 1).device
    model = load_model(D2C, Path(folder) if folder else FOLDER, name="D2C", make="hotpapers d2c train FOLDER")
    return model.to(place).eval().requires_grad_(False)


def generator_of(model: D2C, seed: int) -> torch.Generator:
    """Return a generator on the model's device."""
    return generator_on(model.mean.device, seed)
