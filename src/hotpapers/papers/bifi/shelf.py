"""The models that come with the package: a fixer and a breaker for Python."""

from pathlib import Path
from typing import Literal

from hotpapers.papers.bifi.model import EditModel
from hotpapers.run.models import load_model

FOLDER = Path(__file__).parent / "python"


def shipped(which: Literal["fixer", "breaker"]) -> EditModel:
    """Return the shipped model for Python; its ``MODEL_CARD.md`` says what it was trained on."""
    model = load_model(
        EditModel, FOLDER / which, name="BIFI", make="python -m hotpapers.papers.bifi.shipping WHEELS --out …"
    )
    return model.eval()
