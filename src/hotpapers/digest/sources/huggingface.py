"""Hugging Face's daily papers: a curated list with upvotes."""

import datetime
from collections.abc import AsyncGenerator
from typing import ClassVar

import msgspec

from hotpapers.digest.arxiv_ids import canonical
from hotpapers.digest.records import Signal
from hotpapers.digest.sources.source import Found, Job, Settings, a_time


class _Person(msgspec.Struct):
    name: str = ""
    fullname: str = ""


class _Listed(msgspec.Struct):
    id: str
    title: str = ""
    upvotes: int = 0
    githubStars: int | None = None  # noqa: N815
    submittedOnDailyAt: str | None = None  # noqa: N815


class _Entry(msgspec.Struct):
    paper: _Listed
    publishedAt: str | None = None  # noqa: N815
    numComments: int = 0  # noqa: N815
    submittedBy: _Person | None = None  # noqa: N815
    submittedOnDailyBy: _Person | None = None  # noqa: N815


class HuggingFace(Settings, frozen=True, kw_only=True):
    """The list of a day, with upvotes, comments, and the stars of the paper's repository."""

    name: ClassVar[str] = "huggingface"
    lists: ClassVar[bool] = False
    api: str = "https://huggingface.co/api/daily_papers"

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the day's entries; a page that is not full is the last."""
        for page in range(10):
            question = {"date": str(job.day), "limit": 100, "p": page}
            entries = await job.client.fetch(self.api, msgspec.json.Decoder(list[_Entry]).decode, params=question)
            for entry in entries:
                if (paper := canonical(entry.paper.id)) is not None:
                    yield _signal(entry, paper, job.clock.now())
            if len(entries) < 100:
                return


def _signal(entry: _Entry, paper: str, now: datetime.datetime) -> Signal:
    submitter = entry.submittedOnDailyBy or entry.submittedBy or _Person()
    made = entry.paper.submittedOnDailyAt or entry.publishedAt
    stars = {} if entry.paper.githubStars is None else {"stars": entry.paper.githubStars}
    return Signal(
        source="huggingface",
        item=paper,
        kind="listing",
        papers=(paper,),
        actor=submitter.name or None,
        made=a_time(made) if made else None,
        seen=now,
        counts={"upvotes": entry.paper.upvotes, "comments": entry.numComments} | stars,
        name=submitter.fullname or submitter.name,
        text=entry.paper.title,
        url=f"https://huggingface.co/papers/{paper}",
    )
