"""The tables, words and vectors that come from outside: described truthfully, fetched whole, read in blocks."""

import hashlib
import json
import sys

import numpy as np
import pytest

from hotpapers.datasets import dbpedia_tables, fivethirtyeight, noun_topics, t2d, tables
from hotpapers.datasets import glove as load_glove
from hotpapers.datasets.dataset import find
from hotpapers.datasets.glove import GLOVE, pack
from hotpapers.datasets.wordnet import WORDNET
from hotpapers.errors import HotpapersError

NAMES = {"t2d": (117, 928_266), "dbpedia-tables": (44, 9_062_107), "fivethirtyeight": (450, 11_218_100)}


@pytest.mark.parametrize("name", NAMES)
def test_a_list_of_files_names_each_once_with_its_size(name):
    dataset = find(name)
    assert (len(dataset.sources), dataset.size) == NAMES[name]
    assert len({source.name for source in dataset.sources}) == len(dataset.sources)
    assert all("/" not in source.name for source in dataset.sources)
    assert all(source.url.startswith("https://raw.githubusercontent.com/") for source in dataset.sources)


def test_tables_lie_where_they_are_said_to(monkeypatch):
    for name in NAMES:
        dataset = find(name)
        dataset.folder.mkdir(parents=True)
        for member in dataset.members:
            (dataset.folder / member).write_bytes(b"x")
    assert (t2d() / "gs_property.csv").is_file()
    assert dbpedia_tables()["Hotel"].read_bytes() == b"x"
    files = fivethirtyeight()
    assert files["airline-safety/airline-safety.csv"].is_file()
    assert len(set(files.values())) == len(files) == 450


def test_a_file_is_taken_from_its_own_address_and_verified(monkeypatch, tmp_path):
    content = b"a,b\n1,2\n"
    listed = {
        "repository": "me/it",
        "commit": "c0",
        "files": [["data/x y.csv", hashlib.sha256(content).hexdigest(), 8]],
    }
    (tmp_path / "mine.json").write_text(json.dumps(listed))
    monkeypatch.setattr(tables, "__file__", str(tmp_path / "tables.py"))
    monkeypatch.setattr(tables, "offer", lambda dataset: dataset)
    dataset, names = tables._from_github("mine", name="mine", what="x", licence="y")
    assert dataset.sources[0].url == "https://raw.githubusercontent.com/me/it/c0/data/x%20y.csv"
    assert names == {"data/x y.csv": "0000.csv"}


def wink(path, count):
    rows = {f"w{at}": [at / 10] * 100 + [1.0, at] for at in range(count)} | {'"]': [2.0] * 100 + [1.0, count]}
    told = {"precision": 8, "words": list(rows), "vectors": rows, "unkVector": [0] * 102}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, separators=(",", ":")))


def test_vectors_are_packed_once_in_their_order_whatever_the_blocks(monkeypatch):
    wink(GLOVE.folder / GLOVE.members[0], 20)
    monkeypatch.setattr(sys.modules["hotpapers.datasets.glove"], "_BLOCK", 700)
    words, vectors = load_glove()
    assert words == [*(f"w{at}" for at in range(20)), '"]']
    np.testing.assert_allclose(vectors[:20, 99], np.arange(20) / 10, atol=1e-3)
    assert vectors.shape == (21, 100)
    (GLOVE.folder / GLOVE.members[0]).write_text("{}")
    assert load_glove()[0] == words


def test_what_holds_no_vectors_is_refused(tmp_path):
    (tmp_path / "x.json").write_text('{"vectors":{}}')
    with pytest.raises(HotpapersError):
        pack(tmp_path / "x.json", tmp_path / "w", tmp_path / "v.npy")


def test_topics_are_the_first_noun_of_each_set():
    path = WORDNET.folder / WORDNET.members[0]
    path.parent.mkdir(parents=True)
    path.write_text(
        "  1 This software is provided\n"
        "00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which is\n"
        "00001930 03 n 02 Physical_Entity 0 physical 0 007 @ 00001740 n 0000 | x\n"
        "00002137 03 n 01 entity 0 001 @ 00001740 n 0000 | again\n"
    )
    assert noun_topics() == ["entity", "physical entity"]
