"""The commands as people meet them, against a local server: what they print, write and leave with."""

import asyncio
import datetime
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from hotpapers.cli import main

RSS = """<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<pubDate>{day:%a, %d %b %Y} 12:00:00 +0000</pubDate><item><title>A paper</title><guid>oai:arXiv.org:2106.07140v1</guid>
<category>cs.LG</category><arxiv:announce_type>new</arxiv:announce_type><dc:creator>A. One</dc:creator></item>
</channel></rss>"""


@pytest.fixture
def settings(tools, tmp_path):
    """Settings that point to a server in a thread: arXiv announces a paper today, Hugging Face is down."""
    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    path = tmp_path / "settings.toml"

    async def serve():
        today = datetime.datetime.now(datetime.UTC)
        routes = {
            "/rss/cs+stat.ML": tools.Reply(RSS.format(day=today)),
            "/hf": tools.Reply(status=403),
            "/hn": tools.Reply({"hits": [], "nbPages": 0}),
        }
        async with tools.Server(routes) as server:
            path.write_text(
                f'[arxiv]\nrss = "{server.url}/rss"\n[huggingface]\napi = "{server.url}/hf"\n'
                f'[hackernews]\napi = "{server.url}/hn"\n'
            )
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(5)
    yield path
    loop.call_soon_threadsafe(stop.set)
    thread.join(5)
    loop.close()


@pytest.fixture
def weekday():
    if datetime.datetime.now(datetime.UTC).weekday() >= 5:
        pytest.skip("arXiv announces nothing at weekends")


def test_collect_says_how_each_source_fared_and_leaves_with_one_when_one_failed(settings, weekday, tmp_path, capsys):
    report = tmp_path / "report.json"
    options = ["--settings", str(settings), "--report", str(report)]
    assert main(["digest", "collect", "--sources", "arxiv,huggingface", *options]) == 1
    shown = capsys.readouterr().out
    assert "HTTP 403" in shown
    told = {each["name"]: each for each in json.loads(report.read_text())["sources"]}
    assert (told["arxiv"]["state"], told["arxiv"]["papers"]) == ("ok", 1)
    assert (told["huggingface"]["state"], told["huggingface"]["signals"]) == ("failed", 0)
    assert main(["digest", "collect", "--sources", "arxiv,hackernews", *options, "--json"]) == 0
    assert [each["state"] for each in json.loads(capsys.readouterr().out)["sources"]] == ["ok", "ok"]


def test_today_collects_ranks_and_publishes(settings, weekday, tmp_path, capsys):
    options = ["--settings", str(settings), "--sources", "arxiv", "--out", str(tmp_path / "editions")]
    assert main(["digest", "today", *options]) == 0
    (edition,) = (tmp_path / "editions").iterdir()
    assert str(datetime.datetime.now(datetime.UTC).date()) in edition.name
    assert f"written: {edition}" in capsys.readouterr().err


def test_watch_in_a_process_of_its_own_ends_well_on_sigterm(settings, weekday, tmp_path):
    """The first round ends with a health line; then the process waits for the next one, and is asked to leave."""
    command = [sys.executable, "-m", "hotpapers", "digest", "watch", "--settings", str(settings), "--sources", "arxiv"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"HOTPAPERS_PROGRESS": "quiet"}
    )
    try:
        line = process.stderr.readline()
        assert "arxiv 1" in line
        assert "; next " in line
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.stderr.close()


def test_backfill_writes_counts_beside_the_dump_and_adds_the_signals_to_the_store(tmp_path, capsys):
    status = {
        "created_at": "Tue Jun 15 09:00:00 +0000 2021", "id_str": "9", "text": "arXiv:2106.07140",
        "user": {"id_str": "1", "screen_name": "ann"}, "retweet_count": 3, "favorite_count": 4,
        "entities": {"urls": []},
    }  # fmt: skip
    (tmp_path / "posts.jsonl").write_text(json.dumps(status) + "\narXiv?\n")
    assert main(["digest", "backfill", str(tmp_path / "posts.jsonl"), "--store"]) == 0
    shown = capsys.readouterr()
    assert "posts.counts.jsonl: 1 papers, 1 signals" in shown.out
    assert "1 lines are no posts; the first: posts.jsonl, at byte" in shown.err
    assert json.loads((tmp_path / "posts.counts.jsonl").read_text())["reposts"] == 3
    from hotpapers.digest.store import open_store

    with open_store() as store:
        (signal_,) = store.signals(["2106.07140"])
    assert (signal_.item, signal_.counts["likes"]) == ("9", 4)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["collect", "tomorrow"], "is no date"),
        (["collect", "2999-01-01"], "Nothing can be collected"),
        (["collect", "--sources", "arxvi"], "did you mean arxiv"),
        (["collect", "--settings", "/nowhere.toml"], "Cannot read the settings"),
        (["today", "--sources", ""], "Name a source"),
        (["watch", "--every", "0"], "every 1 to 1,440 minutes"),
        (["watch", "--rounds", "0"], "0 rounds do nothing"),
        (["backfill", "/nowhere.jsonl"], "Cannot read /nowhere.jsonl"),
        (["backfill", "/tmp", "--engine", "spark"], "spark"),
        (["backfill"], "--help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_refused_in_one_line(arguments, why, capsys):
    assert main(["digest", *arguments]) == 2
    shown = capsys.readouterr().err
    assert why in shown
    assert shown.count("\n") == 1


def test_the_base_help_loads_neither_httpx_nor_websockets():
    code = (
        "import sys; from hotpapers.cli import main; main(['digest', '--help']);"
        "assert not {'httpx', 'websockets', 'torch', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
