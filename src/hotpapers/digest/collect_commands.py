"""The commands ``hotpapers digest collect``, ``today``, ``watch`` and ``backfill``."""

import contextlib
import datetime
from pathlib import Path
from typing import Any

from hotpapers import console
from hotpapers.engines import Engine
from hotpapers.errors import BadInput
from hotpapers.files import home, written_whole


def collect(
    date: str | None = None,
    *,
    sources: str | None = None,
    settings: Path | None = None,
    report: Path | None = None,
    unshorten: bool = False,
) -> int:
    """Collect a day's papers and what is said of them into the store. Leaves with 1 where a source failed.

    Parameters
    ----------
    date
        The day, as YYYY-MM-DD; today (UTC) when left out.
    sources
        Whom to ask, with commas: arxiv,bluesky. All that need no setting when left out.
    settings
        A TOML file with a section for each source; digest.toml in hotpapers' home when left out.
    report
        Where to write how each source fared, as JSON.
    unshorten
        Ask t.co, bit.ly and the like where unknown short links lead; without it only those known before are followed.
    """
    import asyncio

    from hotpapers.digest.settings import chosen_sources

    day = _day(date)
    chosen = chosen_sources(_names(sources), settings)
    fared = asyncio.run(_collect(day, chosen, unshorten))
    _show(fared, report)
    return 0 if fared.complete else 1


def today(*, out: Path | None = None, sources: str | None = None, settings: Path | None = None) -> int:
    """Collect today's papers and signals, rank and publish them, once.

    Parameters
    ----------
    out
        The folder for the edition; editions in hotpapers' home when left out.
    sources
        Whom to ask, with commas: arxiv,bluesky. All that need no setting when left out.
    settings
        A TOML file with a section for each source; digest.toml in hotpapers' home when left out.
    """
    import asyncio

    from hotpapers.digest.settings import chosen_sources

    day = _day(None)
    fared = asyncio.run(_collect(day, chosen_sources(_names(sources), settings), unshorten=False))
    _show(fared, None)
    written = _publish(day, out)
    console.say(
        f"written: {written}" if written else f"There is no paper of {day} in the store, so nothing is published."
    )
    return 0 if fared.complete else 1


def watch(
    *,
    every: int = 60,
    out: Path | None = None,
    sources: str | None = None,
    settings: Path | None = None,
    rounds: int | None = None,
) -> None:
    """Stay: collect, rank and publish every so many minutes, with a line on how it goes. Ctrl-C or SIGTERM ends it.

    Parameters
    ----------
    every
        Minutes from the beginning of one round to that of the next.
    out
        The folder for the editions; editions in hotpapers' home when left out.
    sources
        Whom to ask, with commas: arxiv,bluesky. All that need no setting when left out.
    settings
        A TOML file with a section for each source; digest.toml in hotpapers' home when left out.
    rounds
        Stop after so many; never when left out.
    """
    import asyncio

    from hotpapers.digest.settings import chosen_sources
    from hotpapers.digest.watch import watch as stay

    if not 1 <= every <= 1440:
        raise BadInput(f"A round begins every 1 to 1,440 minutes, not every {every}.")
    if rounds is not None and rounds < 1:
        raise BadInput(f"{rounds} rounds do nothing; say 1 or more, or leave --rounds out.")
    chosen = chosen_sources(_names(sources), settings)
    asyncio.run(
        stay(
            lambda day: _collect(day, chosen, unshorten=False),
            lambda day: _publish(day, out),
            every=datetime.timedelta(minutes=every),
            say=console.say,
            health=home() / "digest" / "health.json",
            rounds=rounds,
        )
    )


