"""Models in folders: written beside what else a run has kept there, and read again or refused in one line."""

import contextlib
import json
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media.readable import is_folder, named

NOT_KEPT = 64 * 2**20
"""Bytes of buffers that a model may have besides its file."""


class Savable(Protocol):
    """What ``PyTorchModelHubMixin`` gives a module."""

    def save_pretrained(self, save_directory: Path) -> Any:
        """Write ``model.safetensors`` and ``config.json`` into a folder."""


Model = TypeVar("Model")


def save_model(model: Savable, folder: Path) -> None:
    """Write the weights and the settings of ``model`` into ``folder``, each file whole or not at all."""
    with written_whole(folder / "saved") as temporary:
        model.save_pretrained(temporary)
        for path in sorted(temporary.iterdir(), reverse=True):  # the weights first: settings say that weights are there
            path.replace(folder / path.name)
    (folder / "saved").rmdir()


def load_model(kind: type[Model], folder: Path, *, name: str, make: str) -> Model:
    """Return the model that ``save_model`` wrote into ``folder``, as ``from_pretrained`` gives it.

    Parameters
    ----------
    kind
        Its class.
    folder
        Where it is; nothing is looked for elsewhere.
    name
        Whose model it is, for the error: ``SinIR``.
    make
        The command that makes one, for the error: ``hotpapers sinir train PHOTO``.

    Raises
    ------
    BadInput
        If there is none, or it cannot be read, or it is another kind's, or its weights are not finite.
    """
    folder = Path(folder)
    if not is_folder(folder) or not (folder / "model.safetensors").is_file():
        raise BadInput(f"There is no {name} model in {named(folder)}: make one with '{make}'.")
    if not (folder / "config.json").is_file():
        raise BadInput(f"The model in {named(folder)} has lost its config.json: make it again with '{make}'.")
    _hold_to_weights(kind, folder, name)
    try:
        with contextlib.redirect_stdout(None):  # the hub's reader prints a remark among a verb's answer
            model = kind.from_pretrained(str(folder), local_files_only=True, strict=True)  # type: ignore[attr-defined]
    except Exception as error:  # whatever a damaged or a foreign file makes the readers raise
        raise BadInput(
            f"The model in {named(folder)} cannot be read, or is none of {name}: make it again with '{make}'."
        ) from error
    if not all(each.isfinite().all() for each in model.state_dict().values()):
        raise BadInput(f"The model in {named(folder)} holds NaN or infinity: make it again with '{make}'.")
    return model


def _hold_to_weights(kind: type[Any], folder: Path, name: str) -> None:
    """Refuse settings that ask for more than the weights beside them hold, before memory is taken for it."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        with torch.device("meta"):
            draft = kind(**settings)
        asked = sum(each.nbytes for each in (*draft.parameters(), *draft.buffers()))
    except Exception:  # what cannot be drafted without memory is judged by the reading itself
        return
    if asked > (folder / "model.safetensors").stat().st_size + NOT_KEPT:
        raise BadInput(
            f"The model in {named(folder)} has another model's settings, or it is damaged: {name} cannot use it."
        )
