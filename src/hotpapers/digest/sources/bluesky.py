"""Bluesky: the network's stream (Jetstream) from the day's beginning on, then the counts of the posts that it gave.

The stream is read from a cursor (microseconds) and comes at least once; a dropped connection goes on from the last
event. Jetstream keeps some days; where it does not reach back to the day's beginning the search fills the gap, if
``BLUESKY_HANDLE`` and ``BLUESKY_APP_PASSWORD`` allow it.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
import websockets
from websockets.asyncio.client import connect

from hotpapers.digest.arxiv_ids import find
from hotpapers.digest.client import Unreachable
from hotpapers.digest.jetstream import EVENT, LIKE, POST, REPOST, Kept, Record
from hotpapers.digest.records import Signal
from hotpapers.digest.sources.source import Found, Gap, Job, MissingKey, Note, Settings, a_time

OVERLAP = 5_000_000  # microseconds heard again after a break: events of one moment may come in any order
LATE = 300_000_000  # a first event so long after the cursor means that the stream keeps no more
WEEK = datetime.timedelta(days=7)


class _State(msgspec.Struct):
    """What has been kept, and the spans of time (microseconds) that have been heard: in order, none touching."""

    heard: list[tuple[int, int]] = []
    kept: Kept = msgspec.field(default_factory=Kept)

    def unheard(self, begins: int, ends: int) -> list[tuple[int, int]]:
        """Return the parts of a span that have not been heard."""
        missing = []
        for since, until in self.heard:
            if begins < min(since, ends):
                missing.append((begins, min(since, ends)))
            begins = max(begins, until)
        return [*missing, (begins, ends)] if begins < ends else missing

    def hear(self, begins: int, ends: int) -> None:
        """Note that a span has been heard, or one that was noted before went on."""
        spans = [span for span in self.heard if span[1] < begins or span[0] > ends]
        touched = [span for span in self.heard if span not in spans]
        whole = (min([begins, *(span[0] for span in touched)]), max([ends, *(span[1] for span in touched)]))
        self.heard = sorted([*spans, whole])


class _Author(msgspec.Struct):
    did: str
    handle: str = ""


class _Post(msgspec.Struct):
    uri: str
    author: _Author
    record: Record
    likeCount: int = 0  # noqa: N815
    repostCount: int = 0  # noqa: N815
    replyCount: int = 0  # noqa: N815
    quoteCount: int = 0  # noqa: N815


class _Posts(msgspec.Struct):
    posts: list[_Post]
    cursor: str | None = None


class _Session(msgspec.Struct):
    accessJwt: str  # noqa: N815


class Bluesky(Settings, frozen=True, kw_only=True):
    """Posts, likes and reposts as they were made and undone, and what the network counts."""

    name: ClassVar[str] = "bluesky"
    lists: ClassVar[bool] = False
    stream: str = "wss://jetstream2.us-east.bsky.network/subscribe"
    api: str = "https://public.api.bsky.app/xrpc"
    login: str = "https://bsky.social/xrpc"
    deadline: float = 1800.0
    silence: float = 30.0
    """Seconds without an event after which a connection counts as dropped."""
    tries: int = 5
    """Connections in a row that may bring nothing new."""

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the events of the day that have not been heard before, then the counts."""
        state = job.recall(self.name, _State)
        begins, ends = _microseconds(job.begins), _microseconds(min(job.ends, job.clock.now()))
        for since, until in state.unheard(begins, ends):
            try:
                async for found in self._events(job, state, since, until):
                    yield found
            except Unreachable as error:  # the counts of what is known can still be had
                yield Gap(str(error))
            finally:
                job.keep(self.name, state)
        async for found in self._counts(job, state.kept):
            yield found
        before = job.clock.now() - WEEK
        state.kept.forget(before)
        state.heard = [span for span in state.heard if span[1] > _microseconds(before)]
        job.keep(self.name, state)

    async def _events(self, job: Job, state: _State, since: int, until: int) -> AsyncIterator[Found]:
        """Listen from ``since`` until ``until``, over as many connections as it takes."""
        failures, nonsense, cursor, first = 0, 0, since, True
        while True:
            before = cursor
            try:
                async for raw in self._messages(since if first else max(since, cursor - OVERLAP)):
                    try:
                        event = EVENT.decode(raw)
                        found = [] if event.time_us >= until else list(state.kept.take(event, job.links))
                    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                        nonsense += 1
                        continue
                    if first and event.time_us > since + LATE:
                        async for each in self._gap(job, state, _moment(since), _moment(min(event.time_us, until))):
                            yield each
                    first = False
                    cursor = max(cursor, min(event.time_us, until))
                    state.hear(since, cursor)
                    for signal in found:
                        yield signal
                    if event.time_us >= until:
                        if nonsense:
                            yield Note(f"{nonsense:,} events could not be read")
                        return
                trouble = "the stream was closed"
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                trouble = " ".join(str(error).split()) or type(error).__name__
            failures = 0 if cursor > before else failures + 1
            if failures >= self.tries:
                raise Unreachable(f"{self.stream}: {trouble}; heard until {_moment(cursor):%Y-%m-%d %H:%M:%S} UTC")
            job.keep(self.name, state)
            await job.clock.sleep(min(60.0, 2.0**failures))

    async def _messages(self, cursor: int) -> AsyncIterator[bytes]:
        wanted = [("wantedCollections", each) for each in (POST, LIKE, REPOST)]
        address = f"{self.stream}?{urlencode([*wanted, ('cursor', cursor)])}"
        async with connect(address, max_size=1 << 20, open_timeout=self.silence, close_timeout=1) as socket:
            with contextlib.suppress(websockets.ConnectionClosedOK):
                while True:
                    async with asyncio.timeout(self.silence):
                        raw = await socket.recv(decode=False)
                    yield raw

    async def _counts(self, job: Job, kept: Kept) -> AsyncIterator[Signal]:
        """Yield what the network counts for each post; one that it no longer has was deleted unheard."""
        uris = [uri for uri, papers in kept.posts.items() if papers]
        for start in range(0, len(uris), 25):
            some = uris[start : start + 25]
            params: Any = {"uris": some}
            answer = await job.client.fetch(
                f"{self.api}/app.bsky.feed.getPosts", msgspec.json.Decoder(_Posts).decode, params=params
            )
            for post in answer.posts:
                if post.uri in kept.posts:
                    yield _seen(post, kept.posts[post.uri], job.clock.now())
            for uri in set(some) - {post.uri for post in answer.posts}:
                papers = kept.posts.pop(uri)
                yield Signal(source=self.name, item=uri, kind="deletion", papers=papers, seen=job.clock.now())

    async def _gap(
        self, job: Job, state: _State, begins: datetime.datetime, reaches: datetime.datetime
    ) -> AsyncIterator[Found]:
        """Fill the time before the stream's first event by the search, or say that it is missing."""
        try:
            handle, password = job.key("BLUESKY_HANDLE", "BLUESKY_APP_PASSWORD")
        except MissingKey as error:
            yield Gap(f"the stream begins at {reaches:%Y-%m-%d %H:%M} UTC; a search before that {error}")
            return
        session = await job.client.fetch(
            f"{self.login}/com.atproto.server.createSession",
            msgspec.json.Decoder(_Session).decode,
            method="POST",
            json={"identifier": handle, "password": password},
        )
        question = {"q": "arxiv", "domain": "arxiv.org", "sort": "latest", "limit": 100}
        question |= {"since": begins.isoformat(), "until": reaches.isoformat()}
        cursor: str | None = ""
        while cursor is not None:
            page = await job.client.fetch(
                f"{self.login}/app.bsky.feed.searchPosts",
                msgspec.json.Decoder(_Posts).decode,
                params=question | ({"cursor": cursor} if cursor else {}),
                headers={"Authorization": f"Bearer {session.accessJwt}"},
            )
            for post in page.posts:
                if papers := find(post.record.text, *map(job.links.expanded, post.record.links)):
                    state.kept.posts[post.uri] = papers
                    state.kept.newest[post.uri] = _microseconds(begins)
                    yield _seen(post, papers, job.clock.now())
            cursor = page.cursor if page.posts else None


def _seen(post: _Post, papers: tuple[str, ...], now: datetime.datetime) -> Signal:
    counts = {
        "likes": post.likeCount,
        "reposts": post.repostCount,
        "replies": post.replyCount,
        "quotes": post.quoteCount,
    }
    try:
        made = min(a_time(post.record.createdAt), now)
    except ValueError:  # the author's program may write anything there
        made = None
    return Signal(
        source="bluesky",
        item=post.uri,
        kind="post",
        papers=papers,
        actor=post.author.did,
        made=made,
        seen=now,
        counts=counts,
        name=post.author.handle,
        text=post.record.text,
        url=f"https://bsky.app/profile/{post.author.did}/post/{post.uri.rpartition('/')[2]}",
    )


def _microseconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def _moment(microseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(microseconds / 1e6, datetime.UTC)
