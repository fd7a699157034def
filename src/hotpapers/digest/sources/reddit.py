"""Reddit's search for links to papers, by OAuth with an application's own key."""

import base64
import datetime
import html
from collections.abc import AsyncGenerator
from typing import ClassVar

import msgspec

from hotpapers.digest.arxiv_ids import find
from hotpapers.digest.records import Signal
from hotpapers.digest.sources.source import Found, Gap, Job, Note, Settings


class _Token(msgspec.Struct):
    access_token: str


class _Post(msgspec.Struct):
    name: str
    created_utc: float
    title: str = ""
    url: str | None = None
    selftext: str = ""
    author: str | None = None
    subreddit: str = ""
    permalink: str = ""
    score: int = 0
    num_comments: int = 0
    removed_by_category: str | None = None


class _Child(msgspec.Struct):
    data: _Post


class _Listing(msgspec.Struct):
    children: list[_Child]
    after: str | None = None


class _Page(msgspec.Struct):
    data: _Listing


class Reddit(Settings, frozen=True, kw_only=True):
    """Posts, with score and comments; needs ``REDDIT_CLIENT_ID`` and ``REDDIT_CLIENT_SECRET``."""

    name: ClassVar[str] = "reddit"
    lists: ClassVar[bool] = False
    token: str = "https://www.reddit.com/api/v1/access_token"  # noqa: S105 - an address
    api: str = "https://oauth.reddit.com/search"
    sites: tuple[str, ...] = ("arxiv.org", "alphaxiv.org")

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the day's posts, the newest first; a listing ends after 1,000 posts, and its age is reported."""
        identity, secret = job.key("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET")
        granted = await job.client.fetch(
            self.token,
            msgspec.json.Decoder(_Token).decode,
            method="POST",
            headers={"Authorization": _basic(identity, secret)},
            data={"grant_type": "client_credentials"},
        )
        if job.clock.now() - job.begins > datetime.timedelta(days=30):
            yield Note("Reddit's search goes back a month")
        headers = {"Authorization": f"Bearer {granted.access_token}"}
        for site in self.sites:
            after, oldest = "", job.ends
            while True:
                question = {"q": f"url:{site}", "sort": "new", "t": "month", "limit": 100, "raw_json": 1}
                page = await job.client.fetch(
                    self.api,
                    msgspec.json.Decoder(_Page).decode,
                    params=question | ({"after": after} if after else {}),
                    headers=headers,
                )
                for post in (child.data for child in page.data.children):
                    oldest = datetime.datetime.fromtimestamp(post.created_utc, datetime.UTC)
                    if job.begins <= oldest < job.ends and (signal := _signal(post, job)) is not None:
                        yield signal
                if oldest < job.begins:
                    break
                if not page.data.after or page.data.after == after:
                    if len(page.data.children) >= 100:
                        yield Gap(f"the listing of {site} ends at {oldest:%Y-%m-%d %H:%M}, within the day")
                    break
                after = page.data.after


def _signal(post: _Post, job: Job) -> Signal | None:
    papers = find(job.links.expanded(html.unescape(post.url or "")), post.title, post.selftext)
    gone = post.removed_by_category is not None
    if not papers:
        return None
    return Signal(
        source="reddit",
        item=post.name,
        kind="deletion" if gone else "story",
        papers=papers,
        actor=None if post.author in (None, "[deleted]") else post.author,
        made=datetime.datetime.fromtimestamp(post.created_utc, datetime.UTC),
        seen=job.clock.now(),
        counts={"score": post.score, "comments": post.num_comments},
        name=f"u/{post.author} in r/{post.subreddit}",
        text=post.title,
        url=f"https://www.reddit.com{post.permalink}",
    )


def _basic(identity: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{identity}:{secret}".encode()).decode()
