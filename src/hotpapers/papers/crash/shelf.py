"""The model that comes with the package, and its judge: learned from sounds in the public domain alone.

``MODEL_CARD.md`` beside them says from which. Verbs take them where no model is named.
"""

from pathlib import Path

import torch

from hotpapers.errors import BadInput
from hotpapers.media.readable import is_folder, named
from hotpapers.papers.crash.judge import Judge
from hotpapers.papers.crash.model import Crash
from hotpapers.papers.crash.sampling import check_seed
from hotpapers.run import load_model
from hotpapers.run.devices import make_fabric

FOLDER = Path(__file__).parent / "drums_cc0"
MAKE = "hotpapers crash train FOLDER"


def open_model(model: Path | None = None, device: str = "cpu") -> Crash:
    """Return a trained model, ready to use; the one that ships where none is named.

    Raises
    ------
    BadInput
        If there is no model of CRASH's there, or its weights are not finite.
    """
    place = make_fabric(device, "32-true", "auto", 1).device
    folder = FOLDER if model is None else Path(model)
    if not is_folder(folder):
        raise BadInput(f"There is no folder {named(folder)}; make a model with '{MAKE}'.")
    net = load_model(Crash, folder, name="CRASH", make=MAKE)
    if not all(each.isfinite().all() for each in net.state_dict().values()):
        raise BadInput(f"The model in {named(folder)} holds NaN or infinity; make it again with '{MAKE}'.")
    return net.to(place).eval()


def generator_of(model: Crash, seed: int) -> torch.Generator:
    """Return a generator on the model's device.

    Raises
    ------
    BadInput
        If there is no such seed.
    """
    check_seed(seed)
    return torch.Generator(model.unet.first.weight.device).manual_seed(seed)


def open_judge() -> Judge:
    """Return the judge that ships; it knows cymbal, kick and snare."""
    judge = load_model(Judge, FOLDER / "judge", name="CRASH", make="python -m hotpapers.papers.crash.shipping SAMPLES")
    return judge.eval().requires_grad_(False)
