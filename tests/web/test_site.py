"""The static site says what the cards, the digest and the evidence say, leads nowhere wrong and lets nothing in."""

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
import pytest

from hotpapers.digest import load_day
from hotpapers.digest.mathtext import plain_title
from hotpapers.errors import BadInput
from hotpapers.web.site import POLICY, build_site

html5lib = pytest.importorskip("html5lib")
sys.path.append(str(Path(__file__).parent))
import example  # noqa: E402

PAPER = "papers/brightener/index.html"
KINDS = ["index.html", "digest/index.html", "papers/index.html", PAPER, "papers/bifi/index.html", "about/index.html",
         "404.html"]  # fmt: skip
HTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="session")
def shown(tmp_path_factory):
    """What the site shows: the digest with the example as its fifteenth paper, its card, and its evidence."""
    place = tmp_path_factory.mktemp("papers")
    example.install(place)
    sys.path.insert(0, str(place))
    digest = load_day("2021-06-15")
    entries = list(digest.entries)
    entries[14] = msgspec.structs.replace(entries[14], slug=example.CARD.slug)
    yield {
        "digests": [msgspec.structs.replace(digest, entries=tuple(entries))],
        "cards": {example.CARD.slug: example.CARD},
        "found": example.evidence(tmp_path_factory.mktemp("evidence")),
    }
    sys.path.remove(str(place))


