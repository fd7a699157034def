import asyncio
import datetime

import pytest

from hotpapers.digest.records import Signal
from hotpapers.digest.sources import Bluesky, Gap, Note

BEGIN = int(datetime.datetime(2021, 6, 15, tzinfo=datetime.UTC).timestamp() * 1e6)
POST = "app.bsky.feed.post"
LINK = "https://arxiv.org/abs/2106.07140v2"


def event(second, rkey, record=None, *, collection=POST, operation="create", did="did:plc:a"):
    commit = {"operation": operation, "collection": collection, "rkey": rkey}
    if record is not None:
        commit |= {"record": {"$type": collection, "createdAt": "2021-06-15T00:00:00Z"} | record, "cid": "x"}
    return {"did": did, "time_us": BEGIN + int(second * 1e6), "kind": "commit", "commit": commit}


def post(second, rkey, text="", link="", **options):
    facets = [{"features": [{"$type": "app.bsky.richtext.facet#link", "uri": link}], "index": {}}] if link else []
    return event(second, rkey, {"text": text, "facets": facets}, **options)


def vote(second, rkey, subject, kind="like", did="did:plc:b"):
    record = {"subject": {"uri": f"at://did:plc:a/{POST}/{subject}", "cid": "x"}}
    return event(second, rkey, record, collection=f"app.bsky.feed.{kind}", did=did)


def gone(second, rkey, kind="post", did="did:plc:a"):
    return event(second, rkey, collection=f"app.bsky.feed.{kind}", operation="delete", did=did)


OTHERS = [
    {"did": "did:plc:z", "time_us": BEGIN + 1, "kind": "identity", "identity": {"did": "did:plc:z"}},
    {"did": "did:plc:z", "time_us": BEGIN + 2, "kind": "account", "account": {"active": True}},
]
END = post(86_400, "tomorrow", link=LINK)


def shown(request, tools, missing=()):
    uris = [value for name, value in request.pairs if name == "uris"]
    assert len(uris) <= 25
    return tools.Reply({
        "posts": [
            {
                "uri": uri,
                "author": {"did": "did:plc:a", "handle": "ann.example"},
                "record": {"text": "see", "createdAt": "2021-06-15T00:00:00Z"},
                "likeCount": 7,
                "repostCount": 2,
            }
            for uri in uris
            if uri.rpartition("/")[2] not in missing
        ]
    })  # fmt: skip


def listen(
    tools, clock, events, *, day=None, folder=None, missing=(), routes=None, environment=None, stream=None, **settings
):
    async def scenario():
        answers = {"/app.bsky.feed.getPosts": lambda request: shown(request, tools, missing)} | (routes or {})
        async with stream or tools.Stream(events) as jet, tools.Server(answers) as server:
            source = Bluesky(stream=jet.url, api=server.url, login=server.url, **({"silence": 0.3} | settings))
            found, _ = await tools.collected(
                source, clock=clock, day=day or tools.DAY, folder=folder, environment=environment
            )
            return found, jet, server

    return asyncio.run(scenario())


@pytest.fixture
def clock(tools):
    return tools.StillClock(datetime.datetime(2021, 6, 16, 3, tzinfo=datetime.UTC))


def told(found):
    return [(each.kind, each.item.rpartition("/")[2]) for each in found if isinstance(each, Signal)]


def test_posts_that_name_a_paper_are_kept_with_what_the_network_counts(tools, clock):
    card = event(3, "card", {"text": "", "embed": {"external": {"uri": "https://huggingface.co/papers/2106.07140"}}})
    events = [
        *OTHERS,
        post(1, "facet", "look", LINK),
        post(2, "no", "arXiv is down"),
        card,
        post(4, "said", "arXiv:2106.07140"),
        END,
    ]
    found, _, _ = listen(tools, clock, events)
    assert told(found) == [("post", name) for name in ("facet", "card", "said") * 2]
    assert {each.papers for each in found} == {("2106.07140",)}
    assert found[0].seen == datetime.datetime(2021, 6, 15, 0, 0, 1, tzinfo=datetime.UTC)
    assert found[0].counts == {}
    assert found[-1].counts == {"likes": 7, "reposts": 2, "replies": 0, "quotes": 0}
    assert found[-1].url == "https://bsky.app/profile/did:plc:a/post/said"


def test_a_like_and_its_undoing_an_edit_and_a_deletion_are_all_told(tools, clock):
    events = [
        post(1, "one", link=LINK),
        vote(2, "like", "one"),
        vote(3, "other", "not-of-a-paper"),
        vote(4, "boost", "one", "repost"),
        gone(5, "like", "like", did="did:plc:b"),
        post(6, "one", "now without", operation="update"),
        gone(7, "one"),
        gone(8, "never-heard-of"),
        END,
    ]
    found, _, _ = listen(tools, clock, events)
    assert told(found) == [
        ("post", "one"), ("like", "like"), ("repost", "boost"), ("deletion", "like"),
        ("post", "one"), ("deletion", "one"),
    ]  # fmt: skip
    like, undone, edited = found[1], found[3], found[4]
    assert like.root == undone.root == f"at://did:plc:a/{POST}/one"
    assert like.actor == "did:plc:b"
    assert edited.papers == ()


