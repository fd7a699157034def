import sys
from pathlib import Path

import pytest

from hotpapers.cards import Claim, Criterion
from hotpapers.claims.task import Task

HERE = str(Path(__file__).parent)


@pytest.fixture
def toy_task(monkeypatch, tmp_path):
    """Return a maker of tasks for the toy claims; workers that start in the test find them too."""
    monkeypatch.syspath_prepend(HERE)
    toys = __import__("toy_papers")  # before TOY_RUN is set: its import must not change this process
    monkeypatch.setenv("TOY_RUN", "1")
    monkeypatch.setenv("TOY_STATE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "hotpapers.run", toys.stand_in_module())

    def make(claim_id, *, scale="laptop", seeds=(0, 1, 2), exact=False, **expect):
        expect = expect or {"at_least": 0.0}
        claim = Claim(
            id=claim_id,
            says="It holds.",
            where="Table 1",
            metric="toys",
            exact=exact,
            expect={scale: Criterion(**expect)},
        )
        return Task(
            slug="toys", arxiv="2106.00001", claim=claim, module="toy_papers", extras=(), scale=scale, seeds=seeds
        )

    return make
