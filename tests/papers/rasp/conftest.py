"""``--rasp-suite PATH`` runs the authors' own tests, from a checkout of tech-srl/RASP; RASP_SUITE=PATH does too."""

import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rasp-suite", help="a checkout of tech-srl/RASP, whose tests are run too")


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> Path:
    """The checkout, or the test is skipped."""
    given = request.config.getoption("--rasp-suite", default=None) or os.environ.get("RASP_SUITE")
    if not given:
        pytest.skip("no checkout of tech-srl/RASP: name one with --rasp-suite PATH or RASP_SUITE=PATH")
    return Path(given)
