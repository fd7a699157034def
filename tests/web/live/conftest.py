"""A live site around a paper that is not there."""

import io
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the workers of a server are told the same path

from hotpapers.cards import Card  # noqa: E402


class FakeCard(Card, frozen=True):
    """A card whose package lies beside the tests."""

    @property
    def package(self) -> str:
        return self.slug

    @property
    def folder(self) -> Path:
        return HERE / self.slug


@pytest.fixture(scope="session")
def cards():
    names = {name: f"verbs:{name}" for name in ("brighten", "train", "fill", "speak", "look", "misbehave")}
    card = FakeCard(slug="fakepaper", arxiv="2106.00000", title="Brightening <b>Photographs</b>",
                    summary="Makes photographs brighter.", verbs={**names, "absent": "absent:absent"},
                    examples={"speak": {"text": "examples/words.txt"},
                              "look": {"image": "examples/grey.png"}})  # fmt: skip
    return {"fakepaper": card}


@pytest.fixture(scope="session")
def plain_site(tmp_path_factory):
    """A site of one page, where the true one does not matter."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><title>hotpapers</title><h1>Digest</h1>")
    return folder


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """A small photograph as PNG."""
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    kept = io.BytesIO()
    Image.fromarray(data.coffee()).resize((90, 60)).save(kept, "PNG")
    return kept.getvalue()


@pytest.fixture(scope="session")
def running():
    """Start servers; each call returns the address and the application of one."""
    import uvicorn

    from hotpapers.web.server import create_app

    servers = []

    def start(site, room, **settings):
        app = create_app(site, room, **settings)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app

    yield start
    for server, _ in servers:
        server.should_exit = True
    for _, thread in servers:
        thread.join(timeout=20)


def wait_for(client, job, seconds=20):
    """Follow a job over HTTP until it is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told = client.get(job["url"]).json()
        if told["state"] in ("done", "failed", "cancelled"):
            return told
        time.sleep(0.03)
    raise AssertionError(f"still {told['state']} after {seconds} s: {told}")


@pytest.fixture(scope="session")
def over():
    return wait_for
