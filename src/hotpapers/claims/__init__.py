"""Measure a claim, judge it, keep the evidence, run many."""

from hotpapers.cards import SCALES, Scale
from hotpapers.claims.measurement import Measurement

__all__ = ["SCALES", "Measurement", "Scale"]
