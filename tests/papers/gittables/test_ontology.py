import gzip
import json

import pytest

from hotpapers.errors import BadInput
from hotpapers.papers.gittables import ontology as module
from hotpapers.papers.gittables.cleaning import clean
from hotpapers.papers.gittables.ontology import Ontology, Type, build, load, ontology, read_types, write_types

SCHEMA = {"@graph": [
    {"@id": "schema:birthDate", "@type": "rdf:Property", "rdfs:label": "birthDate", "rdfs:comment": "Day of birth.",
     "schema:domainIncludes": {"@id": "schema:Person"}, "schema:rangeIncludes": [{"@id": "schema:Date"}]},
    {"@id": "schema:identifier", "@type": "rdf:Property", "rdfs:label": "identifier", "rdfs:comment": "It.",
     "schema:domainIncludes": {"@id": "schema:Thing"}},
    {"@id": "schema:Person", "@type": "rdfs:Class", "rdfs:label": {"@value": "Person"}, "rdfs:comment": "One.",
     "rdfs:subClassOf": {"@id": "schema:Thing"}},
]}  # fmt: skip
_DBO, _OWL = "http://dbpedia.org/ontology/", "http://www.w3.org/2002/07/owl#"
_TYPE, _RDFS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "http://www.w3.org/2000/01/rdf-schema#"
DBPEDIA = f"""\
<{_DBO}birthDate> <{_TYPE}> <{_OWL}DatatypeProperty> .
<{_DBO}birthDate> <{_RDFS}domain> <{_DBO}Person> .
<{_DBO}birthDate> <{_RDFS}range> <http://www.w3.org/2001/XMLSchema#date> .
<{_DBO}birthDate> <{_RDFS}comment> "The day \\"of\\" birth, na\\u00EFve."@en .
<{_DBO}birthDate> <{_RDFS}comment> "Geburtstag."@de .
<{_DBO}diseasesDB> <{_TYPE}> <{_OWL}DatatypeProperty> .
<{_DBO}diseasesDb> <{_TYPE}> <{_OWL}DatatypeProperty> .
<{_DBO}Person> <{_TYPE}> <{_OWL}Class> .
"""


def test_the_snapshots_are_of_the_published_sizes():
    dbpedia, schema = load("dbpedia"), load("schema")
    assert (len(dbpedia), len(schema)) == (2831, 2637)
    assert len(set(dbpedia.types) & set(schema.types)) == 173
    assert sum(bool(each.domain) for each in dbpedia.types.values()) == 2331
    assert sum(bool(each.range) for each in dbpedia.types.values()) == 2542
    assert sum(bool(each.description) for each in dbpedia.types.values()) == 600
    kinds = [each.kind for each in schema.types.values()]
    assert (kinds.count("rdf:Property"), kinds.count("rdfs:Class")) == (1354, 846)


def test_street_is_no_type_of_dbpedia_and_id_is_one_of_schema_org():
    assert "street" not in load("dbpedia").types
    assert load("schema").types["id"].id == "schema:identifier"
    assert "identifier" not in load("schema").types


def test_headers_written_as_the_ontologies_name_their_types_have_their_labels():
    for name in module.NAMES:
        for each in load(name).types.values():
            iri = each.id if isinstance(each.id, str) else each.id[0]
            local = iri.rpartition("/" if "/" in iri else ":")[2]
            if local.isalpha() and local.isascii() and each.label != "id":
                assert clean(local) == each.label


def test_schema_orgs_json_ld_becomes_types_and_its_identifier_is_called_id(tmp_path):
    (tmp_path / "s.jsonld").write_text(json.dumps(SCHEMA))
    found = build(tmp_path / "s.jsonld", "schema")
    assert found.labels == ["birth date", "id", "person"]
    birth = found.types["birth date"]
    assert (birth.domain, birth.range, birth.description) == (["schema:Person"], ["schema:Date"], "Day of birth.")
    assert found.types["person"].parents == ["schema:Thing"]
    assert found.types["person"].record("schema")["superclasses"] == ["schema:Thing"]


def test_dbpedias_triples_become_properties_and_equal_labels_one_type(tmp_path):
    (tmp_path / "d.nt").write_text(DBPEDIA)
    found = build(tmp_path / "d.nt", "dbpedia")
    assert found.labels == ["birth date", "diseases db"]
    assert found.types["birth date"].description == 'The day "of" birth, naïve.'
    assert found.types["birth date"].domain == ["http://dbpedia.org/ontology/Person"]
    assert found.types["diseases db"].id == [
        "http://dbpedia.org/ontology/diseasesDB",
        "http://dbpedia.org/ontology/diseasesDb",
    ]


def test_ancestors_come_nearest_first_and_a_circle_ends():
    types = [Type("a", "x:a", parents=["x:b"]), Type("b", "x:b", parents=["x:c"]), Type("c", "x:c", parents=["x:a"])]
    known = Ontology("schema", types)
    assert [each.label for each in known.ancestors(known.types["a"])] == ["b", "c"]


def test_a_table_of_types_is_always_the_same_bytes(tmp_path):
    types = [Type("b", "x:b"), Type("a", "x:a", "words", domain=["x:c"])]
    write_types(tmp_path / "one.gz", types)
    write_types(tmp_path / "two.gz", reversed(types))
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert list(read_types(tmp_path / "one.gz", "schema").types.values()) == [types[1], types[0]]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"@graph": 3}', b'{"@graph": [{"@id": 1}]}', b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_ontology_is_one_line(content, tmp_path):
    (tmp_path / "x.jsonld").write_bytes(content)
    for name in module.NAMES:
        with pytest.raises(BadInput) as caught:
            build(tmp_path / "x.jsonld", name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\x1f\x8b", gzip.compress(b"x"), gzip.compress(b'{"label": 3}')])
def test_a_damaged_table_of_types_is_refused(content, tmp_path):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(BadInput):
        read_types(tmp_path / "x.gz", "dbpedia")


def test_a_word_is_looked_up_with_what_stands_above_it(tmp_path):
    done = ontology(word="birthDate", name="schema", out=tmp_path / "found.jsonl")
    assert done.numbers["id"] == "schema:birthDate"
    assert done.numbers["types"] == 1
    with pytest.raises(BadInput, match="no type with"):
        ontology(word="qqqq", out=tmp_path / "no.jsonl")
