"""The model that comes with the package, and its judge: learned from sounds in the public domain alone.

``MODEL_CARD.md`` beside them says from which. Verbs take them where no model is named.
"""

from pathlib import Path

import torch

from hotpapers.papers.crash.judge import Judge
from hotpapers.papers.crash.model import Crash
from hotpapers.run import generator_on, load_model
from hotpapers.run.devices import make_fabric

FOLDER = Path(__file__).parent / "drums_cc0"


def open_model(model: Path | None = None, device: str = "cpu") -> Crash:
    """Return a trained model, ready to use; the one that ships where none is named.

    Raises
    ------
    BadInput
        If there is no model of CRASH's there, or its weights are not finite.
    """
    place = make_fabric(device, "32-true", "auto", 1).device
    folder = FOLDER if model is None else Path(model)
    net = load_model(Crash, folder, name="CRASH", make="hotpapers crash train FOLDER")
    return net.to(place).eval()


def generator_of(model: Crash, seed: int) -> torch.Generator:
    """Return a generator on the model's device."""
    return generator_on(model.unet.first.weight.device, seed)


def open_judge() -> Judge:
    """Return the judge that ships; it knows cymbal, kick and snare."""
    judge = load_model(Judge, FOLDER / "judge", name="CRASH", make="python -m hotpapers.papers.crash.shipping SAMPLES")
    return judge.eval().requires_grad_(False)
