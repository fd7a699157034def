import io
import signal
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from hotpapers import files
from hotpapers.errors import BadInput
from hotpapers.web import server
from hotpapers.web.guard import Guard


@pytest.fixture(scope="module")
def site(running, plain_site, tmp_path_factory, cards):
    return running(plain_site, tmp_path_factory.mktemp("room"), cards=cards, upload_mb=1, workers=2)


@pytest.fixture
def client(site):
    with httpx.Client(base_url=site[0], timeout=20) as client:
        yield client


def start(client, verb="brighten", files=None, **fields):
    return client.post(f"/api/fakepaper/{verb}", files=files, data=fields)


def test_a_photograph_comes_back_brighter_with_its_numbers(client, photograph, over):
    answer = start(client, files={"image": ("my coffee.png", photograph)}, strength="2", tone="cold", loudly="true")
    assert answer.status_code == 202
    told = over(client, answer.json())
    assert told["state"] == "done"
    assert told["numbers"] == {"steps": 3, "strength": 2.0, "tone": "cold", "title": ""}
    assert told["note"] == "Loudly: True."
    assert told["progress"]["done"] == 3
    [file] = told["files"]
    assert file["name"] == "my coffee.brighter.png"
    made = np.asarray(Image.open(io.BytesIO(client.get(file["url"]).content)), float)
    given = np.asarray(Image.open(io.BytesIO(photograph)).convert("RGB"), float)
    np.testing.assert_allclose(made, np.minimum(2 * given, 255), atol=1)


def test_a_model_trained_here_is_found_by_the_other_verbs(client, photograph, over):
    trained = over(client, start(client, "train", {"image": ("a.png", photograph)}, name="coffee cup").json())
    assert (trained["state"], trained["model"]) == ("done", "coffee cup")
    assert client.get("/api/fakepaper").json()["models"] == ["coffee cup"]
    archive = zipfile.ZipFile(io.BytesIO(client.get(trained["files"][0]["url"]).content))
    assert {name for name in archive.namelist() if "." in name[2:]} == {"config.json", "model.safetensors"}
    filled = over(client, start(client, "fill", model="coffee cup", width="32").json())
    assert filled["state"] == "done"
    assert Image.open(io.BytesIO(client.get(filled["files"][0]["url"]).content)).size == (32, 32)

    again = start(client, "train", {"image": ("a.png", photograph)}, name="coffee cup")
    assert again.status_code == 409
    assert "already" in again.json()["error"]


@pytest.mark.parametrize("name", ["../../x", "..", "/etc", "", "a/b", ".hidden", "x" * 81])
def test_a_model_can_only_have_a_plain_name(client, photograph, name):
    assert start(client, "train", {"image": ("a.png", photograph)}, name=name).status_code == 422
    assert start(client, "fill", model=name).status_code == 422


def png(width, height):
    kept = io.BytesIO()
    Image.new("L", (width, height)).save(kept, "PNG")
    return kept.getvalue()


def huge_header():
    """A PNG that announces 20000 x 20000 pixels."""
    small = png(8, 8)
    size = (20000).to_bytes(4, "big") * 2
    head = b"IHDR" + size + small[24:29]
    return small[:12] + head + zlib.crc32(head).to_bytes(4, "big") + small[33:]


def float_tiff():
    kept = io.BytesIO()
    Image.fromarray(np.full((32, 32), np.nan, np.float32)).save(kept, "TIFF")
    return kept.getvalue()


@pytest.mark.parametrize(("name", "content", "says"), [
    ("empty.png", b"", "empty.png is empty"),
    ("words.png", b"not an image at all", "words.png is not an image"),
    ("dot.png", png(1, 1), "1 x 1"),
    ("cut.png", png(64, 64)[:60], "cut.png is not an image"),
    ("huge.png", huge_header(), "huge.png has too many pixels"),
    ("nan.tiff", float_tiff(), "not numbers"),
    ("../../x.png", png(64, 64), "without folders"),
    ("..\\x.png", png(64, 64), "without folders"),
])  # fmt: skip
def test_a_bad_upload_is_refused_at_once_in_one_line(client, name, content, says):
    answer = start(client, files={"image": (name, content)})
    assert answer.status_code == 422
    assert says in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_what_the_verb_itself_refuses_fails_the_job_without_the_servers_paths(client, over):
    told = over(client, start(client, files={"image": ("narrow.png", png(12, 12))}).json())
    assert (told["state"], told["http_status"]) == ("failed", 422)
    assert told["error"] == "narrow.png is 12 pixels wide; brightening needs 16 at least."


