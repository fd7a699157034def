"""GitHub's code search: CSV files by topic, split by size where there are more than it will list, within its limits.

It lists a thousand files a query at most, so a query with more is cut at a size and each half asked again, down to one
byte. The published cuts (quartiles of a thousand files' sizes, even steps inside) are ``published_cuts``. What has been
asked is kept, so that a crawl that stops goes on where it was.
"""

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hotpapers.errors import BadInput, HotpapersError

API = "https://api.github.com"
LISTED = 1000  # files that a query lists at most
PAGE = 100
LARGEST = 384_000  # bytes of a file that code search knows
QUARTILES = (256, 2750, 4756, 23459, 53531)
_TIMEOUT = (10, 60)
_ATTEMPTS = 6
_LONGEST_WAIT = 3700.0  # seconds; limits are by the hour at most


class Hit(msgspec.Struct, frozen=True):
    """A file that the search found: where it is, in which repository, and its blob's hash, the same in every fork."""

    url: str
    path: str
    repository: str
    sha: str
    topic: str

    @property
    def raw_url(self) -> str:
        """Where its bytes are."""
        return f"{self.url}?raw=true"


class GitHub:
    """A client of the API.

    Parameters
    ----------
    token
        A personal access token; the environment's ``GITHUB_TOKEN`` when left out. Code search needs one.
    api
        The address of the API; the environment's ``GITHUB_API_URL``, or GitHub's own, when left out.
    wait
        What waits for so many seconds.
    """

    def __init__(self, token: str | None = None, api: str = "", wait: Callable[[float], None] = time.sleep) -> None:
        import requests

        token = token or os.environ.get("GITHUB_TOKEN", "")
        api = api or os.environ.get("GITHUB_API_URL", "") or API
        if not token and api == API:
            raise BadInput("GitHub's code search needs a token: set GITHUB_TOKEN to a personal access token.")
        self.api, self.wait = api.rstrip("/"), wait
        self.session = requests.Session()
        self.session.headers["Accept"] = "application/vnd.github+json"
        self._token = token
        self._licences: dict[str, str | None] = {}
        self.requests = 0

    def search(self, topic: str, *, seen: set[str] | None = None) -> Iterator[tuple[str, list[Hit]]]:
        """Yield each query of a topic that could be listed whole, with its files.

        Parameters
        ----------
        topic
            A word, or words.
        seen
            Queries that need not be asked again.
        """
        waiting: list[tuple[int, int] | None] = [None]
        while waiting:
            span = waiting.pop()
            query = f'"{topic}" in:file extension:csv' + (f" size:{span[0]}..{span[1]}" if span else "")
            if seen and query in seen:
                continue
            first = self._get(f"{self.api}/search/code", {"q": query, "per_page": PAGE})
            total = int(first.json().get("total_count", 0))
            low, high = span or (0, LARGEST)
            if total > LISTED and low < high:
                # Halved by the logarithm: small files are many more than large ones.
                middle = low + max(0, int(((low + 1) * (high + 1)) ** 0.5) - 1 - low)
                middle = min(max(middle, low), high - 1)
                waiting += [(middle + 1, high), (low, middle)]
                continue
            yield query, list(self._pages(first, topic))

    def licence(self, repository: str) -> str | None:
        """Return the SPDX id of a repository's licence, asked once; ``None`` where it has none that is known."""
        if repository not in self._licences:
            answer = self._get(f"{self.api}/repos/{repository}/license", missing=True)
            licence = (answer.json().get("license") or {}) if answer is not None else {}
            known = licence.get("spdx_id") or licence.get("name")
            self._licences[repository] = None if known in (None, "NOASSERTION", "Other") else known
        return self._licences[repository]

    def download(self, hit: Hit, largest: int) -> bytes | None:
        """Return a file's bytes; ``None`` where it is gone or larger than it may be."""
        answer = self._get(hit.raw_url, missing=True, stream=True)
        if answer is None:
            return None
        with answer:
            body = bytearray()
            for block in answer.iter_content(1 << 16):
                body += block
                if len(body) > largest:
                    return None
        return bytes(body)

    def _pages(self, answer: Any, topic: str) -> Iterator[Hit]:
        while True:
            for item in answer.json().get("items", []):
                yield Hit(str(item["html_url"]), str(item["path"]), str(item["repository"]["full_name"]),
                          str(item.get("sha", "")), topic)  # fmt: skip
            following = answer.links.get("next", {}).get("url")
            if not following:
                return
            if urlsplit(following).netloc != urlsplit(self.api).netloc:  # a token goes to its own host only
                raise HotpapersError(f"The search's next page is on another host: {following[:100]}.")
            answer = self._get(following)

    def _get(
        self, url: str, query: dict[str, Any] | None = None, *, missing: bool = False, stream: bool = False
    ) -> Any:
        """Ask; wait as the answer says where there were too many requests, and try again where that may help."""
        import requests

        own = urlsplit(url).netloc == urlsplit(self.api).netloc
        headers = {"Authorization": f"Bearer {self._token}"} if self._token and own else {}
        for attempt in range(_ATTEMPTS):
            try:
                self.requests += 1
                answer = self.session.get(url, params=query, headers=headers, timeout=_TIMEOUT, stream=stream)
            except requests.RequestException as error:
                problem = type(error).__name__
                pause = 2.0**attempt
            else:
                if answer.status_code == 200:
                    return answer
                if missing and answer.status_code in (404, 410, 451):
                    return None
                if answer.status_code == 401:
                    raise BadInput("GitHub refuses the token; set GITHUB_TOKEN to one that is valid.")
                if answer.status_code == 422:
                    raise BadInput(f"GitHub cannot search for {(query or {}).get('q', url)!r}; take another topic.")
                problem, pause = f"{answer.status_code} {answer.reason}", _pause(answer.headers, attempt)
            if attempt + 1 < _ATTEMPTS:
                self.wait(min(pause, _LONGEST_WAIT))
        raise HotpapersError(f"GitHub does not answer {url.partition('?')[0]} ({problem}). Try again later; "
                             "what was collected is kept.")  # fmt: skip


