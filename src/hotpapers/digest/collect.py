"""Collect a day: ask all sources at once, store what each gives as it comes, and say how each one fared.

No source waits for another, except that those that ask about papers wait for the listings; each has a deadline of its
own. What a source gave before it failed stays, and the report calls it partial.
"""

import asyncio
import contextlib
import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol, cast

import msgspec

from hotpapers import progress
from hotpapers.digest.client import Client
from hotpapers.digest.links import Links
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.sources import Gap, Job, MissingKey, Note, Settings, Source
from hotpapers.errors import HotpapersError

State = Literal["ok", "partial", "failed", "skipped"]
BATCH = 500


class Store(Protocol):
    """Where what is collected goes; both may be given the same thing again."""

    def add_papers(self, papers: Iterable[Paper], /) -> object:
        """Keep papers."""

    def add_signals(self, signals: Iterable[Signal], /) -> object:
        """Keep signals."""


class SourceReport(msgspec.Struct):
    """How one source fared: ``failed`` gave nothing, ``partial`` not all, ``skipped`` was not asked."""

    name: str
    state: State = "ok"
    papers: int = 0
    signals: int = 0
    seconds: float = 0.0
    remarks: list[str] = []


class Report(msgspec.Struct):
    """How the collection of a day went."""

    day: datetime.date
    began: datetime.datetime
    ended: datetime.datetime
    sources: list[SourceReport]

    @property
    def complete(self) -> bool:
        """Say whether every source that was asked gave all it has."""
        return all(each.state in ("ok", "skipped") for each in self.sources)


async def collect_day(
    day: datetime.date,
    sources: Sequence[Settings],
    store: Store,
    *,
    client: Client,
    folder: Path | None = None,
    unshorten: bool = False,
) -> Report:
    """Collect ``day`` from ``sources`` into ``store``.

    Parameters
    ----------
    day
        The day: the listing dated so, and the signals made between its midnights in UTC.
    sources
        Whom to ask.
    store
        Takes papers and signals.
    client
        Asks over HTTP.
    folder
        Where sources keep what they must remember; ``None``: nowhere.
    unshorten
        Ask the shorteners for links that are not known yet; the next collection knows them.

    Returns
    -------
    How each source fared. Whatever happens to a source, the others go on; only a store that fails stops all.
    """
    links = Links(folder / "links.jsonl" if folder else None)
    job = Job(day, client, links, folder)
    began = client.clock.now()
    waiting = {source.name for source in cast(Sequence[Source], sources) if source.lists}
    if not waiting:
        job.listed.set()
    with progress.bar("collecting", len(sources)) as bar:
        ended: list[str] = []

        async def run(source: Source) -> SourceReport:
            report = await _run(source, job, store)
            waiting.discard(source.name)
            if not waiting:
                job.listed.set()
            ended.append(source.name)
            bar.update(len(ended), f"{source.name} {report.state}")
            return report

        tasks = [asyncio.create_task(run(source)) for source in cast(Sequence[Source], sources)]
        try:
            reports = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if unshorten:
        for url in list(links.unknown):
            await links.ask(client, url)
    return Report(day, began, client.clock.now(), list(reports))


async def _run(source: Source, job: Job, store: Store) -> SourceReport:
    report, began = SourceReport(source.name), job.clock.monotonic()
    trouble = ""
    try:
        async with asyncio.timeout(source.deadline) as deadline:
            # Whatever ends this, what was yielded is stored first, and only then what the source remembers.
            with contextlib.closing(_Take(report, job, store)) as take:
                async with contextlib.aclosing(source.collect(job)) as findings:
                    async for found in findings:
                        take(found)
    except MissingKey as error:
        report.state = "skipped"
        report.remarks.append(str(error))
    except _StoreFailed as error:
        raise cast(BaseException, error.__cause__) from None
    except HotpapersError as error:
        trouble = str(error)
    except TimeoutError:
        trouble = f"not ready after {source.deadline:g} s" if deadline.expired() else "timed out"
    except Exception as error:  # a defect in one source is no reason to lose the others' day
        trouble = f"defect: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if trouble:
        report.state = "partial" if report.papers or report.signals else "failed"
        report.remarks.append(trouble)
    report.seconds = round(job.clock.monotonic() - began, 3)
    return report


class _StoreFailed(Exception):
    """The store could not keep what it was given; the cause says why."""


class _Take:
    """Takes a source's findings one by one and stores them by the batch."""

    def __init__(self, report: SourceReport, job: Job, store: Store) -> None:
        self.report, self.job, self.store = report, job, store
        self.papers: list[Paper] = []
        self.signals: list[Signal] = []

    def __call__(self, found: Paper | Signal | Note) -> None:
        if isinstance(found, Note):
            self.report.remarks.append(str(found))
            if isinstance(found, Gap):
                self.report.state = "partial"
        elif isinstance(found, Paper):
            self.papers.append(found)
            self.job.papers[found.arxiv] = None
        else:
            self.signals.append(found)
        if len(self.papers) + len(self.signals) >= BATCH:
            self.close()

    def close(self) -> None:
        """Store what has been taken, then write what the source remembers."""
        papers, self.papers = self.papers, []
        signals, self.signals = self.signals, []
        try:
            if papers:
                self.store.add_papers(papers)
            if signals:
                self.store.add_signals(signals)
        except Exception as error:
            raise _StoreFailed from error
        self.report.papers += len(papers)
        self.report.signals += len(signals)
        self.job.commit(self.report.name)
