import importlib.util
import multiprocessing
from pathlib import Path

import pytest

from hotpapers import progress


@pytest.fixture(scope="session")
def training():
    """The module ``training.py`` beside this file."""
    spec = importlib.util.spec_from_file_location("training", Path(__file__).with_name("training.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(progress, "_style", "quiet")


@pytest.fixture
def in_process():
    """Call a function in a process of its own and return its exit code; minus the signal that ended it."""

    def call(function, *arguments, **settings):
        process = multiprocessing.get_context("fork").Process(target=function, args=arguments, kwargs=settings)
        process.start()
        process.join(60)
        return process.exitcode

    return call
