"""What goes into a store comes out as it stood at any moment, is there once, and survives a kill."""

import datetime
import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import permutations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from hotpapers.digest.importing import import_posts
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.store import Added, Collection, open_store
from hotpapers.digest.store.opening import NEWEST, connect, migrate, where
from hotpapers.digest.store.schema import schema
from hotpapers.errors import BadInput

DAY = datetime.date(2021, 6, 15)
NOON = datetime.datetime(2021, 6, 15, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
PAPER = Paper(arxiv="2106.06561", title="T", authors=("A", "B"), announced=DAY, position=3)


def post(item: str, hours: float = 0, **told) -> Signal:
    told = {"source": "bluesky", "kind": "post", "papers": (PAPER.arxiv,), **told}
    return Signal(item=item, seen=NOON + hours * HOUR, **told)


def test_what_is_added_twice_is_there_once(store):
    signals = [post("a", counts={"likes": 3, "reposts": 1}), post("b"), post("c", kind="repost", papers=(), root="a")]
    assert store.add_papers([PAPER], NOON) == 1
    assert store.add_signals(signals) == Added(items=3, observations=2)
    before = store.counts(), store.signals([PAPER.arxiv]), store.papers(DAY)
    assert store.add_papers([PAPER, PAPER], NOON + HOUR) == 0
    assert store.add_signals(signals * 2) == Added()
    assert (store.counts(), store.signals([PAPER.arxiv]), store.papers(DAY)) == before
    assert store.papers(DAY) == [PAPER]


def test_signals_come_back_as_they_were_given(store):
    told = post(
        "a", 0.5, actor="did:plc:x", made=NOON - HOUR, counts={"likes": 3}, name="Ä", text="π\n☃", html="<b>", url="u"
    )
    store.add_signals([told])
    assert store.signals([PAPER.arxiv]) == [told]


def test_counts_are_those_of_the_moment_that_is_asked_for(store):
    store.add_signals([post("a", hours, counts={"likes": likes}) for hours, likes in [(0, 1), (2, 9), (1, 4)]])
    for hours, likes in [(0, 1), (1, 4), (1.5, 4), (2, 9), (99, 9)]:
        (seen,) = store.signals([PAPER.arxiv], NOON + hours * HOUR)
        assert seen.counts == {"likes": likes}
    assert store.signals([PAPER.arxiv], NOON - HOUR) == []


def test_a_past_moment_looks_the_same_after_more_has_been_seen(store):
    store.add_papers([PAPER], NOON)
    store.add_signals([post("a", counts={"likes": 1})])
    then = store.papers(DAY, as_of=NOON), store.signals([PAPER.arxiv], NOON)
    store.add_papers([msgspec.structs.replace(PAPER, title="Another", announced=DAY + 24 * HOUR)], NOON + HOUR)
    store.add_signals([post("a", 1, counts={"likes": 5}), post("a", 2, kind="deletion"), post("b", 3)])
    assert (store.papers(DAY, as_of=NOON), store.signals([PAPER.arxiv], NOON)) == then
    assert [each.title for each in store.papers(DAY)] == ["Another"]
    assert [each.announced for each in store.papers(DAY)] == [DAY]


def test_what_was_deleted_is_there_until_then(store):
    store.add_signals([post("a"), post("a", 2, kind="deletion", papers=())])
    assert len(store.signals([PAPER.arxiv], NOON + HOUR)) == 1
    assert store.signals([PAPER.arxiv]) == []


def test_a_repost_speaks_for_its_original_whichever_was_seen_first(store):
    store.add_signals([post("r", kind="repost", papers=(), root="a"), post("x", kind="repost", papers=(), root="y")])
    store.add_signals([post("a", 1)])
    assert sorted(each.item for each in store.signals([PAPER.arxiv])) == ["a", "r"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_description_is_the_same_in_whichever_order_its_parts_come(order, tmp_path):
    parts = [post("a", 2, actor="x"), post("a", 1, text="words"), post("a", 0, kind="deletion", papers=())]
    with open_store(f"sqlite:///{tmp_path}/s.sqlite") as store:
        for place in order:
            store.add_signals([parts[place]])
        store.add_signals([post("a", 3)])
        with store.reading() as connection:
            row = connection.execute(text("SELECT kind, actor, text, seen FROM items")).one()
    assert row == ("post", "x", "words", int(NOON.timestamp() * 1_000_000))


def test_what_a_later_record_leaves_out_stays_known(store):
    store.add_papers([PAPER], NOON)
    store.add_papers([Paper(arxiv=PAPER.arxiv, title="T", authors=("A", "B"), doi="10.1/x")], NOON + HOUR)
    assert store.papers(DAY) == [msgspec.structs.replace(PAPER, doi="10.1/x")]
    assert store.papers(DAY, as_of=NOON) == [PAPER]


def test_a_paper_announced_on_two_days_has_its_place_in_both(store):
    again = msgspec.structs.replace(PAPER, announced=DAY + 24 * HOUR, position=7)
    store.add_papers([PAPER], NOON)
    store.add_papers([again], NOON + 24 * HOUR)
    assert store.papers(DAY) == [PAPER]
    assert store.papers(DAY + 24 * HOUR) == [again]
    assert store.days() == [(DAY, 1), (DAY + 24 * HOUR, 1)]


def test_text_that_no_database_keeps_is_kept_without_what_is_wrong(store):
    store.add_papers([msgspec.structs.replace(PAPER, title="a\0b\ud800c")], NOON)
    store.add_signals([post("a", text="x\0y", counts={"views": 10**30})])
    assert store.papers(DAY)[0].title == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    assert store.signals([PAPER.arxiv])[0].counts == {"views": 2**63 - 1}


def test_collections_say_what_came_of_each_source(store):
    told = Collection(
        source="bluesky",
        day=DAY,
        started=NOON,
        ended=NOON + HOUR,
        outcome="partial",
        signals=9,
        problem="429",
        cursor="7",
    )
    assert (store.add_collections([told]), store.add_collections([told])) == (1, 0)
    assert store.collections(DAY) == [told]
    assert store.collections(DAY + 24 * HOUR) == []


def test_what_is_written_together_is_there_whole_or_not_at_all(store):
    def fail() -> None:
        with store.writing():
            store.add_papers([PAPER], NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.papers(DAY) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 99)), max_size=12), st.randoms())
