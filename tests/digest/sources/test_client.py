import asyncio
import datetime
import gzip
import json
import random

import pytest

from hotpapers.digest.client import Client, Pace, Patience, Unreachable


def ask(server_routes, tools, clock, *, times=1, path="/x", patience=Patience(answer=2.0), **options):  # noqa: B008
    """Fetch ``path`` as JSON so many times; return the answers, or the one error, and the server."""

    async def scenario():
        async with tools.Server(server_routes) as server:
            client = Client(clock=clock, patience=patience, chance=random.Random(0), **options)
            async with client:
                answers = [await client.fetch(server.url + path, json.loads) for _ in range(times)]
            return answers, server

    return asyncio.run(scenario())


def test_arxiv_is_asked_once_in_three_seconds_and_by_one_connection_whichever_host_it_is(tools, clock):
    async def scenario():
        async with tools.Server({"/x": tools.Reply({})}) as one, tools.Server({"/x": tools.Reply({})}) as two:
            async with Client(clock=clock) as client:
                urls = [one.url, two.url] * 3
                await asyncio.gather(*(client.fetch(f"{url}/x", json.loads, lane="arxiv") for url in urls))
            return one.most_at_once, len(one.requests) + len(two.requests)

    assert asyncio.run(scenario()) == (1, 6)
    assert clock.monotonic() == pytest.approx(15.0)


def test_a_bucket_lets_a_burst_through_and_then_one_at_a_time(tools, clock):
    async def scenario():
        async with tools.Server({"/x": tools.Reply({})}) as server:
            lane = server.url.removeprefix("http://")
            async with Client(clock=clock, paces={lane: Pace(2.0, burst=3)}) as client:
                at = []
                for _ in range(5):
                    await client.fetch(server.url + "/x", json.loads)
                    at.append(clock.monotonic())
                return at

    assert asyncio.run(scenario()) == pytest.approx([0, 0, 0, 2, 4])


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept_to_in_both_its_forms(tools, clock, form):
    then = (tools.NOON + datetime.timedelta(seconds=40)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    tired = tools.Reply(status=429, headers={"Retry-After": "40" if form == "seconds" else then})
    answers, server = ask({"/x": [tired, tools.Reply({"a": 1})]}, tools, clock)
    assert answers == [{"a": 1}]
    assert len(server.requests) == 2
    assert clock.monotonic() == pytest.approx(40, abs=1)


def test_who_asks_to_wait_for_an_hour_is_left_alone(tools, clock):
    with pytest.raises(Unreachable, match="HTTP 429, asks to wait 3600 s"):
        ask({"/x": tools.Reply(status=429, headers={"Retry-After": "3600"})}, tools, clock)
    assert clock.monotonic() == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"status": 500},
        {"status": 503, "headers": {"Retry-After": "soon"}},
        {"body": '{"a": [1, 2', "status": 200},
        {"body": {"a": [1] * 50}, "fault": "truncate"},
        {"fault": "drop"},
    ],
    ids=["500", "503", "malformed", "truncated", "dropped"],
)
def test_what_may_pass_is_asked_again_with_growing_waits_and_then_given_up(tools, clock, bad):
    good = tools.Reply({"a": 1})
    answers, _ = ask({"/x": [tools.Reply(**bad), tools.Reply(**bad), good]}, tools, clock)
    assert answers == [{"a": 1}]
    first, second = clock.slept
    assert 0.5 <= first <= 1.0 <= second <= 2.0
    again = tools.StillClock()
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        ask({"/x": tools.Reply(**bad)}, tools, again, patience=Patience(tries=9, longest_wait=20, answer=2.0))
    assert len(again.slept) == 8
    assert max(again.slept) <= 20
    assert min(again.slept[-3:]) >= 10


def test_what_does_not_pass_is_not_asked_again(tools, clock):
    with pytest.raises(Unreachable, match="HTTP 403"):
        ask({"/x": tools.Reply(status=403)}, tools, clock)
    assert clock.slept == []


def test_a_slow_drip_ends_with_the_patience_for_one_answer(tools, clock):
    with pytest.raises(Unreachable, match=r"no whole answer in 0\.1 s"):
        ask({"/x": tools.Reply("[" + " " * 500 + "]", fault="drip")}, tools, clock, patience=Patience(2, answer=0.1))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip bomb"])
def test_an_answer_beyond_the_limit_is_refused_before_it_is_whole(tools, clock, packed):
    raw = b"[" + b" " * 5_000_000 + b"]"
    headers = {"Content-Encoding": "gzip"} if packed else {}
    body = gzip.compress(raw) if packed else raw

    async def scenario():
        async with tools.Server({"/x": tools.Reply(body, headers=headers)}) as server, Client(clock=clock) as client:
            await client.fetch(server.url + "/x", json.loads, limit=1_000_000)

    with pytest.raises(Unreachable, match="more than 1,000,000 bytes"):
        asyncio.run(scenario())
    assert clock.slept == []


def test_what_has_not_changed_is_not_sent_again(tools, clock, tmp_path):
    def answer(request):
        if request.headers.get("if-none-match") == '"one"' and request.headers.get("if-modified-since") == "Tue":
            return tools.Reply(status=304)
        return tools.Reply({"a": 1}, headers={"ETag": '"one"', "Last-Modified": "Tue"})

    async def scenario():
        async with tools.Server({"/x": answer}) as server:
            got = []
            for _ in range(2):  # the second client finds what the first one kept
                async with Client(clock=clock, memory=tmp_path) as client:
                    got.append(await client.fetch(server.url + "/x", json.loads, remember=True))
            return got, server.requests

    got, requests = asyncio.run(scenario())
    assert got == [{"a": 1}, {"a": 1}]
    assert "if-none-match" not in requests[0].headers
    assert requests[1].headers["if-none-match"] == '"one"'


def test_where_a_short_link_leads_is_asked_without_going_there(tools, clock):
    async def scenario():
        routes = {"/s": tools.Reply(status=301, headers={"Location": "https://arxiv.org/abs/2106.07140"})}
        async with tools.Server(routes) as server, Client(clock=clock) as client:
            return await client.location(server.url + "/s"), await client.location(server.url + "/none"), server

    there, nowhere, server = asyncio.run(scenario())
    assert (there, nowhere) == ("https://arxiv.org/abs/2106.07140", None)
    assert [request.method for request in server.requests] == ["HEAD", "HEAD"]


@pytest.mark.parametrize("url", ["gopher://x/", "http://[::1/", "http://127.0.0.1:1/"])
def test_an_address_that_nobody_answers_at_is_told_in_a_line(url, clock):
    async def scenario():
        async with Client(clock=clock) as client:
            await client.fetch(url, json.loads)

    with pytest.raises(Unreachable) as told:
        asyncio.run(scenario())
    assert "\n" not in str(told.value)
