"""A polite HTTP client: slow enough for every host, patient with the ones that are tired, deaf to the ones that shout.

Each lane (a host, or hosts that share a rule, such as arXiv's) has a token bucket and, where its owner asks for it, one
connection. Answers that say "later" (429, 5xx, a broken connection, nonsense in place of what was expected) are asked
again after ``Retry-After`` or a back-off with jitter, a few times. Time comes from a ``Clock``: tests need none.
"""

import asyncio
import datetime
import email.utils
import hashlib
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from hotpapers import __version__
from hotpapers.errors import HotpapersError
from hotpapers.files import written_whole

Thing = TypeVar("Thing")
LARGEST_ANSWER = 64 << 20
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class Unreachable(HotpapersError):
    """A source that did not give what was asked for, however often it was asked."""


class Clock:
    """The time, and waiting for it to pass."""

    def now(self) -> datetime.datetime:
        """Return the time in UTC."""
        return datetime.datetime.now(datetime.UTC)

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Pace(NamedTuple):
    """How often a lane may be used: ``burst`` requests at once, one more each ``seconds``; perhaps one at a time."""

    seconds: float
    burst: int = 1
    alone: bool = False


class Patience(NamedTuple):
    """How often something is tried, how long is waited in between, and how long one answer may take."""

    tries: int = 4
    first_wait: float = 1.0
    longest_wait: float = 60.0
    answer: float = 60.0


PATIENCE = Patience()
PACES: Mapping[str, Pace] = {
    "arxiv": Pace(3.0, alone=True),  # for all its interfaces together: one request in three seconds, one connection
    "www.reddit.com": Pace(1.0, burst=5),
    "oauth.reddit.com": Pace(1.0, burst=5),
    "api.semanticscholar.org": Pace(1.0),
}
ELSEWHERE = Pace(0.5, burst=4)


