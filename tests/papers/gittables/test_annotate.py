import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.gittables.annotate import Annotator, annotate, annotator, calibrate, domain_of, metadata
from hotpapers.papers.gittables.ontology import Type, load

LABELS = [*load("dbpedia").labels[::97], *load("schema").labels[::97]]


class Two:
    """Two directions, and a third that is near the first."""

    name = "two"

    def embed(self, texts):
        known = {"alpha": (1, 0), "beta": (0, 1), "alpine": (0.8, 0.6), "nothing": (0, 0)}
        return np.array([known[text] for text in texts], np.float32)


@pytest.fixture
def two():
    from hotpapers.papers.gittables.ontology import Ontology

    types = [Type("alpha", "x:alpha", domain=["x:A"]), Type("beta", "x:beta", domain=["x:B"])]
    return Annotator(Two(), ontologies={"dbpedia": Ontology("dbpedia", types), "schema": Ontology("schema", types[:1])})


def labels(found, method, ontology="dbpedia"):
    return {
        name: each.type.label
        for name, all_ in found.items()
        for each in all_
        if (each.method, each.ontology) == (method, ontology)
    }


def test_the_nearest_type_is_taken_if_it_is_near_enough(two):
    found = two.annotate(["alpha", "alpine", "nothing"])
    assert labels(found, "semantic") == {"alpha": "alpha", "alpine": "alpha"}
    assert labels(found, "syntactic") == {"alpha": "alpha"}
    assert [each.similarity for each in found["alpine"]] == [0.8, 0.8]
    two.threshold = 0.81
    assert labels(two.annotate(["alpine"]), "semantic") == {}


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(LABELS))
def test_a_types_own_label_has_similarity_one_in_any_eyes(label):
    if any(each.isdigit() for each in label):
        return
    for vectors in ("small", "ngrams"):
        for each in annotator(vectors, 0.56, "fixed").annotate([label]).get(label, []):
            if each.type.label == label:
                assert each.similarity == 1


def test_title_snake_headers_are_annotated_unless_cleaned_as_published():
    assert labels(annotator("none", 0.56, "fixed").annotate(["Birth_Date"]), "syntactic") == {
        "Birth_Date": "birth date"
    }
    assert annotator("none", 0.56, "legacy").annotate(["Birth_Date"]) == {}


def test_of_two_columns_with_one_label_the_published_way_annotates_the_first():
    names = ["birth date", "birthDate"]
    assert list(annotator("none", 0.56, "legacy").annotate(names)) == names[:1]
    assert list(annotator("none", 0.56, "fixed").annotate(names)) == names


@pytest.mark.parametrize("name", ["Unnamed: 0", "", "  ", "2010", "year2010", "column_3"])
def test_columns_without_a_name_and_names_with_digits_have_no_meaning(name):
    assert labels(annotator("small", 0.0, "fixed").annotate([name]), "semantic") == {}


def test_a_published_tables_header_gets_its_published_syntactic_types():
    names = ["ID", "Type", "Story", "Parent", "Points", "Comments", "Author", "Title", "URL", "Content", "Created"]
    found = annotator("none", 0.56, "legacy").annotate(names)
    assert labels(found, "syntactic") == {
        "Author": "author",
        "Created": "created",
        "ID": "id",
        "Parent": "parent",
        "Title": "title",
        "Type": "type",
    }
    assert labels(found, "syntactic", "schema") == {
        "Author": "author",
        "ID": "id",
        "Parent": "parent",
        "Title": "title",
        "URL": "url",
    }


def test_the_domain_is_that_of_most_columns_and_of_equals_the_first():
    a, b, none = Type("a", "x:a", domain=["x:A"]), Type("b", "x:b", domain=["x:B", "x:A"]), Type("c", "x:c")
    assert domain_of([a, b]) == "x:A"
    assert domain_of([b]) == "x:B"
    assert domain_of([none]) is None


def test_metadata_have_the_published_keys_and_records():
    told = metadata(annotator("small", 0.56, "fixed").annotate(["id", "birth_date"]))
    assert set(told) == {f"{which}_{what}" for which in ("dbpedia", "schema") for what in (
        "syntactic_column_types", "semantic_column_types", "semantic_similarities")} | {"table_domain"}  # fmt: skip
    record = told["dbpedia_syntactic_column_types"]["birth_date"]
    assert set(record) == {"cleaned_label", "description", "domain", "id", "range", "superproperty"}
    assert set(told["schema_syntactic_column_types"]["birth_date"]) == {
        "cleaned_label", "description", "domain", "id", "range", "superclasses", "superproperties", "type"}  # fmt: skip
    assert told["dbpedia_semantic_similarities"]["birth_date"] == 1


def test_a_threshold_is_calibrated_as_mean_less_deviation(two):
    assert calibrate(two, ["alpha", "alpine"]) == pytest.approx(0.9 - 0.1, abs=1e-6)


def test_annotations_of_a_table_or_of_headers_are_listed_one_a_row(tmp_path):
    (tmp_path / "t.csv").write_text("id,Birth_Date,zzqq\n1,2000-01-01,x\n2,2001-01-01,y\n")
    done = annotate(tmp_path / "t.csv", vectors="none")
    with done.files["types"].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["column"], row["ontology"], row["type"]) for row in rows][-1] == ("zzqq", "", "")
    assert {row["type"] for row in rows} == {"id", "birth date", ""}
    assert "Person" in next(
        row["domain"] for row in rows if row["type"] == "birth date" and row["ontology"] == "dbpedia"
    )
    assert annotate(headers="id, birthDate", vectors="none", out=tmp_path / "h.csv").numbers["annotated"] == 2


@pytest.mark.parametrize(
    "given",
    [{}, {"headers": " "}, {"headers": "a", "threshold": 2.0}, {"headers": "a", "fasttext": Path("/no/such.bin")}],
)
def test_what_cannot_be_annotated_is_one_line(given):
    with pytest.raises(BadInput) as caught:
        annotate(**given)
    assert "\n" not in str(caught.value)
