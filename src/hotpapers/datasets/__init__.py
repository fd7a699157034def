"""Real data, one function a dataset: downloaded once, verified by checksum, kept under ``HOTPAPERS_HOME``."""

from hotpapers.datasets.photographs import PHOTOGRAPHS, TEXTURES, photograph, photographs

__all__ = ["PHOTOGRAPHS", "TEXTURES", "photograph", "photographs"]
