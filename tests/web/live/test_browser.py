"""The live site as a reader uses it, in headless Chromium."""

import pytest

pytest.importorskip("playwright")
pytest.importorskip("gradio")

from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(running, plain_site, tmp_path_factory, cards):
    return running(plain_site, tmp_path_factory.mktemp("room"), cards=cards, upload_mb=1)[0]


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


def upload(panel, name, content, field="image"):
    panel.locator(f".field-{field} input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )
    # Gradio sends the file at once and shows a button to take it back when it has arrived.
    expect(panel.locator(f".field-{field}").get_by_role("button", name="Remove Image")).to_be_visible()


def test_a_photograph_is_uploaded_followed_and_comes_back(browser_page, requests, address, photograph):
    browser_page.goto(f"{address}/try/")
    browser_page.get_by_role("link", name="Brightening <b>Photographs</b>").click()
    panel = tab(browser_page, "Brighten")
    upload(panel, "coffee.png", photograph)
    panel.get_by_role("button", name="Settings").click()
    panel.get_by_label("Pause").fill("0.4")
    panel.get_by_label("Pause").blur()
    panel.get_by_role("button", name="Brighten", exact=True).click()

    expect(panel.get_by_role("progressbar")).to_be_visible()
    expect(panel.get_by_text("Brightening: 2 of 3")).to_be_visible()
    expect(panel.get_by_alt_text("How the work looks so far")).to_be_visible()
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
    panel.get_by_role("button", name="Remove Image").click()
    upload(panel, "coffee.png", photograph)
    panel.get_by_role("button", name="Brighten", exact=True).click()
    expect(panel.get_by_alt_text("Brighter")).to_be_visible(timeout=15_000)
    expect(error).to_have_count(0)


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
