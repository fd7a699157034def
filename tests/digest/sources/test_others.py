"""Hacker News, Hugging Face, Reddit, Semantic Scholar, Mastodon and an archive, each with its real shapes."""

import asyncio
import datetime
import gzip
import json

import pytest

from hotpapers.digest.client import Unreachable
from hotpapers.digest.links import Links
from hotpapers.digest.records import Signal
from hotpapers.digest.sources import (
    Archive,
    Gap,
    HackerNews,
    HuggingFace,
    Mastodon,
    MissingKey,
    Note,
    Reddit,
    SemanticScholar,
)

MIDNIGHT = datetime.datetime(2021, 6, 15, tzinfo=datetime.UTC)
STAMP = int(MIDNIGHT.timestamp())


def collect(tools, clock, make, routes, **options):
    async def scenario():
        async with tools.Server(routes) as server:
            found, _ = await tools.collected(make(server.url), clock=clock, **options)
            return found, server

    return asyncio.run(scenario())


def hit(number, **fields):
    return {
        "objectID": str(number),
        "created_at_i": STAMP + number,
        "author": "ann",
        "title": "T",
        "url": None,
    } | fields


def test_hacker_news_is_asked_once_a_site_for_the_whole_day(tools, clock):
    hits = [
        hit(1, url="https://arxiv.org/pdf/2106.07140.pdf", points=120, num_comments=33),
        hit(2, title="GANs [arXiv:2106.06561]", points=None),
        hit(3, url="https://arxiv.org/list/cs.LG/recent"),
    ]
    routes = {"/hn": [tools.Reply({"hits": hits, "nbPages": 1}), tools.Reply({"hits": [], "nbPages": 1})]}
    found, server = collect(tools, clock, lambda url: HackerNews(api=url + "/hn"), routes)
    assert [(each.item, each.papers, each.counts) for each in found] == [
        ("1", ("2106.07140",), {"points": 120, "comments": 33}),
        ("2", ("2106.06561",), {"points": 0, "comments": 0}),
    ]
    assert found[0].url == "https://news.ycombinator.com/item?id=1"
    assert found[0].made == MIDNIGHT + datetime.timedelta(seconds=1)
    assert len(server.requests) == 3
    assert server.requests[0].query["numericFilters"] == f"created_at_i>={STAMP},created_at_i<{STAMP + 86400}"


def test_more_stories_than_are_shown_are_a_gap(tools, clock):
    routes = {"/hn": tools.Reply({"hits": [], "nbPages": 2})}
    found, _ = collect(tools, clock, lambda url: HackerNews(api=url + "/hn", sites=("arxiv.org",)), routes)
    assert [type(each) for each in found] == [Gap]


@pytest.mark.parametrize("nonsense", ["<html>", [], {"hits": [{"objectID": 3}], "nbPages": 1}, "null"])
def test_another_shape_than_was_told_is_nonsense_in_one_line(tools, clock, nonsense):
    with pytest.raises(Unreachable, match=r"^127\.0\.0\.1:\d+: nonsense: [^\n]+$"):
        collect(tools, clock, lambda url: HackerNews(api=url + "/hn"), {"/hn": tools.Reply(nonsense)})


def test_hugging_face_lists_the_day_with_votes_page_by_page(tools, clock):
    entry = {
        "paper": {
            "id": "2106.07140", "title": "SinIR", "upvotes": 41, "githubStars": 9, "authors": [{"name": "A"}],
            "submittedOnDailyAt": "2021-06-15T03:00:00.000Z",
        },
        "title": "SinIR", "publishedAt": "2021-06-14T00:00:00.000Z", "numComments": 2,
        "submittedOnDailyBy": {"name": "ann", "fullname": "Ann"},
    }  # fmt: skip
    full = [entry] * 99 + [{"paper": {"id": "not-arxiv"}}]
    routes = {"/api": [tools.Reply(full), tools.Reply([entry | {"submittedOnDailyBy": None}])]}
    found, server = collect(tools, clock, lambda url: HuggingFace(api=url + "/api"), routes)
    assert len(found) == 100
    assert found[0].counts == {"upvotes": 41, "comments": 2, "stars": 9}
    assert (found[0].actor, found[0].name, found[-1].actor) == ("ann", "Ann", None)
    assert found[0].made == MIDNIGHT + datetime.timedelta(hours=3)
    assert [request.query["p"] for request in server.requests] == ["0", "1"]
    assert server.requests[0].query["date"] == "2021-06-15"


