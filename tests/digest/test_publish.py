"""Each format says what its specification wants, says all of the edition, and carries nothing that runs."""

import datetime
import email
import email.policy
import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from hotpapers.digest.edition import edition_of
from hotpapers.digest.importing import import_posts
from hotpapers.digest.publish import FORMATS, find_format
from hotpapers.digest.publish.mail import WIDTH
from hotpapers.digest.publish.quotes import LONGEST, quote_of
from hotpapers.digest.records import Signal
from hotpapers.digest.store import open_store
from hotpapers.errors import BadInput, MissingExtra

html5lib = pytest.importorskip("html5lib")
sys.path.append(str(Path(__file__).parents[1]))
import made_up  # noqa: E402

EDITIONS = {edition.name: edition for edition in map(edition_of, made_up.posts())}
ATOM, DC = "{http://www.w3.org/2005/Atom}", "{http://purl.org/dc/elements/1.1/}"
NOON = datetime.datetime(2021, 6, 15, 12, tzinfo=datetime.UTC)


@pytest.fixture(params=EDITIONS)
def edition(request):
    return EDITIONS[request.param]


def publish(name, edition):
    return find_format(name).publish(edition)


def check_is_web_address(address):
    parts = urlsplit(address)
    assert parts.scheme in ("http", "https"), address
    assert parts.netloc, address
    assert re.fullmatch(r"[!-~]+", address), address


def check_content(content):
    """HTML in a feed holds nothing but what a reader may be shown."""
    page = html5lib.parseFragment(content, treebuilder="etree", namespaceHTMLElements=False)
    for element in page.iter():
        assert element.tag in ("DOCUMENT_FRAGMENT", "p", "a", "br", "blockquote"), element.tag
        assert set(element.keys()) <= {"href", "rel"}
        if element.get("href") is not None:
            check_is_web_address(element.get("href"))


def check_rss(raw):
    """Hold a feed to RSS 2.0 as its specification at rssboard.org says."""
    assert raw.startswith(b"<?xml")
    root = ElementTree.fromstring(raw)
    assert (root.tag, root.attrib) == ("rss", {"version": "2.0"})
    [channel] = root
    assert channel.tag == "channel"
    once = [child.tag for child in channel if child.tag != "item"]
    assert len(once) == len(set(once))
    assert {"title", "link", "description"} <= set(once)
    assert set(once) <= {"title", "link", "description", "language", "lastBuildDate", f"{ATOM}link"}
    check_is_web_address(channel.findtext("link"))
    check_date(channel.findtext("lastBuildDate"))
    items = channel.findall("item")
    for item in items:
        tags = [child.tag for child in item]
        several = {"category", f"{DC}creator"}
        assert set(tags) - several == {"title", "link", "guid", "pubDate", "description"}
        assert all(tags.count(tag) == 1 for tag in set(tags) - several)
        assert item.find("guid").get("isPermaLink") == "false"
        check_is_web_address(item.findtext("link"))
        check_date(item.findtext("pubDate"))
        check_content(item.findtext("description"))
    keys = [item.findtext("guid") for item in items]
    assert len(keys) == len(set(keys))
    return [item.findtext("title") for item in items]


def check_date(text):
    """RFC 822, with the year in four digits."""
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", text), text
    assert parsedate_to_datetime(text).strftime("%a") == text[:3]


def check_atom(raw):
    """Hold a feed to RFC 4287."""
    root = ElementTree.fromstring(raw)
    assert root.tag == f"{ATOM}feed"
    check_atom_element(root, {"id": 1, "title": 1, "updated": 1, "subtitle": 1})
    assert root.find(f"{ATOM}author/{ATOM}name").text
    entries = root.findall(f"{ATOM}entry")
    for entry in entries:
        check_atom_element(entry, {"id": 1, "title": 1, "updated": 1, "summary": 1, "content": 1})
        assert entry.find(f"{ATOM}content").get("type") == "html"
        check_content(entry.find(f"{ATOM}content").text)
        for category in entry.findall(f"{ATOM}category"):
            assert category.get("term")
        assert all(name.text.strip() for name in entry.iterfind(f"{ATOM}author/{ATOM}name"))
    keys = [entry.find(f"{ATOM}id").text for entry in entries]
    assert len(keys) == len(set(keys))
    return [entry.find(f"{ATOM}title").text for entry in entries]


