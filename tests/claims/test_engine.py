import os
import sys
from pathlib import Path

import pytest

from hotpapers import files
from hotpapers.cards import Card, Claim
from hotpapers.claims.engine import reproduce
from hotpapers.claims.evidence import collect, read_evidence
from hotpapers.claims.judge import Verdict
from hotpapers.claims.task import default_seeds, task_for
from hotpapers.errors import BadInput, Interrupted


def test_evidence_says_what_was_measured_where_and_with_what(toy_task, tmp_path):
    report = reproduce([toy_task("twice-the-seed", at_least=9)], tmp_path / "out")
    evidence = read_evidence(tmp_path / "out" / "toys" / "twice-the-seed.laptop.json")
    assert evidence == report.evidence[0]
    assert evidence.values == {0: 10.0, 1: 12.0, 2: 14.0}
    assert (evidence.verdict, evidence.judgement.low, evidence.judgement.high) == (Verdict.REPRODUCED, 10.0, 14.0)
    assert (evidence.seeds, evidence.method_unit, evidence.engine, evidence.jobs) == ([0, 1, 2], "s", "local", 1)
    assert evidence.versions["python"]
    assert evidence.cost.peak_memory_bytes > 2**20


def test_a_claims_files_are_kept_and_its_work_directory_is_not(toy_task, tmp_path):
    report = reproduce([toy_task("writes-a-file"), toy_task("crashes")], tmp_path / "out")
    assert [path.read_text() for path in report.evidence[0].file_paths()] == ["measured"]
    assert not list((files.home() / "work").iterdir())


def test_a_claim_that_crashes_leaves_the_others_their_evidence(toy_task, tmp_path):
    names = ["crashes", "leaves", "twice-the-seed"]
    report = reproduce([toy_task(name) for name in names], tmp_path)
    assert [(each.claim, each.error) for each in report.failures] == [
        ("crashes", "RuntimeError: the loss ran away"),
        ("leaves", "SystemExit: enough"),
    ]
    assert 'raise RuntimeError("the loss ran away")' in report.failures[0].trace
    assert [each.claim for each in collect([tmp_path]).values()] == ["twice-the-seed"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("drops-a-seed", "drops_a_seed measured seeds [0] of [0, 1, 2]"),
        ("shows-a-stranger", "not in the subpath"),
        ("keeps-an-object", "a object in extras is not of a JSON type"),
        ("no-such-function", "no_such_function"),
    ],
)
def test_what_is_no_honest_measurement_is_no_evidence(toy_task, tmp_path, name, words):
    report = reproduce([toy_task(name)], tmp_path)
    assert not report.evidence
    assert words in report.failures[0].error


def test_a_stop_by_the_user_ends_everything_but_keeps_what_was_measured(toy_task, tmp_path, monkeypatch):
    def stop(scale, run):
        raise Interrupted("stopped at step 3; go on with --resume")

    monkeypatch.setattr("toy_papers.crashes", stop)
    with pytest.raises(Interrupted, match="while measuring toys crashes"):
        reproduce([toy_task("twice-the-seed"), toy_task("crashes"), toy_task("writes-a-file")], tmp_path)
    assert [each.claim for each in collect([tmp_path]).values()] == ["twice-the-seed"]


def test_processes_measure_what_the_local_engine_does_and_outlive_crashes_and_kills(toy_task, tmp_path):
    names = ["is-killed-once", "is-always-killed", "crashes", "twice-the-seed"]
    report = reproduce([toy_task(name) for name in names], tmp_path / "out", engine="processes", jobs=2)
    failures = {each.claim: each for each in report.failures}
    assert failures["is-always-killed"].error == "its worker was killed by signal 9, 3 times"
    assert failures["crashes"].error == "RuntimeError: the loss ran away"
    assert len((tmp_path / "always").read_text()) == 3
    assert (tmp_path / "tried").read_text() == "xx"
    assert {each.claim for each in report.evidence} == {"is-killed-once", "twice-the-seed"}
    local = reproduce([toy_task("twice-the-seed")], tmp_path / "local").evidence[0]
    there = next(each for each in report.evidence if each.claim == "twice-the-seed")
    assert (there.values, there.judgement, there.engine, there.jobs) == (local.values, local.judgement, "processes", 2)


def test_no_worker_is_left_behind(toy_task, tmp_path):
    report = reproduce([toy_task("names-its-worker")], tmp_path, engine="processes", jobs=2)
    pid = report.evidence[0].extras["pid"]
    assert pid != os.getpid()
    assert not Path(f"/proc/{pid}").exists()


def test_exact_claims_get_one_seed_and_the_others_three_beyond_smoke_scale():
    claims = [Claim(id=name, says="", where="", metric="", exact=name == "count") for name in ("count", "chance")]
    card = Card(slug="toys", arxiv="2106.00001", title="", summary="", claims=tuple(claims))
    seeds = {(each.id, scale): task_for(card, each, scale).seeds for each in claims for scale in ("smoke", "laptop")}
    assert seeds == {
        ("count", "smoke"): (0,),
        ("count", "laptop"): (0,),
        ("chance", "smoke"): (0,),
        ("chance", "laptop"): (0, 1, 2),
    }
    assert task_for(card, claims[0], "laptop", seeds=(0, 1)).seeds == (0,)
    assert task_for(card, claims[1], "smoke", seeds=(4, 5)).seeds == (4, 5)
    assert default_seeds("paper") == (0, 1, 2)


def test_an_engine_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(BadInput, match="local, processes, ray"):
        reproduce([], tmp_path, engine="cluster")


def test_the_run_that_claims_are_given_is_the_real_one(toy_task, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.delitem(sys.modules, "hotpapers.run")
    report = reproduce([toy_task("writes-a-file")], tmp_path)
    assert not report.failures
    assert report.evidence[0].device in ("cpu", "cuda:0", "mps:0")
    assert report.evidence[0].values == {0: 1.0, 1: 1.0, 2: 1.0}
