"""Stay and keep the digest: collect and publish again and again, say how it goes, stop when asked.

A round collects today, and the day before while it is young enough to be seen late. Between rounds nothing runs.
SIGTERM and Ctrl-C end a round where it stands: what was collected is stored, and the next start goes on from there.
"""

import asyncio
import datetime
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hotpapers.digest.client import Clock
from hotpapers.digest.collect import Report
from hotpapers.errors import HotpapersError
from hotpapers.files import written_whole

Collect = Callable[[datetime.date], Awaitable[Report]]
Publish = Callable[[datetime.date], object]
Thing = TypeVar("Thing")
LATE = datetime.time(12)
"""Until this hour the day before is collected once more: sources tell of it late."""


class Health(msgspec.Struct):
    """How the watch is: the last round, and when the next begins."""

    at: datetime.datetime
    healthy: bool
    rounds: int
    line: str
    next: datetime.datetime | None


async def watch(
    collect: Collect,
    publish: Publish,
    *,
    every: datetime.timedelta,
    say: Callable[[str], object],
    clock: Clock | None = None,
    health: Path | None = None,
    rounds: int | None = None,
) -> int:
    """Collect and publish every so often until SIGTERM or Ctrl-C; return how many rounds there were.

    Parameters
    ----------
    collect, publish
        What a round does with a day.
    every
        From the beginning of one round to that of the next; a round that takes longer delays it.
    say
        Takes the health line of each round.
    clock
        The time.
    health
        A file that always holds the last health, as JSON.
    rounds
        Stop after so many.
    """
    clock = clock or Clock()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    done = 0
    _tell_systemd("READY=1")
    try:
        while not stop.is_set() and (rounds is None or done < rounds):
            began = clock.now()
            came = await _unless(stop, _round(collect, publish, began))
            healthy, line = came or (True, "stopped in the middle of a round")
            done += 1
            last = stop.is_set() or done == rounds
            next_ = None if last else max(began + every, clock.now())
            state = Health(clock.now(), healthy, done, line, next_)
            say(_line(state))
            _tell_systemd(f"STATUS={line}")
            if health is not None:
                with written_whole(health) as temporary:
                    temporary.write_bytes(msgspec.json.encode(state))
            if next_ is not None:
                await _unless(stop, clock.sleep((next_ - clock.now()).total_seconds()))
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        _tell_systemd("STOPPING=1")
    return done


async def _round(collect: Collect, publish: Publish, now: datetime.datetime) -> tuple[bool, str]:
    """Do one round; a round that fails is told, and does not end the watch."""
    today = now.date()
    days = [today - datetime.timedelta(days=1)] if now.time() < LATE else []
    healthy, words = True, []
    for day in [*days, today]:
        try:
            report = await collect(day)
            healthy &= report.complete
            words.append(f"{day} {summary(report)}")
            publish(day)
        except HotpapersError as error:
            healthy = False
            words.append(f"{day} {error}")
    return healthy, "; ".join(words)


def summary(report: Report) -> str:
    """Return a report in one line: each source's state where it is not well, else what it gave."""
    words = []
    for each in report.sources:
        if each.state == "ok":
            words.append(f"{each.name} {each.papers or each.signals}")
        else:
            words.append(f"{each.name} {each.state}")
    return ", ".join(words)


def _line(state: Health) -> str:
    word = "healthy" if state.healthy else "not well"
    then = f"; next {state.next:%H:%M} UTC" if state.next else ""
    return f"{state.at:%Y-%m-%d %H:%M} UTC {word}: {state.line}{then}"


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Thing]) -> Thing | None:
    """Return what ``work`` gives, or ``None`` when ``stop`` is set first; the work is then ended and waited for."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not task.done():
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None


def _tell_systemd(word: str) -> None:
    """Tell systemd, where it started us with ``Type=notify``."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as pipe:
            pipe.sendto(word.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)