@pytest.mark.parametrize(("fields", "says"), [
    ({"strength": "much"}, "strength must be a number"),
    ({"strength": "nan"}, "strength must be a number"),
    ({"steps": "2.5"}, "steps must be a whole number"),
    ({"steps": "9" * 500}, "steps must be a whole number"),
    ({"tone": "green"}, "tone must be one of warm, cold"),
    ({"loudly": "perhaps"}, "loudly must be true or false"),
    ({"title": "x" * 30_000}, "title must be text"),
    ({"out": "/tmp/x"}, "no field 'out'"),
    ({"device": "cuda"}, "no field 'device'"),
])  # fmt: skip
def test_a_value_of_the_wrong_type_is_refused(client, photograph, fields, says):
    answer = start(client, files={"image": ("a.png", photograph)}, **fields)
    assert answer.status_code == 422
    assert says in answer.json()["error"]


def test_a_missing_file_is_refused_and_a_path_is_no_file(client):
    assert "image is missing" in start(client).json()["error"]
    assert "uploaded file" in start(client, image="/etc/passwd").json()["error"]


def test_unknown_papers_verbs_jobs_and_files_are_not_found(client):
    for path in ("/api/nothing", "/api/jobs/nothing", "/api/jobs/x/files/y", "/api/a/b/c/d", "/nothing.html"):
        assert client.get(path).status_code == 404, path
    assert client.post("/api/nothing/brighten").status_code == 404
    assert client.post("/api/fakepaper/nothing").status_code == 404
    assert client.post("/api/jobs/nothing").status_code == 404
    assert client.get("/try/nothing/").status_code == 404


def test_an_upload_over_the_limit_is_refused_announced_or_not(client):
    big = bytes(3 << 20)
    announced = start(client, files={"image": ("big.png", big)})
    assert announced.status_code == 413

    def in_pieces():
        yield b'--x\r\ncontent-disposition: form-data; name="image"; filename="big.png"\r\n\r\n'
        for _ in range(48):
            yield bytes(64 << 10)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    streamed = client.post("/api/fakepaper/brighten", content=in_pieces(), headers=kind)
    assert streamed.status_code == 413
    assert "1 MB" in streamed.json()["error"]


def test_a_broken_form_is_refused(client):
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/api/fakepaper/brighten", content=b"rubbish", headers=kind).status_code == 422
    assert client.post("/api/fakepaper/brighten", json={"image": "x"}).status_code == 422