def child(number, hours, **fields):
    data = {
        "name": f"t3_{number}", "created_utc": STAMP + hours * 3600.0, "title": "T", "author": "ann", "score": 12,
        "subreddit": "MachineLearning", "permalink": f"/r/MachineLearning/comments/{number}/", "num_comments": 4,
        "url": "https://arxiv.org/abs/2106.07140", "upvote_ratio": 0.97,
    }  # fmt: skip
    return {"kind": "t3", "data": data | fields}


def listing(*children, after=None):
    return {"kind": "Listing", "data": {"children": list(children), "after": after}}


KEYS = {"REDDIT_CLIENT_ID": "me", "REDDIT_CLIENT_SECRET": "pass"}


def test_reddit_is_read_back_to_the_days_beginning_with_a_token_of_its_own(tools, clock):
    pages = [
        listing(child(1, 30), child(2, 20), after="t3_2"),
        listing(child(3, 10, author="[deleted]", removed_by_category="moderator"), child(4, -1), after="t3_4"),
    ]
    routes = {"/token": tools.Reply({"access_token": "abc"}), "/search": [tools.Reply(page) for page in pages]}
    make = lambda url: Reddit(token=url + "/token", api=url + "/search", sites=("arxiv.org",))  # noqa: E731
    found, server = collect(tools, clock, make, routes, environment=KEYS)
    assert [(each.item, each.kind, each.actor) for each in found] == [
        ("t3_2", "story", "ann"),
        ("t3_3", "deletion", None),
    ]
    assert found[0].counts == {"score": 12, "comments": 4}
    token, first, second = server.requests
    assert (token.method, token.headers["authorization"]) == ("POST", "Basic bWU6cGFzcw==")
    assert first.headers["authorization"] == "Bearer abc"
    assert "after" not in first.query
    assert second.query["after"] == "t3_2"


def test_a_reddit_listing_that_ends_within_the_day_is_a_gap(tools, clock):
    page = listing(*[child(number, 20) for number in range(100)])
    routes = {"/token": tools.Reply({"access_token": "abc"}), "/search": tools.Reply(page)}
    make = lambda url: Reddit(token=url + "/token", api=url + "/search", sites=("arxiv.org",))  # noqa: E731
    found, _ = collect(tools, clock, make, routes, environment=KEYS)
    assert isinstance(found[-1], Gap)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (Reddit(), "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET"),
        (SemanticScholar(), "SEMANTIC_SCHOLAR_API_KEY"),
        (Archive(), "files"),
    ],
)
def test_a_source_without_its_key_says_which_it_is(tools, clock, source, names):
    with pytest.raises(MissingKey, match=names):
        collect(tools, clock, lambda url: source, {})


def test_semantic_scholar_is_asked_in_batches_for_the_papers_of_the_listing(tools, clock):
    def answer(request):
        ids = json.loads(request.body)["ids"]
        counts = {"ARXIV:2106.00001": 5, "ARXIV:2106.00003": 0}
        records = [{"paperId": "p", "citationCount": counts[each]} if each in counts else None for each in ids]
        return tools.Reply(records)

    papers = ["2106.00001", "2106.00002", "2106.00003"]
    make = lambda url: SemanticScholar(api=url + "/batch", batch=2)  # noqa: E731
    key = {"SEMANTIC_SCHOLAR_API_KEY": "k"}
    found, server = collect(tools, clock, make, {"/batch": answer}, papers=papers, environment=key)
    assert [(each.item, each.counts["citations"]) for each in found] == [("2106.00001", 5), ("2106.00003", 0)]
    assert [request.headers["x-api-key"] for request in server.requests] == ["k", "k"]
    found, _ = collect(tools, clock, make, {"/batch": tools.Reply([None])}, papers=papers, environment=key)
    assert any(isinstance(each, Note) and "1 answers to 2" in each for each in found)


