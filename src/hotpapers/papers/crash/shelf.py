"""The model that comes with the package: kicks, snares and cymbals, learned from sounds in the public domain alone."""

from pathlib import Path

FOLDER = Path(__file__).parent / "drums_cc0"
