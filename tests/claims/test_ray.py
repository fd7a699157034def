import os
import signal
import threading
import time
from pathlib import Path

import pytest

from hotpapers.claims.engine import reproduce
from hotpapers.errors import BadInput

pytestmark = pytest.mark.ray


def test_a_worker_killed_in_the_middle_costs_its_claim_only_another_try(toy_task, tmp_path, monkeypatch):
    """One cluster, started and stopped by the engine itself, for all that is said of Ray: it takes 10 s to start."""
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def kill_when_it_measures():
        while not (tmp_path / "pid").exists():
            time.sleep(0.05)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill_when_it_measures, daemon=True)
    killer.start()
    names = ["waits-to-be-killed", "twice-the-seed", "crashes", "is-always-killed", "writes-a-file"]
    report = reproduce([toy_task(name) for name in names], tmp_path / "out", engine="ray", jobs=2)
    killer.join(1)
    assert not killer.is_alive()
    assert not ray.is_initialized()
    assert {each.claim for each in report.evidence} == {"waits-to-be-killed", "twice-the-seed", "writes-a-file"}
    assert {(each.engine, each.jobs) for each in report.evidence} == {("ray", 2)}
    failures = {each.claim: each for each in report.failures}
    assert failures["crashes"].error == "RuntimeError: the loss ran away"
    assert failures["is-always-killed"].attempts == 3
    written = next(each for each in report.evidence if each.claim == "writes-a-file")
    assert [path.read_text() for path in written.file_paths()] == ["measured"]


def test_a_cluster_that_does_not_answer_is_named_at_once(toy_task, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(BadInput, match=r"RAY_ADDRESS=127\.0\.0\.1:1"):
        reproduce([toy_task("twice-the-seed")], tmp_path, engine="ray")
