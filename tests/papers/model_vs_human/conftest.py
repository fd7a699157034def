"""What these tests share: the examples, made-up trials, and the public trials where they are at hand."""

from pathlib import Path

import pytest

import hotpapers.papers.model_vs_human as package
from hotpapers.papers.model_vs_human.sheets import sheets_of
from hotpapers.papers.model_vs_human.simulate import simulate
from hotpapers.papers.model_vs_human.trials import read_trials

PUBLIC = Path(__file__).parents[4] / "shared" / "data" / "model_vs_human" / "trials.tar.gz"


@pytest.fixture(scope="session")
def examples():
    return Path(package.__file__).parent / "examples"


@pytest.fixture(scope="session")
def made_up():
    return sheets_of(simulate(("contrast", "edge", "cue-conflict"), images=160))


@pytest.fixture(scope="session")
def public():
    if not PUBLIC.is_file():
        pytest.skip(f"the public trials are not at {PUBLIC}")
    return sheets_of(read_trials(PUBLIC))