def check_atom_element(element, wanted):
    known = {"author", "category", "content", "entry", "id", "link", "subtitle", "summary", "title", "updated"}
    assert {child.tag for child in element} <= {ATOM + name for name in known}
    for name, number in wanted.items():
        assert len(element.findall(ATOM + name)) == number, name
    assert re.fullmatch(r"(urn:uuid:[0-9a-f-]{36}|https://[!-~]+)", element.find(f"{ATOM}id").text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", element.find(f"{ATOM}updated").text)
    links = [(link.get("rel"), link.get("type")) for link in element.findall(f"{ATOM}link")]
    assert ("alternate", "text/html") in links
    assert len(links) == len(set(links))
    for link in element.findall(f"{ATOM}link"):
        check_is_web_address(link.get("href"))


def check_json_feed(raw):
    """Hold a feed to JSON Feed 1.1 as jsonfeed.org says."""
    told = json.loads(raw.decode("utf-8"))
    assert told["version"] == "https://jsonfeed.org/version/1.1"
    known = {"version", "title", "home_page_url", "feed_url", "description", "language", "items"}
    assert {"version", "title", "items"} <= set(told) <= known
    check_is_web_address(told["home_page_url"])
    for item in told["items"]:
        assert set(item) == {"id", "url", "title", "content_html", "summary", "date_published", "authors", "tags"}
        assert isinstance(item["id"], str)
        assert item["id"]
        check_is_web_address(item["url"])
        assert datetime.datetime.fromisoformat(item["date_published"]).tzinfo
        assert all(set(author) == {"name"} and author["name"] for author in item["authors"])
        assert all(isinstance(tag, str) for tag in item["tags"])
        check_content(item["content_html"])
    keys = [item["id"] for item in told["items"]]
    assert len(keys) == len(set(keys))
    return [item["title"] for item in told["items"]]


CHECKS = {"rss": check_rss, "atom": check_atom, "jsonfeed": check_json_feed}


@pytest.mark.parametrize("name", CHECKS)
def test_feeds_are_valid_and_have_every_paper_in_order(name, edition):
    titles = CHECKS[name](publish(name, edition))
    assert [title.partition(".")[0] for title in titles] == [str(entry.rank) for entry in edition.entries]
    for title, entry in zip(titles, edition.entries, strict=True):
        assert " ".join(entry.paper.title.split()).replace("$O(n^2)$", "O(n²)") in title


@pytest.mark.parametrize("name", CHECKS)
def test_a_feed_of_a_site_names_its_own_address_and_those_of_two_days_are_told_apart(name):
    form = find_format(name)
    editions = [EDITIONS["2021-06-16"], EDITIONS["2021-06-09"]]
    raw = form.feed(editions, "Hot papers", "https://example.org/", "https://example.org/feed")
    assert len(CHECKS[name](raw)) == 3
    assert b"https://example.org/feed" in raw


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("rss", b"2021", b"21"),
        ("rss", b"<link>https://arxiv.org/abs/2106.07001", b"<link>javascript:1"),
        ("rss", b"&lt;p&gt;Ada", b"&lt;p onclick=x&gt;Ada"),
        ("rss", b"<guid", b"<guide"),
        ("atom", b"Z</updated>", b"</updated>"),
        ("atom", b"urn:uuid:", b""),
        ("atom", b"https://arxiv.org/abs/2106.07001", b"javascript:1"),
        ("atom", b"&lt;p&gt;Ada", b"&lt;script&gt;Ada"),
        ("jsonfeed", b'"id"', b'"key"'),
        ("jsonfeed", b"https://arxiv.org/abs/2106.07001", b"javascript:1"),
        ("jsonfeed", b"<p>Ada", b"<script>Ada"),
    ],
)
def test_the_checks_find_what_is_wrong(name, right, wrong):
    raw = publish(name, EDITIONS["2021-06-16"])
    assert right in raw
    with pytest.raises((AssertionError, ValueError, ElementTree.ParseError)):
        CHECKS[name](raw.replace(right, wrong).replace(b"</guid", b"</guide" if wrong == b"<guide" else b"</guid"))


def test_no_format_but_the_blogs_own_lets_anything_run():
    edition = EDITIONS["2021-06-17"]
    page = publish("html", edition).decode()
    mail = email.message_from_bytes(publish("email", edition), policy=email.policy.default)
    for text in (page, mail.get_body(("html",)).get_content()):
        check_page(text)
    told = json.loads(publish("json", edition))
    assert [row["title"] for row in told["entries"]] == [entry.paper.title for entry in edition.entries]


def check_page(text):
    page = html5lib.parse(text, treebuilder="etree", namespaceHTMLElements=False)
    html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True).parse(text)
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "article", "h1", "h2", "p", "a", "br"}
    allowed |= {"blockquote"}
    for element in page.iter():
        assert element.tag in allowed, element.tag
        assert set(element.keys()) <= {"lang", "charset", "http-equiv", "content", "name", "class", "href", "rel"}
        if element.tag == "a" and element.get("href") is not None:
            check_is_web_address(element.get("href"))
    assert len(page.findall(".//style")) == 1


