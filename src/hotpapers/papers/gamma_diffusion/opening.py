"""Opening trained models: on a device and ready to use, or refused in one line that says how to make one."""

import json
from pathlib import Path
from typing import TypeVar

from hotpapers.papers.gamma_diffusion.model import GammaDiffusion
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder
from hotpapers.run import load_model
from hotpapers.run.devices import make_fabric

Kind = TypeVar("Kind", GammaDiffusion, Vocoder)

_TRAIN = "hotpapers gamma-diffusion train FOLDER"
_MADE_BY = {GammaDiffusion: ("Gamma diffusion", _TRAIN), Vocoder: ("WaveGrad", f"{_TRAIN} --preset speech-tiny")}


def open_model(kind: type[Kind], folder: Path, device: str = "auto") -> Kind:
    """Return the model of images, or the vocoder, that ``train`` wrote into ``folder``.

    Raises
    ------
    BadInput
        If there is none, or it is damaged or of another kind, or the device is not there.
    """
    name, make = _MADE_BY[kind]
    place = make_fabric(device, "32-true", "auto", 1).device
    model = load_model(kind, folder, name=name, make=make)
    return model.to(place).eval()


def open_either(folder: Path, device: str = "auto") -> GammaDiffusion | Vocoder:
    """Return the model in ``folder`` as what its settings say that it is; a vocoder's have mels."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # what is wrong with it is said when it is opened
        settings = None
    of_speech = isinstance(settings, dict) and "mels" in settings
    return open_model(Vocoder, folder, device) if of_speech else open_model(GammaDiffusion, folder, device)