def test_a_dropped_socket_goes_on_from_the_last_event_and_tells_nothing_twice(tools, clock):
    events = [post(second * 10, f"p{second}", link=LINK) for second in range(1, 8)] + [END]
    stream = tools.Stream(events, breaks=[3, 4])
    found, jet, _ = listen(tools, clock, events, stream=stream)
    names = [name for _, name in told(found)]
    assert names[:7] == [f"p{second}" for second in range(1, 8)]
    assert len(names) == 14  # and once more with counts
    assert jet.cursors == [BEGIN, BEGIN + 25_000_000, BEGIN + 55_000_000]  # five seconds before the last one heard


@pytest.mark.parametrize("then", ["close", "hang"])
def test_a_stream_that_brings_nothing_new_is_given_up_and_what_it_gave_is_kept(tools, clock, then, tmp_path):
    stream = tools.Stream([post(1, "one", link=LINK)], then=then)
    found, jet, _ = listen(tools, clock, [], stream=stream, folder=tmp_path, tries=2, silence=0.1)
    assert told(found) == [("post", "one"), ("post", "one")]
    assert any(isinstance(each, Gap) and "heard until 2021-06-15 00:00:01" in each for each in found)
    assert len(jet.cursors) == 3
    # The next collection goes on from there and hears of the vote for what was kept.
    more = tools.Stream([post(1, "one", link=LINK), vote(2, "like", "one"), END])
    found, jet, _ = listen(tools, clock, [], stream=more, folder=tmp_path)
    assert jet.cursors == [BEGIN + 1_000_000]
    assert told(found) == [("like", "like"), ("post", "one")]
    # And the one after that has nothing to hear: only the counts are asked for again.
    found, jet, _ = listen(tools, clock, [], stream=tools.Stream([]), folder=tmp_path)
    assert jet.cursors == []
    assert told(found) == [("post", "one")]


def test_a_day_before_what_was_heard_is_heard_as_well_and_nothing_twice(tools, clock, tmp_path):
    """Today first, then the day before: that it was not heard must not be taken for quiet."""
    yesterday = tools.DAY - datetime.timedelta(days=1)
    events = [post(-86_400, "no"), post(-3600, "eve", link=LINK), post(1, "one", link=LINK), END]
    found, jet, _ = listen(tools, clock, events, folder=tmp_path)
    assert told(found) == [("post", "one"), ("post", "one")]
    found, jet, _ = listen(tools, clock, events, folder=tmp_path, day=yesterday)
    assert jet.cursors == [BEGIN - 86_400_000_000]
    assert sorted(told(found)) == [("post", "eve"), ("post", "eve"), ("post", "one")]  # the counts of both
    found, jet, _ = listen(tools, clock, events, folder=tmp_path, day=yesterday)
    assert jet.cursors == []


def test_a_post_that_the_network_no_longer_has_was_deleted(tools, clock):
    found, _, _ = listen(tools, clock, [post(1, "one", link=LINK), post(2, "two", link=LINK), END], missing=["one"])
    assert told(found) == [("post", "one"), ("post", "two"), ("post", "two"), ("deletion", "one")]


def test_events_that_cannot_be_read_are_counted_and_passed_over(tools, clock):
    bad = ["{", '{"did": 3}', '{"did":"x","time_us":"soon"}']
    wrong = event(1, "wrong", {"text": 5})
    found, _, _ = listen(tools, clock, [*bad, wrong, post(2, "one", link=LINK), END])
    assert told(found) == [("post", "one"), ("post", "one")]
    assert "4 events could not be read" in found


def test_a_stream_that_does_not_reach_back_leaves_a_gap_that_the_search_fills_where_it_may(tools, clock):
    events = [post(3600, "late", link=LINK), END]
    found, _, _ = listen(tools, clock, events)
    gap = next(each for each in found if isinstance(each, Gap))
    assert "begins at 2021-06-15 01:00 UTC" in gap
    assert "BLUESKY_HANDLE" in gap

    early = {
        "uri": f"at://did:plc:c/{POST}/early",
        "author": {"did": "did:plc:c"},
        "record": {"text": "arXiv:2106.00001", "createdAt": "rubbish"},
        "likeCount": 3,
    }

    def search(request):
        assert request.headers["authorization"] == "Bearer secret"
        page = {"posts": [early], "cursor": "2"} if "cursor" not in request.query else {"posts": []}
        return tools.Reply(page)

    routes = {
        "/com.atproto.server.createSession": tools.Reply({"accessJwt": "secret"}),
        "/app.bsky.feed.searchPosts": search,
    }
    keys = {"BLUESKY_HANDLE": "ann", "BLUESKY_APP_PASSWORD": "x"}
    found, _, server = listen(tools, clock, events, routes=routes, environment=keys)
    assert not any(isinstance(each, Note) for each in found)
    assert ("post", "early") in told(found)
    assert server.asked("/app.bsky.feed.searchPosts")[0].query["until"].startswith("2021-06-15T01:00")


def test_what_a_stranger_claims_about_time_is_not_believed(tools, clock):
    strange = event(1, "future", {"text": "arXiv:2106.07140", "createdAt": "2999-01-01T00:00:00Z"})
    rubbish = event(2, "rubbish", {"text": "arXiv:2106.07140", "createdAt": "yesterday"})
    found, _, _ = listen(tools, clock, [strange, rubbish, END])
    assert [each.made for each in found[:2]] == [each.seen for each in found[:2]]
