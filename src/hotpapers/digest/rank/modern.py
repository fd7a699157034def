"""Signals of several networks on one scale, in which neither a crowd of accounts nor a tireless one drowns the others.

For a paper p and a source s (see docs/ranking.md)::

    v_a    = d_a · 2^(-age/48 h) · (1 + c_a)          what account a says; its strongest item, reposts folded into it
    d_a    = 1 / (1 + ln n_a)                         n_a: how many of the day's papers a names
    count  = Σ over 10-minute bins b of Σ_{a in b} v_a / √|b|
    x      = ln(1 + count)
    z      = (x - median) / (1.4826 · MAD + 0.5)      over the papers of the same field and day; 0 where nobody spoke
    part   = w_s · n/(n + 1) · ln(1 + exp z)          n: how many accounts spoke; never negative

and the score is the sum of the parts. The day is the age: a day's papers are compared with each other alone.
"""

import datetime
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from hotpapers.digest.edition import Part
from hotpapers.digest.rank.folded import unfolded
from hotpapers.digest.rank.signals import Key, root_of
from hotpapers.digest.records import Paper, Signal

HALF_LIFE = datetime.timedelta(hours=48)
BIN = datetime.timedelta(minutes=10)
WEIGHTS = {"hackernews": 1.0, "huggingface": 1.0, "bluesky": 1.0, "mastodon": 0.8, "reddit": 0.8, "twitter": 1.0}
"""What a source counts beside the others; one that is not named counts 0.5."""
SMALLEST_FIELD = 20
"""Papers of a smaller field are compared with all of the day."""


class _Voice(msgspec.Struct, frozen=True):
    """What one account says of a paper."""

    value: float
    made: datetime.datetime


def score(
    papers: Sequence[Paper], spoken: dict[str, list[Signal]], as_of: datetime.datetime
) -> dict[str, tuple[Part, ...]]:
    """Return each paper's parts. Only ``as_of`` is the present: the clock is not looked at."""
    named = _papers_named(spoken)
    counts: dict[str, dict[str, tuple[float, int]]] = {
        arxiv: {
            source: (_count(voices), len(voices)) for source, voices in sorted(_voices(signals, named, as_of).items())
        }
        for arxiv, signals in spoken.items()
    }
    sources = sorted({source for each in counts.values() for source in each})
    scales = {source: _scales(papers, counts, source) for source in sources}
    return {
        paper.arxiv: tuple(
            _part(source, *counts[paper.arxiv][source], *scales[source][paper.arxiv])
            for source in sources
            if source in counts[paper.arxiv]
        )
        for paper in papers
    }


def _part(source: str, count: float, voices: int, middle: float, spread: float) -> Part:
    z = (math.log1p(count) - middle) / spread
    value = WEIGHTS.get(source, 0.5) * voices / (voices + 1) * _softplus(z)
    return Part(source, value, f"{count:.1f} from {voices} {'voice' if voices == 1 else 'voices'}, z = {z:.2f}")


def _softplus(z: float) -> float:
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def _papers_named(spoken: dict[str, list[Signal]]) -> Counter[tuple[str, str]]:
    """Return how many of the day's papers each account of a source names."""
    return Counter(
        account
        for signals in spoken.values()
        for account in {(each.source, each.actor) for each in signals if each.actor is not None}
    )


def _voices(
    signals: Sequence[Signal], named: Counter[tuple[str, str]], as_of: datetime.datetime
) -> dict[str, list[_Voice]]:
    """Return the voices that speak for a paper, one for each account of each source."""
    strongest: dict[tuple[str, str], _Voice] = {}
    folded: defaultdict[Key, list[Signal]] = defaultdict(list)
    for signal in signals:
        folded[root_of(signal)].append(signal)
    for (source, item), together in sorted(folded.items()):
        first = min(together, key=lambda each: (each.made or each.seen, each.item))
        made = first.made or first.seen
        metrics = sorted({metric for each in together for metric in each.counts})
        told = sum(max(_told(each, metric) for each in together) for metric in metrics)
        repeats = sum(each.kind in ("repost", "like") for each in together)
        # A list's entry is not somebody's word: it has no account, and stands for itself.
        author = next((each.actor for each in together if each.item == item and each.actor), None)
        account = (source, author or f"item {item}")
        damping = 1 / (1 + math.log(max(named[account], 1)))
        decay = 2.0 ** (-max(as_of - made, datetime.timedelta(0)) / HALF_LIFE)
        voice = _Voice(damping * decay * (1 + max(told, repeats)), made)
        if account not in strongest or voice.value > strongest[account].value:
            strongest[account] = voice
    voices: defaultdict[str, list[_Voice]] = defaultdict(list)
    for (source, _), voice in sorted(strongest.items()):
        voices[source].append(voice)
    return voices


def _told(signal: Signal, metric: str) -> int:
    value = max(signal.counts.get(metric, 0), 0)
    return unfolded(value, signal.seen) if (signal.kind, metric) == ("listing", "reposts") else value


def _count(voices: Sequence[_Voice]) -> float:
    """Return the voices' sum; those that come within the same ten minutes count as the root of their number."""
    bins: defaultdict[int, list[float]] = defaultdict(list)
    for voice in voices:
        bins[int(voice.made.timestamp() // BIN.total_seconds())].append(voice.value)
    return math.fsum(math.fsum(values) / math.sqrt(len(values)) for values in bins.values())


def _scales(
    papers: Sequence[Paper], counts: dict[str, dict[str, tuple[float, int]]], source: str
) -> dict[str, tuple[float, float]]:
    """Return for each paper the median and the spread of its field in what a source says."""
    logs = {paper.arxiv: math.log1p(counts[paper.arxiv].get(source, (0.0, 0))[0]) for paper in papers}
    fields: defaultdict[str, list[float]] = defaultdict(list)
    for paper in papers:
        fields[_field(paper)].append(logs[paper.arxiv])
    everybody = _middle_and_spread(list(logs.values()))
    scales = {
        field: _middle_and_spread(values) if len(values) >= SMALLEST_FIELD else everybody
        for field, values in fields.items()
    }
    return {paper.arxiv: scales[_field(paper)] for paper in papers}


def _field(paper: Paper) -> str:
    return paper.categories[0] if paper.categories else ""


def _middle_and_spread(values: list[float]) -> tuple[float, float]:
    middle = statistics.median(values)
    return middle, 1.4826 * statistics.median(abs(value - middle) for value in values) + 0.5
