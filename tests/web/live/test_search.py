"""The live site searches the store, whatever is typed, and has no search where there is no store."""

import html
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("sqlalchemy")
from fastapi.testclient import TestClient

from hotpapers.digest.importing import import_posts
from hotpapers.digest.store import open_store
from hotpapers.web.server import create_app

sys.path.append(str(Path(__file__).parents[2]))
import made_up


@pytest.fixture
def client(plain_site, tmp_path, cards):
    app = create_app(plain_site, tmp_path / "room", cards=cards)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def filled(tmp_path):
    with open_store() as store:
        import_posts(store, [made_up.write(tmp_path / "posts")])


def test_a_search_leads_to_the_places_of_what_it_finds(filled, client):
    answer = client.get("/search", params={"q": "muller photogr"})
    assert answer.status_code == 200
    assert "form-action 'self'" in html.unescape(answer.text)
    assert 'href="/digest/2021-06-16/index.html#no-1"><b>Better Photographs in O(n²)</b>' in answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert "No paper has all of these words" in client.get("/search", params={"q": "zzz"}).text
    assert 'name="q"' in client.get("/search").text


HOSTILE = ["<script>1</script>", '"><img src=x onerror=1>', "') OR 1=1 --", "NEAR(", "\0", "x" * 5000]


@pytest.mark.parametrize("question", HOSTILE)
def test_no_question_is_an_error_or_is_run(filled, client, question):
    answer = client.get("/search", params={"q": question})
    assert answer.status_code == 200
    assert answer.text.count("<script") == 2
    assert "<img" not in answer.text


def test_what_is_found_is_shown_and_not_run(filled, client):
    text = client.get("/search", params={"q": "trap"}).text
    assert "Trap 2 &lt;script&gt;" in text
    assert text.count("<script") == 2


def test_the_pages_for_trying_lead_to_the_search_where_there_is_an_archive(filled, client):
    assert 'href="/search"' in client.get("/try/").text


def test_without_a_store_there_is_nothing_to_search(client):
    answer = client.get("/search", params={"q": "x"})
    assert answer.status_code == 404
    assert "digest import" in answer.json()["error"]
    assert "/search" not in client.get("/try/").text
