"""What comes with the package: a small model of clothes, and attributes of it; and how any model is opened."""

from pathlib import Path

import torch

from hotpapers.errors import BadInput
from hotpapers.media.readable import is_folder, named
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.sampling import check_seed
from hotpapers.run import load_model
from hotpapers.run.devices import make_fabric

FOLDER = Path(__file__).parent / "clothes"
EXAMPLES = Path(__file__).parent / "examples"
BAG = EXAMPLES / "bag.attribute"
MAKE = "hotpapers d2c train FOLDER"


def open_model(folder: Path | None, device: str) -> D2C:
    """Return a trained model, ready to use; the one that comes with the package where none is named.

    Raises
    ------
    BadInput
        If there is no model of D2C's there, or its weights are not finite.
    """
    place = make_fabric(device, "32-true", "auto", 1).device
    folder = Path(folder) if folder else FOLDER
    if not is_folder(folder):
        raise BadInput(f"There is no folder {named(folder)}; make a model with '{MAKE}'.")
    model = load_model(D2C, folder, name="D2C", make=MAKE)
    if not all(each.isfinite().all() for each in model.state_dict().values()):
        raise BadInput(f"The model in {named(folder)} holds NaN or infinity; make it again with '{MAKE}'.")
    return model.to(place).eval().requires_grad_(False)


def generator_of(model: D2C, seed: int) -> torch.Generator:
    """Return a generator on the model's device.

    Raises
    ------
    BadInput
        If there is no such seed.
    """
    check_seed(seed)
    return torch.Generator(model.mean.device).manual_seed(seed)
