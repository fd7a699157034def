import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.gittables.annotate import annotator
from hotpapers.papers.gittables.fakes import KINDS, fake
from hotpapers.papers.gittables.privacy import anonymise, audit, find, luhn, replace

BY = annotator("small", 0.56, "fixed")
EMAILS = ["ann@example.com", "bob.b@mail.example.net", None, "carl+x@example.org"]
TABLE = pa.table({
    "id": [1, 2, 3, 4], "field_1": EMAILS, "note": ["call me", "write to dan@example.com please", "", "none"],
    "birth_date": ["1980-01-01", "1990-02-02", "1985-03-03", None], "price": [1.5, 2.0, None, 3.0],
})  # fmt: skip


def told(table, rules="both"):
    return {each.column: each.kind for each in find(table, BY.annotate(table.column_names), rules)}


def test_headers_tell_what_they_say_and_values_what_they_are():
    assert told(TABLE, "headers") == {"birth_date": "birth date"}
    assert told(TABLE, "values") == {"field_1": "email"}
    assert told(TABLE) == {"birth_date": "birth date", "field_1": "email"}


def test_a_name_is_personal_only_beside_another_personal_column():
    things = pa.table({"name": ["bolt", "nut"], "price": [1, 2]})
    people = things.append_column("email", pa.array(["a@b.org", "c@d.org"]))
    assert told(things) == {}
    assert told(people) == {"name": "name", "email": "email"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["+44 20 7946 0123", "(212) 555-0199", "212-555-0123"], "telephone"),
        (["4111 1111 1111 1111", "5500-0000-0000-0004"], "payment card"),
        (["123-45-6789", "078-05-1120"], "social security number"),
        (["192.168.0.1", "10.0.0.7"], "internet address"),
        (["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"], "bank account"),
        (["12 High Street", "7 Oak Ave, Paris"], "address"),
        (["James Miller", "Mary A. Jones", "Smith, John"], "person"),
        (["red", "blue"], None),
        (["2020-01-01", "2021-02-02"], None),
        (["4111 1111 1111 1112", "5500-0000-0000-0005"], None),
        (["12.50", "13.75"], None),
        (["New York", "Los Angeles"], None),
    ],
)
def test_values_are_told_by_what_most_of_them_fit(values, kind):
    assert told(pa.table({"field_1": values})).get("field_1") == kind


def test_whole_numbers_can_be_payment_cards():
    assert told(pa.table({"field_1": [4111111111111111, 5500000000000004, 340000000000009]})) == {
        "field_1": "payment card"
    }


def test_the_check_digit_of_cards_is_known():
    assert luhn("4111 1111 1111 1111")
    assert not luhn("4111 1111 1111 1112")


def test_replacing_keeps_shape_other_columns_missing_cells_and_order():
    personal = find(TABLE, BY.annotate(TABLE.column_names))
    clean, hidden = replace(TABLE, personal)
    assert clean.column_names == TABLE.column_names
    assert clean.num_rows == TABLE.num_rows
    assert clean.column("id") == TABLE.column("id")
    assert clean.column("price") == TABLE.column("price")
    assert [each is None for each in clean.column("field_1").to_pylist()] == [each is None for each in EMAILS]
    assert not set(clean.column("field_1").to_pylist()) & set(EMAILS) - {None}
    assert hidden == 1
    assert "dan@" not in clean.column("note")[1].as_py()
    assert clean.column("note")[1].as_py().startswith("write to ")
    assert replace(TABLE, personal)[0] == clean


@settings(max_examples=60)
@given(st.sampled_from(sorted(KINDS)), st.text(max_size=20), st.integers(0, 5))
def test_a_value_always_becomes_the_same_made_up_one(kind, value, seed):
    assert fake(kind, value, seed) == fake(kind, value, seed)
    assert fake(kind, value, seed)


def test_another_seed_gives_other_values_and_addresses_belong_to_nobody():
    made = {fake("email", "ann@example.com", seed) for seed in range(20)}
    assert len(made) > 15
    assert all(each.endswith("@example.org") for each in made)
    assert "555-01" in fake("telephone", "1")


def test_a_table_in_parts_becomes_what_it_becomes_whole():
    personal = find(TABLE, BY.annotate(TABLE.column_names))
    parts = [replace(TABLE.slice(at, 2), personal)[0] for at in (0, 2)]
    assert pa.concat_tables(parts).to_pydict() == replace(TABLE, personal)[0].to_pydict()


def test_the_audit_counts_the_values_of_the_types_that_are_watched():
    table = pa.table({"gender": ["f", "m", "f"], "x": [1, 2, 3]})
    assert audit(table, BY.annotate(table.column_names)) == {"gender": {"f": 2, "m": 1}}


def test_the_verb_writes_a_table_and_a_report(tmp_path):
    (tmp_path / "p.csv").write_text("id,email,city\n1,a@b.org,Bonn\n2,c@d.org,Rome\n")
    done = anonymise(tmp_path / "p.csv")
    assert "a@b.org" not in done.files["table"].read_text()
    report = json.loads(done.files["report"].read_text())
    assert report["columns"] == [{"column": "email", "kind": "email", "told_by": "header"}]
    with pytest.raises(BadInput):
        anonymise(tmp_path / "p.csv", out=tmp_path / "x.txt")
