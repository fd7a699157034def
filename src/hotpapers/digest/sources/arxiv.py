"""What arXiv announced on a day: its RSS list for the newest day, its search for days before.

The list is the truth (it also has cross-lists, in arXiv's order), but only that of the newest day is given. Any other
day is asked for by submission time: what comes in until 14:00 in New York is announced that evening (Sunday to
Thursday) under the next day's date. arXiv's holidays shift that by a day, which only the list can know.
"""

import datetime
import email.utils
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from hotpapers.digest.arxiv_ids import canonical
from hotpapers.digest.records import Paper
from hotpapers.digest.sources.source import Found, Gap, Job, Note, Settings, a_time
from hotpapers.digest.sources.xml import all_words, parsed, words

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NEW_YORK = ZoneInfo("America/New_York")
_NAMES = {
    "arxiv": "http://arxiv.org/schemas/atom",
    "atom": "http://www.w3.org/2005/Atom",
    "dc": "http://purl.org/dc/elements/1.1/",
    "search": "http://a9.com/-/spec/opensearch/1.1/",
}


class Arxiv(Settings, frozen=True, kw_only=True):
    """The day's announcement: new papers and cross-lists, no replacements."""

    name: ClassVar[str] = "arxiv"
    lists: ClassVar[bool] = True
    rss: str = "https://rss.arxiv.org/rss"
    api: str = "https://export.arxiv.org/api/query"
    categories: tuple[str, ...] = ("cs", "stat.ML")
    slice: int = 1000

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the day's papers in arXiv's order."""
        if announced_on(job.day) is None:
            yield Note(f"arXiv announces nothing on a {job.day:%A}")
            return
        if job.clock.now() - job.begins < datetime.timedelta(days=4):  # further back the list never reaches
            address = f"{self.rss}/{'+'.join(self.categories)}"
            listing = await job.client.fetch(address, read_listing, lane="arxiv", remember=True)
            if listing.day == job.day:
                for paper in listing.papers:
                    yield paper
                return
            yield Note(f"the list is of {listing.day}: asked by submission time instead")
        async for found in self._submitted(job):
            yield found

    async def _submitted(self, job: Job) -> AsyncIterator[Found]:
        window = announced_on(job.day)
        assert window is not None
        if window[1] > job.clock.now():
            yield Gap(f"what is announced on {job.day} can still be submitted until {window[1]:%Y-%m-%d %H:%M} UTC")
            return
        archives = " OR ".join(f"cat:{each}" if "." in each else f"cat:{each}.*" for each in self.categories)
        question = {
            "search_query": f"({archives}) AND submittedDate:[{window[0]:%Y%m%d%H%M} TO {window[1]:%Y%m%d%H%M}]",
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
            "max_results": self.slice,
        }
        start, total = 0, 1
        while start < total:

            def read(raw: bytes, start: int = start) -> Slice:
                return read_slice(raw, start)

            found = await job.client.fetch(self.api, read, lane="arxiv", params=question | {"start": start})
            total = min(found.total, 30_000)  # arXiv gives no more of one question
            for position, entry in enumerate(found.entries, start):
                if (paper := _from_entry(entry, job.day, position)) is not None:
                    yield paper
            start += len(found.entries)


class Listing(NamedTuple):
    """An announcement list."""

    day: datetime.date
    papers: list[Paper]


class Slice(NamedTuple):
    """Some of a search's entries, and how many there are in all."""

    total: int
    entries: "list[Element]"


def announced_on(day: datetime.date) -> tuple[datetime.datetime, datetime.datetime] | None:
    """Return from when until when (UTC) a paper is submitted to be announced on ``day``; ``None`` at weekends."""
    if day.weekday() >= 5:
        return None
    closes = _working_day_before(day)
    both = (_working_day_before(closes), closes)
    begin, end = (datetime.datetime.combine(each, datetime.time(14), NEW_YORK) for each in both)
    return begin.astimezone(datetime.UTC), end.astimezone(datetime.UTC)


def read_listing(raw: bytes) -> Listing:
    """Read an RSS announcement list; raise ``ValueError`` where it is none."""
    channel = parsed(raw).find("channel")
    stamp = channel.findtext("pubDate") or channel.findtext("lastBuildDate") if channel is not None else None
    if channel is None or stamp is None:
        raise ValueError("no announcement list")
    day = email.utils.parsedate_to_datetime(stamp).astimezone(NEW_YORK).date()
    papers: list[Paper] = []
    for item in channel.iterfind("item"):
        identifier = canonical(words(item, "guid", _NAMES).removeprefix("oai:arXiv.org:"))
        if identifier is None or words(item, "arxiv:announce_type", _NAMES) not in ("new", "cross"):
            continue
        papers.append(
            Paper(
                arxiv=identifier,
                title=words(item, "title", _NAMES),
                authors=tuple(filter(None, words(item, "dc:creator", _NAMES).split(", "))),
                abstract=words(item, "description", _NAMES).partition("Abstract: ")[2],
                categories=tuple(all_words(item, "category", _NAMES)),
                announced=day,
                position=len(papers),
                licence=words(item, "dc:rights", _NAMES),
            )
        )
    return Listing(day, papers)


def read_slice(raw: bytes, start: int) -> Slice:
    """Read a slice of a search; arXiv sometimes gives an empty one in the middle, which is nonsense, not the end."""
    feed = parsed(raw)
    total = words(feed, "search:totalResults", _NAMES)
    entries = feed.findall("atom:entry", _NAMES)
    if not total.isdigit():
        raise ValueError("no search results")
    if not entries and start < int(total):
        raise ValueError(f"no entries from {start} on, though there are {total}")
    if len(entries) == 1 and words(entries[0], "atom:title", _NAMES) == "Error":
        raise ValueError(words(entries[0], "atom:summary", _NAMES))
    return Slice(int(total), entries)


def _from_entry(entry: "Element", day: datetime.date, position: int) -> Paper | None:
    identifier = canonical(words(entry, "atom:id", _NAMES).partition("/abs/")[2])
    if identifier is None:
        return None
    primary = entry.find("arxiv:primary_category", _NAMES)
    first = [primary.get("term", "")] if primary is not None else []
    categories = [*first, *(each.get("term", "") for each in entry.iterfind("atom:category", _NAMES))]
    return Paper(
        arxiv=identifier,
        title=words(entry, "atom:title", _NAMES),
        authors=tuple(all_words(entry, "atom:author/atom:name", _NAMES)),
        abstract=words(entry, "atom:summary", _NAMES),
        categories=tuple(dict.fromkeys(filter(None, categories))),
        announced=day,
        submitted=a_time(words(entry, "atom:published", _NAMES)),
        updated=a_time(words(entry, "atom:updated", _NAMES)),
        position=position,
        comment=words(entry, "arxiv:comment", _NAMES),
        doi=words(entry, "arxiv:doi", _NAMES),
    )


def _working_day_before(day: datetime.date) -> datetime.date:
    day -= datetime.timedelta(days=1)
    while day.weekday() >= 5:
        day -= datetime.timedelta(days=1)
    return day
