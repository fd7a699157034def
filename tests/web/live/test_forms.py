import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

pytest.importorskip("gradio")

from hotpapers.cards import all_cards
from hotpapers.web.faces import Faces


@pytest.fixture(scope="module")
def client(running, plain_site, tmp_path_factory, cards):
    address, _ = running(plain_site, tmp_path_factory.mktemp("room"), cards=cards, upload_mb=1)
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def config(client):
    return client.get("/try/fakepaper/config").json()


def components(config, kind):
    return {each["props"].get("label"): each["props"] for each in config["components"] if each["type"] == kind}


def run(client, config, verb, **given):
    """Submit a form as the page does and return the last thing that it shows."""
    labels = {each["id"]: each["props"].get("label") for each in config["components"]}
    start = next(each["id"] for each in config["components"] if each["props"].get("value") == verb)
    event = next(each for each in config["dependencies"] if [start, "click"] in each["targets"])
    data = [given.get(labels[number]) for number in event["inputs"]]
    ask = {"data": data, "fn_index": event["id"], "session_hash": "abc", "trigger_id": start}
    assert client.post("/try/fakepaper/gradio_api/queue/join", json=ask).status_code == 200
    shown = ""
    with client.stream("GET", "/try/fakepaper/gradio_api/queue/data?session_hash=abc") as stream:
        for line in stream.iter_lines():
            told = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            if told.get("msg") == "process_completed":
                assert shown or not told["success"]
                return shown
            if told.get("msg") == "process_generating" and told["success"]:
                news = told["output"]["data"][0]  # the whole at first, then what has changed
                for action, _, text in [["replace", [], news]] if isinstance(news, str) else news:
                    shown = shown + text if action == "append" else text
    return shown


def test_each_parameter_has_the_widget_of_its_kind(config):
    assert {"Image", "Mask"} <= components(config, "image").keys()
    assert components(config, "number")["Strength"]["value"] == 1.5
    assert components(config, "number")["Steps"]["precision"] == 0
    assert components(config, "dropdown")["Tone"]["value"] == "warm"
    assert components(config, "checkbox")["Loudly"]["value"] is False
    assert "Model" in components(config, "dropdown")
    assert {"Title", "Text", "Name of the model", "Seed"} <= components(config, "textbox").keys()


def test_settings_open_with_the_words_of_the_card():
    import gradio as gr

    from hotpapers.web.forms import _widget
    from hotpapers.web.worker import Field

    with gr.Blocks():
        for widget, default, choices, words, value in [
            ("whole number", 20, [], "4", 4),
            ("number", 1.5, [], "0.5", 0.5),
            ("number", None, [], "0.5", "0.5"),
            ("choice", "warm", ["warm", "cold"], "cold", "cold"),
            ("yes or no", False, [], "true", True),
            ("words", "", [], "city", "city"),
        ]:
            field = Field(name="x", widget=widget, required=False, default=default, choices=choices, help="")
            assert _widget(field, [], words).value == value
            assert _widget(field, [], None).value == default


def test_the_docstrings_words_stand_beside_each_field(config):
    assert components(config, "number")["Strength"]["info"] == "How much brighter, 1 leaves it."
    said = " ".join(str(each["props"].get("value")) for each in config["components"] if each["type"] == "html")
    assert "The photograph, at least 16 pixels wide." in said
    assert "Brightening &lt;b&gt;Photographs&lt;/b&gt;" in said


def test_where_results_go_and_what_computes_is_not_offered(config):
    labels = {each["props"].get("label") for each in config["components"]}
    assert not labels & {"Out", "Device", "Resume"}


def test_a_verb_that_cannot_be_loaded_says_so_in_its_tab(config):
    said = " ".join(str(each["props"].get("value")) for each in config["components"] if each["type"] == "html")
    assert "pip install" in said


def test_no_page_of_the_forms_names_another_host(client, config):
    page = client.get("/try/fakepaper/")
    assert "fonts.googleapis" not in page.text + client.get("/try/fakepaper/theme.css").text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["monitoring", "gradio_api/info", "gradio_api/proxy=http://example.org", "login",
                                  "gradio_api/mcp", "gradio_api/deep_link", "gradio_api/component_server"])  # fmt: skip
def test_what_the_forms_do_not_need_of_gradio_is_closed(client, path):
    assert client.get(f"/try/fakepaper/{path}").status_code == 404


def test_a_file_of_the_server_cannot_be_named_as_an_upload(client, config, tmp_path, photograph):
    secret = tmp_path / "secret.png"
    secret.write_bytes(photograph)
    as_upload = {"path": str(secret), "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
    given = {"Image": as_upload, "Strength": 1.5, "Steps": 3, "Pause": 0, "Tone": "warm", "Loudly": False}
    assert run(client, config, "Brighten", **given) == ""
    assert client.get(f"/try/fakepaper/gradio_api/file={secret}").status_code in (403, 404)
    assert client.get("/try/fakepaper/gradio_api/file=/etc/passwd").status_code in (403, 404)


def test_a_form_answers_bad_input_with_its_one_line(client, config):
    upload = client.post("/try/fakepaper/gradio_api/upload", files={"files": ("words.png", b"words")}).json()[0]
    given = {"path": upload, "orig_name": "words.png", "meta": {"_type": "gradio.FileData"}}
    shown = run(client, config, "Brighten", Image=given, Strength=1.5, Steps=3, Pause=0, Tone="warm", Loudly=False)
    assert 'role="alert">words.png is not an image' in shown


def test_a_note_of_several_lines_keeps_its_layout_and_a_player_has_a_name(client, config):
    shown = run(client, config, "Speak", Text="four")
    assert "<pre>Hear it:\n    play " in shown
    assert re.search(r'<audio controls src="[^"]+" aria-label="Speech">', shown)


def test_nothing_that_a_verb_says_is_taken_for_markup(client, config):
    shown = run(client, config, "Misbehave", How="script")
    assert "&lt;script&gt;1&lt;/script&gt;" in shown
    assert "<script" not in shown
    assert "onerror=alert(1)&gt;" in shown
    assert "<img" not in shown
    assert "&lt;b&gt;.html" in shown


@pytest.mark.parametrize("slug", all_cards())
def test_every_verb_of_every_paper_makes_a_form(slug, tmp_path):
    card = all_cards()[slug]
    with ThreadPoolExecutor(1) as thread:  # the browser's event loop runs in this one
        faces = thread.submit(lambda: asyncio.run(Faces(tmp_path, {slug: card}).of(card))).result()
    assert list(faces) == list(card.verbs)
    for face in faces.values():
        assert face.error is None
        assert face.summary
        assert not [field.name for field in face.fields if not field.help]


def test_uploads_over_the_limit_are_refused_in_forms_too(client, config):
    answer = client.post("/try/fakepaper/gradio_api/upload", files={"files": ("big.png", bytes(3 << 20))})
    assert answer.status_code == 413
