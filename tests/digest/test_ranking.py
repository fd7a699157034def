"""Rankings: the blog's rule and its fault, the fault mended, and one scale for all networks. Always the same order."""

import datetime
import random

import msgspec
import pytest

from hotpapers.digest.post import read_post
from hotpapers.digest.publish.markdown import publish
from hotpapers.digest.rank import METHODS, classic, folded, rank, rank_day
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.store import open_store

DAY = datetime.date(2021, 6, 15)
NOON = datetime.datetime(2021, 6, 15, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


def paper(number: int, **told) -> Paper:
    usual = {"title": f"T{number}", "authors": ("A",), "announced": DAY, "categories": ("cs.LG",)}
    return Paper(arxiv=f"2106.{number:05}", **{**usual, **told})


def post(item: str, number: int = 1, **told) -> Signal:
    usual = {"source": "twitter", "kind": "post", "papers": (f"2106.{number:05}",), "made": NOON, "seen": NOON + HOUR}
    return Signal(item=item, **{**usual, **told})


def ranking(papers, signals, method, as_of=NOON + 2 * HOUR):
    return rank(papers, signals, method=method, as_of=as_of, days=(DAY, DAY))


RETWEETED = [
    post("o", counts={"reposts": 354, "likes": 0}),
    *(post(f"r{n}", kind="repost", root="o", counts={"reposts": 354, "likes": 0}) for n in range(100)),
]


def test_the_blogs_rule_counts_an_original_once_for_each_retweet_and_folding_once():
    assert ranking([paper(1)], RETWEETED[1:], "classic").entries[0].score == 35_400
    assert ranking([paper(1)], RETWEETED, "folded").entries[0].score == 354
    assert ranking([paper(1)], RETWEETED[1:], "folded").entries[0].score == 354


def test_reposts_that_tell_no_count_count_themselves():
    reposts = [post(f"r{n}", kind="repost", papers=(), root="o", source="bluesky") for n in range(60)]
    likes = [post(f"l{n}", kind="like", papers=(), root="o", source="bluesky") for n in range(7)]
    parts = folded.parts([post("o", source="bluesky", counts={"likes": 5}), *reposts, *likes])
    assert [(part.name, part.value) for part in parts] == [("reposts", 60), ("likes", 7)]


@pytest.mark.parametrize("reposts", [0, 1, 99, 100, 101, 35_384])
def test_a_sum_is_unfolded_to_the_least_that_it_can_come_from(reposts):
    least = folded.unfolded(reposts, NOON)
    assert (least - 1) * 100 < reposts <= least * 100 or reposts == least == 0
    before_the_fault = datetime.datetime(2020, 9, 17, tzinfo=datetime.UTC)
    assert folded.unfolded(reposts, before_the_fault) == reposts


def test_papers_from_50_on_are_listed_ties_in_reverse_order_of_the_listing():
    papers = [paper(n, position=place) for n, place in [(1, 2), (2, 0), (3, 1), (4, 3), (5, 4)]]
    scores = {1: 50, 2: 50, 3: 50, 4: 49, 5: 80}
    listed = ranking(papers, [post(f"p{n}", n, counts={"likes": s}) for n, s in scores.items()], "classic")
    assert [int(each.paper.arxiv[5:]) for each in listed.entries] == [5, 1, 3, 2]


def test_where_the_listing_is_not_known_cross_lists_and_older_papers_come_first_in_a_tie():
    papers = [
        paper(4),
        paper(3),
        paper(9, categories=("math.OC", "cs.LG")),
        paper(1, categories=("stat.ML",)),
        paper(8, categories=("math.ST", "stat.ML")),
    ]
    signals = [post(each.arxiv, int(each.arxiv[5:]), counts={"likes": 50}) for each in papers]
    assert [int(each.paper.arxiv[5:]) for each in ranking(papers, signals, "classic").entries] == [8, 1, 9, 3, 4]


def test_ten_posts_are_cut_off_before_repeats_are_left_out():
    retweets = [post(f"r{n}", kind="repost", root="o", counts={"reposts": 90}) for n in range(9)]
    others = [post("a", counts={"likes": 80}), post("b", counts={"likes": 70}), post("c", counts={"likes": 24})]
    shown = classic.shown([post("o", counts={"reposts": 20}), *retweets, *others])
    assert [each.item for each in shown] == ["o", "a"]
    assert [each.item for each in classic.shown(others)] == ["a", "b"]


def crowd(count: int, minutes: float, number: int = 1, **told) -> list[Signal]:
    made = [NOON + datetime.timedelta(minutes=minutes * place) for place in range(count)]
    return [post(f"{number}-{n}", number, actor=f"{number}-{n}", made=at, seen=at, **told) for n, at in enumerate(made)]


FIELD = [paper(number) for number in range(1, 25)]


def modern_score(signals: list[Signal], number: int = 1, as_of=NOON + 24 * HOUR) -> float:
    listed = {each.paper.arxiv: each.score for each in ranking(FIELD, signals, "modern", as_of).entries}
    return listed[f"2106.{number:05}"]


def test_one_account_has_one_voice():
    one = modern_score([post("a", actor="x", counts={"likes": 9})])
    assert modern_score([post(f"a{n}", actor="x", counts={"likes": 9}) for n in range(50)]) == one


def test_who_posts_every_paper_is_heard_less():
    alone = modern_score([post("a", actor="x")])
    everywhere = modern_score([post(f"a{n}", n, actor="x") for n in range(1, 25)])
    assert everywhere < alone


def test_a_burst_of_accounts_is_worth_less_than_people_over_a_day():
    burst, people = crowd(60, 0.1), crowd(60, 12)
    assert modern_score(burst, as_of=NOON + 13 * HOUR) < modern_score(people, as_of=NOON + 13 * HOUR)
    assert modern_score(crowd(1000, 0.005)) < modern_score(crowd(40, 15))


def test_attention_fades():
    signals = crowd(5, 1)
    scores = [modern_score(signals, as_of=NOON + days * 24 * HOUR) for days in range(1, 6)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 5


def test_more_is_never_less():
    for likes in (0, 1, 10, 1000):
        few, more = ([post("a", actor="x", counts={"likes": n})] for n in (likes, likes + 1))
        assert modern_score(more) > modern_score(few) > 0


def test_a_network_with_large_numbers_does_not_drown_the_others():
    large = [post(f"h{n}", n, source="hackernews", kind="story", counts={"points": 900 + n}) for n in range(1, 13)]
    small = [post("m", 20, source="mastodon", actor="x", counts={"likes": 40})]
    scores = {each.paper.arxiv: each.score for each in ranking(FIELD, large + small, "modern").entries}
    assert scores["2106.00020"] > scores["2106.00012"]


def signals_of_a_day() -> list[Signal]:
    chance = random.Random(1)
    signals = [
        post(
            f"p{n}",
            chance.randint(1, 24),
            actor=f"a{chance.randint(1, 30)}",
            source=chance.choice(["twitter", "bluesky"]),
            made=NOON - n * HOUR / 7,
            counts={"likes": chance.choice([0, 5, 50]), "reposts": chance.choice([0, 45])},
        )
        for n in range(60)
    ]
    return signals + [
        post(f"r{n}", papers=(), kind="repost", root=f"p{n % 9}", source=signals[n % 9].source) for n in range(20)
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_thousand_shuffles_give_one_edition(method):
    signals, papers = signals_of_a_day(), list(FIELD)
    editions, chance = set(), random.Random(0)
    for _ in range(1000 if method == "classic" else 100):
        chance.shuffle(signals)
        chance.shuffle(papers)
        editions.add(msgspec.json.encode(ranking(papers, signals, method)))
    assert len(editions) == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_score_is_the_sum_that_it_is_shown_as(method):
    edition = ranking(FIELD, signals_of_a_day(), method)
    assert edition.entries
    for entry in edition.entries:
        assert entry.score == pytest.approx(sum(part.value for part in entry.parts), abs=1e-15)
    assert [each.rank for each in edition.entries] == list(range(1, len(edition.entries) + 1))
    scores = [each.score for each in edition.entries]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("method", METHODS)
def test_a_past_moment_is_ranked_the_same_to_the_bit_after_more_was_seen(method):
    signals = signals_of_a_day()
    then = NOON + HOUR
    with open_store("sqlite://") as store:
        store.add_papers(FIELD, NOON)
        store.add_signals(signals)
        before = msgspec.json.encode(rank_day(store, DAY, method=method, as_of=then))
        later = {"made": NOON, "seen": then + HOUR, "counts": {"likes": 9999}}
        store.add_signals([msgspec.structs.replace(each, **later) for each in signals])
        store.add_papers([paper(77)], then + HOUR)
        assert msgspec.json.encode(rank_day(store, DAY, method=method, as_of=then)) == before
        assert msgspec.json.encode(rank_day(store, DAY, method=method)) != before


URL = "https://twitter.com/ak/status/1404614429023539201"


def test_collected_days_are_written_in_the_blogs_format():
    hostile = {"text": "a < b\n<script>x</script>", "name": 'A "B" </p>', "html": "<script>y</script>"}
    signals = [
        post("a", source="bluesky", actor="did:plc:x", url='https://x/"><b>', counts={"likes": 60}, **hostile),
        post("1404614429023539201", 2, actor="ak", text="π", counts={"likes": 55}, url=URL),
    ]
    papers = [paper(1, title="T\nx", abstract="One\ntwo."), paper(2)]
    written = publish(ranking(papers, signals, "folded")).decode()
    assert "# 1. T x\n" in written
    assert "One two.\n" in written
    assert "<script>x" not in written
    assert "<script>y" not in written
    assert "<b>" not in written
    plain, problems = read_post(publish(ranking(papers, signals[1:], "folded")).decode())
    assert problems == []
    assert plain.entries[0].embeds[0].text == "π"
    assert (plain.name, plain.entries[0].favourites) == ("2021-06-15", 55)
