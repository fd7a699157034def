import bz2
import gzip
import importlib.util
import io
import json
import lzma
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from hotpapers.digest import backfill as module
from hotpapers.digest import dumps
from hotpapers.digest.backfill import backfill
from hotpapers.digest.dumps import lines_with_links, needles
from hotpapers.errors import BadInput

ROOT = Path(__file__).parents[2]
PACKERS = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lambda raw: lzma.compress(raw, preset=0),
    "zst": zstandard.ZstdCompressor().compress,
}  # fmt: skip


@pytest.fixture(scope="session")
def bench():
    """The benchmark's script: it makes dumps, and counts them plainly."""
    spec = importlib.util.spec_from_file_location("benchmark_of_backfill", ROOT / "benchmarks" / "backfill.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="session")
def dump(bench, tmp_path_factory):
    path = tmp_path_factory.mktemp("dump") / "posts.jsonl"
    bench.write_dump(path, 20_000, 1)
    return path


@pytest.fixture(scope="session")
def small_dump(bench, tmp_path_factory):
    path = tmp_path_factory.mktemp("dump") / "posts.jsonl"
    bench.write_dump(path, 4_000, 2)
    return path


def counted(out):
    rows = map(json.loads, out.read_text().splitlines())
    return {row["paper"]: {name: row[name] for name in ("posts", "reposts", "likes")} for row in rows}


def test_counts_are_those_of_the_plain_loop(bench, dump, tmp_path):
    done = backfill([dump], tmp_path / "counts")
    assert counted(tmp_path / "counts") == bench.plain(dump)
    assert done.papers == len(counted(tmp_path / "counts")) > 50
    assert done.not_posts == 0
    assert os.listdir(tmp_path) == ["counts"]


@pytest.mark.parametrize("piece", [40_000, 1_000_003])
def test_counts_do_not_depend_on_where_the_dump_is_cut(bench, small_dump, tmp_path, piece):
    backfill([small_dump], tmp_path / "counts", piece=piece)
    assert counted(tmp_path / "counts") == bench.plain(small_dump)


@pytest.mark.parametrize("piece", [1, 2, 7, 100])
def test_every_line_belongs_to_one_piece_wherever_the_cuts_are(tmp_path, piece):
    lines = [b"x" * number + b" arXiv %d" % number for number in range(30)]
    (tmp_path / "d").write_bytes(b"\n".join(lines))
    starts = range(0, (tmp_path / "d").stat().st_size, piece)
    found = [line.raw for start in starts for line in lines_with_links(tmp_path / "d", start, start + piece)]
    assert found == lines


@pytest.mark.parametrize("kind", PACKERS)
def test_a_packed_dump_counts_as_the_plain_one(bench, small_dump, tmp_path, kind):
    raw = small_dump.read_bytes()
    half = raw.rindex(b"\n", 0, len(raw) // 2) + 1
    packed = tmp_path / f"posts.jsonl.{kind}"
    packed.write_bytes(PACKERS[kind](raw[:half]) + PACKERS[kind](raw[half:]))  # two streams, one after the other
    backfill([packed], tmp_path / "counts")
    assert counted(tmp_path / "counts") == bench.plain(small_dump)
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(BadInput, match=rf"posts\.jsonl\.{kind} is cut off or damaged"):
        backfill([packed], tmp_path / "more")
    assert not (tmp_path / "more").exists()


def line(number, hour, reposts, **more):
    return json.dumps({
        "created_at": f"Wed Jun 16 {hour:02}:00:00 +0000 2021", "id_str": str(number), "text": "arXiv:2106.07140",
        "user": {"id_str": str(number)}, "retweet_count": reposts, "favorite_count": 1, "entities": {"urls": []},
    } | more)  # fmt: skip


def test_a_post_counts_once_with_its_newest_numbers_whatever_the_order(tmp_path):
    original = json.loads(line(1, 8, 354))
    rows = [line(1, 9, 10), line(2, 12, 354, retweeted_status=original), line(1, 10, 20), line(3, 8, 0)]
    for number, order in enumerate((rows, rows[::-1], rows * 3)):
        (tmp_path / f"{number}.jsonl").write_text("\n".join(order))
        backfill([tmp_path / f"{number}.jsonl"], tmp_path / "counts")
        assert [json.loads(row) for row in (tmp_path / "counts").read_text().splitlines()] == [
            {"paper": "2106.07140", "posts": 2, "reposts": 354, "likes": 2, "first": "2021-06-16", "last": "2021-06-16"}
        ]


def test_a_hundred_retweets_of_one_post_are_not_added_up(tmp_path):
    """The blog's error: 100 retweets, each with its original's 354, became 35,400."""
    original = json.loads(line(1, 8, 354))
    rows = [line(1, 8, 354)] + [line(number, 9, 354, retweeted_status=original) for number in range(2, 102)]
    (tmp_path / "d.jsonl").write_text("\n".join(rows))
    backfill([tmp_path / "d.jsonl"], tmp_path / "counts")
    assert counted(tmp_path / "counts") == {"2106.07140": {"posts": 1, "reposts": 354, "likes": 1}}


def test_what_was_done_before_a_stop_is_not_done_again(bench, dump, tmp_path, monkeypatch):
    done = []

    def stops_at_the_third(piece):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(piece.number)
        return whole(piece)

    whole = module.count_piece
    monkeypatch.setattr(module, "count_piece", stops_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        backfill([dump], tmp_path / "counts", piece=1_000_000)
    assert not (tmp_path / "counts").exists()
    done.insert(0, "stopped")
    backfill([dump], tmp_path / "counts", piece=1_000_000)
    assert done == ["stopped", 0, 1, 2, *range(3, 8)]
    assert counted(tmp_path / "counts") == bench.plain(dump)


def test_parts_of_a_dump_that_has_changed_are_thrown_away(tmp_path, monkeypatch):
    dump, out = tmp_path / "d.jsonl", tmp_path / "counts"
    dump.write_text(line(1, 9, 10))
    monkeypatch.setattr(module.Counts, "write", lambda self, out: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backfill([dump], out)
    monkeypatch.undo()
    dump.write_text(line(1, 9, 11) + "\n" + line(2, 9, 1))
    backfill([dump], out)
    assert counted(out)["2106.07140"]["reposts"] == 12


def test_a_killed_worker_costs_only_another_try(bench, dump, tmp_path):
    """Worker processes are killed while they work; the counts are the same to the last digit."""
    killed = []

    def kill():
        mine, deadline = os.getpid(), time.monotonic() + 20
        while not killed and time.monotonic() < deadline:
            for path in Path("/proc").glob("[0-9]*/stat"):
                try:
                    fields = path.read_text().rpartition(")")[2].split()
                    worker = int(fields[1]) == mine and b"spawn_main" in path.with_name("cmdline").read_bytes()
                except OSError:
                    continue
                if worker and any(tmp_path.glob(".counts.parts/*.done")):
                    os.kill(int(path.parent.name), signal.SIGKILL)
                    killed.append(path.parent.name)
                    break
            time.sleep(0.002)

    killer = threading.Thread(target=kill)
    killer.start()
    backfill([dump], tmp_path / "counts", engine="processes", jobs=1, piece=100_000)
    killer.join()
    assert killed
    assert counted(tmp_path / "counts") == bench.plain(dump)


def test_memory_does_not_grow_with_the_dump(bench, tmp_path):
    """Lines without a link, sixteen times as many, take not even a block more."""
    code = (
        "import resource, sys; from pathlib import Path; from hotpapers.digest.dumps import lines_with_links;"
        "n = sum(1 for _ in lines_with_links(Path(sys.argv[1])));"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def peak(lines):
        path = tmp_path / f"{lines}.jsonl"
        path.write_bytes(b'{"text":"nothing here to be found at all"}\n' * lines)
        out = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True).stdout
        assert out.split()[0] == "0"
        return int(out.split()[1])

    assert peak(1_600_000) < peak(100_000) + 4096


def test_a_line_without_an_end_is_left_out_and_those_after_it_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(dumps, "LONGEST_LINE", 4 << 20)
    raw = b"arxiv one\n" + b"arxiv " * 2_000_000 + b"\narxiv two\n"
    (tmp_path / "d").write_bytes(raw)
    assert [each.raw for each in lines_with_links(tmp_path / "d")] == [b"arxiv one", b"arxiv two"]


WORDS = st.sampled_from(
    [
        b"xiv",
        b"XIV",
        b"arXiv",
        b"5iv",
        b"iv",
        b"xi",
        b"/papers",
        b"/Papers/",
        b"/paper",
        b"\\/papers\\/",
        b"\n",
        b"x",
        b"v",
        b" ",
    ]
)


@given(st.lists(st.one_of(WORDS, st.binary(max_size=6))).map(b"".join), st.integers(2, 64))
def test_the_quick_look_finds_exactly_the_lines_that_hold_a_needle(raw, stride):
    wanted = [
        each for each in raw.split(b"\n") if any(needle in each.lower() for needle in (b"xiv", b"5iv", b"/papers"))
    ]
    places = needles(np.frombuffer(raw, np.uint8))
    assert places == sorted(set(places))
    found = list(dumps._scan(io.BytesIO(raw), 0, None))
    assert [each.raw for each in found] == wanted
    assert all(raw[each.offset :].startswith(each.raw) for each in found)


def test_a_needle_across_the_border_of_two_strides_is_found():
    for needle in (b"arxiv", b"ar5iv", b"/papers"):
        for shift in range(-8, 9):
            raw = bytearray(b" " * (2 * dumps._STRIDE))
            raw[dumps._STRIDE + shift : dumps._STRIDE + shift + len(needle)] = needle
            assert len(needles(np.frombuffer(raw, np.uint8))) == 1, (needle, shift)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "Cannot read .*no such file"),
        (lambda path: path.mkdir(), "is no file"),
        (lambda path: path.write_bytes(b""), "There is nothing in"),
        (lambda path: path.write_bytes(b'{"arxiv": 1}\n{"arxiv": 2}\n'), "None of the 2 lines .* is a post"),
        (lambda path: path.write_bytes(b"\x00arxiv\xff" * 1000), "None of the 1 lines"),
    ],
    ids=["missing", "folder", "empty", "other JSON", "rubbish"],
)
def test_what_is_no_dump_is_refused_in_a_line_and_leaves_nothing(tmp_path, make, why):
    make(tmp_path / "d.jsonl")
    with pytest.raises(BadInput, match=why) as told:
        backfill([tmp_path / "d.jsonl"], tmp_path / "counts")
    assert "\n" not in str(told.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"d.jsonl"}


def test_lines_that_are_no_posts_are_counted_and_the_first_is_named(tmp_path):
    (tmp_path / "d.jsonl").write_text(line(1, 9, 1) + "\narXiv?\n" + line(2, 9, 1) + '\n{"arxiv"')
    done = backfill([tmp_path / "d.jsonl"], tmp_path / "counts")
    assert (done.looked_at, done.not_posts, done.papers) == (4, 2, 1)
    assert done.left_out.startswith("d.jsonl, at byte ")


@pytest.mark.parametrize("options", [{"engine": "spark"}, {"engine": "processes", "jobs": 0}])
def test_an_engine_that_is_not_there_is_refused(tmp_path, options):
    (tmp_path / "d.jsonl").write_text(line(1, 9, 1))
    with pytest.raises(BadInput):
        backfill([tmp_path / "d.jsonl"], tmp_path / "counts", **options)


@pytest.mark.ray
def test_ray_with_two_workers_of_which_one_is_killed_counts_the_same(bench, dump, tmp_path, monkeypatch):
    """One cluster, started and stopped by the engine itself; a worker is killed when some pieces are done."""
    ray = pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    killed = []

    def kill():
        deadline = time.monotonic() + 60
        while not killed and time.monotonic() < deadline:
            working = any(tmp_path.glob(".counts.parts/*.done"))
            for path in Path("/proc").glob("[0-9]*/cmdline") if working else ():
                try:
                    if b"ray::count_piece" in path.read_bytes():
                        os.kill(int(path.parent.name), signal.SIGKILL)
                        killed.append(path.parent.name)
                        break
                except OSError:
                    continue
            time.sleep(0.001)

    killer = threading.Thread(target=kill)
    killer.start()
    backfill([dump], tmp_path / "counts", engine="ray", jobs=2, piece=30_000)
    killer.join()
    assert killed
    assert not ray.is_initialized()
    assert counted(tmp_path / "counts") == bench.plain(dump)
    backfill([dump], tmp_path / "here")
    assert (tmp_path / "counts").read_bytes() == (tmp_path / "here").read_bytes()
