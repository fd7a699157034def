import os

import pytest

# Two cores and many small tensors: more threads than one only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's own cache."""
    monkeypatch.setenv("HOTPAPERS_HOME", str(tmp_path_factory.mktemp("home")))
