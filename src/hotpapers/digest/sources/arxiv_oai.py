"""arXiv's harvest (OAI-PMH): every record that changed on a day, with versions and licence.

Its date is that of the last change, not of the announcement, so nothing here is marked as announced. A harvest goes on
by tokens, each good for a day; the last one is kept, so that a harvest that was cut off goes on where it stopped.
"""

import datetime
import email.utils
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

from hotpapers.digest.arxiv_ids import canonical
from hotpapers.digest.client import Unreachable
from hotpapers.digest.records import Paper
from hotpapers.digest.sources.source import Found, Job, Note, Settings
from hotpapers.digest.sources.xml import parsed, words

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NAMES = {"oai": "http://www.openarchives.org/OAI/2.0/", "raw": "http://arxiv.org/OAI/arXivRaw/"}


class _Unfinished(msgspec.Struct):
    day: str = ""
    set: str = ""
    token: str = ""


class _ExpiredToken(Exception):
    pass


class ArxivOai(Settings, frozen=True, kw_only=True):
    """The records of a set that changed on a day."""

    name: ClassVar[str] = "arxiv-oai"
    lists: ClassVar[bool] = True
    base: str = "https://oaipmh.arxiv.org/oai"
    sets: tuple[str, ...] = ("cs", "stat:stat:ML")
    deadline: float = 900.0

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the papers, page by page."""
        unfinished = job.recall(self.name, _Unfinished)
        sets = list(self.sets)
        if unfinished.day == str(job.day) and unfinished.set in sets:
            sets = sets[sets.index(unfinished.set) :]
        else:
            unfinished = _Unfinished()
        for each in sets:
            token = unfinished.token if unfinished.set == each else ""
            while True:
                try:
                    page = await self._page(job, each, token)
                except _ExpiredToken:
                    yield Note("the harvest's token had expired: begun again")
                    token = ""
                    continue
                for paper in page.papers:
                    yield paper
                token = page.token
                job.keep(self.name, _Unfinished(str(job.day), each, token))
                if not token:
                    break
        job.keep(self.name, _Unfinished())

    async def _page(self, job: Job, set_: str, token: str) -> "Page":
        question = {"verb": "ListRecords"} | (
            {"resumptionToken": token}
            if token
            else {"metadataPrefix": "arXivRaw", "set": set_, "from": str(job.day), "until": str(job.day)}
        )
        page = await job.client.fetch(self.base, read_page, lane="arxiv", params=question)
        if page.error == "badResumptionToken" and token:
            raise _ExpiredToken
        if page.error not in ("", "noRecordsMatch"):
            raise Unreachable(f"{self.base}: {page.error}")
        return page


class Page(NamedTuple):
    """A page of a harvest; ``token`` asks for the next one."""

    papers: list[Paper]
    token: str
    error: str = ""


def read_page(raw: bytes) -> Page:
    """Read a page of ``ListRecords``; raise ``ValueError`` where it is none."""
    root = parsed(raw)
    error = root.find("oai:error", _NAMES)
    if error is not None:
        return Page([], "", error.get("code", "error"))
    listed = root.find("oai:ListRecords", _NAMES)
    if listed is None:
        raise ValueError("no records")
    records = (record.find("oai:metadata/raw:arXivRaw", _NAMES) for record in listed.iterfind("oai:record", _NAMES))
    papers = [paper for record in records if record is not None and (paper := _paper(record)) is not None]
    return Page(papers, words(listed, "oai:resumptionToken", _NAMES))


def _paper(record: "Element") -> Paper | None:
    identifier = canonical(words(record, "raw:id", _NAMES))
    if identifier is None:
        return None
    stamps = [words(version, "raw:date", _NAMES) for version in record.iterfind("raw:version", _NAMES)]
    times = [email.utils.parsedate_to_datetime(stamp).astimezone(datetime.UTC) for stamp in stamps if stamp]
    return Paper(
        arxiv=identifier,
        title=words(record, "raw:title", _NAMES),
        authors=tuple(authors(words(record, "raw:authors", _NAMES))),
        abstract=words(record, "raw:abstract", _NAMES),
        categories=tuple(words(record, "raw:categories", _NAMES).split()),
        submitted=min(times, default=None),
        updated=max(times, default=None),
        comment=words(record, "raw:comments", _NAMES),
        doi=words(record, "raw:doi", _NAMES),
        licence=words(record, "raw:license", _NAMES),
    )


def authors(text: str) -> list[str]:
    """Part ``A. One (1 and 2), B. Two and C. Three ((1) Here, (2) There)`` into names; affiliations fall away."""
    depth, bare = 0, []
    for letter in text:
        depth += letter == "("
        if depth == 0:
            bare.append(letter)
        depth -= letter == ")" and depth > 0
    return [name.strip() for part in "".join(bare).split(",") for name in part.split(" and ") if name.strip()]
