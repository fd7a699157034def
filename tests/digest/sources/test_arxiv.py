import asyncio
import datetime

import pytest

from hotpapers.digest.client import Unreachable
from hotpapers.digest.records import Paper
from hotpapers.digest.sources import Arxiv, ArxivOai, Gap, Note
from hotpapers.digest.sources.arxiv import announced_on, read_listing
from hotpapers.digest.sources.arxiv_oai import authors

UTC = datetime.UTC
ITEM = """<item><title>{title}</title><link>https://arxiv.org/abs/{id}</link>
<description>arXiv:{id}v1 Announce Type: {type}
Abstract: We study $O(d)$
and more.</description><guid isPermaLink="false">oai:arXiv.org:{id}v1</guid><category>cs.LG</category>
<category>stat.ML</category>
<pubDate>Tue, 15 Jun 2021 00:00:00 -0400</pubDate>
<arxiv:announce_type>{type}</arxiv:announce_type>
<dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights><dc:creator>A. One, B. Two</dc:creator></item>"""


def rss(*items, day="Tue, 15 Jun 2021 00:00:00 -0400"):
    listed = "".join(
        ITEM.format(id=identifier, type=kind, title=f"Paper\n  {identifier}") for identifier, kind in items
    )
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
<title>cs updates on arXiv.org</title><pubDate>{day}</pubDate><skipDays><day>Sunday</day></skipDays>
{listed}</channel></rss>"""


def feed(total, *identifiers):
    entries = "".join(
        f"""<entry><id>http://arxiv.org/abs/{each}v2</id><title>Paper {each}</title><summary> Of
 much. </summary><published>2021-06-14T10:00:00Z</published><updated>2021-06-20T10:00:00Z</updated>
<author><name>A. One</name></author><author><name>B. Two</name></author><arxiv:comment>8 pages</arxiv:comment>
<category term="stat.ML"/><category term="cs.LG"/><arxiv:primary_category term="cs.LG"/></entry>"""
        for each in identifiers
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"
xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
<opensearch:totalResults>{total}</opensearch:totalResults>{entries}</feed>"""


def collect(tools, clock, routes, *, day=None, **settings):
    async def scenario():
        async with tools.Server(routes) as server:
            source = Arxiv(rss=server.url + "/rss", api=server.url + "/api", **settings)
            found, _ = await tools.collected(source, clock=clock, day=day or tools.DAY)
            return found, server

    return asyncio.run(scenario())


def test_the_announcement_list_gives_new_papers_and_cross_lists_in_its_order(tools, clock):
    listing = rss(
        ("2106.07140", "new"), ("2106.00009", "replace"), ("math/0309136", "cross"), ("2106.00008", "replace-cross")
    )
    papers, server = collect(tools, clock, {"/rss/cs+stat.ML": tools.Reply(listing)})
    assert [(paper.arxiv, paper.position) for paper in papers] == [("2106.07140", 0), ("math/0309136", 1)]
    assert papers[0] == Paper(
        arxiv="2106.07140",
        title="Paper 2106.07140",
        authors=("A. One", "B. Two"),
        abstract="We study $O(d)$ and more.",
        categories=("cs.LG", "stat.ML"),
        announced=tools.DAY,
        position=0,
        licence="http://creativecommons.org/licenses/by/4.0/",
    )
    assert len(server.requests) == 1


