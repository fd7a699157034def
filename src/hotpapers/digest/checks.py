"""Holding the blog's digests against its own rule: order, threshold and posts, derived again from their counts."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from hotpapers.digest.edition import Edition, edition_of
from hotpapers.digest.importing import signals_of
from hotpapers.digest.post import Post
from hotpapers.digest.rank import classic, rank


class Deviation(msgspec.Struct, frozen=True):
    """Where a digest is not what the rule gives; ``explained`` says why, where that is known."""

    digest: str
    kind: str
    what: str
    explained: str


class Checked(msgspec.Struct):
    """What was checked: ``same_order`` of ``digests`` come out in their order, ``ties`` neighbours are equal."""

    digests: int = 0
    entries: int = 0
    ties: int = 0
    same_order: int = 0
    deviations: list[Deviation] = []


def check_posts(posts: Iterable[Post]) -> Checked:
    """Derive each digest again and list every deviation."""
    checked = Checked()
    first_seen: dict[str, str] = {}
    for post in posts:
        published = edition_of(post)
        derived = rank(
            [entry.paper for entry in published.entries],
            signals_of(post),
            method="classic",
            as_of=published.written,
            days=(post.first, post.last),
        )
        checked.digests += 1
        checked.entries += len(post.entries)
        order = list(_order(published, derived))
        checked.ties += sum(a.score == b.score for a, b in zip(published.entries, published.entries[1:], strict=False))
        checked.same_order += not order
        checked.deviations += [*order, *_oddities(post), *_repeats(post, first_seen)]
    return checked


def _order(published: Edition, derived: Edition) -> Iterable[Deviation]:
    """Yield the papers that the rule leaves out, and those that it puts elsewhere."""
    places = {entry.paper.arxiv: entry for entry in derived.entries}
    for entry in published.entries:
        again = places.get(entry.paper.arxiv)
        if again is None:
            what = f"number {entry.rank} has {entry.score:g}, less than {classic.THRESHOLD}"
            yield Deviation(published.name, "threshold", what, "")
        elif again.rank != entry.rank:
            tied = [other.rank for other in published.entries if other.score == entry.score and other is not entry]
            why = "equal scores go by the place in arXiv's listing, which a post does not tell" if tied else ""
            what = f"number {entry.rank} ({entry.paper.arxiv}, score {entry.score:g}) would be number {again.rank}"
            yield Deviation(published.name, "order", what, why)


def _oddities(post: Post) -> Iterable[Deviation]:
    """Yield what the blog's generator did not mean."""
    if not post.entries:
        yield Deviation(post.name, "empty", "it has no paper", "no paper of that day reached the threshold")
    elif post.blank_lines != 1:
        what = f"{post.blank_lines} empty lines stand before its first entry, not 1"
        yield Deviation(post.name, "blank lines", what, "an earlier version of the generator printed one more")
    if empty := sum(not entry.abstract for entry in post.entries):
        what = f"{empty} of {len(post.entries)} entries have no abstract"
        yield Deviation(post.name, "no abstract", what, "arXiv's answer to the query for abstracts had none")
    for entry in post.entries:
        for embed, times in Counter(entry.embeds).items():
            if times > 1:
                what = f"number {entry.rank} shows post {embed.status} {times} times"
                why = "the generator did not yet leave out what it had shown: retweets had just come in"
                yield Deviation(post.name, "post twice", what, why)
        if len(entry.embeds) > classic.MOST_SHOWN:
            what = f"number {entry.rank} shows {len(entry.embeds)} posts"
            yield Deviation(post.name, "too many posts", what, "")
    stamps = [entry.written for entry in post.entries]
    if stamps != sorted(stamps) or (stamps and post.written > stamps[0]):
        yield Deviation(post.name, "clock", "its entries are not written one after another", "")


def _repeats(post: Post, first_seen: dict[str, str]) -> Iterable[Deviation]:
    for entry in post.entries:
        if (before := first_seen.setdefault(entry.arxiv, post.name)) != post.name:
            what = f"number {entry.rank} ({entry.arxiv}) had been in the digest of {before}"
            yield Deviation(post.name, "again", what, "arXiv listed it on both days")
