"""What a claim's function returns: the values that it measured. It does not judge them."""

from pathlib import Path
from typing import Any

import msgspec


class Measurement(msgspec.Struct, kw_only=True):
    """The outcome of measuring a claim once for each seed.

    Attributes
    ----------
    values
        Seed → the claim's metric as its card words it; this is what the criterion is held against.
    method, baseline
        Seed → the method's and the baseline's own numbers behind ``values``, where the metric compares two.
    unit
        The unit of ``method`` and ``baseline``; ``values`` are in the unit of the card.
    extras
        Anything else worth keeping: tables, curves, settings. JSON types only.
    files
        Pictures, sounds or tables that the measurement wrote under its run's directory.
    """

    values: dict[int, float]
    method: dict[int, float] = {}
    baseline: dict[int, float] = {}
    unit: str = ""
    extras: dict[str, Any] = {}
    files: list[Path] = []
