"""Parts and counts of a backfill: what workers write of their piece of a dump, and how it becomes counts by paper.

A part holds the signals of one piece, dealt into buckets by the item that they count for (a retweet goes with its
original), so that all that is said of an item lies in the same bucket of every part. Counting goes bucket by bucket:
memory is bounded by a bucket, not by the dump. Parts are read in the order of the dump, so counts do not depend on who
wrote them, when, or how often.
"""

import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from hotpapers.digest.records import Signal
from hotpapers.files import written_whole

_DECODER = msgspec.msgpack.Decoder(list[Signal])
_encode = msgspec.msgpack.Encoder().encode


def write_part(path: Path, signals: Iterable[Signal], buckets: int) -> None:
    """Write the signals of one piece, whole or not at all: the sizes of the buckets, then each bucket."""
    dealt: list[list[Signal]] = [[] for _ in range(buckets)]
    for signal in signals:
        dealt[_bucket(signal, buckets)].append(signal)
    blobs = [_encode(each) if each else b"" for each in dealt]
    with written_whole(path) as temporary:
        temporary.write_bytes(struct.pack(f"<{buckets}Q", *map(len, blobs)) + b"".join(blobs))


def newest_signals(parts: list[Path], buckets: int) -> Iterator[list[Signal]]:
    """Yield, bucket by bucket, each item's newest sight; at the same moment the later line of the dump wins."""
    for bucket in range(buckets):
        newest: dict[tuple[str, str], Signal] = {}
        for part in parts:
            for signal in _read_bucket(part, bucket, buckets):
                key = (signal.source, signal.item)
                before = newest.get(key)
                if before is None or signal.seen >= before.seen:
                    newest[key] = signal
        yield list(newest.values())


class Counts:
    """Counts by paper: each post once, with its newest numbers; its reposts fold into it."""

    def __init__(self) -> None:
        self.papers: dict[str, dict[str, Any]] = {}

    def add(self, signals: list[Signal]) -> None:
        """Count a bucket's signals. What reposts a post has is what it says, and at least those that were seen."""
        posts = {(each.source, each.item): each for each in signals if each.kind in ("post", "story", "comment")}
        votes: dict[tuple[str, str], list[Signal]] = defaultdict(list)
        for signal in signals:
            if signal.root is not None and signal.kind in ("repost", "like"):
                votes[signal.source, signal.root].append(signal)
        for key in dict.fromkeys((*posts, *votes)):
            voters = votes.get(key, [])
            shown = posts.get(key) or voters[0]
            counts = dict(shown.counts) if key in posts else {}
            for metric, seen in Counter(f"{each.kind}s" for each in voters).items():
                counts[metric] = max(counts.get(metric, 0), seen)
            for paper in shown.papers:
                self._add(paper, counts, [shown, *voters])

    def _add(self, paper: str, counts: dict[str, int], signals: list[Signal]) -> None:
        row = self.papers.setdefault(paper, {"paper": paper, "posts": 0, "reposts": 0, "likes": 0})
        row["posts"] += 1
        for metric, number in counts.items():
            row[metric] = row.get(metric, 0) + number
        times = [each.made or each.seen for each in signals]
        row["first"] = min([*times, row.get("first", times[0])])
        row["last"] = max([*times, row.get("last", times[0])])

    def write(self, out: Path) -> None:
        """Write one JSON object a line, by paper."""
        with written_whole(out) as temporary, open(temporary, "wb") as rows:
            for paper in sorted(self.papers):
                row = self.papers[paper]
                days = {end: str(row[end].date()) for end in ("first", "last")}
                rows.write(msgspec.json.encode(row | days) + b"\n")


def _bucket(signal: Signal, buckets: int) -> int:
    return zlib.crc32((signal.root or signal.item).encode()) % buckets


def _read_bucket(part: Path, bucket: int, buckets: int) -> list[Signal]:
    with open(part, "rb") as file:
        sizes = struct.unpack(f"<{buckets}Q", file.read(8 * buckets))
        file.seek(sum(sizes[:bucket]), 1)
        return _DECODER.decode(file.read(sizes[bucket])) if sizes[bucket] else []
