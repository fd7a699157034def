import asyncio
import datetime
import json
import os
import signal
import socket

import pytest

from hotpapers.digest.collect import Report, SourceReport
from hotpapers.digest.watch import watch
from hotpapers.errors import BadInput

HOUR = datetime.timedelta(hours=1)


def report(day, state="ok"):
    now = datetime.datetime(2021, 6, 15, tzinfo=datetime.UTC)
    return Report(day, now, now, [SourceReport("arxiv", papers=512), SourceReport("bluesky", state, signals=3)])


def run(clock, collect, publish=lambda day: None, **options):
    lines = []
    rounds = asyncio.run(watch(collect, publish, every=HOUR, say=lines.append, clock=clock, **options))
    return rounds, lines


def test_rounds_begin_every_so_often_and_the_day_before_is_seen_again_until_noon(tools, tmp_path):
    clock = tools.StillClock(datetime.datetime(2021, 6, 15, 10, 30, tzinfo=datetime.UTC))
    days, published = [], []

    async def collect(day):
        days.append((clock.now().hour, day.day))
        await clock.sleep(600)
        return report(day, "partial" if day.day == 14 else "ok")

    rounds, lines = run(clock, collect, published.append, rounds=3, health=tmp_path / "health.json")
    assert rounds == 3
    # 10:30 for two days of ten minutes each, 11:30 the same, 12:30 only today
    assert days == [(10, 14), (10, 15), (11, 14), (11, 15), (12, 15)]
    assert [day.day for day in published] == [14, 15, 14, 15, 15]
    assert lines[0] == (
        "2021-06-15 10:50 UTC not well: 2021-06-14 arxiv 512, bluesky partial; "
        "2021-06-15 arxiv 512, bluesky 3; next 11:30 UTC"
    )
    assert "healthy: 2021-06-15 arxiv 512, bluesky 3" in lines[2]
    health = json.loads((tmp_path / "health.json").read_text())
    assert (health["healthy"], health["rounds"], health["next"]) == (True, 3, None)


def test_a_round_that_fails_is_told_and_the_watch_goes_on(tools):
    clock, calls = tools.StillClock(), []

    async def collect(day):
        calls.append(day)
        return report(day)

    def publish(day):
        if len(calls) == 1:
            raise BadInput("The disk is full.")

    rounds, lines = run(clock, collect, publish, rounds=2)
    assert rounds == 2
    assert "not well" in lines[0]
    assert "The disk is full." in lines[0]
    assert "healthy" in lines[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("when", ["in a round", "between rounds"])
def test_a_signal_ends_the_watch_gracefully(number, when):
    ended = []

    async def collect(day):
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(30 if when == "in a round" else 0)
            return report(day)
        finally:
            ended.append(day)

    before = signal.getsignal(number)
    rounds, lines = run(None, collect)
    assert rounds == 1
    assert len(ended) >= 1
    assert len(lines) == 1
    assert ("stopped in the middle" in lines[0]) == (when == "in a round")
    assert signal.getsignal(number) == before


def test_systemd_is_told_when_it_asks(tools, monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "n"))
        ear.settimeout(2)

        async def collect(day):
            return report(day)

        run(tools.StillClock(), collect, rounds=1)
        words = [ear.recv(1000).decode() for _ in range(3)]
    assert words[0] == "READY=1"
    assert words[1].startswith("STATUS=2021-06-15 arxiv 512")
    assert words[2] == "STOPPING=1"
