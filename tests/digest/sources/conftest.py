"""A local HTTP server and a local stream that speak the sources' shapes and can misbehave; a clock that needs no time.

Both listen on 127.0.0.1 alone and stop with the block that started them.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from websockets.asyncio.server import serve as serve_websocket

from hotpapers.digest.client import Client, Clock, Pace, Patience
from hotpapers.digest.sources import Job

DAY = datetime.date(2021, 6, 15)
NOON = datetime.datetime(2021, 6, 15, 12, tzinfo=datetime.UTC)


class StillClock(Clock):
    """A clock on which time passes only by waiting."""

    def __init__(self, now=NOON):
        self.began = self.time = now
        self.slept = []

    def now(self):
        return self.time

    def monotonic(self):
        return (self.time - self.began).total_seconds()

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += datetime.timedelta(seconds=seconds)
        await asyncio.sleep(0)


@dataclasses.dataclass
class Reply:
    """An answer and what goes wrong with it: ``truncate``, ``drip``, ``drop`` or ``hang``."""

    body: object = b""
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    fault: str = ""

    @property
    def raw(self):
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def pairs(self):
        return self.query["pairs"]


class Server:
    """Answers each path with its replies in turn, the last one again and again; a function is asked instead."""

    def __init__(self, routes):
        self.routes = {path: replies if isinstance(replies, list) else [replies] for path, replies in routes.items()}
        self.requests = []
        self.at_once = self.most_at_once = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    def asked(self, path):
        return [request for request in self.requests if request.path == path]

    async def _serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                await self._answer(await self._read(reader), writer)
            finally:
                writer.close()

    async def _read(self, reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query)
        return Request(method, parts.path, dict(pairs) | {"pairs": pairs}, headers, body)

    async def _answer(self, request, writer):
        self.requests.append(request)
        replies = self.routes.get(request.path, [Reply(status=404)])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if callable(reply):
            reply = reply(request)
        if reply.fault == "drop":
            return
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            raw = b"" if request.method == "HEAD" else reply.raw
            lines = [f"HTTP/1.1 {reply.status} Word", f"Content-Length: {len(raw)}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in reply.headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            if reply.fault == "hang":
                await asyncio.sleep(5)
            for start in range(0, len(raw), 1) if reply.fault == "drip" else ():
                writer.write(raw[start : start + 1])
                await writer.drain()
                await asyncio.sleep(0.02)
            if reply.fault != "drip":
                writer.write(raw[: len(raw) // 2] if reply.fault == "truncate" else raw)
            await writer.drain()
        finally:
            self.at_once -= 1


class Stream:
    """Plays events from the cursor that it is asked for; ``breaks`` says after how many each connection drops."""

    def __init__(self, events, breaks=(), keeps_from=0, then="close"):
        self.events, self.breaks, self.keeps_from, self.then = events, list(breaks), keeps_from, then
        self.cursors = []

    async def __aenter__(self):
        self._server = await serve_websocket(self._play, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/subscribe"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _play(self, socket):
        query = dict(parse_qsl(urlsplit(socket.request.path).query))
        cursor = max(int(query["cursor"]), self.keeps_from)
        self.cursors.append(int(query["cursor"]))
        left = self.breaks.pop(0) if self.breaks else None
        for number, event in enumerate(
            each for each in self.events if isinstance(each, str) or each["time_us"] >= cursor
        ):
            if number == left:
                socket.transport.abort()
                return
            await socket.send(event if isinstance(event, str) else json.dumps(event))
        if self.then == "hang":
            await asyncio.sleep(5)


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def tools():
    """What the tests of sources work with, as names: importing from here is not possible."""
    import types

    return types.SimpleNamespace(
        Server=Server, Reply=Reply, Stream=Stream, StillClock=StillClock, DAY=DAY, NOON=NOON, collected=collected
    )


async def collected(source, *, clock, day=DAY, folder=None, environment=None, papers=(), memory=None, links=None):
    """Return what ``source`` yields of a day, and the job it was given."""
    client = Client(clock=clock, memory=memory, paces={"arxiv": Pace(3.0, alone=True)}, patience=Patience(answer=2.0))
    job = Job(day, client, folder=folder, environment=environment or {}, papers=dict.fromkeys(papers))
    if links is not None:
        job.links = links
    job.listed.set()
    async with client:
        found = [each async for each in source.collect(job)]
    job.commit(source.name)
    return found, job
