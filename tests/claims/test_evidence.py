import datetime
import json
import math
import re
import socket

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotpapers.cards import Claim, Criterion
from hotpapers.claims import evidence as ev
from hotpapers.claims import provenance
from hotpapers.claims.evidence import BadEvidence, Evidence, read_evidence, write_evidence
from hotpapers.claims.judge import Verdict, judge

MACHINE = provenance.machine()


def make(claim="twice", scale="laptop", values=(1.0, 2.0, 3.0), criterion=Criterion(at_least=0.5), **changes):  # noqa: B008
    by_seed = dict(enumerate(values))
    facts = {
        "slug": "toys",
        "arxiv": "2106.00001",
        "claim": claim,
        "scale": scale,
        "metric": "toys",
        "unit": "s",
        "exact": False,
        "criterion": criterion,
        "judgement": judge(criterion, by_seed, scale=scale),
        "seeds": list(by_seed),
        "values": by_seed,
        "method": {},
        "baseline": {},
        "method_unit": "",
        "extras": {},
        "files": [],
        "cost": provenance.Cost(1.0, 0.9, 10**6),
        "machine": MACHINE,
        "versions": provenance.versions(),
        "revision": "abc",
        "engine": "local",
        "jobs": 1,
        "device": "cpu",
        "date": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    }
    return Evidence(**(facts | changes))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(), min_size=1, max_size=5))
def test_evidence_comes_back_as_it_was_written_whatever_the_values(values, tmp_path):
    written = make(values=values, method=dict(enumerate(values)))
    read = read_evidence(write_evidence(written, tmp_path, {}))
    assert repr(read) == repr(written)


def test_evidence_is_json_that_any_reader_takes(tmp_path):
    extras = ev.plain({"curve": np.array([1.0, math.nan]), "count": np.int64(3), 7: (1, 2)})
    path = write_evidence(make(values=(1.0, math.inf, 3.0), extras=extras), tmp_path, {})

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    facts = json.loads(path.read_text(), parse_constant=refuse)
    assert facts["values"] == {"0": 1.0, "1": "inf", "2": 3.0}
    assert facts["extras"] == {"curve": [1.0, "nan"], "count": 3, "7": [1, 2]}
    assert facts["date"] == "2026-01-02T00:00:00Z"
    assert "path" not in facts


def test_files_lie_beside_the_evidence_and_leave_with_it(tmp_path):
    evidence = make()
    path = write_evidence(evidence, tmp_path, {"sheets/one.txt": b"1", "b.png": b"2"})
    read = read_evidence(path)
    assert read.files == ["twice.laptop/b.png", "twice.laptop/sheets/one.txt"]
    assert [each.read_bytes() for each in read.file_paths()] == [b"2", b"1"]
    write_evidence(make(), tmp_path, {})
    assert [each.name for each in path.parent.iterdir()] == ["twice.laptop.json"]


def test_a_typed_verdict_is_neither_believed_nor_passed(tmp_path):
    path = write_evidence(make(values=(0.1, 0.1, 0.1)), tmp_path, {})
    path.write_text(path.read_text().replace('"not reproduced"', '"reproduced"'))
    assert read_evidence(path).verdict is Verdict.NOT_REPRODUCED
    with pytest.raises(BadEvidence, match="computed, never typed"):
        ev.check_evidence(path)


def test_evidence_that_names_a_lost_file_does_not_pass(tmp_path):
    path = write_evidence(make(), tmp_path, {"one.txt": b"1"})
    ev.check_evidence(path)
    (tmp_path / "toys" / "twice.laptop" / "one.txt").unlink()
    with pytest.raises(BadEvidence, match=r"one\.txt, which is not there"):
        ev.check_evidence(path)