def test_the_order_of_adding_does_not_matter(seen, random):
    latest = {(item, hours): likes for item, hours, likes in seen}
    signals = [post(item, hours, counts={"likes": likes}) for (item, hours), likes in latest.items()]
    shuffled = random.sample(signals, len(signals))
    with open_store("sqlite://") as one, open_store("sqlite://") as other:
        one.add_signals(signals)
        for each in shuffled:
            other.add_signals([each])
        for hours in range(6):
            assert one.signals([PAPER.arxiv], NOON + hours * HOUR) == other.signals([PAPER.arxiv], NOON + hours * HOUR)


def test_the_migrations_make_the_tables_of_the_schema(address):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with open_store(address) as store, store.reading() as connection:
        # The index for searching is each database's own.
        named = {"include_name": lambda name, *_: not (name or "").startswith("searchable_words") and name != "words"}
        context = MigrationContext.configure(connection, opts={"compare_type": True, **named})
        assert compare_metadata(context, schema) == []
        tables = {name for name in inspect(connection).get_table_names() if not name.startswith("searchable_words")}
        assert tables == {*schema.tables, "alembic_version"}
    folder = open_store.__globals__["__file__"].replace("store.py", "migrations")
    assert ScriptDirectory(folder).get_current_head() == NEWEST


def test_an_older_store_keeps_its_rows_when_it_is_brought_up_to_date(address):
    engine = connect(address)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        migrate(connection, "0001")
        connection.execute(text("INSERT INTO mentions (arxiv, item) VALUES ('2106.06561', 5)"))
    engine.dispose()
    with open_store(address) as store:
        counts = store.counts()
    assert counts["mentions"] == 1
    assert counts["collections"] == 0


