import datetime
import json

import msgspec
import pytest

from hotpapers.digest.posts import NotAPost, signals_of
from hotpapers.digest.records import Signal

WHEN = datetime.datetime(2021, 6, 16, 9, tzinfo=datetime.UTC)


def status(number, text="see", link="", hour=9, reposts=3, likes=5, **more):
    return {
        "created_at": f"Wed Jun 16 {hour:02}:00:00 +0000 2021",
        "id": number,
        "id_str": str(number),
        "text": text,
        "entities": {"urls": [{"url": "https://t.co/x", "expanded_url": link}] if link else []},
        "user": {"id_str": "77", "screen_name": "ann", "verified": False},
        "retweet_count": reposts,
        "favorite_count": likes,
        "favorited": False,
    } | more


def signals(line):
    return signals_of(json.dumps(line).encode())


def test_a_status_of_v1_is_a_post_with_its_counts():
    (post,) = signals(status(1, link="https://arxiv.org/abs/2106.07140v2"))
    assert post == Signal(
        source="twitter", item="1", kind="post", papers=("2106.07140",), actor="77", made=WHEN, seen=WHEN,
        counts={"reposts": 3, "likes": 5}, name="ann", text="see", url="https://twitter.com/ann/status/1",
    )  # fmt: skip


def test_a_retweet_is_a_later_sight_of_its_original_and_a_repost_without_counts_of_its_own():
    original = status(1, link="https://arxiv.org/abs/2106.07140", reposts=354, likes=20)
    retweet = status(2, "RT @ann: see", hour=12, reposts=354, likes=0, retweeted_status=original)
    post, repost = signals(retweet)
    assert (post.item, post.counts, post.seen.hour, post.made.hour) == ("1", {"reposts": 354, "likes": 20}, 12, 9)
    assert (repost.kind, repost.item, repost.root, repost.counts) == ("repost", "2", "1", {})


def test_a_long_status_is_read_to_its_end():
    longer = {
        "full_text": "… and so on arXiv:2106.07140",
        "entities": {"urls": [{"expanded_url": "https://arxiv.org/abs/2106.06561"}]},
    }
    (post,) = signals(status(1, "cut off…", truncated=True, extended_tweet=longer))
    assert post.papers == ("2106.07140", "2106.06561")
    (post,) = signals(status(1, "", full_text="arXiv:2106.07140"))
    assert post.papers == ("2106.07140",)


def tweet(number, text="see", link="", references=(), **metrics):
    entities = {"entities": {"urls": [{"expanded_url": link, "start": 0, "end": 9}]}} if link else {}
    references = {"referenced_tweets": [{"type": kind, "id": str(of)} for kind, of in references]} if references else {}
    metrics = {"retweet_count": 0, "reply_count": 1, "like_count": 0, "quote_count": 2} | metrics
    head = {"id": str(number), "text": text, "author_id": "9", "created_at": "2021-06-16T09:00:00.000Z"}
    return head | {"public_metrics": metrics} | entities | references


def test_a_page_of_v2_gives_its_tweets_with_their_authors_names():
    page = {
        "data": [tweet(1, link="https://arxiv.org/abs/2106.07140", like_count=4), tweet(2, "arXiv is down")],
        "includes": {"users": [{"id": "9", "username": "ann", "name": "Ann"}]},
    }
    (post,) = signals(page)
    assert (post.item, post.name, post.made) == ("1", "ann", WHEN)
    assert post.counts == {"reposts": 0, "likes": 4, "replies": 1, "quotes": 2}
    assert (
        signals({"data": tweet(1, "arXiv:2106.07140")})[0].item == signals(tweet(1, "arXiv:2106.07140"))[0].item == "1"
    )


def test_a_retweet_of_v2_does_not_bring_its_originals_counts_as_its_own():
    retweet = tweet(2, "RT @ann: arXiv:2106.07140", references=[("retweeted", 1)], retweet_count=354)
    original = tweet(1, "arXiv:2106.07140", retweet_count=354, like_count=20)
    post, repost = signals({"data": retweet, "includes": {"tweets": [original]}})
    assert (post.item, post.counts["reposts"], post.counts["likes"]) == ("1", 354, 20)
    assert (repost.kind, repost.root, repost.counts) == ("repost", "1", {})
    (alone,) = signals({"data": retweet})
    assert alone == repost
    (quote,) = signals({"data": tweet(3, "so arXiv:2106.07140", references=[("quoted", 1)])})
    assert (quote.kind, quote.item) == ("post", "3")


def test_an_event_of_jetstream_and_a_signal_of_our_own_are_read_too():
    event = {
        "did": "did:plc:a", "time_us": int(WHEN.timestamp() * 1e6), "kind": "commit",
        "commit": {
            "operation": "create", "collection": "app.bsky.feed.post", "rkey": "r",
            "record": {"text": "arXiv:2106.07140", "createdAt": "2021-06-16T08:00:00Z"},
        },
    }  # fmt: skip
    (post,) = signals(event)
    assert (post.source, post.item, post.seen) == ("bluesky", "at://did:plc:a/app.bsky.feed.post/r", WHEN)
    own = Signal(source="hackernews", item="1", kind="story", papers=("2106.07140",), seen=WHEN, counts={"points": 3})
    assert signals_of(msgspec.json.encode(own)) == [own]


def test_posts_that_name_no_paper_give_nothing():
    assert signals(status(1, "arXiv is down")) == []
    assert signals(status(2, retweeted_status=status(1, "arXiv is down"))) == []


@pytest.mark.parametrize(
    "line",
    [
        b"", b"arXiv", b"[]", b"3", b"null", b'{"arxiv": 1}', b'{"id": 1, "text": "arXiv:2106.07140"}', b"\xff\xfe",
        json.dumps(status(1) | {"created_at": "yesterday"}).encode(),
        json.dumps(status(1) | {"created_at": "Wed Foo 16 09:00:00 +0000 2021"}).encode(),
        json.dumps(status(1) | {"text": 5}).encode(),
        json.dumps(status(1, "arXiv:2106.07140") | {"id_str": "../../etc"}).encode(),
        json.dumps({"data": tweet(1, "arXiv:2106.07140") | {"created_at": "now"}}).encode(),
        json.dumps({"source": "x", "item": "y", "kind": "shout", "seen": "2021-06-16T09:00:00Z"}).encode(),
        b'{"retweeted_status":' * 5000,
    ],
)  # fmt: skip
def test_what_is_no_post_is_said_to_be_none(line):
    with pytest.raises(NotAPost):
        signals_of(line)
