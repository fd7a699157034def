import json
import shutil
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hotpapers.errors import BadInput
from hotpapers.papers.gittables.annotate import annotator
from hotpapers.papers.gittables.complete import Completion, complete
from hotpapers.papers.gittables.evaluate import agreement, evaluate, read_gold
from hotpapers.papers.gittables.experiment import EXAMPLES
from hotpapers.papers.gittables.search import Index, search
from hotpapers.papers.gittables.stats import stats
from hotpapers.papers.gittables.store import Corpus, Entry, load
from hotpapers.papers.gittables.vectors import embedder

CORPUS = EXAMPLES / "corpus.zip"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "corpus"
    shutil.unpack_archive(CORPUS, path)
    return path


def test_a_zip_and_its_folder_are_one_corpus(folder):
    zipped, plain = Corpus(CORPUS), Corpus(folder)
    assert zipped.entries == plain.entries
    assert len(zipped) == 42
    assert zipped.table(zipped.entries[3]).equals(plain.table(plain.entries[3]))


def test_the_published_parquet_files_are_a_corpus_without_an_index(tmp_path):
    told = {
        "csv_url": "https://x/a.csv",
        "license": {"name": "MIT License", "spdx_id": "MIT"},
        "dtypes": {"id": "int64"},
        "dbpedia_syntactic_column_types": {"id": {"cleaned_label": "id"}},
        "table_domain": {"dbpedia_syntactic": "x:Y"},
    }
    table = pa.table({"id": [1, 2], "__index_level_0__": [0, 1]}).replace_schema_metadata(
        {"gittables": json.dumps(told)}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    (entry,) = Corpus(tmp_path).entries
    assert (entry.columns, entry.rows, entry.licence, entry.url) == (["id"], 2, "MIT", "https://x/a.csv")
    assert entry.types == {"dbpedia_syntactic": {"id": "id"}}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_what_is_no_corpus_is_one_line(content, tmp_path):
    (tmp_path / "x.zip").write_bytes(content)
    for path in (tmp_path / "x.zip", tmp_path, tmp_path / "absent"):
        with pytest.raises(BadInput) as caught:
            Corpus(path)
        assert "\n" not in str(caught.value)


def test_an_index_leads_nowhere_else(tmp_path):
    (tmp_path / "secret.parquet").write_bytes(b"x")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "tables.jsonl").write_text(
        '{"id":0,"path":"../secret.parquet","name":"x","rows":1,"columns":["a"]}\n'
    )
    opened = Corpus(tmp_path / "c")
    with pytest.raises(BadInput, match="leads out"):
        opened.table(opened.entries[0])


def test_a_table_is_taken_out_by_name_or_number(tmp_path):
    assert load(CORPUS, out=tmp_path / "list.csv").numbers["tables"] == 42
    done = load(CORPUS, table="book_0", out=tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().count("\n") > done.numbers["rows"] > 20
    load(CORPUS, table="book_0", kind="json", out=tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text())["license"]["spdx_id"] == "CC0-1.0"
    load(CORPUS, table="book_0", kind="parquet", out=tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").num_rows == done.numbers["rows"]
    with pytest.raises(BadInput, match="no table 'nope'"):
        load(CORPUS, table="nope")


def test_statistics_count_what_is_there(tmp_path):
    done = stats(CORPUS, out=tmp_path / "s.json")
    told = json.loads((tmp_path / "s.json").read_text())
    opened = Corpus(CORPUS)
    assert told["tables"] == 42
    assert told["rows"]["sum"] == sum(each.rows for each in opened.entries)
    assert told["columns"]["mean"] == pytest.approx(np.mean([len(each.columns) for each in opened.entries]), abs=0.01)
    assert told["types"]["dbpedia_syntactic"]["city"] == sum(
        "city" in each.types["dbpedia_syntactic"].values() for each in opened.entries
    )
    assert done.files["types"].read_bytes().startswith(b"\x89PNG")


def test_words_find_the_tables_that_have_them_first():
    hits = Index(Corpus(CORPUS).entries).search("director films", "words")
    assert {entry.topic for entry, _ in hits[:5]} == {"film"}
    assert Index(Corpus(CORPUS).entries).search("qqqq", "words") == []


def test_meaning_finds_what_words_do_not():
    entries = [Entry(0, "a", "a", 1, ["automobile", "driver"]), Entry(1, "b", "b", 1, ["melody", "singer"])]
    index = Index(entries, embedder("small"))
    assert index.search("car", "words") == []
    assert index.search("car", "meaning")[0][0].id == 0
    assert index.search("car")[0][0].id == 0


def test_what_was_found_is_listed(tmp_path):
    done = search(CORPUS, "player team", out=tmp_path / "f.csv")
    assert done.numbers["found"] > 3
    assert search(CORPUS, "qqqq", by="words", out=tmp_path / "n.csv").numbers["found"] == 0
    with pytest.raises(BadInput):
        search(CORPUS, " ")


def test_a_schema_goes_on_as_those_that_begin_alike():
    known = Completion(
        [["id", "city", "country", "population"], ["id", "city", "country", "area"], ["x", "y", "z"]],
        embedder("ngrams"),
    )
    proposals = [name for name, _ in known.complete(["id", "city"])]
    assert proposals[0] == "country"
    assert set(proposals[1:3]) == {"area", "population"}
    assert known.most_common(["id"], 1) == ["city"]


def test_the_headers_of_a_corpus_complete_a_beginning(tmp_path):
    found = complete(CORPUS, "product, colour", out=tmp_path / "p.csv").numbers
    assert "order date" in found
    with pytest.raises(BadInput):
        complete(CORPUS, ",")


def test_agreement_counts_columns_that_both_annotate_and_leaves_labels_out(tmp_path):
    (tmp_path / "t.csv").write_text('"name","country","year"\n"a","b","c"\n')
    (tmp_path / "gs_property.csv").write_text(
        "t.csv~Col0,http://www.w3.org/2000/01/rdf-schema#label,true\n"
        "t.csv~Col1,http://dbpedia.org/ontology/country,true\n"
        "t.csv~Col2,http://dbpedia.org/ontology/releaseDate,true\n"
        "t.csv~Col9,http://dbpedia.org/ontology/country,true\nabsent.csv~Col0,x,true\n"
    )
    found = agreement(read_gold(tmp_path), annotator("none", 0.56, "fixed"), "syntactic")
    assert (found.columns, found.annotated, found.equal, found.share) == (2, 2, 1, 50)
    assert found.confused == [("release date", "year", 1)]


def test_an_archive_of_the_gold_standard_is_read_as_its_folder(tmp_path):
    shutil.unpack_archive(EXAMPLES / "gold.zip", tmp_path / "gold")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("x.csv", "a,b\n")
    assert read_gold(EXAMPLES / "gold.zip") == read_gold(tmp_path / "gold")
    assert evaluate(EXAMPLES / "gold.zip", vectors="none", out=tmp_path / "a.json").numbers["columns"] == 25
    for path in (tmp_path / "other.zip", tmp_path / "absent", EXAMPLES / "people.csv"):
        with pytest.raises(BadInput):
            read_gold(path)
