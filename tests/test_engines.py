import itertools
import os
import sys
from pathlib import Path

import pytest

from hotpapers.engines import Died, WorkersDied, attempt_all, do_all
from hotpapers.errors import BadInput

sys.path.insert(0, str(Path(__file__).parent))  # workers take this path over and find the module by name
import pieces

PROCESSES = {"engine": "processes", "jobs": 2}


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_every_piece_is_done_once_and_in_order_where_that_is_asked(engine):
    results = list(do_all(pieces.squared, range(20), engine=engine, jobs=3, ordered=True))
    assert results == [n * n for n in range(20)]


def test_unordered_results_come_as_they_are_done_with_the_number_of_their_piece():
    results = list(attempt_all(pieces.squared, range(12), **PROCESSES))
    assert dict(results) == {n: n * n for n in range(12)}


def test_an_endless_iterator_of_pieces_is_read_only_as_fast_as_the_work_goes():
    read = []
    endless = (read.append(n) or n for n in itertools.count())
    results = do_all(pieces.squared, endless, **PROCESSES, ordered=True)
    assert list(itertools.islice(results, 5)) == [0, 1, 4, 9, 16]
    results.close()
    assert len(read) <= 5 + 4 * 2 + 2


def test_a_killed_worker_costs_its_piece_another_try_and_the_results_are_the_same(tmp_path):
    work = [(str(tmp_path / "killed"), n) for n in range(8)]
    assert list(do_all(pieces.is_killed_once, work, **PROCESSES, ordered=True)) == [n * n for n in range(8)]
    killed = int((tmp_path / "killed").read_text())
    assert killed != os.getpid()
    assert not Path(f"/proc/{killed}").exists()


def test_a_piece_that_kills_every_worker_harms_no_other():
    results = dict(attempt_all(pieces.always_dies, range(4), **PROCESSES))
    assert results == {0: 0, 1: Died("left with exit code 7", 3), 2: 2, 3: 3}
    with pytest.raises(WorkersDied, match="Piece 2 of the work: its worker left with exit code 7, 3 times"):
        list(do_all(pieces.always_dies, range(4), **PROCESSES))


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_what_the_work_raises_is_raised_here(engine):
    with pytest.raises(BadInput, match="5 is no good"):
        list(do_all(pieces.refuses, [5], engine=engine))


def test_a_result_that_cannot_be_pickled_is_an_error_not_a_dead_worker():
    with pytest.raises(RuntimeError, match="function cannot leave its process"):
        list(do_all(pieces.gives_what_cannot_travel, [1], engine="processes"))


def test_workers_share_the_cores_and_draw_no_bars(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    [seen] = do_all(pieces.threads_and_progress, [0], engine="processes", jobs=1)
    assert seen == (str(os.cpu_count()), "quiet")
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize(
    ("options", "words"),
    [({"engine": "spark"}, "local, processes, ray"), ({"engine": "processes", "jobs": 0}, "0 jobs do nothing")],
)
def test_an_engine_that_there_is_not_is_refused_before_any_work(options, words):
    with pytest.raises(BadInput, match=words):
        do_all(pieces.refuses, [1], **options)


@pytest.mark.ray
def test_ray_with_a_killed_worker_gives_the_same_results(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    work = [(str(tmp_path / "killed"), n) for n in range(8)]
    assert list(do_all(pieces.is_killed_once, work, engine="ray", jobs=2, ordered=True)) == [n * n for n in range(8)]
    assert (tmp_path / "killed").exists()
    assert not ray.is_initialized()
