"""Ranking a day: its papers, what had been seen of them at a moment, and a method give an edition, always the same."""

import datetime
import math
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from hotpapers.digest.edition import Edition, Part, Ranked
from hotpapers.digest.importing import in_utc
from hotpapers.digest.rank import classic, folded, modern
from hotpapers.digest.rank.signals import by_paper
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.store import Store
from hotpapers.errors import BadInput

Method = Literal["classic", "folded", "modern"]
METHODS: tuple[str, ...] = get_args(Method)


def rank_day(
    store: Store,
    first: datetime.date,
    last: datetime.date | None = None,
    *,
    method: Method = "modern",
    as_of: datetime.datetime | None = None,
) -> Edition:
    """Rank a day (or a range) from what the store had seen at ``as_of``.

    Left out, it is when the blog's post of that day was written, where there is one, else the last thing seen.

    Raises
    ------
    BadInput
        If the store has no paper of that day, or had seen none by then.
    """
    last = last or first
    post = store.post(first, last)
    if as_of is None and post and post.entries:
        as_of = max(map(in_utc, post.entries))
    papers = store.papers(first, last, as_of)
    if not papers and not (post and not post.entries):
        by_then = f" that was seen by {as_of:%Y-%m-%d %H:%M} UTC" if as_of else ""
        raise BadInput(f"The store has no paper of {first}{by_then}: import or collect that day first.")
    signals = store.signals((paper.arxiv for paper in papers), as_of)
    midnight = datetime.datetime.combine(last, datetime.time(), datetime.UTC)
    return rank(papers, signals, method=method, as_of=as_of or max((s.seen for s in signals), default=midnight),
                days=(first, last))  # fmt: skip


def rank(
    papers: Sequence[Paper],
    signals: Iterable[Signal],
    *,
    method: Method,
    as_of: datetime.datetime,
    days: tuple[datetime.date, datetime.date],
) -> Edition:
    """Rank papers by their signals. Neither the order of what is given nor the clock matters.

    The two methods of the blog list papers from a score of 50 on; ``modern`` lists those that anybody spoke of.
    """
    spoken = by_paper(papers, signals)
    scored = modern.score(papers, spoken, as_of) if method == "modern" else {}
    rows = []
    for paper in papers:
        parts = scored.get(paper.arxiv) or _blog_parts(method, spoken[paper.arxiv])
        score = math.fsum(part.value for part in parts)
        if parts and (method == "modern" or score >= classic.THRESHOLD):
            rows.append((score, paper, parts))
    rows.sort(key=lambda row: (-row[0], _tie(method, row[1])))
    entries = [
        _ranked(place, paper, score, parts, method, spoken[paper.arxiv], as_of)
        for place, (score, paper, parts) in enumerate(rows, start=1)
    ]
    return Edition(first=days[0], last=days[1], method=method, written=as_of, entries=tuple(entries),
                   blank_lines=min(len(entries), 1))  # fmt: skip


def _blog_parts(method: Method, signals: Sequence[Signal]) -> tuple[Part, ...]:
    if method == "modern":
        return ()
    return classic.parts(signals) if method == "classic" else folded.parts(signals)


def _tie(method: Method, paper: Paper) -> tuple[object, ...]:
    return classic.tie_break(paper) if method == "classic" else (paper.arxiv,)


def _ranked(
    place: int,
    paper: Paper,
    score: float,
    parts: tuple[Part, ...],
    method: Method,
    signals: Sequence[Signal],
    as_of: datetime.datetime,
) -> Ranked:
    printed = classic.parts(signals) if method == "classic" else folded.parts(signals)
    return Ranked(
        rank=place,
        paper=paper,
        score=score,
        parts=parts,
        reposts=int(printed[0].value),
        likes=int(printed[1].value),
        counted=as_of,
        posts=classic.shown(signals),
    )