def test_a_page_shows_posts_as_quotes_with_author_and_link():
    page = publish("html", EDITIONS["2021-06-16"]).decode()
    assert 'So "good" &amp; new' in page
    assert '<a href="https://twitter.com/ada/status/1404980000000000000" rel="nofollow' in page
    assert "Ada @ada, 2021-06-16" in page
    assert "Better Photographs in O(n²)" in page


def test_a_long_post_is_quoted_in_part():
    quote = quote_of(EDITIONS["2021-07-01 - 2021-07-02"].entries[0].posts[0])
    assert len(quote.text) <= LONGEST
    assert quote.text.endswith("word…")
    assert quote.html == quote.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil", "", "https://a b", 'https://x/"'])
def test_a_post_whose_address_leads_to_no_web_page_has_no_link(url):
    post = Signal(source="bluesky", item="x", kind="post", seen=NOON, text="Words <b>&", url=url, actor="did:plc:x")
    quote = quote_of(post)
    assert quote.url == ""
    assert (quote.html, quote.author) == ("Words &lt;b&gt;&amp;", "")


def test_an_email_is_read_in_plain_text_and_in_html(edition):
    raw = publish("email", edition)
    assert raw == publish("email", edition)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["subject"].startswith("Hot papers of ")
    assert {"From", "Date", "Message-ID", "MIME-Version"} <= set(message.keys())
    plain = message.get_body(("plain",)).get_content()
    for entry in edition.entries:
        assert f"https://arxiv.org/abs/{entry.paper.arxiv}" in plain
    long = [line for line in plain.splitlines() if len(line) > WIDTH and " " in line.strip()]
    assert not [line for line in long if len(line.split()) > 2]
    check_page(message.get_body(("html",)).get_content())


def test_json_says_how_each_score_came_about(edition):
    told = json.loads(publish("json", edition))
    assert told["date"] == edition.name
    for row, entry in zip(told["entries"], edition.entries, strict=True):
        assert sum(part["value"] for part in row["parts"]) == row["score"] == entry.score
        assert row["arxiv"] == entry.paper.arxiv
        assert "html" not in str(row["posts"])


def test_parquet_has_a_row_a_paper(edition):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(publish("parquet", edition)))
    assert table.column("arxiv").to_pylist() == [entry.paper.arxiv for entry in edition.entries]
    assert table.column("counted").to_pylist() == [entry.counted for entry in edition.entries]
    assert table.column("authors").to_pylist() == [list(entry.paper.authors) for entry in edition.entries]
    assert set(table.column("date").to_pylist()) <= {edition.first}


def test_parquet_without_its_library_says_what_to_install(monkeypatch, edition):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install .*tables"):
        publish("parquet", edition)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "parquet"])
def test_characters_that_no_format_takes_are_left_out(name):
    edition = EDITIONS["2021-06-16"]
    first = edition.entries[0]
    dirty = "A\x00\x08B\x1f\ufffe"
    paper = msgspec.structs.replace(first.paper, title=dirty, authors=(dirty,), abstract=dirty)
    post = msgspec.structs.replace(first.posts[0], html=f"<p>{dirty}</p>", text=dirty, name=dirty)
    entry = msgspec.structs.replace(first, paper=paper, posts=(post,))
    raw = publish(name, msgspec.structs.replace(edition, entries=(entry,)))
    if name in CHECKS:
        CHECKS[name](raw)
    if name != "markdown":
        assert not re.search(rb"[\x00\x08\x1f]", raw)


def test_a_format_is_loaded_when_it_is_asked_for_and_not_before():
    code = (
        "import sys; from hotpapers.digest.publish import find_format; find_format('rss');"
        "assert not {'pyarrow', 'jinja2', 'torch', 'hotpapers.digest.publish.parquet'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_format_is_refused_with_those_that_there_are():
    with pytest.raises(BadInput, match="markdown, html, rss, atom, jsonfeed, json, parquet, email"):
        find_format("pdf")


def test_every_digest_of_the_archive_makes_valid_feeds(archive, tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        import_posts(store, [archive])
        names = store.posts()[::27]
        for _, first, last, count in names:
            edition = edition_of(store.post(first, last))
            for name, check in CHECKS.items():
                assert len(check(publish(name, edition))) == count
            check_page(publish("html", edition).decode())
    assert len(names) == 10