def test_the_cards_criterion_of_today_judges(tmp_path, monkeypatch):
    path = write_evidence(make(), tmp_path, {})
    claim = Claim(id="twice", says="", where="", metric="toys", expect={"laptop": Criterion(at_least=100)})
    monkeypatch.setattr(ev, "_claim_of", lambda _: claim)
    assert read_evidence(path).verdict is Verdict.NOT_REPRODUCED
    with pytest.raises(BadEvidence, match=r"judged by ≥ 0\.5, the card says ≥ 100"):
        ev.check_evidence(path)


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[" * 100_000,
        b'{"extras":' * 100_000,
        b'{"schema": 2}',
        lambda facts: facts | {"values": {"0": "many"}},
        lambda facts: facts | {"values": {"zero": 1.0}},
        lambda facts: facts | {"values": {str(n): 1.0 for n in range(1000)}},
        lambda facts: facts | {"slug": "../../etc"},
        lambda facts: facts | {"slug": "other"},
        lambda facts: facts | {"claim": "other"},
        lambda facts: facts | {"scale": "galaxy"},
        lambda facts: facts | {"files": ["../../secret"]},
        lambda facts: facts | {"files": ["/etc/passwd"]},
        lambda facts: facts | {"files": ["twice.laptop/../../x"]},
        lambda facts: facts | {"files": ["other.laptop/x"]},
        lambda facts: facts | {"date": "yesterday"},
        lambda facts: facts | {"date": "2026-01-02T00:00:00"},
        lambda facts: facts | {"criterion": {"at_least": 1, "at_most": 2}},
    ],
)
def test_what_is_not_evidence_is_refused_in_one_line_that_names_the_file(hostile, tmp_path):
    path = write_evidence(make(), tmp_path, {})
    raw = hostile if isinstance(hostile, bytes) else json.dumps(hostile(json.loads(path.read_bytes()))).encode()
    path.write_bytes(raw)
    with pytest.raises(BadEvidence) as refused:
        ev.load_evidence([tmp_path])
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise_anything_but_bad_evidence(tmp_path, raw):
    path = tmp_path / "toys" / "twice.laptop.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    with pytest.raises(BadEvidence):
        read_evidence(path)


def test_the_newest_of_each_scale_counts_and_the_strongest_scale_decides(tmp_path):
    def later(days):
        return datetime.datetime(2026, 1, 2 + days, tzinfo=datetime.UTC)

    here, there = tmp_path / "here", tmp_path / "there"
    write_evidence(make(scale="smoke"), here, {})
    write_evidence(make(values=(0.0, 0.0, 0.0), date=later(1)), here, {})
    write_evidence(make(date=later(3)), there, {})
    found = ev.load_evidence([here, there, tmp_path / "nowhere"])["toys", "twice"]
    assert [(each.scale, each.verdict) for each in found] == [("laptop", "reproduced"), ("smoke", "reproduced")]
    write_evidence(make(scale="paper", values=(0.0, 0.0, 0.0)), here, {})
    found = ev.load_evidence([there, here])["toys", "twice"]
    assert [each.scale for each in found] == ["paper", "laptop", "smoke"]
    assert ev.verdict_of(found) is Verdict.NOT_REPRODUCED


def test_smoke_scale_and_scales_without_a_criterion_never_decide():
    smoke, bare = make(scale="smoke"), make(scale="paper", criterion=None)
    assert ev.verdict_of([smoke]) is Verdict.NOT_RUN
    assert ev.verdict_of([bare, smoke]) is Verdict.NOT_RUN
    assert ev.verdict_of([bare, make(), smoke]) is Verdict.REPRODUCED


def test_where_evidence_comes_from_names_no_host_and_no_path(tmp_path):
    raw = write_evidence(make(revision=provenance.revision()), tmp_path, {}).read_text()
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", raw)
    assert str(provenance.checkout()) not in raw
    assert not re.search(r'"/', raw)


def test_the_peak_of_memory_counts_what_was_freed_again():
    with provenance.metered() as meter:
        kept = np.ones(40 * 2**20)
        del kept
    assert 320 * 2**20 < meter.cost.peak_memory_bytes < 3 * 2**30
    assert meter.cost.wall_seconds > 0


def test_what_is_shipped_is_whole_and_its_verdicts_are_the_computed_ones():
    for path in sorted(ev.shipped_folder().glob("*/*.json")):
        ev.check_evidence(path)
        assert msgspec.json.decode(path.read_bytes())["slug"] in ev.all_cards(), f"{path} belongs to no card"
