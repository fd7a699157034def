import asyncio
import datetime
from collections.abc import AsyncGenerator
from typing import ClassVar

import msgspec
import pytest

from hotpapers.digest.client import Client, Unreachable
from hotpapers.digest.collect import collect_day
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.settings import chosen_sources
from hotpapers.digest.sources import Gap, Job, MissingKey, Note, SemanticScholar, Settings
from hotpapers.digest.watch import summary
from hotpapers.errors import BadInput

NOW = datetime.datetime(2021, 6, 15, tzinfo=datetime.UTC)


class Shelf:
    """A store that keeps everything in memory; ``full`` is when it breaks."""

    def __init__(self, full=False):
        self.papers, self.signals, self.full = [], [], full

    def add_papers(self, papers):
        self.papers += papers

    def add_signals(self, signals):
        if self.full:
            raise OSError(28, "No space left on device")
        self.signals += signals


class Memory(msgspec.Struct):
    last: int = 0


class Fake(Settings, frozen=True, kw_only=True):
    """Plays a script: ``signal``, ``paper``, ``gap``, ``note``, ``keep``, and ways to go wrong."""

    name: ClassVar[str] = "fake"
    lists: ClassVar[bool] = False
    script: tuple[str, ...] = ()

    async def collect(self, job: Job) -> AsyncGenerator[object, None]:
        for number, word in enumerate(self.script):
            if word == "signal":
                yield Signal(source=self.name, item=str(number), kind="post", papers=("2106.07140",), seen=NOW)
            elif word == "paper":
                yield Paper(arxiv=f"2106.{number + 1:05}", title="T", authors=("A",))
            elif word in ("gap", "note"):
                yield {"gap": Gap, "note": Note}[word](word)
            elif word == "keep":
                job.keep(self.name, Memory(number))
            elif word == "hang":
                await asyncio.sleep(30)
            else:
                raise {"down": Unreachable("host: HTTP 500"), "key": MissingKey("needs X"), "bug": KeyError("x")}[word]


class Other(Fake, frozen=True, kw_only=True):
    name: ClassVar[str] = "other"


class Lister(Fake, frozen=True, kw_only=True):
    name: ClassVar[str] = "lister"
    lists: ClassVar[bool] = True


def gather(tools, clock, *sources, shelf=None, folder=None):
    async def scenario():
        async with Client(clock=clock) as client:
            return await collect_day(tools.DAY, sources, shelf, client=client, folder=folder)

    shelf = shelf or Shelf()
    return asyncio.run(scenario()), shelf


@pytest.mark.parametrize(
    ("script", "state", "remark"),
    [
        (("signal", "note"), "ok", "note"),
        (("signal", "gap", "signal"), "partial", "gap"),
        (("down",), "failed", "host: HTTP 500"),
        (("signal", "down"), "partial", "host: HTTP 500"),
        (("key",), "skipped", "needs X"),
        (("bug",), "failed", "defect: KeyError: 'x'"),
        (("hang",), "failed", "not ready after 0.2 s"),
        (("signal", "hang"), "partial", "not ready after 0.2 s"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_a_source_that_fails_costs_nobody_else_anything_and_keeps_what_it_gave(tools, clock, script, state, remark):
    fine = Other(script=("signal",) * 1200)
    report, shelf = gather(tools, clock, Fake(script=script, deadline=0.2), fine)
    first, second = report.sources
    assert (first.state, first.remarks, first.signals) == (state, [remark], script.count("signal"))
    assert (second.state, second.signals) == ("ok", 1200)
    assert len(shelf.signals) == 1200 + script.count("signal")
    assert report.complete == (state in ("ok", "skipped"))
    assert (f"fake {state}" in summary(report)) == (state != "ok")


def test_who_asks_about_papers_waits_for_the_listing_however_it_ends(tools, clock, monkeypatch):
    asked = []

    async def scenario(script):
        async def answer(request):
            raise AssertionError

        def reply(request):
            ids = msgspec.json.decode(request.body)["ids"]
            asked.append(ids)
            return tools.Reply([{"citationCount": 1} for _ in ids])

        async with tools.Server({"/b": reply}) as server, Client(clock=clock) as client:
            sources = [SemanticScholar(api=server.url + "/b"), Lister(script=script, deadline=0.2)]
            return await collect_day(tools.DAY, sources, Shelf(), client=client)

    monkeypatch.setenv("SEMANTIC_SCHOLAR_API_KEY", "k")
    report = asyncio.run(scenario(("paper", "paper")))
    assert asked == [["ARXIV:2106.00001", "ARXIV:2106.00002"]]
    assert [each.state for each in report.sources] == ["ok", "ok"]
    report = asyncio.run(scenario(("paper", "hang")))
    assert asked[1] == ["ARXIV:2106.00001"]
    assert [each.state for each in report.sources] == ["ok", "partial"]


def test_what_a_source_remembers_is_written_only_when_what_it_gave_is_stored(tools, clock, tmp_path):
    with pytest.raises(OSError, match="No space"):
        gather(tools, clock, Fake(script=("signal", "keep")), shelf=Shelf(full=True), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    gather(tools, clock, Fake(script=("signal", "keep", "down")), folder=tmp_path)
    assert (tmp_path / "fake.json").read_text() == '{"last":1}'


def test_a_collection_that_is_stopped_has_stored_what_it_was_given(tools, clock):
    shelf = Shelf()

    async def scenario():
        async with Client(clock=clock) as client:
            task = asyncio.create_task(
                collect_day(tools.DAY, [Fake(script=("signal", "signal", "hang"))], shelf, client=client)
            )
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())
    assert len(shelf.signals) == 2


def test_settings_choose_sources_and_their_fields(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('[mastodon]\nserver = "https://sigmoid.social"\n[archive]\nfiles = ["a.jsonl"]\n')
    names = [each.name for each in chosen_sources(None, path)]
    assert names[0] == "arxiv"
    assert names[-1] == "archive"
    (mastodon,) = chosen_sources(["mastodon"], path)
    assert mastodon.server == "https://sigmoid.social"
    assert "archive" not in [each.name for each in chosen_sources()]


@pytest.mark.parametrize(
    ("names", "text", "why"),
    [
        (["arxive"], "", "did you mean arxiv"),
        ([], "", "Name a source"),
        (None, "[blusky]\n", "did you mean bluesky"),
        (None, "[bluesky]\nserver = 'x'\n", r"section \[bluesky\].*server"),
        (None, "[bluesky]\ntries = 'many'\n", r"section \[bluesky\].*tries"),
        (None, "[bluesky]\ndeadline = 0.0\n", "deadline"),
        (None, "arxiv = 3\n", "not TOML with a section"),
        (None, "[arxiv", "not TOML"),
        (None, None, "Cannot read the settings"),
    ],
)
def test_settings_that_nobody_understands_are_refused_in_a_line(tmp_path, names, text, why):
    path = tmp_path / "s.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=why) as told:
        chosen_sources(names, path)
    assert "\n" not in str(told.value)
