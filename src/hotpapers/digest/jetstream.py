"""Events of Bluesky's Jetstream become signals: posts, likes, reposts, edits, and their undoing.

Likes and reposts name only the post that they mean, and deletions only the record that is gone; so ``Kept`` remembers
the posts that name a paper and the votes for them. Events come at least once, in the order of their cursor: what came
before changes nothing.
"""

import datetime
from collections.abc import Iterator

import msgspec

from hotpapers.digest.arxiv_ids import find
from hotpapers.digest.links import Links
from hotpapers.digest.records import Kind, Signal

POST, LIKE, REPOST = "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.feed.repost"


class _Feature(msgspec.Struct):
    uri: str = ""


class _Facet(msgspec.Struct):
    features: list[_Feature] = []


class _External(msgspec.Struct):
    uri: str = ""


class _Embed(msgspec.Struct):
    external: _External | None = None
    media: "_Embed | None" = None


class _Subject(msgspec.Struct):
    uri: str = ""


class Record(msgspec.Struct):
    """What is read of a post, a like or a repost."""

    text: str = ""
    createdAt: str = ""  # noqa: N815 - the network's word
    facets: list[_Facet] | None = None
    embed: _Embed | None = None
    subject: _Subject | None = None

    @property
    def links(self) -> list[str]:
        """Return the addresses in its facets and its card."""
        links = [feature.uri for facet in self.facets or () for feature in facet.features if feature.uri]
        embed = self.embed
        while embed is not None:
            if embed.external is not None:
                links.append(embed.external.uri)
            embed = embed.media
        return links


class _Commit(msgspec.Struct):
    operation: str
    collection: str
    rkey: str
    record: msgspec.Raw = msgspec.Raw()


class Event(msgspec.Struct):
    """An event of the stream; ``time_us`` is its cursor."""

    did: str
    time_us: int
    kind: str = ""
    commit: _Commit | None = None


EVENT = msgspec.json.Decoder(Event)
_RECORD = msgspec.json.Decoder(Record)


def signals_of(raw: bytes | str) -> list[Signal]:
    """Return the signal of one event that stands alone: a post that names a paper, or nothing."""
    return list(Kept().take(EVENT.decode(raw)))


class Kept(msgspec.Struct):
    """The posts that name a paper, the votes for them, and each one's newest event."""

    posts: dict[str, tuple[str, ...]] = {}
    votes: dict[str, str] = {}
    newest: dict[str, int] = {}

    def take(self, event: Event, links: Links | None = None) -> Iterator[Signal]:
        """Yield what ``event`` tells of a paper, once."""
        commit = event.commit
        if commit is None or commit.collection not in (POST, LIKE, REPOST):
            return
        uri = f"at://{event.did}/{commit.collection}/{commit.rkey}"
        known = uri in self.posts or uri in self.votes
        if commit.operation == "delete":
            if known:
                papers, root = self.posts.pop(uri, ()), self.votes.pop(uri, None)
                self.newest[uri] = event.time_us
                yield _signal(event, uri, "deletion", papers=papers, root=root)
            return
        if not bytes(commit.record) or event.time_us <= self.newest.get(uri, 0):
            return
        record = _RECORD.decode(commit.record)
        if commit.collection == POST:
            addresses = record.links if links is None else [links.expanded(link) for link in record.links]
            papers = find(record.text, *addresses)
            if not (papers or known):
                return
            # An edit that takes the paper out is told as well: the newest sight counts.
            self.posts[uri] = papers
            self.newest[uri] = event.time_us
            yield _signal(event, uri, "post", papers=papers, record=record)
        elif record.subject is not None and record.subject.uri in self.posts:
            root = record.subject.uri
            self.votes[uri], self.newest[uri] = root, event.time_us
            kind: Kind = "like" if commit.collection == LIKE else "repost"
            yield _signal(event, uri, kind, papers=self.posts[root], root=root, record=record)

    def forget(self, before: datetime.datetime) -> None:
        """Drop what nothing has been heard of since ``before``, so that the memory of a long watch is bounded."""
        old = {uri for uri, time_us in self.newest.items() if time_us < before.timestamp() * 1e6}
        self.posts = {uri: papers for uri, papers in self.posts.items() if uri not in old}
        self.votes = {uri: root for uri, root in self.votes.items() if uri not in old and root in self.posts}
        self.newest = {uri: time_us for uri, time_us in self.newest.items() if uri not in old}


def _signal(
    event: Event,
    uri: str,
    kind: Kind,
    *,
    papers: tuple[str, ...],
    root: str | None = None,
    record: Record | None = None,
) -> Signal:
    seen = datetime.datetime.fromtimestamp(event.time_us / 1e6, datetime.UTC)
    rkey = uri.rpartition("/")[2]
    return Signal(
        source="bluesky",
        item=uri,
        kind=kind,
        papers=papers,
        actor=event.did,
        made=_time(record.createdAt, seen) if record else None,
        seen=seen,
        root=root,
        text=record.text if record else "",
        url=f"https://bsky.app/profile/{event.did}/post/{rkey}" if kind == "post" else "",
    )


def _time(text: str, seen: datetime.datetime) -> datetime.datetime:
    """Read the time that the author's program claims; it may be nonsense, or lie in the future."""
    try:
        made = datetime.datetime.fromisoformat(text)
    except ValueError:
        return seen
    return min(made if made.tzinfo else made.replace(tzinfo=datetime.UTC), seen)
