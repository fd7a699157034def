"""The door of the live site: who may come in (hosts, origins), how much they may bring, and what every answer carries.

``Guard`` is plain ASGI middleware around the whole application, the Gradio forms included.
"""

import contextlib
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SLACK = 64 << 10
"""Bytes that a form's boundaries and small fields may take beside the upload itself."""

_COMMON = "object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
PAGES = f"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; {_COMMON}"
# Gradio's pages carry inline scripts and styles and compile templates; they may still speak to no other host.
FORMS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    f"{_COMMON}"
)
RESULTS = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'; sandbox"


class _TooMuch(Exception):
    """The body is longer than may be sent; answered by the guard itself."""


class Guard:
    """Refuse foreign hosts (DNS rebinding), foreign origins (cross-site posts) and bodies over the limit."""

    def __init__(self, app: App, *, host: str, upload_mb: float) -> None:
        self.app, self.upload_mb = app, upload_mb
        self.limit = int(upload_mb * 2**20) + SLACK
        self.any_address = host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound
        self.hosts = {"localhost", "127.0.0.1", "::1", host.lower()} - {""}
        if self.any_address:
            self.hosts |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["type"] != "http":
            return
        if not self.knows(headers.get("host", "")):
            await refuse(send, 421, "This server does not answer to that host name; see `hotpapers serve --help`.")
        elif scope["method"] not in ("GET", "HEAD", "OPTIONS") and not _same_origin(headers):
            await refuse(send, 403, "Requests from other sites are not taken.")
        elif int(headers.get("content-length", "0") or 0) > self.limit:
            await refuse(send, 413, self._too_much())
        else:
            await self._pass_on(scope, receive, send)

    def knows(self, host: str) -> bool:
        """Whether a ``Host`` header names this server in a way that no foreign name server can arrange."""
        name = _name_of(host)
        if name in self.hosts:
            return True
        if self.any_address:
            # A rebound name is never an address.
            with contextlib.suppress(ValueError):
                ipaddress.ip_address(name)
                return True
        return False

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        received, over, begun = 0, False, False

        async def counted() -> Message:
            nonlocal received, over
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                over = True
                raise _TooMuch
            return message

        async def dressed(message: Message) -> None:
            nonlocal begun
            if over and not begun:
                return  # whatever the application makes of the broken-off body, the guard's answer counts
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*_without_own(message["headers"]), *_safety(scope["path"])]}
            await send(message)

        # An application may answer the break-off itself or let it through; both end here.
        with contextlib.suppress(_TooMuch):
            await self.app(scope, counted, dressed)
        if over and not begun:
            await refuse(send, 413, self._too_much())

    def _too_much(self) -> str:
        return f"The upload is larger than {self.upload_mb:g} MB, the most that is taken here; send a smaller file."


async def refuse(send: Send, status: int, sentence: str) -> None:
    """Answer with one line."""
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
               (b"connection", b"close"), *_safety("/api")]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _name_of(host: str) -> str:
    """Return the name in a ``Host`` header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.rpartition(":")[2].isdigit() and ":" in host else host.lower()


def _same_origin(headers: dict[str, str]) -> bool:
    """Whether a request that changes something comes from our own pages, or from no page at all (a script)."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()


_OURS = {b"content-security-policy", b"x-frame-options", b"x-content-type-options", b"referrer-policy",
         b"access-control-allow-origin", b"access-control-allow-credentials"}  # fmt: skip


def _without_own(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _OURS]


def _safety(path: str) -> list[tuple[bytes, bytes]]:
    policy = FORMS if path.startswith("/try/") else RESULTS if path.startswith("/api") else PAGES
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