def test_another_day_is_asked_for_by_submission_time_slice_by_slice(tools, clock):
    def api(request):
        start = int(request.query["start"])
        return tools.Reply(feed(3, *[f"2106.0000{number}" for number in (1, 2, 3)][start : start + 2]))

    routes = {"/rss/cs+stat.ML": tools.Reply(rss(day="Wed, 16 Jun 2021 00:00:00 -0400")), "/api": api}
    found, server = collect(tools, clock, routes, slice=2)
    papers = [each for each in found if isinstance(each, Paper)]
    assert [(paper.arxiv, paper.position) for paper in papers] == [(f"2106.0000{n}", n - 1) for n in (1, 2, 3)]
    assert papers[0].categories == ("cs.LG", "stat.ML")
    assert papers[0].submitted == datetime.datetime(2021, 6, 14, 10, tzinfo=UTC)
    assert papers[0].announced == tools.DAY
    assert server.asked("/api")[0].query["search_query"] == (
        "(cat:cs.* OR cat:stat.ML) AND submittedDate:[202106111800 TO 202106141800]"
    )
    assert clock.monotonic() == pytest.approx(6.0)  # three requests, three seconds apart
    assert "2021-06-16" in next(each for each in found if isinstance(each, Note))


def test_an_empty_slice_in_the_middle_is_asked_for_again(tools, clock):
    routes = {
        "/rss/cs+stat.ML": tools.Reply(rss(day="Wed, 16 Jun 2021 00:00:00 -0400")),
        "/api": [tools.Reply(feed(2, "2106.00001")), tools.Reply(feed(2)), tools.Reply(feed(2, "2106.00002"))],
    }
    found, _ = collect(tools, clock, routes)
    assert [each.arxiv for each in found if isinstance(each, Paper)] == ["2106.00001", "2106.00002"]


@pytest.mark.parametrize(
    ("day", "window"),
    [
        ("2021-06-14", ("2021-06-10T18:00", "2021-06-11T18:00")),  # Monday: Thursday to Friday
        ("2021-06-15", ("2021-06-11T18:00", "2021-06-14T18:00")),  # Tuesday: over the weekend
        ("2021-06-16", ("2021-06-14T18:00", "2021-06-15T18:00")),
        ("2021-01-06", ("2021-01-04T19:00", "2021-01-05T19:00")),  # winter time
        ("2021-06-19", None),
        ("2021-06-20", None),
    ],
)
def test_a_day_announces_what_came_in_until_two_in_the_afternoon_in_new_york(day, window):
    got = announced_on(datetime.date.fromisoformat(day))
    assert got == (window and tuple(datetime.datetime.fromisoformat(each).replace(tzinfo=UTC) for each in window))


def test_on_a_saturday_nobody_is_asked(tools, clock):
    found, server = collect(tools, clock, {}, day=datetime.date(2021, 6, 19))
    assert found == ["arXiv announces nothing on a Saturday"]
    assert server.requests == []


def test_a_day_that_can_still_be_submitted_to_is_marked(tools):
    clock = tools.StillClock(datetime.datetime(2021, 6, 14, 12, tzinfo=UTC))
    found, _ = collect(tools, clock, {"/rss/cs+stat.ML": tools.Reply(rss(day="Mon, 14 Jun 2021 00:00:00 -0400"))})
    assert isinstance(found[-1], Gap)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "raw",
    [
        BOMB + "]><rss><channel><title>&i;</title></channel></rss>",
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel><pubDate>&f;</pubDate></channel></rss>',
        "<rss><channel>",
        "<html>busy</html>",
        "",
        '<?xml version="1.0" encoding="klingon"?><rss/>',
    ],
    ids=["entity bomb", "file", "cut off", "html", "empty", "encoding"],
)
def test_what_is_no_list_is_refused_whatever_it_holds(tools, clock, raw):
    with pytest.raises(ValueError):
        read_listing(raw.encode())
    with pytest.raises(Unreachable, match="nonsense"):
        collect(tools, clock, {"/rss/cs+stat.ML": tools.Reply(raw)})