def toot(number, hours, text="", **fields):
    return {
        "id": str((int((STAMP + hours * 3600) * 1000) << 16) + number),
        "uri": f"https://m.example/users/ann/statuses/{number}",
        "url": f"https://m.example/@ann/{number}",
        "created_at": (MIDNIGHT + datetime.timedelta(hours=hours)).isoformat().replace("+00:00", "Z"),
        "account": {"url": "https://m.example/@ann", "acct": "ann", "display_name": "Ann"},
        "content": f'<p>Look <a href="https://arxiv.org/abs/2106.07140?a=1&amp;b=2">arxiv.org/…</a> {text}</p>',
        "reblogs_count": 3, "favourites_count": 8, "replies_count": 1, "card": None, "reblog": None, "edited_at": None,
    } | fields  # fmt: skip


def mastodon(url):
    return Mastodon(server=url, tags=("arxiv",), search=("arxiv.org",))


TIMELINE, STATUSES = "/api/v1/timelines/tag/arxiv", "/api/v1/statuses"


def test_mastodon_pages_through_the_day_and_folds_boosts_into_their_original(tools, clock):
    original = toot(5, 2, content="<p>no link</p>", card={"url": "https://huggingface.co/papers/2106.06561"})
    boost = toot(6, 21, content="", reblog=original) | {"account": {"url": "https://b.example/@bob", "acct": "bob@b"}}
    pages = [[toot(7, 23), boost], [toot(8, 1, content="<p>arXiv is down</p>"), toot(9, -1)]]
    routes = {TIMELINE: [tools.Reply(page) for page in pages], STATUSES: tools.Reply([])}
    found, server = collect(tools, clock, mastodon, routes)
    signals = [each for each in found if isinstance(each, Signal)]
    assert [(each.kind, each.item.rpartition("/")[2], each.papers) for each in signals] == [
        ("post", "7", ("2106.07140",)), ("post", "5", ("2106.06561",)), ("repost", "6", ("2106.06561",)),
    ]  # fmt: skip
    assert signals[0].counts == {"reposts": 3, "likes": 8, "replies": 1}
    assert signals[2].root == signals[1].item
    assert signals[2].actor == "https://b.example/@bob"
    assert signals[2].counts == {}
    first, second = server.asked(TIMELINE)
    assert int(first.query["max_id"]) == int((STAMP + 86400) * 1000) << 16
    assert int(second.query["max_id"]) == int(boost["id"])
    assert "MASTODON_ACCESS_TOKEN" in next(each for each in found if isinstance(each, Note))


def test_edited_and_deleted_toots_are_seen_again(tools, clock, tmp_path):
    first = {TIMELINE: [tools.Reply([toot(1, 20), toot(2, 19), toot(3, 18)]), tools.Reply([])]}
    collect(tools, clock, mastodon, first, folder=tmp_path)
    edited = toot(1, 20, content="<p>now without</p>", favourites_count=9, edited_at="2021-06-16T00:00:00Z")
    later = {TIMELINE: tools.Reply([]), STATUSES: tools.Reply([edited, toot(2, 19, favourites_count=50)])}
    found, server = collect(tools, clock, mastodon, later, folder=tmp_path)
    signals = {each.item.rpartition("/")[2]: each for each in found if isinstance(each, Signal)}
    assert {name: each.kind for name, each in signals.items()} == {"1": "post", "2": "post", "3": "deletion"}
    assert signals["1"].papers == ()
    assert signals["2"].counts["likes"] == 50
    assert len([pair for pair in server.asked(STATUSES)[0].pairs if pair[0] == "id[]"]) == 3
    # The deleted one is not asked for again, and an older server that cannot answer only costs a remark.
    found, server = collect(tools, clock, mastodon, {TIMELINE: tools.Reply([])}, folder=tmp_path)
    assert [each for each in found if isinstance(each, Signal)] == []
    assert len([pair for pair in server.asked(STATUSES)[0].pairs if pair[0] == "id[]"]) == 2
    assert any("404" in each for each in found)


