"""The live site as a reader uses it, in headless Chromium."""

import re

import pytest

pytest.importorskip("playwright")
pytest.importorskip("gradio")

from playwright.sync_api import expect

from hotpapers.cards import all_cards
from hotpapers.web.site import build_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(running, tmp_path_factory, cards):
    """The whole live site, with the true digests and papers, and a paper for the tests."""
    room = tmp_path_factory.mktemp("room")
    build_site(room / "site", live=True, found={})
    return running(room / "site", room, cards={**cards, **all_cards()}, upload_mb=1)[0]


@pytest.fixture
def requests(browser_page):
    """Every address that the page asked for."""
    asked = []
    browser_page.on("request", lambda request: asked.append(request.url))
    return asked


def tab(page, name):
    """Open the form of a verb and return it."""
    page.get_by_role("tab", name=name, exact=True).click()
    panel = page.locator('[role="tabpanel"]:visible')
    expect(panel.get_by_role("button", name=name, exact=True)).to_be_visible()
    return panel


def take_back(panel, field):
    """Empty a field that opened with an example, or has a file already."""
    remove = panel.locator(f".field-{field}").get_by_role("button", name="Remove Image")
    if remove.count():
        remove.click()


def upload(panel, name, content, field="image"):
    take_back(panel, field)
    panel.locator(f".field-{field} input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )
    # Gradio sends the file at once and shows a button to take it back when it has arrived.
    expect(panel.locator(f".field-{field}").get_by_role("button", name="Remove Image")).to_be_visible()


def fill(field, value):
    """Fill a field of settings that have just been opened: while Gradio mounts it, it forgets what it was given."""
    for _ in range(10):
        field.fill(value)
        field.blur()
        field.page.wait_for_timeout(300)
        if field.input_value() == value:
            return
    expect(field).to_have_value(value)


def test_the_digest_leads_to_a_paper_and_the_forms_and_asks_no_other_host(browser_page, requests, address):
    browser_page.goto(f"{address}/")
    expect(browser_page.get_by_role("heading", level=1)).to_be_visible()
    first = browser_page.locator(".entry h2 a").first
    title = first.inner_text()
    first.click()
    expect(browser_page.get_by_role("heading", level=1)).to_have_text(title)
    browser_page.get_by_role("link", name="Try it").first.click()
    expect(browser_page.get_by_role("heading", level=1)).to_have_text("Try it")
    assert {url.split("/")[2] for url in requests if url.startswith("http")} == {address.split("/")[2]}
    assert browser_page.complaints == []


def test_a_photograph_is_uploaded_followed_and_comes_back(browser_page, requests, address, photograph):
    browser_page.goto(f"{address}/try/")
    browser_page.get_by_role("link", name="Brightening <b>Photographs</b>").click()
    panel = tab(browser_page, "Brighten")
    upload(panel, "coffee.png", photograph)
    panel.get_by_role("button", name="Settings").click()
    fill(panel.get_by_label("Pause"), "1.5")
    panel.get_by_role("button", name="Brighten", exact=True).click()

    expect(panel.get_by_role("progressbar")).to_be_visible()
    expect(panel.get_by_alt_text("How the work looks so far")).to_be_visible()
    expect(panel.get_by_text("Brightening: 2 of 3")).to_be_visible()
    result = panel.get_by_alt_text("Brighter")
    expect(result).to_be_visible(timeout=15_000)
    assert result.evaluate("image => image.decode().then(() => image.naturalWidth)") == 90
    with browser_page.expect_download() as download:
        panel.get_by_role("link", name="coffee.brighter.png").click()
    assert download.value.suggested_filename == "coffee.brighter.png"
    assert {url.split("/")[2] for url in requests if url.startswith("http")} == {address.split("/")[2]}


def test_a_bad_upload_gets_one_line_and_the_next_one_works(browser_page, address, photograph):
    browser_page.goto(f"{address}/try/fakepaper/")
    panel = tab(browser_page, "Brighten")
    upload(panel, "words.png", b"not an image")
    panel.get_by_role("button", name="Brighten", exact=True).click()
    error = panel.get_by_role("alert")
    expect(error).to_contain_text("words.png is not an image that can be read")
    assert error.bounding_box()["height"] < 90
    upload(panel, "coffee.png", photograph)
    panel.get_by_role("button", name="Brighten", exact=True).click()
    expect(panel.get_by_alt_text("Brighter")).to_be_visible(timeout=15_000)
    expect(error).to_have_count(0)


def test_what_a_verb_says_is_shown_as_it_is_and_never_run(browser_page, address):
    browser_page.goto(f"{address}/try/fakepaper/")
    panel = tab(browser_page, "Misbehave")
    panel.get_by_label("How").click()
    browser_page.get_by_role("option", name="script").click()
    panel.get_by_role("button", name="Misbehave", exact=True).click()
    expect(panel.get_by_text("<script>1</script> ${40 + 2} {{40 + 2}}")).to_be_visible(timeout=15_000)
    expect(panel.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    panel.get_by_role("link", name="kept here").click()
    expect(browser_page.get_by_text("<script>1</script> ${40 + 2} {{40 + 2}}")).to_be_visible()


def test_the_readers_choice_of_colours_holds_in_the_forms(browser_page, address):
    browser_page.goto(f"{address}/try/")
    browser_page.evaluate("localStorage.setItem('colours', 'dark')")
    browser_page.goto(f"{address}/try/fakepaper/")
    expect(browser_page.locator("body.dark")).to_be_attached()
    assert browser_page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 21, 19)"


def test_a_form_opens_with_its_example_and_runs_on_it(browser_page, address):
    browser_page.set_viewport_size({"width": 1600, "height": 900})  # room for all tabs
    browser_page.goto(f"{address}/try/fakepaper/")
    panel = tab(browser_page, "Look")
    expect(panel.locator(".field-image img")).to_be_visible()
    panel.get_by_role("button", name="Look", exact=True).click()
    expect(panel.get_by_text("37 x 29")).to_be_visible(timeout=15_000)
    panel = tab(browser_page, "Speak")
    expect(panel.get_by_label("Text")).to_have_value("Words that are there already.\n")
    panel.get_by_role("button", name="Speak", exact=True).click()
    expect(panel.get_by_text("Letters")).to_be_visible(timeout=15_000)


def test_a_running_job_is_cancelled_from_its_form(browser_page, address):
    browser_page.goto(f"{address}/try/fakepaper/")
    panel = tab(browser_page, "Misbehave")
    panel.get_by_label("How").click()
    browser_page.get_by_role("option", name="hang").click()
    panel.get_by_role("button", name="Misbehave", exact=True).click()
    expect(panel.get_by_role("progressbar")).to_be_visible()
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.get_by_role("alert")).to_contain_text("Cancelled.")
    expect(panel.get_by_role("button", name="Misbehave", exact=True)).to_be_enabled()


