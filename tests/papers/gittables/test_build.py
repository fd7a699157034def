import json
import os
import signal
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hotpapers.engines import do_all
from hotpapers.errors import BadInput
from hotpapers.papers.gittables import build as module
from hotpapers.papers.gittables import collect, store
from hotpapers.papers.gittables.build import Settings, build, make, process
from hotpapers.papers.gittables.experiment import EXAMPLES, tree
from hotpapers.papers.gittables.keep import Filters
from hotpapers.papers.gittables.store import Corpus

HEAP = EXAMPLES / "heap.zip"


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heap") / "collected"
    collect.collect(HEAP, out=folder)
    return folder


@pytest.fixture(scope="module")
def corpus(collected, tmp_path_factory):
    room = tmp_path_factory.mktemp("corpus")
    make(collect.read(collected), collected, room, Settings(vectors="none"))
    return room / "corpus"


def dying(piece):
    """Kill the worker at the first attempt at the second piece, half of it done."""
    mark = Path(piece.target) / f"died-{piece.number}"
    if piece.number == 1 and not mark.exists():
        mark.touch()
        path = Path(piece.target) / "corpus" / "tables" / piece.files[0].topic / f"{piece.files[0].name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half a table")
        os.kill(os.getpid(), signal.SIGKILL)
    return process(piece)


@pytest.mark.parametrize(
    "engine", ["processes", pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.timeout(600)])]
)
def test_a_worker_that_is_killed_leaves_the_same_corpus(engine, collected, corpus, tmp_path, monkeypatch):
    if engine == "ray":
        pytest.importorskip("ray")
    # Workers import this test by its name.
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import test_build

    make(
        collect.read(collected),
        collected,
        tmp_path,
        Settings(vectors="none"),
        engine=engine,
        jobs=2,
        work=test_build.dying,
    )
    assert (tmp_path / "died-1").exists()
    assert tree(tmp_path / "corpus") == tree(corpus)


def test_a_build_that_stopped_goes_on_with_what_is_not_done(collected, corpus, tmp_path):
    files = collect.read(collected)
    done = []

    def stops(piece):
        if piece.number == 1:
            raise KeyboardInterrupt
        return process(piece)

    def counts(piece):
        done.append(piece.number)
        return process(piece)

    with pytest.raises(KeyboardInterrupt):
        make(files, collected, tmp_path, Settings(vectors="none"), work=stops)
    make(files, collected, tmp_path, Settings(vectors="none"), work=counts)
    assert done == [1]
    assert tree(tmp_path / "corpus") == tree(corpus)


def test_every_file_is_a_table_or_dropped_with_a_reason(collected, corpus):
    told = json.loads((corpus / "corpus.json").read_text())
    files = [each.file for each in collect.read(collected)]
    entries = Corpus(corpus).entries
    dropped = [json.loads(line) for line in (corpus / "dropped.jsonl").read_text().splitlines()]
    assert len(entries) + len(dropped) == len(files) == told["files"]
    assert {each["file"].split("/")[-1]: each["reason"] for each in dropped} == {
        "numbers.csv": "no header", "page.csv": "web page", "picture.csv": "not text", "pointer.csv": "git-lfs pointer",
        "tweets.csv": "social network", "words.csv": "too few columns"}  # fmt: skip
    assert told["lines"]["dropped"] == {"before the table": 7, "blank": 7, "comment": 14}


def test_a_table_has_its_columns_types_and_licence_in_its_metadata(corpus):
    opened = Corpus(corpus)
    entry = next(each for each in opened.entries if each.topic == "person")
    told = opened.metadata(entry)
    assert told["license"]["spdx_id"] == "CC0-1.0"
    assert told["number_rows"] == entry.rows == opened.table(entry).num_rows
    assert list(told["dtypes"]) != []
    assert set(told["dtypes"]) == set(entry.columns) == set(opened.table(entry).column_names)
    assert sum(told["dtypes_percentages"].values()) == pytest.approx(1)
    assert told["lines"]["dropped"] is not None
    assert set(told["anonymized_columns"]) <= set(entry.columns)
    assert {"csv_url", "table_id", "table_domain"} <= set(told)
    assert pq.read_schema(corpus / entry.path).names == entry.columns