def backfill(
    dumps: list[Path],
    /,
    *,
    out: Path | None = None,
    engine: Engine = "local",
    jobs: int | None = None,
    store: bool = False,
) -> None:
    """Count the signals in dumps of posts, however large; called again, it goes on where it was stopped.

    Parameters
    ----------
    dumps
        Files of JSON lines, also .gz, .bz2, .xz or .zst: statuses of Twitter, events of Jetstream, signals of our own.
    out
        The counts, one paper a line as JSON; beside the first dump when left out.
    engine
        local, processes, or ray (the cluster at RAY_ADDRESS, else one on this machine).
    jobs
        How many pieces at once; one for each core when left out.
    store
        Also add the signals to the store.
    """
    from hotpapers.digest.backfill import backfill as count

    if out is None:
        name = dumps[0].name.partition(".")[0]
        out = dumps[0].with_name(f"{name}.counts.jsonl")
    with _open_store() if store else contextlib.nullcontext() as kept:
        done = count(dumps, out, engine=engine, jobs=jobs, keep=kept.add_signals if kept else None)
    facts = {
        "out": str(out),
        "bytes": done.bytes,
        "looked_at": done.looked_at,
        "not_posts": done.not_posts,
        "signals": done.signals,
        "papers": done.papers,
    }
    console.show(facts, f"{out}: {done.papers:,} papers, {done.signals:,} signals in {done.bytes / 1e6:,.0f} MB")
    if done.not_posts:
        console.say(f"{done.not_posts:,} lines are no posts; the first: {done.left_out}")


async def _collect(day: datetime.date, chosen: list[Any], unshorten: bool) -> Any:
    from hotpapers.digest.client import Client
    from hotpapers.digest.collect import collect_day

    folder = home() / "digest"
    with _open_store() as store:
        async with Client(memory=folder / "answers") as client:
            fared = await collect_day(day, chosen, store, client=client, folder=folder / "sources", unshorten=unshorten)
        store.add_collections(_collections(fared))
    return fared


def _collections(fared: Any) -> list[Any]:
    """Return the report as the store keeps it; a source that was skipped was not asked."""
    from hotpapers.digest.store import Collection

    outcomes: dict[str, Any] = {"ok": "complete", "partial": "partial", "failed": "failed"}
    return [
        Collection(
            source=each.name,
            day=fared.day,
            started=fared.began,
            ended=fared.ended,
            outcome=outcomes[each.state],
            papers=each.papers,
            signals=each.signals,
            problem="; ".join(each.remarks),
        )
        for each in fared.sources
        if each.state in outcomes
    ]


def _open_store() -> Any:
    from hotpapers.digest.store import open_store

    return open_store()


def _publish(day: datetime.date, out: Path | None) -> Path | None:
    """Rank the day and write its edition; ``None`` where the store has no paper of it, as at weekends."""
    from hotpapers.digest.publish import find_format
    from hotpapers.digest.rank import rank_day

    with _open_store() as store:
        if not store.papers(day, day):
            return None
        edition = rank_day(store, day)
    writer = find_format("markdown")
    path = (out or home() / "editions") / writer.file_name(edition)
    with written_whole(path) as temporary:
        temporary.write_bytes(writer.publish(edition))
    return path


def _show(fared: Any, report: Path | None) -> None:
    import msgspec

    if report is not None:
        with written_whole(report) as temporary:
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(fared)))
    console.show(msgspec.to_builtins(fared), _table(fared))


def _table(fared: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("source", "", "papers", "signals", "seconds", "remarks", title=f"Collected for {fared.day}")
    for column in (2, 3, 4):
        table.columns[column].justify = "right"
    for each in fared.sources:
        counts = [f"{each.papers:,}", f"{each.signals:,}", f"{each.seconds:.1f}"]
        table.add_row(each.name, each.state, *counts, Text("; ".join(each.remarks)))
    return table


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _day(text: str | None) -> datetime.date:
    now = datetime.datetime.now(datetime.UTC).date()
    if text is None:
        return now
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text[:40]!r} is no date; write it as YYYY-MM-DD, such as 2021-06-15.") from error
    if not datetime.date(1991, 8, 1) <= day <= now:
        raise BadInput(f"Nothing can be collected of {day}: arXiv began in August 1991, and today is {now}.")
    return day
