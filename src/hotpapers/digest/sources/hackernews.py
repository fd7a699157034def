"""Hacker News by Algolia's search: one question for the day's stories that link to a paper's site."""

import datetime
from collections.abc import AsyncGenerator
from typing import ClassVar

import msgspec

from hotpapers.digest.arxiv_ids import find
from hotpapers.digest.records import Signal
from hotpapers.digest.sources.source import Found, Gap, Job, Settings


class _Hit(msgspec.Struct):
    objectID: str  # noqa: N815
    created_at_i: int
    author: str | None = None
    title: str | None = None
    url: str | None = None
    story_text: str | None = None
    points: int | None = None
    num_comments: int | None = None


class _Page(msgspec.Struct):
    hits: list[_Hit]
    nbPages: int  # noqa: N815


class HackerNews(Settings, frozen=True, kw_only=True):
    """Stories, with points and comments."""

    name: ClassVar[str] = "hackernews"
    lists: ClassVar[bool] = False
    api: str = "https://hn.algolia.com/api/v1/search_by_date"
    sites: tuple[str, ...] = ("arxiv.org", "alphaxiv.org", "huggingface.co/papers")

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the day's stories; Algolia shows at most 1,000 of one question."""
        window = f"created_at_i>={int(job.begins.timestamp())},created_at_i<{int(job.ends.timestamp())}"
        for site in self.sites:
            question = {
                "query": site,
                "restrictSearchableAttributes": "url",
                "tags": "story",
                "numericFilters": window,
                "hitsPerPage": 1000,
            }
            page = await job.client.fetch(self.api, msgspec.json.Decoder(_Page).decode, params=question)
            if page.nbPages > 1:
                yield Gap(f"more than 1,000 stories with {site}: only the newest are counted")
            for hit in page.hits:
                if papers := find(job.links.expanded(hit.url or ""), hit.title or "", hit.story_text or ""):
                    yield _signal(hit, papers, job.clock.now())


def _signal(hit: _Hit, papers: tuple[str, ...], now: datetime.datetime) -> Signal:
    return Signal(
        source="hackernews",
        item=hit.objectID,
        kind="story",
        papers=papers,
        actor=hit.author,
        made=datetime.datetime.fromtimestamp(hit.created_at_i, datetime.UTC),
        seen=now,
        counts={"points": hit.points or 0, "comments": hit.num_comments or 0},
        name=hit.author or "",
        text=hit.title or "",
        url=f"https://news.ycombinator.com/item?id={hit.objectID}",
    )
