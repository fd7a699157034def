"""Mastodon: the toots of some hashtags, and of its search where a token allows it, on one server.

Toots change: an edit is a new sight of the same toot, and so are more boosts. Those of the last week are asked for
again by number; one that the server no longer has was deleted. A boost shows its original, which is what counts.
"""

import datetime
import html
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar

import msgspec

from hotpapers.digest.arxiv_ids import find
from hotpapers.digest.client import Unreachable
from hotpapers.digest.records import Signal
from hotpapers.digest.sources.source import Found, Job, Note, Settings, a_time

WEEK = datetime.timedelta(days=7)


class _Account(msgspec.Struct):
    url: str = ""
    acct: str = ""
    display_name: str = ""


class _Card(msgspec.Struct):
    url: str = ""


class _Toot(msgspec.Struct):
    id: str
    uri: str
    created_at: str
    account: _Account
    content: str = ""
    url: str | None = None
    card: _Card | None = None
    reblogs_count: int = 0
    favourites_count: int = 0
    replies_count: int = 0
    reblog: "_Toot | None" = None


class _SearchResult(msgspec.Struct):
    statuses: list[_Toot]


class _Seen(msgspec.Struct):
    """The toots that named a paper: number here, name everywhere, when made."""

    toots: dict[str, tuple[str, datetime.datetime]] = {}


_TOOTS = msgspec.json.Decoder(list[_Toot])


class Mastodon(Settings, frozen=True, kw_only=True):
    """Toots, with boosts and favourites; with ``MASTODON_ACCESS_TOKEN`` also the server's full-text search."""

    name: ClassVar[str] = "mastodon"
    lists: ClassVar[bool] = False
    server: str = "https://mastodon.social"
    tags: tuple[str, ...] = ("arxiv", "machinelearning", "preprint", "deeplearning")
    search: tuple[str, ...] = ("arxiv.org", "alphaxiv.org")

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the day's toots, then what has become of those of the last week."""
        token = job.environment.get("MASTODON_ACCESS_TOKEN", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        seen = job.recall(self.name, _Seen)
        today: set[str] = set()
        for tag in self.tags:
            async for toot in self._timeline(job, tag, headers):
                for signal in _signals(toot, job):
                    today.add(signal.item)
                    seen.toots[(toot.reblog or toot).id] = (signal.root or signal.item, job.clock.now())
                    yield signal
        if token:
            async for toot in self._found(job, headers):
                for signal in _signals(toot, job):
                    seen.toots[toot.id] = (signal.item, job.clock.now())
                    today.add(signal.item)
                    yield signal
        else:
            yield Note("hashtags only: the search needs MASTODON_ACCESS_TOKEN")
        seen.toots = {number: each for number, each in seen.toots.items() if each[1] > job.clock.now() - WEEK}
        before = {number: name for number, (name, _) in seen.toots.items() if name not in today}
        async for each in self._again(job, before, headers):
            if isinstance(each, Signal) and each.kind == "deletion":
                seen.toots = {number: kept for number, kept in seen.toots.items() if kept[0] != each.item}
            yield each
        job.keep(self.name, seen)

    async def _timeline(self, job: Job, tag: str, headers: dict[str, str]) -> AsyncIterator[_Toot]:
        """Yield a hashtag's toots of the day, the newest first; their numbers are times, so it can begin there."""
        oldest, newest = _number(job.begins), _number(job.ends)
        while True:
            page = await job.client.fetch(
                f"{self.server}/api/v1/timelines/tag/{tag}",
                _TOOTS.decode,
                params={"limit": 40, "max_id": newest},
                headers=headers,
            )
            for toot in page:
                if job.begins <= a_time(toot.created_at) < job.ends:
                    yield toot
            numbers = [int(toot.id) for toot in page if toot.id.isdigit()]
            if not numbers or min(numbers) >= newest or a_time(page[-1].created_at) < job.begins:
                return
            newest = min(numbers)
            if newest <= oldest:
                return

    async def _found(self, job: Job, headers: dict[str, str]) -> AsyncIterator[_Toot]:
        for words in self.search:
            after, before = job.day - datetime.timedelta(days=1), job.day + datetime.timedelta(days=1)
            question = {
                "q": f"{words} after:{after} before:{before}",
                "type": "statuses",
                "limit": 40,
            }
            for offset in range(0, 400, 40):
                page = await job.client.fetch(
                    f"{self.server}/api/v2/search",
                    msgspec.json.Decoder(_SearchResult).decode,
                    params=question | {"offset": offset},
                    headers=headers,
                )
                for toot in page.statuses:
                    if job.begins <= a_time(toot.created_at) < job.ends:
                        yield toot
                if len(page.statuses) < 40:
                    break

    async def _again(self, job: Job, known: dict[str, str], headers: dict[str, str]) -> AsyncIterator[Found]:
        numbers = list(known)
        for start in range(0, len(numbers), 20):
            some = numbers[start : start + 20]
            params: Any = {"id[]": some}
            try:
                toots = await job.client.fetch(
                    f"{self.server}/api/v1/statuses", _TOOTS.decode, params=params, headers=headers
                )
            except Unreachable as error:  # servers before 4.3 cannot
                yield Note(f"earlier toots were not seen again ({error})")
                return
            for toot in toots:
                for signal in _signals(toot, job, edited=True):
                    yield signal
            for number in set(some) - {toot.id for toot in toots}:
                yield Signal(source="mastodon", item=known[number], kind="deletion", seen=job.clock.now())


def _signals(toot: _Toot, job: Job, *, edited: bool = False) -> list[Signal]:
    """Return what a toot says of papers; one that was edited until it names none is still a sight of it."""
    original, now = toot.reblog or toot, job.clock.now()
    links = [html.unescape(link) for link in re.findall(r'href="([^"]{1,2000})"', original.content)]
    text = html.unescape(re.sub(r"<[^<>]{0,2000}>", " ", original.content))
    card = original.card.url if original.card else ""
    papers = find(*map(job.links.expanded, links), job.links.expanded(card), text)
    if not papers and not edited:
        return []
    post = Signal(
        source="mastodon",
        item=original.uri,
        kind="post",
        papers=papers,
        actor=original.account.url or None,
        made=a_time(original.created_at),
        seen=now,
        counts={
            "reposts": original.reblogs_count,
            "likes": original.favourites_count,
            "replies": original.replies_count,
        },
        name=original.account.display_name or original.account.acct,
        text=" ".join(text.split()),
        html=original.content,
        url=original.url or "",
    )
    if toot.reblog is None:
        return [post]
    actor, made = toot.account.url or None, a_time(toot.created_at)
    boost = Signal(
        source="mastodon",
        item=toot.uri,
        kind="repost",
        papers=papers,
        actor=actor,
        made=made,
        seen=now,
        root=original.uri,
        name=toot.account.display_name or toot.account.acct,
    )
    return [post, boost]


def _number(moment: datetime.datetime) -> int:
    """Return the number of a toot made at ``moment``: milliseconds in the upper 48 bits."""
    return int(moment.timestamp() * 1000) << 16