def _pause(headers: Any, attempt: int) -> float:
    """Return the seconds to wait: as told, until the limit is reset, or longer each time."""
    try:
        if "Retry-After" in headers:
            return max(0.0, float(headers["Retry-After"]))
        if headers.get("X-RateLimit-Remaining") == "0":
            return max(1.0, float(headers["X-RateLimit-Reset"]) - time.time() + 1)
    except (ValueError, KeyError):
        pass
    return 60.0 if "X-RateLimit-Remaining" in headers else 2.0**attempt


def published_cuts(total: int) -> list[tuple[int, int]]:
    """Return the size ranges that the published code cuts a query of ``total`` files into.

    Inside each quartile it steps by the quartile's width over a quarter of the thousands of files, at least 5 bytes.
    Each bound is in two ranges, and the last step of a quartile may stop short of its end.
    """
    cuts = []
    for low, high in itertools.pairwise(QUARTILES):
        step = max((high - low) / (0.25 * total / 1000), 5)
        # As numpy's integer arange: the first two values set the step, and no fraction of it adds up.
        count = max(0, -int(-(high - low) // step))
        whole = int(low + step) - low
        bounds = [low + whole * at for at in range(count)]
        cuts += list(itertools.pairwise(bounds))
    return cuts


class Journal:
    """What a crawl has asked and found, one line an event, so that it goes on where it stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.queries: set[str] = set()
        self.hits: dict[str, Hit] = {}
        if path.is_file():
            for line in path.read_bytes().split(b"\n"):
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # the line that was being written when it stopped
                self._take(event)

    def add(self, query: str, hits: list[Hit]) -> None:
        """Keep a query and its files."""
        event = {"query": query, "hits": [msgspec.to_builtins(each) for each in hits]}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write("\n" * (stream.tell() > 0) + json.dumps(event))
        self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        self.queries.add(event["query"])
        for each in event["hits"]:
            hit = msgspec.convert(each, Hit)
            self.hits.setdefault(hit.url, hit)