def test_personal_columns_are_made_up_and_said_to_be(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("people/a.csv", "name,email,price\nAda,ada@real.com,1\nBob,bob@real.com,2\nCy,cy@real.com,3\n")
    build(tmp_path / "x.zip", out=tmp_path / "c", licence="MIT")
    opened = Corpus(tmp_path / "c")
    table = opened.table(opened.entries[0])
    assert opened.entries[0].anonymised == ["name", "email"]
    assert not any("real.com" in each for each in table.column("email").to_pylist())
    assert table.column("price").to_pylist() == [1, 2, 3]
    build(tmp_path / "x.zip", out=tmp_path / "k", licence="MIT", personal="keep")
    kept = Corpus(tmp_path / "k")
    assert kept.table(kept.entries[0]).column("name").to_pylist() == ["Ada", "Bob", "Cy"]


def test_a_large_file_becomes_the_same_table_in_parts(tmp_path, monkeypatch):
    rows = "".join(f"{at},p{at}@x.com,{at / 8}\n" for at in range(2500))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("t/a.csv", "id,email,share\n" + rows)
    build(tmp_path / "x.zip", out=tmp_path / "whole", licence="MIT", vectors="none")
    from hotpapers.papers.gittables import reading

    monkeypatch.setattr(reading, "SMALL", 2000)
    monkeypatch.setattr(reading, "SAMPLE", 5000)
    monkeypatch.setattr(reading, "BLOCK", 600)
    build(tmp_path / "x.zip", out=tmp_path / "parts", licence="MIT", vectors="none")
    whole, parts = Corpus(tmp_path / "whole"), Corpus(tmp_path / "parts")
    assert whole.table(whole.entries[0]).equals(parts.table(parts.entries[0]))
    assert pq.ParquetFile(tmp_path / "parts" / parts.entries[0].path).num_row_groups > 1


def test_without_a_licence_nothing_is_kept_unless_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("t/a.csv", "id,word\n1,a\n2,b\n")
    done = build(tmp_path / "x.zip", out=tmp_path / "c", vectors="none")
    assert (done.numbers["tables"], done.numbers["dropped, no licence"]) == (0, 1)
    assert "--licence" in done.note
    assert build(tmp_path / "x.zip", out=tmp_path / "c", vectors="none", unlicensed="keep").numbers["tables"] == 1


def test_the_build_leaves_nothing_beside_its_corpus(tmp_path):
    build(HEAP, out=tmp_path / "c", vectors="none")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c"]
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "corpus.json",
        "dropped.jsonl",
        "tables",
        "tables.jsonl",
    ]


@pytest.mark.parametrize(
    ("names", "licence", "reason"),
    [
        (["a"], "MIT", "too few columns"),
        (["a", "b"], "", "no licence"),
        (["Tweet", "b"], "MIT", "social network"),
        (["Unnamed: 0", "Unnamed: 1", "b"], "MIT", "no header"),
        (["1", "2", "b"], "MIT", "numbers for a header"),
        (["a", "b"], "MIT", None),
    ],
)
def test_a_filter_says_why(names, licence, reason):
    assert Filters().by_header(names, licence) == reason


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("absent", {}),
        ("empty.zip", {}),
        ("text.zip", {}),
        (HEAP, {"fasttext": Path("/no/such.bin")}),
        (HEAP, {"threshold": 7.0}),
        (HEAP, {"min_columns": 0}),
        (HEAP, {"engine": "steam"}),
        (HEAP, {"out": "file"}),
    ],
)
def test_what_cannot_be_built_is_one_line_and_leaves_no_corpus(source, given, tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    (tmp_path / "file").write_text("")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    given = {"out": tmp_path / given.pop("out", "c"), **given}
    with pytest.raises(BadInput) as caught:
        build(tmp_path / source, **given)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "c").exists()


def test_engines_are_the_shared_ones():
    assert module.do_all is do_all
    assert store.KEY == b"gittables"
