"""Semantic Scholar: how often the day's papers are cited. A slow signal, asked for once the listing is known."""

from collections.abc import AsyncGenerator
from typing import ClassVar

import msgspec

from hotpapers.digest.records import Signal
from hotpapers.digest.sources.source import Found, Job, Note, Settings


class _Record(msgspec.Struct):
    paperId: str | None = None  # noqa: N815
    citationCount: int | None = None  # noqa: N815
    influentialCitationCount: int | None = None  # noqa: N815


class SemanticScholar(Settings, frozen=True, kw_only=True):
    """Citations; needs ``SEMANTIC_SCHOLAR_API_KEY``, which is free, because anonymous callers share one small pool."""

    name: ClassVar[str] = "semantic-scholar"
    lists: ClassVar[bool] = False
    api: str = "https://api.semanticscholar.org/graph/v1/paper/batch"
    batch: int = 500

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the citations of each paper that is known there."""
        (key,) = job.key("SEMANTIC_SCHOLAR_API_KEY")
        await job.listed.wait()
        papers = list(job.papers)
        if not papers:
            yield Note("no listing, nothing to ask for")
        for start in range(0, len(papers), self.batch):
            some = papers[start : start + self.batch]
            records = await job.client.fetch(
                self.api,
                msgspec.json.Decoder(list[_Record | None]).decode,
                method="POST",
                params={"fields": "citationCount,influentialCitationCount"},
                headers={"x-api-key": key},
                json={"ids": [f"ARXIV:{paper}" for paper in some]},
            )
            if len(records) != len(some):
                yield Note(
                    f"{len(records)} answers to {len(some)} questions: they cannot be told apart and are left out"
                )
                continue
            for paper, record in zip(some, records, strict=True):
                if record is not None and record.citationCount is not None:
                    yield Signal(
                        source="semantic-scholar",
                        item=paper,
                        kind="listing",
                        papers=(paper,),
                        seen=job.clock.now(),
                        counts={
                            "citations": record.citationCount,
                            "influential_citations": record.influentialCitationCount or 0,
                        },
                        url=f"https://www.semanticscholar.org/paper/{record.paperId}" if record.paperId else "",
                    )