def test_other_hosts_and_other_sites_are_kept_out(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.post("/api/fakepaper/speak", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/api/fakepaper/speak", headers={"origin": "null"}).status_code == 403
    assert client.post("/api/fakepaper/speak", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    own = str(client.base_url).rstrip("/")
    assert client.post("/api/fakepaper/speak", headers={"origin": own}).status_code == 422
    assert client.delete("/api/jobs/x", headers={"origin": "http://evil.example"}).status_code == 403


def test_every_answer_carries_the_safety_headers(client):
    for path in ("/", "/try/", "/api/fakepaper", "/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src" in headers["content-security-policy"]
        assert "http:" not in headers["content-security-policy"]


def test_the_site_itself_is_served(client):
    assert "<h1>Digest</h1>" in client.get("/").text


def test_only_plain_files_of_the_jobs_own_folder_are_given_out(client, over):
    told = over(client, start(client, "misbehave", how="steal").json())
    assert (told["state"], told["files"]) == ("done", [])
    for name in ("hostname", "link.txt", "order.json", "..%2forder.json", "%2e%2e/order.json"):
        assert client.get(f"{told['url']}/files/{name}").status_code == 404


def test_a_page_that_a_verb_made_is_downloaded_and_never_shown(client, over):
    told = over(client, start(client, "misbehave", how="script").json())
    answer = client.get(told["files"][0]["url"])
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_text_may_be_pasted_or_sent_as_a_file(client, over):
    pasted = over(client, start(client, "speak", text="four").json())
    sent = over(client, start(client, "speak", {"text": ("t.txt", b"seven!!")}).json())
    assert (pasted["numbers"], sent["numbers"]) == ({"letters": 4}, {"letters": 7})
    assert sent["note"] == "Hear it:\n    play t.wav"  # and not where this server keeps it
    assert client.get(pasted["files"][0]["url"]).headers["content-type"].startswith("audio/")


def test_a_verb_whose_libraries_are_missing_says_what_to_install(client):
    answer = start(client, "absent", text="x")
    assert answer.status_code == 501
    assert "pip install" in answer.json()["error"]


def test_the_interface_describes_the_fields_of_each_verb(client):
    brighten = client.get("/api/fakepaper").json()["verbs"][0]
    fields = {field["name"]: field for field in brighten["fields"]}
    assert "out" not in fields
    assert "device" not in fields
    assert fields["image"]["kind"] == "image"
    assert fields["tone"]["choices"] == ["warm", "cold"]
    assert (fields["steps"]["widget"], fields["steps"]["default"]) == ("whole number", 3)
    assert fields["strength"]["help"] == "How much brighter, 1 leaves it."


def test_the_server_never_imports_the_paper(client):
    client.get("/api/fakepaper")
    assert "fakepaper" not in sys.modules


SERVE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import FakeCard
from hotpapers.web import server
card = FakeCard(slug="fakepaper", arxiv="2106.00000", title="t", summary="s", verbs={"misbehave": "verbs:misbehave"})
server.all_cards = lambda: {"fakepaper": card}
server.serve(port=0, site=Path(sys.argv[2]))
"""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends_in_whatever_way_takes_its_jobs_with_it(plain_site, end):
    command = [sys.executable, "-c", SERVE, str(Path(__file__).parent), str(plain_site)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = server.stderr.readline().split()[2]
            job = httpx.post(f"{address}/api/fakepaper/misbehave", data={"how": "hang"}).json()
            while httpx.get(address + job["url"]).json()["state"] != "running":
                time.sleep(0.05)
            children = psutil.Process(server.pid).children(recursive=True)
            assert len(children) == 1
            server.send_signal(end)
            assert server.wait(10) in (0, -end)
            _, alive = psutil.wait_procs(children, timeout=5)
            assert not alive
        finally:
            server.kill()
    left = list((files.home() / "serve").iterdir())
    assert len(left) == (end == signal.SIGKILL)


def test_what_a_killed_server_left_is_removed_by_the_next():
    room = server.work_folder()
    (room.parent / "999999999-dead").mkdir()
    again = server.work_folder()
    assert {each.name for each in room.parent.iterdir()} == {room.name, again.name}


@pytest.mark.parametrize("settings", [{"workers": 0}, {"queue": 0}, {"upload_mb": -1}, {"job_seconds": 0},
                                      {"port": 99999}, {"host": "no.such.host.invalid"}])  # fmt: skip
def test_settings_that_make_no_sense_are_refused(plain_site, settings):
    with pytest.raises(BadInput):
        server.serve(**{"port": 0, "site": plain_site, **settings})


def test_a_folder_without_pages_is_no_site(tmp_path):
    with pytest.raises(BadInput, match="holds no built site"):
        server.serve(site=tmp_path)


@pytest.mark.parametrize(("host", "asked", "let_in"), [
    ("127.0.0.1", "localhost:8000", True), ("127.0.0.1", "[::1]:8000", True), ("127.0.0.1", "10.0.0.5", False),
    ("0.0.0.0", "10.0.0.5:8000", True), ("0.0.0.0", "rebound.example", False), ("lab.example", "lab.example", True),
    ("127.0.0.1", "", False), ("127.0.0.1", "127.0.0.1.evil.example", False),
])  # fmt: skip
def test_only_names_that_cannot_be_rebound_are_answered(host, asked, let_in):
    assert Guard(None, host=host, upload_mb=1).knows(asked) is let_in


def test_a_job_has_a_page_of_its_own_that_outlives_the_form(client, over):
    job = start(client, "misbehave", how="script").json()
    over(client, job)
    page = client.get(f"/jobs/{job['job']}")
    assert page.status_code == 200
    assert "&lt;script&gt;1&lt;/script&gt;" in page.text
    assert "<script>1" not in page.text
    assert client.get("/jobs/nothing").status_code == 404