def test_a_store_of_a_newer_version_is_left_alone(address):
    with open_store(address) as store, store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadInput, match="newer"):
        open_store(address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "no address"),
        ("mysql://u:secret@h/db", "SQLite or PostgreSQL"),
        ("postgresql://u:secret@127.0.0.1:1/db", "Cannot open"),
        ("sqlite:////proc/nowhere/x.sqlite", "Cannot"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(url, words):
    with pytest.raises(BadInput, match=words) as refused:
        open_store(url)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "x.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(BadInput, match="no store"):
        open_store(f"sqlite:///{tmp_path}/x.sqlite")


def test_the_environment_says_where_the_store_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOTPAPERS_HOME", str(tmp_path))
    monkeypatch.delenv("HOTPAPERS_DATABASE_URL", raising=False)
    assert where() == f"sqlite:///{tmp_path}/digest.sqlite"
    monkeypatch.setenv("HOTPAPERS_DATABASE_URL", "postgresql:///x")
    assert where() == "postgresql:///x"


CHILD = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from hotpapers.digest.importing import import_posts
from hotpapers.digest.store import open_store
from tests_of_killing import collect

left = int(sys.argv[3])

@event.listens_for(Engine, "after_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

with open_store(sys.argv[1]) as store:
    import_posts(store, [Path(sys.argv[2])])
    collect(store)
"""
COLLECT = """
import datetime
from hotpapers.digest.records import Paper, Signal

NOON = datetime.datetime(2021, 6, 15, 12, tzinfo=datetime.UTC)

def collect(store):
    names = [f"2107.{number:05}" for number in range(40)]
    store.add_papers((Paper(arxiv=name, title=name, authors=("A",), announced=NOON.date()) for name in names), NOON)
    for hour in range(3):
        seen = NOON + datetime.timedelta(hours=hour)
        store.add_signals(
            Signal(source="s", item=name, kind="post", papers=(name,), seen=seen, counts={"likes": hour, "reposts": 1})
            for name in names
        )
"""
POST = """---
title: Hot Papers {day}
date: {day}T09:00:00.Z
template: "post"
draft: false
slug: "hot-papers-{day}"
category: "arXiv"
tags:
  - "arXiv"
  - "Twitter"
  - "Machine Learning"
  - "Computer Science"
description: "Hot papers {day}"
socialImage: "/media/flying-marine.jpg"

---

# 1. A title

An Author

- retweets: 40, favorites: 60 (06/16/2021 09:00:00)

- links: [abs](https://arxiv.org/abs/2106.{number:05}) | [pdf](https://arxiv.org/pdf/2106.{number:05})
- [cs.LG](https://arxiv.org/list/cs.LG/recent)

An abstract.



"""


@pytest.mark.parametrize("statements", [4, 29, 95])
def test_a_kill_at_any_moment_loses_and_doubles_nothing(address, tmp_path, statements):
    folder = tmp_path / "posts"
    folder.mkdir()
    for number in range(1, 7):
        (folder / f"{number}.md").write_text(POST.format(day=f"2021-06-0{number}", number=number))
    (tmp_path / "tests_of_killing.py").write_text(COLLECT)

    def run(left: int) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", CHILD, address, str(folder), str(left)]
        environment = {**os.environ, "HOTPAPERS_PROGRESS": "quiet"}
        environment["PYTHONPATH"] = f"{tmp_path}:{environment.get('PYTHONPATH', '')}"
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    killed = run(statements)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with open_store(address) as store:
        # Whatever digest is there is there with its entry, its paper and its counts.
        for _, first, last, count in store.posts():
            (entry,) = store.post(first, last).entries
            assert count == 1
            assert len(store.find_papers([entry.arxiv])) == 1
            assert [each.counts for each in store.signals([entry.arxiv])] == [{"reposts": 40, "likes": 60}]
        there = Counter(store.counts())
    collect: dict = {}
    exec(COLLECT, collect)
    with open_store(address) as store:
        import_posts(store, [folder])
        collect["collect"](store)
        counts = store.counts()
        assert not there - Counter(counts)
        assert counts == {
            "collections": 0,
            "digests": 6,
            "entries": 6,
            "items": 46,
            "mentions": 46,
            "observations": 6 * 2 + 40 * 2 * 3,
            "papers": 46,
            "searchable": 46,
        }
        assert {each.counts["likes"] for each in store.signals(["2107.00007"], NOON + HOUR)} == {1}
