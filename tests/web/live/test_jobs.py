import time

import psutil
import pytest

from hotpapers.web.jobs import Jobs, NoSuchJob, QueueFull
from hotpapers.web.worker import Order


@pytest.fixture
def pool(tmp_path):
    pools = []

    def make(**settings):
        pools.append(Jobs(tmp_path / f"pool-{len(pools)}", **settings))
        return pools[-1]

    yield make
    for each in pools:
        each.close()


def start(jobs, how="hang"):
    job = jobs.draft("fakepaper", "misbehave")
    jobs.submit(job, Order("fakepaper", {"misbehave": ("fakepaper.verbs", "misbehave")}, (), "misbehave", {"how": how}))
    return job


def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_a_job_over_its_time_is_stopped(pool):
    job = start(pool(seconds=0.5))
    until(lambda: job.over)
    assert (job.state, job.report.http_status) == ("failed", 504)
    assert "longer than the 0.5 s" in job.report.error


def test_a_job_over_its_memory_is_stopped(pool):
    job = start(pool(memory_mb=200), "grow")
    until(lambda: job.over)
    assert (job.state, job.report.http_status) == ("failed", 413)


def test_a_running_job_and_a_waiting_job_can_be_cancelled(pool):
    jobs = pool()
    running, waiting = start(jobs), start(jobs)
    until(lambda: running.state == "running")
    jobs.cancel(waiting)
    assert waiting.state == "cancelled"
    jobs.cancel(running)
    until(lambda: running.over)
    assert running.state == "cancelled"
    assert running.seconds < 10


def test_a_full_queue_refuses_and_forgets_what_it_refused(pool):
    jobs = pool(queue=2)
    running = start(jobs)
    until(lambda: running.state == "running")
    waiting = [start(jobs), start(jobs)]
    assert [jobs.position(job) for job in waiting] == [0, 1]
    with pytest.raises(QueueFull, match="busy"):
        start(jobs)
    assert len(list(jobs.folder.iterdir())) == 3


def test_a_process_that_dies_without_a_word_fails_its_job_and_the_next_one_runs(pool):
    jobs = pool()
    died, crashed = start(jobs, "leave"), start(jobs, "crash")
    until(lambda: crashed.over)
    assert (died.state, crashed.state) == ("failed", "failed")
    assert "without an answer" in died.report.error
    assert "RuntimeError" in crashed.report.error
    assert "secret" not in crashed.report.error


def test_what_a_job_started_ends_with_it(pool):
    job = start(pool(), "spawn")
    until(lambda: job.over)
    child = int((job.folder / "child.txt").read_text())
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_closing_ends_running_jobs_and_removes_every_folder(pool):
    jobs = pool()
    job = start(jobs)
    until(lambda: job.state == "running")
    jobs.close()
    assert job.state == "cancelled"
    assert not jobs.folder.exists()
    with pytest.raises(QueueFull):
        start(jobs)


def test_results_go_when_their_hour_is_over_or_too_many_are_kept(pool):
    jobs = pool(keep_jobs=2)
    made = [start(jobs, "script") for _ in range(3)]
    until(lambda: all(job.over for job in made))
    until(lambda: not made[0].folder.exists())
    with pytest.raises(NoSuchJob):
        jobs.find(made[0].id)
    assert jobs.find(made[2].id) is made[2]

    short = pool(keep_seconds=0)
    job = start(short, "script")
    until(lambda: not job.folder.exists() and job.over)


def test_ids_cannot_be_guessed(pool):
    jobs = pool(queue=50)
    ids = {jobs.draft("fakepaper", "misbehave").id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(each) >= 20 for each in ids)