class Client:
    """Asks over HTTP; ``memory`` is a folder for answers that may be asked for again with "if it has changed"."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        memory: Path | None = None,
        paces: Mapping[str, Pace] = PACES,
        patience: Patience = PATIENCE,
        chance: random.Random | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.patience = patience
        self.requests: dict[str, int] = {}
        self._memory = memory
        self._paces = paces
        self._lanes: dict[str, _Lane] = {}
        self._chance = chance or random.Random()
        self._http = httpx.AsyncClient(
            headers={"User-Agent": f"hotpapers/{__version__} (+https://github.com/hotpapers/hotpapers)"},
            timeout=httpx.Timeout(20.0),
            follow_redirects=True,
            max_redirects=3,
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def fetch(
        self,
        url: str,
        read: Callable[[bytes], Thing],
        *,
        lane: str | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        remember: bool = False,
        limit: int = LARGEST_ANSWER,
        **body: Any,
    ) -> Thing:
        """Return what ``read`` makes of the answer.

        Parameters
        ----------
        url, params, headers, method, body
            The request, as httpx takes it.
        read
            Turns the body into a thing, or raises ``ValueError`` (as msgspec and XML parsers do) where it is nonsense.
        lane
            Whose rule of pace holds; the URL's host when left out.
        remember
            Keep the answer, and ask next time only whether it has changed (``ETag``, ``Last-Modified``).
        limit
            The most bytes that an answer may have.

        Raises
        ------
        Unreachable
            If it cannot be had: refused, or not to be had within the client's patience.
        """
        kept = self._recall(url, params) if remember else None
        asked = dict(headers or {}) | (kept.conditions if kept else {})
        try:
            request = self._http.build_request(method, url, params=params, headers=asked, **body)
        except (httpx.InvalidURL, ValueError) as error:
            raise Unreachable(f"{url[:100]!r} is no address: {error}") from error
        host = request.url.netloc.decode()
        lane = lane or host
        trouble, wait = "", 0.0
        for attempt in range(self.patience.tries):
            if attempt:
                await self.clock.sleep(wait)
            wait = self._back_off(attempt)
            try:
                async with self._lane(lane), asyncio.timeout(self.patience.answer):
                    self.requests[lane] = self.requests.get(lane, 0) + 1
                    status, answer, body_read = await self._send(request, limit)
                if status == 304 and kept is not None:
                    return read(kept.body)
                if status == 200:
                    thing = read(body_read)
                    if remember:
                        self._keep(url, params, answer, body_read)
                    return thing
                trouble = f"HTTP {status}"
                if status not in LATER:
                    break
                if (asked_to_wait := _retry_after(answer, self.clock.now())) is not None:
                    if asked_to_wait > self.patience.longest_wait:
                        trouble += f", asks to wait {asked_to_wait:.0f} s"
                        break
                    wait = max(wait, asked_to_wait)
            except (httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
                trouble = str(error)
                break
            except TimeoutError:
                trouble = f"no whole answer in {self.patience.answer:g} s"
            except httpx.HTTPError as error:
                trouble = " ".join(str(error).split()) or type(error).__name__
            except _TooLarge:
                trouble = f"an answer of more than {limit:,} bytes"
                break
            except (ValueError, RecursionError) as error:
                trouble = f"nonsense: {' '.join(str(error).split())[:120]}"
        raise Unreachable(f"{host}: {trouble}")

    async def location(self, url: str) -> str | None:
        """Return where ``url`` points to by one redirect, without going there; ``None`` where it points nowhere."""
        try:
            async with self._lane(urlsplit(url).netloc), asyncio.timeout(self.patience.answer):
                answer = await self._http.head(url, follow_redirects=False)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            return None
        return str(answer.next_request.url) if answer.next_request is not None else None

    async def _send(self, request: httpx.Request, limit: int) -> tuple[int, httpx.Headers, bytes]:
        answer = await self._http.send(request, stream=True)
        try:
            chunks, size = [], 0
            async for chunk in answer.aiter_bytes(64 << 10):
                size += len(chunk)
                if size > limit:
                    raise _TooLarge
                chunks.append(chunk)
        finally:
            await answer.aclose()
        return answer.status_code, answer.headers, b"".join(chunks)

    def _back_off(self, attempt: int) -> float:
        """Return a wait that doubles each time up to the longest, of which half is chance."""
        most = min(self.patience.longest_wait, self.patience.first_wait * 2**attempt)
        return most * self._chance.uniform(0.5, 1.0)

    def _lane(self, name: str) -> "_Lane":
        if name not in self._lanes:
            self._lanes[name] = _Lane(self._paces.get(name, ELSEWHERE), self.clock)
        return self._lanes[name]

    def _recall(self, url: str, params: Mapping[str, Any] | None) -> "_Kept | None":
        path = self._place(url, params)
        if path is None or not path.is_file():
            return None
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=_Kept)
        except (msgspec.MsgspecError, OSError):  # the next answer replaces it
            return None

    def _keep(self, url: str, params: Mapping[str, Any] | None, answer: httpx.Headers, body: bytes) -> None:
        path, etag, modified = self._place(url, params), answer.get("ETag", ""), answer.get("Last-Modified", "")
        if path is not None and (etag or modified):
            with written_whole(path) as temporary:
                temporary.write_bytes(msgspec.msgpack.encode(_Kept(etag, modified, body)))

    def _place(self, url: str, params: Mapping[str, Any] | None) -> Path | None:
        if self._memory is None:
            return None
        return self._memory / hashlib.sha256(repr((url, sorted((params or {}).items()))).encode()).hexdigest()[:32]


class _TooLarge(Exception):
    """An answer beyond the limit."""


class _Kept(msgspec.Struct):
    etag: str
    modified: str
    body: bytes

    @property
    def conditions(self) -> dict[str, str]:
        wanted = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in wanted.items() if value}


class _Lane:
    """A token bucket; as a context it waits for its turn, and holds the lane where only one may use it."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace, self._clock = pace, clock
        self._tokens, self._filled = float(pace.burst), clock.monotonic()
        self._turn = asyncio.Lock()
        self._alone = asyncio.Lock() if pace.alone else None

    async def __aenter__(self) -> None:
        if self._alone is not None:
            await self._alone.acquire()
        try:
            async with self._turn:
                self._fill()
                while self._tokens < 1 - 1e-9:
                    await self._clock.sleep((1 - self._tokens) * self._pace.seconds)
                    self._fill()
                self._tokens -= 1
        except BaseException:
            self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        if self._alone is not None:
            self._alone.release()

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(float(self._pace.burst), self._tokens + (now - self._filled) / self._pace.seconds)
        self._filled = now


def _retry_after(headers: httpx.Headers, now: datetime.datetime) -> float | None:
    """Read ``Retry-After``: seconds, or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        then = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=datetime.UTC)
    return max(0.0, (then - now).total_seconds())