def oai(*identifiers, token="", error=""):
    if error:
        inner = f'<error code="{error}">no</error>'
    else:
        records = "".join(
            f"""<record><header><identifier>oai:arXiv.org:{each}</identifier><datestamp>2021-06-15</datestamp></header>
<metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{each}</id>
<version version="v1"><date>Mon, 14 Jun 2021 09:00:00 GMT</date>
</version><version version="v2"><date>Tue, 15 Jun 2021 09:00:00 GMT</date></version><title>Paper {each}</title>
<authors>A. One (1 and 2), B. Two and C. Three ((1) Here, (2) There)</authors><categories>cs.LG stat.ML</categories>
<comments>9 pages</comments><license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license>
<abstract>Of much.</abstract>
</arXivRaw></metadata></record>"""
            for each in identifiers
        )
        inner = f"<ListRecords>{records}<resumptionToken>{token}</resumptionToken></ListRecords>"
    return f'<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inner}</OAI-PMH>'


def harvest(tools, clock, folder, routes):
    async def scenario():
        async with tools.Server(routes) as server:
            source = ArxivOai(base=server.url + "/oai", sets=("cs",))
            found, _ = await tools.collected(source, clock=clock, folder=folder)
            return found, server

    return asyncio.run(scenario())


def test_a_harvest_follows_its_tokens_to_the_end(tools, clock, tmp_path):
    routes = {"/oai": [tools.Reply(oai("2106.00001", token="t1")), tools.Reply(oai("2106.00002"))]}
    found, server = harvest(tools, clock, tmp_path, routes)
    assert [paper.arxiv for paper in found] == ["2106.00001", "2106.00002"]
    assert found[0].authors == ("A. One", "B. Two", "C. Three")
    assert found[0].licence.endswith("nonexclusive-distrib/1.0/")
    assert (found[0].submitted.day, found[0].updated.day, found[0].announced) == (14, 15, None)
    assert server.requests[0].query["from"] == server.requests[0].query["until"] == "2021-06-15"
    assert server.requests[1].query["resumptionToken"] == "t1"
    assert "set" not in server.requests[1].query


def test_a_harvest_that_was_cut_off_goes_on_from_its_last_token(tools, clock, tmp_path):
    async def first():
        routes = {"/oai": [tools.Reply(oai("2106.00001", token="t1")), tools.Reply(status=403)]}
        async with tools.Server(routes) as server:
            from hotpapers.digest.client import Client
            from hotpapers.digest.sources import Job

            async with Client(clock=clock) as client:
                job = Job(tools.DAY, client, folder=tmp_path)
                with pytest.raises(Unreachable):
                    async for _ in ArxivOai(base=server.url + "/oai", sets=("cs",)).collect(job):
                        pass
                job.commit("arxiv-oai")

    asyncio.run(first())
    found, server = harvest(tools, clock, tmp_path, {"/oai": tools.Reply(oai("2106.00002"))})
    assert [paper.arxiv for paper in found] == ["2106.00002"]
    assert server.requests[0].query["resumptionToken"] == "t1"


def test_an_expired_token_begins_the_harvest_again(tools, clock, tmp_path):
    replies = [oai("2106.00001", token="t1"), oai(error="badResumptionToken"), oai("2106.00001", "2106.00002")]
    found, _ = harvest(tools, clock, tmp_path, {"/oai": [tools.Reply(each) for each in replies]})
    assert [each.arxiv for each in found if isinstance(each, Paper)] == ["2106.00001", "2106.00001", "2106.00002"]


def test_a_day_without_changes_is_no_error_and_another_error_is(tools, clock, tmp_path):
    assert harvest(tools, clock, tmp_path, {"/oai": tools.Reply(oai(error="noRecordsMatch"))})[0] == []
    with pytest.raises(Unreachable, match="badArgument"):
        harvest(tools, clock, tmp_path, {"/oai": tools.Reply(oai(error="badArgument"))})


@pytest.mark.parametrize(
    ("text", "names"),
    [("A. One", ["A. One"]), ("A. One and B. Two", ["A. One", "B. Two"]), ("A) One ((", ["A) One"]), ("", [])],
)
def test_names_are_parted_whatever_the_brackets_do(text, names):
    assert authors(text) == names
