"""A line of a dump becomes signals. Four shapes are known, told apart by their fields:

- a status of Twitter's v1.1 API, with ``retweeted_status`` where it is a retweet;
- an object or a page of Twitter's v2 API: ``{"data": ..., "includes": ...}``, or a bare tweet with ``author_id``;
- an event of Bluesky's Jetstream: ``{"did", "time_us", "kind", "commit"}``;
- a signal of our own, as ``collect`` keeps it.

A retweet shows its original as it stood when the retweet was made, so it gives two signals: that sight of the
original, and a repost whose root is the original. Its own counters are copies of the original's and are never counted.
"""

import datetime
from functools import lru_cache

import msgspec

from hotpapers.digest import jetstream
from hotpapers.digest.arxiv_ids import find
from hotpapers.digest.records import Signal


class NotAPost(ValueError):
    """A line that is no JSON, or JSON of none of the shapes."""


def signals_of(raw: bytes | str) -> list[Signal]:
    """Return the signals in one line of a dump that name a paper; raise ``NotAPost`` where it has no known shape."""
    try:
        line = _LINE.decode(raw)
        if line.source and line.item:
            return [_OWN.decode(raw)]
        if bytes(line.commit):
            return jetstream.signals_of(raw)
        if line.data is not None or line.author_id:
            return _from_v2(line)
        if line.created_at and line.user is not None:
            return _from_v1(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, LookupError, RecursionError) as error:
        raise NotAPost(str(error)) from error
    raise NotAPost("it is neither a status of Twitter, nor an event of Jetstream, nor a signal")


class _Url(msgspec.Struct, gc=False):
    expanded_url: str | None = None
    unwound_url: str | None = None


class _Entities(msgspec.Struct, gc=False):
    urls: list[_Url] = []


class _User(msgspec.Struct, gc=False):
    id_str: str = ""
    id: int | str = ""
    screen_name: str = ""
    username: str = ""
    name: str = ""


class _Longer(msgspec.Struct, gc=False):
    full_text: str = ""
    entities: _Entities | None = None


class _Metrics(msgspec.Struct, gc=False):
    retweet_count: int = 0
    like_count: int = 0
    reply_count: int = 0
    quote_count: int = 0


class _Reference(msgspec.Struct, gc=False):
    type: str
    id: str


class _Tweet(msgspec.Struct, gc=False):
    id: int | str = ""
    id_str: str = ""
    text: str = ""
    created_at: str = ""
    entities: _Entities | None = None
    # v1.1
    full_text: str = ""
    extended_tweet: _Longer | None = None
    user: _User | None = None
    retweet_count: int = 0
    favorite_count: int = 0
    retweeted_status: "_Tweet | None" = None
    # v2
    author_id: str = ""
    public_metrics: _Metrics | None = None
    referenced_tweets: list[_Reference] = []


class _Includes(msgspec.Struct, gc=False):
    tweets: list[_Tweet] = []
    users: list[_User] = []


class _Line(_Tweet, gc=False):
    data: list[_Tweet] | _Tweet | None = None
    includes: _Includes | None = None
    commit: msgspec.Raw = msgspec.Raw()
    source: str = ""
    item: str = ""


_LINE = msgspec.json.Decoder(_Line)
_OWN = msgspec.json.Decoder(Signal)


def _from_v1(status: _Tweet) -> list[Signal]:
    seen = _v1_time(status.created_at)
    original = status.retweeted_status
    post = _v1_post(original or status, seen)
    if post is None or original is None:
        return [post] if post else []
    return [post, _repost(status.id_str or str(status.id), post, _actor(status.user), seen)]


def _v1_post(status: _Tweet, seen: datetime.datetime) -> Signal | None:
    longer = status.extended_tweet
    text = (longer.full_text if longer else "") or status.full_text or status.text
    papers = find(text, *_links(status.entities), *_links(longer.entities if longer else None))
    if not papers:
        return None
    name, item = status.user.screen_name if status.user else "", status.id_str or str(status.id)
    return Signal(
        source="twitter",
        item=_numbered(item),
        kind="post",
        papers=papers,
        actor=_actor(status.user),
        made=_v1_time(status.created_at),
        seen=seen,
        counts={"reposts": status.retweet_count, "likes": status.favorite_count},
        name=name,
        text=text,
        url=f"https://twitter.com/{name or 'i'}/status/{item}",
    )


def _from_v2(line: _Line) -> list[Signal]:
    tweets = [line] if line.data is None else line.data if isinstance(line.data, list) else [line.data]
    users = {str(user.id): user for user in line.includes.users} if line.includes else {}
    shown = {str(tweet.id): tweet for tweet in line.includes.tweets} if line.includes else {}
    signals = []
    for tweet in tweets:
        seen = datetime.datetime.fromisoformat(tweet.created_at)
        root = next((each.id for each in tweet.referenced_tweets if each.type == "retweeted"), None)
        if root is None or root in shown:
            post = _v2_post(tweet if root is None else shown[root], users, seen)
        else:  # the original is not shown: the retweet's words name the paper, its counters are not its own
            post = msgspec.structs.replace(_v2_post(tweet, users, seen), item=root, counts={})
        if not post.papers:
            continue
        if root is None or root in shown:
            signals.append(post)
        if root is not None:
            signals.append(_repost(str(tweet.id), post, tweet.author_id or None, seen))
    return signals


def _v2_post(tweet: _Tweet, users: dict[str, _User], seen: datetime.datetime) -> Signal:
    metrics, item = tweet.public_metrics or _Metrics(), str(tweet.id)
    name = users[tweet.author_id].username if tweet.author_id in users else ""
    return Signal(
        source="twitter",
        item=_numbered(item),
        kind="post",
        papers=find(tweet.text, *_links(tweet.entities)),
        actor=tweet.author_id or None,
        made=datetime.datetime.fromisoformat(tweet.created_at) if tweet.created_at else None,
        seen=seen,
        counts={
            "reposts": metrics.retweet_count,
            "likes": metrics.like_count,
            "replies": metrics.reply_count,
            "quotes": metrics.quote_count,
        },
        name=name,
        text=tweet.text,
        url=f"https://twitter.com/{name or 'i'}/status/{item}",
    )


def _repost(item: str, post: Signal, actor: str | None, seen: datetime.datetime) -> Signal:
    return Signal(
        source="twitter",
        item=_numbered(item),
        kind="repost",
        papers=post.papers,
        actor=actor,
        made=seen,
        seen=seen,
        root=post.item,
    )


def _numbered(item: str) -> str:
    if not item.isdigit():
        raise ValueError(f"a tweet's id is a number, not {item[:20]!r}")
    return item


def _actor(user: _User | None) -> str | None:
    return (user.id_str or str(user.id) or user.screen_name or None) if user else None


def _links(entities: _Entities | None) -> list[str]:
    urls = entities.urls if entities else ()
    return [link for url in urls for link in (url.expanded_url, url.unwound_url) if link]


_MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}


@lru_cache(4096)
def _v1_time(text: str) -> datetime.datetime:
    """Read ``Wed Jun 16 09:00:00 +0000 2021``, always in UTC; ``strptime`` would take longer than all the rest."""
    if len(text) != 30 or text[20:25] != "+0000":
        raise ValueError(f"{text[:40]!r} is no time of Twitter's")
    day, hour, minute, second = int(text[8:10]), int(text[11:13]), int(text[14:16]), int(text[17:19])
    return datetime.datetime(int(text[26:]), _MONTHS[text[4:7]], day, hour, minute, second, tzinfo=datetime.UTC)
