import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.papers.gittables.cleaning import clean, clean_type


@pytest.mark.parametrize(
    "name", ["birthDate", "birth-date", "birth_date", "Birth_Date", "BirthDate", "Birth Date", " birth  date "]
)
def test_all_ways_of_writing_two_words_are_one_label(name):
    assert clean(name) == "birth date"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("birthDate", "birth date"),
        ("birth-date", "birth date"),
        ("CustomerID", "customer id"),
        ("dfE", "df e"),
        ("uRN", "u rn"),
        ("Birth_Date", "birth   date"),
        ("naïve café", "na ve caf"),
    ],
)
def test_the_legacy_cleaning_is_the_published_one_with_its_faults(name, label):
    assert clean(name, "legacy") == label


@pytest.mark.parametrize(
    ("name", "label"), [("naïve café", "naïve café"), ("CustomerID", "customer id"), ("ИмяКлиента", "имя клиента")]
)
def test_the_fixed_cleaning_keeps_the_letters_of_all_scripts(name, label):
    assert clean(name) == label


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_a_label_is_clean_already(name):
    assert clean(clean(name)) == clean(name)


@given(st.lists(st.text("abcdefgh", min_size=2, max_size=8), min_size=1, max_size=5))
def test_words_come_back_however_they_are_joined(words):
    label = " ".join(words)
    assert clean("_".join(words)) == clean("-".join(words)) == clean("".join(word.title() for word in words)) == label


def test_the_name_of_a_type_is_what_stands_last_in_its_iri():
    assert clean_type("http://dbpedia.org/ontology/populationTotal") == "population total"
    assert clean_type("schema:3DModel") == "3 d model"
