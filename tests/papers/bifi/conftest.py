"""What the tests of BIFI share."""

import gc

import pytest


@pytest.fixture(scope="session", autouse=True)
def libraries_are_not_looked_through():
    """Keep what was imported out of the collector's way: each stage of each training collects."""
    import lightning_fabric  # noqa: F401
    import torch  # noqa: F401

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