def test_a_model_that_was_just_trained_is_the_first_choice_of_the_next_tab(browser_page, address, photograph):
    browser_page.goto(f"{address}/try/fakepaper/")
    panel = tab(browser_page, "Train")
    upload(panel, "coffee.png", photograph)
    panel.get_by_label("Name of the model").fill("my coffee")
    panel.get_by_role("button", name="Train", exact=True).click()
    expect(panel.get_by_text("Kept as my coffee")).to_be_visible(timeout=15_000)
    panel = tab(browser_page, "Fill")
    expect(panel.get_by_label("Model")).to_have_value("my coffee")
    panel.get_by_role("button", name="Fill", exact=True).click()
    expect(panel.get_by_alt_text("Filled")).to_be_visible(timeout=15_000)


@pytest.mark.skipif("sinir" not in all_cards(), reason="SinIR is not here")
def test_sinir_learns_a_photograph_in_the_browser_and_gives_it_back(browser_page, address, photograph):
    browser_page.goto(f"{address}/papers/sinir/")
    browser_page.get_by_role("link", name="Try it").last.click()
    panel = tab(browser_page, "Train")
    expect(panel.locator(".field-image img")).to_be_visible()  # its example
    upload(panel, "coffee.png", photograph)
    panel.get_by_label("Name of the model").fill("coffee")
    panel.get_by_role("button", name="Settings").click()
    for name, value in {"Steps": "2", "Max size": "48", "Channels": "8"}.items():
        fill(panel.get_by_role("textbox", name=re.compile(f"^{name}")), value)
    panel.get_by_role("button", name="Train", exact=True).click()
    expect(panel.get_by_text("Kept as coffee")).to_be_visible(timeout=40_000)
    panel = tab(browser_page, "Apply")
    expect(panel.get_by_label("Model", exact=True)).to_have_value("coffee")
    expect(panel.locator(".field-mask img")).to_be_visible()
    take_back(panel, "mask")
    upload(panel, "coffee.png", photograph)
    panel.get_by_role("button", name="Apply", exact=True).click()
    result = panel.locator(".job.done img").first
    expect(result).to_be_visible(timeout=30_000)
    assert result.evaluate("image => image.decode().then(() => image.naturalWidth)") > 20
