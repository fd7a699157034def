"""The digests: each one day's ranked list of papers, kept as data."""

from hotpapers.digest.day import Digest, Entry, days, load_day

__all__ = ["Digest", "Entry", "days", "load_day"]
