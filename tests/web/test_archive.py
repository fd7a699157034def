"""The site shows the store's archive: every day in one click, everything found, and nothing hostile runs."""

import functools
import http.server
import json
import re
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
import pytest

pytest.importorskip("sqlalchemy")
html5lib = pytest.importorskip("html5lib")

from hotpapers.digest import load_day  # noqa: E402
from hotpapers.digest.importing import import_posts  # noqa: E402
from hotpapers.digest.store import open_store  # noqa: E402
from hotpapers.web.archive import load_archive, place  # noqa: E402
from hotpapers.web.site import POLICY, build_site  # noqa: E402

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent)]
import example  # noqa: E402

import made_up  # noqa: E402

HTML = "{http://www.w3.org/1999/xhtml}"
SHIPPED = load_day("2021-06-15")
HOSTILE_DAY = "digest/2021-06-17/index.html"
KINDS = ["digest/index.html", "digest/2021-06-16/index.html", HOSTILE_DAY, "digest/2021-W24/index.html",
         "digest/2021-06/index.html", "categories/index.html", "categories/cs.CV/index.html", "authors/index.html",
         "authors/m/index.html", "search/index.html"]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home whose store has the made-up archive."""
    folder = tmp_path_factory.mktemp("archive")
    with open_store(f"sqlite:///{folder}/digest.sqlite") as store:
        assert not import_posts(store, [made_up.write(folder / "posts")]).problems
    return folder


@pytest.fixture
def with_store(home, monkeypatch):
    monkeypatch.setenv("HOTPAPERS_HOME", str(home))


@pytest.fixture(scope="module")
def site(home, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "site"
    card = msgspec.structs.replace(example.CARD, arxiv="2106.07001", verbs={})
    with pytest.MonkeyPatch.context() as patched:
        place = tmp_path_factory.mktemp("papers")
        example.install(place)
        patched.syspath_prepend(str(place))
        patched.setenv("HOTPAPERS_HOME", str(home))
        build_site(out, base_url="https://example.org/", digests=[SHIPPED], cards={card.slug: card}, found={})
    return out


@pytest.fixture(scope="module")
def pages(site):
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True)
    return {path.relative_to(site).as_posix(): parser.parse(path.read_text("utf-8")) for path in site.rglob("*.html")}


def words_of(page, selector="main"):
    return " ".join(" ".join(page.find(f".//{HTML}{selector}").itertext()).split())


def test_every_page_is_valid_and_runs_and_loads_nothing_but_our_own(pages):
    assert set(KINDS) <= set(pages)
    for address, page in pages.items():
        assert [each.get("content") for each in page.iter(f"{HTML}meta") if each.get("http-equiv")] == [POLICY]
        assert len(page.findall(f".//{HTML}h1")) == 1, address
        for element in page.iter():
            name = element.tag.removeprefix(HTML) if isinstance(element.tag, str) else ""
            assert name not in ("style", "iframe", "object", "embed", "form", "base"), address
            assert not [each for each, _ in element.items() if each.startswith("on") or each == "style"], address
            if name == "script":
                assert not element.text
                script = element.get("src").removeprefix("/")
                assert re.fullmatch(r"(\.\./)*static/(theme|site|search)\.js|papers\.js", script), address
            if name == "a" and element.get("href"):
                assert urlsplit(element.get("href")).scheme in ("", "https"), element.get("href")


def test_every_link_leads_to_a_page_and_a_place_on_it(site, pages):
    ids = {address: {each.get("id") for each in page.iter()} for address, page in pages.items()}
    for address, page in pages.items():
        for element in page.iter():
            for target in filter(None, (element.get("href"), element.get("src"))):
                parts = urlsplit(urljoin(f"http://site/{address}", target))
                if parts.netloc == "site":
                    path = unquote(parts.path).lstrip("/")
                    assert (site / path).is_file(), (address, target)
                    assert not parts.fragment or parts.fragment in ids[path], (address, target)


def test_any_day_is_one_click_from_the_calendar(pages):
    links = {each.get("href") for each in pages["digest/index.html"].iter(f"{HTML}a")}
    days = ("2021-06-09", "2021-06-16", "2021-06-17", "2021-07-01-2021-07-02", "2021-07-05")
    for name in (*days, "2021-W24", "2021-06"):
        assert f"../digest/{name}/index.html" in links, name


def test_a_day_shows_its_papers_their_counts_and_the_posts_as_quotes(pages):
    page = pages["digest/2021-06-16/index.html"]
    words = words_of(page)
    assert "Better Photographs in O(n²)" in words
    assert "899 reposts, 90 likes score 989" in words
    assert 'So "good" & new Ada @ada, 2021-06-16' in words
    quotes = page.findall(f".//{HTML}blockquote")
    assert len(quotes) == 1
    links = [each.get("href") for each in quotes[0].iter(f"{HTML}a")]
    assert links == ["https://twitter.com/ada/status/1404980000000000000"]


def test_a_paper_that_has_code_here_is_marked_and_leads_to_its_page(pages):
    first, second = [each for each in pages["digest/2021-06-16/index.html"].iter(f"{HTML}li") if each.get("id")]
    assert first.get("class") == "entry runs"
    assert first.find(f".//{HTML}h2/{HTML}a").get("href") == "../../papers/brightener/index.html"
    assert second.get("class") == "entry"
    assert second.find(f".//{HTML}h2/{HTML}a").get("href") == "https://arxiv.org/abs/2106.06561"


def test_a_long_post_is_quoted_in_part(pages):
    page = pages["digest/2021-07-01-2021-07-02/index.html"]
    assert len("".join(page.find(f".//{HTML}blockquote").itertext())) < 400


def test_a_day_without_papers_says_so(pages):
    assert "No paper of that day" in words_of(pages["digest/2021-07-05/index.html"])


def test_the_shipped_day_keeps_its_page(site, home, tmp_path, monkeypatch):
    build_site(tmp_path / "site", digests=[SHIPPED], cards={}, found={})
    plain = (tmp_path / "site/digest/2021-06-15/index.html").read_text("utf-8")
    assert not (tmp_path / "site/search").exists()
    assert not (tmp_path / "site/authors").exists()
    assert "Search" not in plain
    # The same with an archive, but for what leads to it.
    assert SHIPPED.entries[3].summary in (site / "digest/2021-06-15/index.html").read_text("utf-8")
    assert place("2021-06-15", 3, shipped=True) == "digest/2021-06-15/index.html"


def test_categories_and_authors_list_what_they_have(pages):
    assert "cs.CV, vision 12 papers" in words_of(pages["categories/index.html"])
    assert "An Older Paper" in words_of(pages["categories/cs.CL/index.html"])
    assert "Zoë Müller 2021-06-09 , 2021-06-16" in words_of(pages["authors/m/index.html"])
    assert "11 papers" in words_of(pages["digest/2021-W24/index.html"])


def test_names_that_are_no_categories_never_become_folders(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOTPAPERS_HOME", str(home))
    archive = load_archive([])
    edition = archive.editions[0]
    paper = msgspec.structs.replace(edition.entries[0].paper, categories=("../../../trap", "cs.CL", "a/b", ""))
    entry = msgspec.structs.replace(edition.entries[0], paper=paper)
    hostile = type(archive)([msgspec.structs.replace(edition, entries=(entry,))])
    build_site(tmp_path / "in" / "site", digests=[SHIPPED], cards={}, found={}, archive=hostile)
    assert [each.name for each in (tmp_path / "in/site/categories").iterdir() if each.is_dir()] == ["cs.CL"]
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_machines_get_each_day_as_json_the_feeds_and_a_map(site):
    told = json.loads((site / "digest/2021-06-17/index.json").read_text("utf-8"))
    assert [row["rank"] for row in told["entries"]] == list(range(1, len(made_up.TRAPS) + 1))
    assert len(ElementTree.parse(site / "feed.rss.xml").findall("channel/item")) == 13
    atom = ElementTree.parse(site / "feed.atom.xml").getroot()
    assert "https://example.org/feed.atom.xml" in [each.get("href") for each in atom]
    assert json.loads((site / "feed.json").read_text("utf-8"))["feed_url"] == "https://example.org/feed.json"
    assert "https://example.org/digest/2021-06-17/" in (site / "sitemap.xml").read_text("utf-8")


@pytest.fixture(scope="module")
def address(site):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_wrong_and_pages_fit_a_phone(browser_page, address, kind):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    browser_page.goto(f"{address}/{kind}")
    browser_page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for scheme, options in [("light", {}), ("dark", {"runOnly": ["color-contrast"]})]:
        browser_page.emulate_media(color_scheme=scheme)
        found = axe.run(browser_page, options={"resultTypes": ["violations"], **options})
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"
    browser_page.set_viewport_size({"width": 320, "height": 640})
    assert browser_page.evaluate("document.documentElement.scrollWidth") <= 320
    assert browser_page.complaints == []


@pytest.mark.browser
def test_hostile_titles_names_and_posts_run_nothing(browser_page, address):
    asked = []
    browser_page.on("request", lambda request: asked.append(request.url))
    for kind in (HOSTILE_DAY, "digest/2021-06/index.html", "categories/cs.CV/index.html", "authors/e/index.html",
                 "authors/other/index.html", "search/index.html#trap"):  # fmt: skip
        if kind.startswith("authors/") and browser_page.request.get(f"{address}/{kind}").status == 404:
            continue
        browser_page.goto(f"{address}/{kind}")
        browser_page.wait_for_load_state("networkidle")
        assert browser_page.evaluate("window.trapped") is None, kind
        assert browser_page.locator("main :is(script, img, svg, iframe, style, base)").count() == 0
    assert "Trap 2 <script>window.trapped='script'</script>" in browser_page.locator("#hits").inner_text()
    assert {urlsplit(each).netloc for each in asked} == {urlsplit(address).netloc}
    assert browser_page.complaints == []


@pytest.mark.browser
def test_the_page_itself_is_the_second_wall(browser_page, site, tmp_path):
    # Were something hostile ever to get into a page, its policy would not run it.
    page = (site / HOSTILE_DAY).read_text("utf-8")
    traps = "".join(made_up.TRAPS[:4])
    target = tmp_path / "digest" / "x" / "index.html"
    target.parent.mkdir(parents=True)
    target.write_text(page.replace("<main", f"{traps}<main"), "utf-8")
    browser_page.goto(target.as_uri())
    browser_page.wait_for_timeout(200)
    assert browser_page.evaluate("window.trapped") is None
    assert any("Content Security Policy" in each for each in browser_page.complaints)


@pytest.mark.browser
def test_typing_finds_papers_and_a_click_leads_to_their_place(browser_page, address):
    browser_page.goto(f"{address}/index.html")
    browser_page.get_by_role("link", name="Search").click()
    box = browser_page.get_by_role("searchbox", name="Words")
    box.fill("muller OLD")
    assert browser_page.get_by_role("status").inner_text() == "1 paper"
    browser_page.reload()
    assert box.input_value() == "muller OLD"
    box.fill("zzz")
    assert browser_page.get_by_role("status").inner_text() == "0 papers"
    box.fill("photogr")
    browser_page.locator("#hits").get_by_role("link", name="Better Photographs").click()
    assert browser_page.url.endswith("digest/2021-06-16/index.html#no-1")


@pytest.mark.browser
def test_the_calendar_leads_to_a_day_a_week_and_a_month(browser_page, address):
    browser_page.goto(f"{address}/digest/index.html")
    browser_page.get_by_role("link", name="17 June 2021, 9 papers").click()
    assert browser_page.get_by_role("heading", level=1).inner_text() == "Hot papers of 17 June 2021"
    browser_page.get_by_role("link", name="The digest before").click()
    assert browser_page.get_by_role("heading", level=1).inner_text() == "Hot papers of 16 June 2021"
    browser_page.get_by_role("link", name="2021-W24").click()
    assert browser_page.get_by_role("heading", level=1).inner_text() == "Hot papers of the week from 14 June 2021"


def test_the_real_archive_is_built_in_seconds_and_its_pages_are_light(tmp_path, monkeypatch):
    posts = Path(__file__).parents[3] / "shared" / "digest" / "posts"
    if not posts.is_dir():
        pytest.skip("the blog's posts are not beside this checkout (../shared/digest/posts)")
    monkeypatch.setenv("HOTPAPERS_HOME", str(tmp_path))
    with open_store() as store:
        import_posts(store, [posts])
        count = len(store.posts())
    start = time.process_time()
    pages = build_site(tmp_path / "site", digests=[SHIPPED], cards={}, found={})
    assert time.process_time() - start < 10
    days = [*(tmp_path / "site" / "digest").glob("20??-??-??*/index.html")]
    assert len(days) == count
    assert pages > count
    assert max(path.stat().st_size for path in days) < 150_000
    assert max(path.stat().st_size for path in (tmp_path / "site").rglob("*.html")) < 250_000