@pytest.fixture(scope="session")
def site(shown, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "site"
    build_site(out, base_url="https://example.org/", **shown)
    return out


@pytest.fixture(scope="session")
def pages(site):
    """Address → the parsed page; the parser refuses what is not valid HTML."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True)
    return {path.relative_to(site).as_posix(): parser.parse(path.read_text("utf-8")) for path in site.rglob("*.html")}


def text_of(page, selector: str = "body") -> str:
    # Splitting takes the blanks that do not break for blanks, too.
    return " ".join(" ".join(page.find(f".//{HTML}{selector}").itertext()).split())


def test_every_page_is_valid_html_with_a_title_one_heading_and_a_language(pages):
    assert len(pages) == 34
    for address, page in pages.items():
        assert page.get("lang") == "en", address
        assert page.find(f".//{HTML}title").text.strip(), address
        assert len(page.findall(f".//{HTML}h1")) == 1, address
        ids = [element.get("id") for element in page.iter() if element.get("id")]
        assert len(ids) == len(set(ids)), address


def test_every_internal_link_leads_to_a_page_and_a_place_on_it(site, pages):
    seen = set()
    for address, page in pages.items():
        for element in page.iter():
            for target in filter(None, (element.get("href"), element.get("src"))):
                parts = urlsplit(urljoin(f"http://site/{address}", target))
                if parts.netloc != "site":
                    assert parts.scheme == "https", target
                    continue
                path = unquote(parts.path).lstrip("/")
                assert (site / path).is_file(), (address, target)
                seen.add(path)
                if parts.fragment:
                    ids = {each.get("id") for each in pages[path].iter()}
                    assert parts.fragment in ids, (address, target)
    # Nothing lies there that nobody is led to, but for what machines ask for by name.
    unreached = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()} - seen
    assert unreached <= {"robots.txt", "sitemap.xml", ".hotpapers-site", "static/live.css"}


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(pages):
    for address, page in pages.items():
        policy = [each.get("content") for each in page.iter(f"{HTML}meta") if each.get("http-equiv")]
        assert policy == [POLICY], address
        for element in page.iter():
            if not isinstance(element.tag, str):
                continue
            name = element.tag.removeprefix(HTML)
            assert name not in ("style", "iframe", "object", "embed", "form", "base"), address
            assert not [each for each, _ in element.items() if each.startswith("on") or each == "style"], address
            if name == "script":
                assert not element.text, address
                assert element.get("src"), address
            loaded = [element.get("src"), element.get("href") if name == "link" else None]
            assert not [each for each in loaded if each and urlsplit(each).netloc], address


def test_the_digest_shows_its_papers_in_order_with_what_is_counted(shown, pages):
    page = pages["digest/2021-06-15/index.html"]
    entries = shown["digests"][0].entries
    shown_slugs = [each.get("id") for each in page.iter(f"{HTML}li") if "entry" in each.get("class", "")]
    assert shown_slugs == [entry.slug for entry in entries]
    words = text_of(page, "main")
    assert "35,384 retweets, 1 like" in words
    assert "counted on 16 June 2021" in words
    assert words.count("no code yet") == 27
    assert "S²-MLP: Spatial-Shift" in words
    assert "Top-k Attention" in words
    for entry in entries:
        assert entry.summary in words


def test_the_front_page_is_the_newest_digest(pages):
    assert "Hot papers of 15 June 2021" in text_of(pages["index.html"])


def test_a_claim_shows_its_verdict_and_what_it_rests_on(pages):
    words = text_of(pages[PAPER], "main")
    for verdict in ("2 reproduced", "1 not reproduced", "1 inconclusive", "2 not run"):
        assert verdict in words
    for fact in (
        "The paper says 33.5 dB We measured 33.1 dB 31.2 to 35 Counts as reproduced at least 10 dB",
        "laptop scale, 3 seeds, 2 January 2026",
        "0: 31.2, 1: 35, 2: 33.1",
        "exactly 902,531",
        "Example CPU @ 2.0 GHz, 2 cores, 24 GiB",
        "7 min, 3.0 GiB of memory at most",
        "only part of 8.5 … 14",
        "hotpapers reproduce brightener brighter --scale laptop",
        "A run at smoke scale, which decides nothing",
        "Baseline 410 s",
        'Faces <b>keep</b> their colour & their "shape".',
    ):
        assert fact in words, fact


def test_evidence_is_copied_beside_the_pages_but_nothing_that_a_browser_would_run(site, shown):
    for runs in shown["found"].values():
        for run in runs:
            copied = site / "evidence" / "brightener" / run.path.name
            assert copied.read_bytes() == run.path.read_bytes()
    assert (site / "evidence/brightener/brighter.laptop/sheet.png").is_file()
    assert not list((site / "evidence").rglob("*.html"))


def test_the_files_of_evidence_say_what_they_show_in_the_order_of_the_card(pages):
    figures = {}
    for section in pages[PAPER].iter(f"{HTML}section"):
        found = [each for each in section.iter(f"{HTML}figure") if each.get("class") == "shown"]
        figures[section.get("aria-labelledby")] = [
            (next(each.iter(f"{HTML}img")).get("alt"), "".join(next(each.iter(f"{HTML}figcaption")).itertext()))
            for each in found
        ]
    assert figures["brighter"] == [("Before & <b>after</b>",) * 2, ("What was added",) * 2]
    assert figures["perhaps"] == [("Added",) * 2, ("Sheet",) * 2]  # the card says nothing of them


def test_a_paper_without_code_says_so_and_leads_to_arxiv_and_the_authors(pages):
    page = pages["papers/bifi/index.html"]
    words = text_of(page, "main")
    assert "No code here yet" in words
    assert "nothing of it was measured here" in words
    assert "hotpapers new 2106.06600 --slug bifi" in words
    links = {each.get("href") for each in page.iter(f"{HTML}a")}
    assert {"https://arxiv.org/abs/2106.06600", "https://github.com/michiyasunaga/BIFI"} <= links
    assert "no code that we know of" in text_of(pages["papers/issnet/index.html"])


def test_a_hostile_readme_comes_out_harmless_and_readable(site, pages):
    page = pages[PAPER]
    raw = (site / PAPER).read_text("utf-8").lower()
    for trap in (
        "<script>",
        "javascript:",
        "onerror=",
        "onclick",
        "<iframe",
        "data:text",
        "track.gif",
        "position:fixed",
    ):
        assert trap not in raw.replace("&lt;script&gt;", ""), trap
    words = text_of(page, "main")
    assert "generated table" not in words
    assert "a_very_long_word" in words
    pictures = [each.get("src") for each in page.iter(f"{HTML}img") if "before" in each.get("src", "")]
    assert pictures == ["images/before%20after.png"] * 2
    assert not list(site.rglob("secret.png"))
    assert not list(site.rglob("passwd"))


def test_verbs_are_told_from_their_source_without_an_import(pages):
    words = text_of(pages[PAPER], "main")
    assert "hotpapers brightener brighten IMAGE MODEL --mask MASK" in words
    assert '--gain number 2.0 How much brighter, <script>alert("help")</script> as a factor of 1.0 or more.' in words
    assert "--mode soft, hard soft" in words
    assert "--device auto, cpu, cuda, mps auto" in words
    assert 'pip install "hotpapers[torch,vision]"' in words


def test_the_site_of_the_real_papers_is_built_without_torch(tmp_path):
    code = (
        "import sys; from pathlib import Path; from hotpapers.web.commands import build;"
        "build(out=Path(sys.argv[1])); assert not {'torch', 'fastapi', 'gradio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "site"], check=True)
    assert (tmp_path / "site" / "index.html").is_file()


def test_machines_get_the_digest_as_json_and_a_map(site):
    told = json.loads((site / "digest/2021-06-15/index.json").read_text("utf-8"))
    assert [entry["rank"] for entry in told["entries"]] == list(range(1, 29))
    assert told["entries"][14]["verdicts"]["brighter-still"] == "not reproduced"
    assert not told["entries"][0]["runs_here"]
    addresses = [each.text for each in ElementTree.parse(site / "sitemap.xml").iter() if each.tag.endswith("}loc")]
    assert "https://example.org/papers/sinir/" not in addresses
    assert {"https://example.org/", "https://example.org/papers/brightener/"} <= set(addresses)
    assert "https://example.org/sitemap.xml" in (site / "robots.txt").read_text("utf-8")


def test_the_live_site_leads_to_its_forms(shown, tmp_path):
    build_site(tmp_path / "site", live=True, **shown)
    for page in ("index.html", PAPER):
        assert "/try/brightener/" in (tmp_path / "site" / page).read_text("utf-8")


def test_a_folder_that_is_no_site_is_never_replaced(shown, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="not a site built here"):
        build_site(mine, **shown)
    with pytest.raises(BadInput, match="is a file"):
        build_site(mine / "thesis.txt", **shown)
    assert (mine / "thesis.txt").read_text() == "years of work"


def test_a_site_is_replaced_whole_or_stays_as_it_was(shown, tmp_path, monkeypatch):
    out = tmp_path / "site"
    build_site(out, **shown)
    (out / "old.html").write_text("of the last build")
    with monkeypatch.context() as patched:
        patched.setattr("hotpapers.web.site._Writer.for_machines", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build_site(out, **shown)
    assert (out / "old.html").is_file()
    build_site(out, **shown)
    assert not (out / "old.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("wrong", [{"base_url": "javascript:alert(1)"}, {"evidence": Path("nowhere")}])
def test_wrong_settings_are_refused_in_one_line(shown, tmp_path, wrong):
    with pytest.raises(BadInput):
        build_site(tmp_path / "site", **(shown | wrong))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("S$^2$-MLP", "S²-MLP"),
        ("Top-$k$", "Top-k"),
        (r"$\alpha_{12}$-divergence", "α₁₂-divergence"),
        (r"$\mathcal{O}(n^{-2})$", "O(n⁻²)"),
        (r"$\frac{1}{2}$ of it", r"$\frac{1}{2}$ of it"),
        ("$x^q$", "$x^q$"),
        ("costs $5 or 6", "costs $5 or 6"),
    ],
)
def test_mathematics_becomes_characters_only_where_nothing_is_lost(written, read):
    assert plain_title(written) == read


@pytest.fixture(scope="module")
def address(shown, tmp_path_factory):
    """The address of a plain server of a site whose digest is cut to four papers, because browsers take their time."""
    [digest] = shown["digests"]
    short = msgspec.structs.replace(digest, entries=tuple(digest.entries[rank - 1] for rank in (1, 5, 10, 15)))
    site = tmp_path_factory.mktemp("short") / "site"
    build_site(site, **(shown | {"digests": [short]}))

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def open_everything(page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_wrong_in_light_in_dark_and_on_a_phone(browser_page, address, kind):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    contrast = {"runOnly": ["color-contrast"]}
    all_else = {"rules": {"color-contrast": {"enabled": False}}}
    browser_page.goto(f"{address}/{kind}")
    open_everything(browser_page)
    # Axe takes its time: contrast depends on the scheme alone, everything else on the width.
    for scheme, width, options in [("light", 1280, {}), ("dark", 1280, contrast), ("light", 360, all_else)]:
        browser_page.emulate_media(color_scheme=scheme)
        browser_page.set_viewport_size({"width": width, "height": 800})
        found = axe.run(browser_page, options={"resultTypes": ["violations"], **options})
        assert found.violations_count == 0, f"{scheme}, {width} px: {found.generate_report()}"
    assert browser_page.complaints == []


@pytest.mark.browser
def test_pages_fit_the_narrowest_phone(browser_page, address):
    browser_page.set_viewport_size({"width": 320, "height": 640})
    for kind in KINDS:
        browser_page.goto(f"{address}/{kind}")
        open_everything(browser_page)
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= 320, kind


@pytest.mark.browser
def test_the_filter_leaves_the_papers_of_a_category(browser_page, address):
    browser_page.goto(f"{address}/index.html")
    entries = browser_page.locator(".entry:visible")
    assert entries.count() == 4
    browser_page.get_by_label("Category").select_option("cs.CL")
    assert entries.count() == 2
    assert "2 of 4 papers" in browser_page.get_by_role("status").inner_text()
    browser_page.get_by_label("Category").select_option("")
    browser_page.get_by_label("only what runs here").check()
    assert entries.count() == 1


@pytest.mark.browser
def test_the_choice_of_colours_is_remembered_from_page_to_page(browser_page, address):
    ground = "getComputedStyle(document.body).backgroundColor"
    browser_page.emulate_media(color_scheme="light")
    browser_page.goto(f"{address}/index.html")
    light = browser_page.evaluate(ground)
    button = browser_page.get_by_role("button", name="Colours")
    button.click()
    button.click()
    assert "dark" in button.inner_text()
    browser_page.goto(f"{address}/about/index.html")
    assert browser_page.evaluate(ground) != light
    browser_page.get_by_role("button", name="Colours").click()
    assert browser_page.evaluate(ground) == light


@pytest.mark.browser
def test_pages_open_from_disk_and_read_without_scripts(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    assert not page.get_by_role("button", name="Colours").is_visible()
    assert not page.get_by_label("Category").is_visible()
    page.locator("#brightener h2 a").click()
    assert page.url.endswith(PAPER)
    assert page.get_by_role("img", name=re.compile("Wanted ≥ 10; measured 33.1")).first.is_visible()
    context.close()
