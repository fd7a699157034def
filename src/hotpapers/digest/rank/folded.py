"""The blog's rule without its counting fault: what repeats a post counts for that post, and once.

A search returns a retweet as a post of its own that carries its original's count: a hundred retweets of one post that
has 354 were counted as 35,400. Here all that shares a root is one item, with the largest count that any of them told.
"""

import datetime
import math
from collections import defaultdict
from collections.abc import Sequence

from hotpapers.digest.edition import Part
from hotpapers.digest.rank.signals import Key, root_of
from hotpapers.digest.records import Signal

SEARCHED = 100
"""The most posts that the blog's search returned."""
RETWEETS_SINCE = datetime.datetime(2020, 9, 17, 12, tzinfo=datetime.UTC)
"""From its post of 2020-09-17 on the blog's search also returned retweets, each with the count of its original."""


def parts(signals: Sequence[Signal]) -> tuple[Part, ...]:
    """Return a paper's score as reposts and likes, those that cannot be unfolded at their least."""
    items: defaultdict[Key, list[Signal]] = defaultdict(list)
    reposts = likes = 0.0
    note = ""
    for signal in signals:
        if signal.kind == "listing" and "reposts" in signal.counts:
            told = signal.counts["reposts"]
            least = unfolded(told, signal.seen)
            if least < told:
                note = f"between {least:,} and {told:,}: the sum of {told:,} may hold one count {SEARCHED} times"
            reposts += least
            likes += signal.counts.get("likes", 0)
        else:
            items[root_of(signal)].append(signal)
    for key in sorted(items):
        together = items[key]
        repeats = sum(each.kind == "repost" for each in together)
        reposts += max(repeats, *(each.counts.get("reposts", 0) for each in together))
        liked = sum(each.kind == "like" for each in together)
        likes += max(liked, *(each.counts.get("likes", 0) for each in together))
    return Part("reposts", reposts, note), Part("likes", likes)


def unfolded(reposts: int, seen: datetime.datetime) -> int:
    """Return the least that a sum over at most 100 posts can come from: all of them repeating one."""
    return reposts if seen < RETWEETS_SINCE else math.ceil(reposts / SEARCHED)
