"""The blog's rule, with its faults: sums over what a search finds, each retweet with the count of its original.

A post's score is its reposts and likes, a paper's score the sum over its posts; papers from 50 on are listed, the
highest first, ties in the reverse order of arXiv's listing.
"""

from collections.abc import Sequence

from hotpapers.digest.edition import Part
from hotpapers.digest.rank.signals import root_of
from hotpapers.digest.records import Paper, Signal

THRESHOLD = 50
SHOWN_FROM = 25
MOST_SHOWN = 10


def parts(signals: Sequence[Signal]) -> tuple[Part, ...]:
    """Return a paper's score as the two sums that the blog prints."""
    return (
        Part("retweets", float(sum(each.counts.get("reposts", 0) for each in signals))),
        Part("favourites", float(sum(each.counts.get("likes", 0) for each in signals))),
    )


def tie_break(paper: Paper) -> tuple[int, ...]:
    """Return what ties are sorted by: the later in arXiv's listing comes first.

    Where the place is not known, the listing is taken to be as arXiv writes it: `cs` and then what only `stat.ML` has;
    in each, papers of its own before those cross-listed, the newest identifier first.
    """
    if paper.position is not None:
        return (0, -paper.position)
    in_cs = any(each.startswith("cs.") for each in paper.categories)
    own = paper.categories[:1] and paper.categories[0].startswith("cs." if in_cs else "stat.ML")
    number = int("".join(each for each in paper.arxiv if each.isdigit()) or 0)
    return (1, int(in_cs), int(bool(own)), number)


def shown(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """Return the posts to show, the best first, as the blog chooses them.

    The ten best are cut off *before* what repeats them is left out, so that fewer may be left: of posts with a score of
    25 or more, not the second retweet of an original, and no post twice. Of an imported post, which has no counts, all
    are shown that the blog showed.
    """
    posts = [each for each in signals if each.kind in ("post", "repost", "story")]
    newest_first = sorted(posts, key=lambda each: (each.made or each.seen, each.item), reverse=True)
    best = sorted(newest_first, key=_score)[::-1][:MOST_SHOWN]
    originals = {(each.source, each.item): each for each in signals}
    chosen: dict[tuple[str, str], Signal] = {}
    for post in best:
        if (_score(post) >= SHOWN_FROM or _was_shown(post)) and root_of(post) not in chosen:
            chosen[root_of(post)] = originals.get(root_of(post), post)
    return tuple(chosen.values())


def _score(signal: Signal) -> int:
    return signal.counts.get("reposts", 0) + signal.counts.get("likes", 0)


def _was_shown(signal: Signal) -> bool:
    """Whether a post comes from a digest of the blog, which tells its HTML and not its counts."""
    return not signal.counts and bool(signal.html)
