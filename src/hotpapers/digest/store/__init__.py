"""The store of papers, signals and digests, on SQLite or PostgreSQL."""

from hotpapers.digest.store.opening import where
from hotpapers.digest.store.signals import Added
from hotpapers.digest.store.store import Collection, Hit, Store, open_store

__all__ = ["Added", "Collection", "Hit", "Store", "open_store", "where"]