def test_mastodons_search_is_used_where_a_token_allows_it(tools, clock):
    routes = {TIMELINE: tools.Reply([]), "/api/v2/search": tools.Reply({"statuses": [toot(1, 3), toot(2, 40)]})}
    found, server = collect(tools, clock, mastodon, routes, environment={"MASTODON_ACCESS_TOKEN": "t"})
    assert [each.item.rpartition("/")[2] for each in found] == ["1"]
    assert server.asked("/api/v2/search")[0].headers["authorization"] == "Bearer t"


def test_short_links_are_followed_only_through_the_file(tools, clock, tmp_path):
    kept = tmp_path / "links.jsonl"
    kept.write_text(
        '{"short":"https://bit.ly/a","long":"https://t.co/b"}\n{"short":"https://t.co/b","long":"https://arxiv.org/abs/2106.07140"}\n{"sho'
    )
    links = Links(kept)
    hits = [hit(1, url="https://bit.ly/a"), hit(2, url="https://bit.ly/new")]
    routes = {"/hn": tools.Reply({"hits": hits, "nbPages": 1})}
    make = lambda url: HackerNews(api=url + "/hn", sites=("arxiv.org",))  # noqa: E731
    found, _ = collect(tools, clock, make, routes, links=links)
    assert [each.papers for each in found] == [("2106.07140",)]
    assert list(links.unknown) == ["https://bit.ly/new"]


def test_an_archive_gives_the_days_posts_of_every_shape_even_compressed(tools, clock, tmp_path):
    status = {
        "created_at": "Tue Jun 15 09:00:00 +0000 2021", "id_str": "9", "text": "arXiv:2106.07140",
        "user": {"id_str": "1", "screen_name": "ann"},
        "retweet_count": 3, "favorite_count": 4, "entities": {"urls": []},
    }  # fmt: skip
    late = status | {"id_str": "10", "created_at": "Wed Jun 16 00:00:00 +0000 2021"}
    tweet = {
        "data": {"id": "11", "author_id": "2", "text": "arXiv:2106.06561", "created_at": "2021-06-15T10:00:00.000Z"}
    }
    lines = [json.dumps(each) for each in (status, late, tweet)] + ["arXiv, but no JSON", '{"arxiv": 1}']
    with gzip.open(tmp_path / "dump.jsonl.gz", "wt") as dump:
        dump.write("\n".join(lines))
    found, _ = collect(tools, clock, lambda url: Archive(files=(str(tmp_path / "dump.jsonl.gz"),)), {})
    assert [(each.item, each.papers) for each in found[:2]] == [("9", ("2106.07140",)), ("11", ("2106.06561",))]
    assert found[2] == "2 lines are no posts"


def test_a_shortener_is_asked_only_when_told_to_and_its_answer_is_kept(tmp_path):
    class Shorteners:
        asked: list = []  # noqa: RUF012

        async def location(self, url):
            self.asked.append(url)
            return {"https://bit.ly/a": "https://t.co/b", "https://t.co/b": "https://arxiv.org/abs/2106.07140"}.get(url)

    links, client = Links(tmp_path / "links.jsonl"), Shorteners()
    assert links.expanded("https://bit.ly/a") == "https://bit.ly/a"
    assert client.asked == []
    assert asyncio.run(links.ask(client, "https://bit.ly/a")) == "https://arxiv.org/abs/2106.07140"
    assert asyncio.run(links.ask(client, "https://example.org/x")) == "https://example.org/x"
    assert client.asked == ["https://bit.ly/a", "https://t.co/b"]
    assert Links(tmp_path / "links.jsonl").expanded("https://bit.ly/a") == "https://arxiv.org/abs/2106.07140"
