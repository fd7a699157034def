"""Downloads resume, retry, verify, and say in one line what to do when they fail. The server is on this machine."""

import contextlib
import hashlib
import http.server
import re
import threading
import time

import pytest

from hotpapers import progress
from hotpapers.datasets import REGISTRY, Dataset, DownloadFailed, Source, download, fetch, offer
from hotpapers.errors import BadInput

CONTENT = bytes(range(256)) * 4000  # 1 MB


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT with ranges. Each answer takes the next fault: a status, ("drop", n), ("slow", s), or None."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.ranges, self.content, self.heeds_ranges = [], [], CONTENT, True

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/data.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        fault = server.faults.pop(0) if server.faults else None
        if isinstance(fault, int):
            self.send_error(fault)
            return
        start = 0
        if server.heeds_ranges and (asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")):
            start = int(asked[1])
            if start >= len(server.content):
                self.send_error(416)
                return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.end_headers()
        what, amount = fault or ("", 0)
        if what == "slow":
            time.sleep(amount)
        with contextlib.suppress(OSError):
            self.wfile.write(body[:amount] if what == "drop" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "_FIRST_PAUSE", 0.01)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def toy(server, monkeypatch):
    """A dataset of one file on the server."""
    monkeypatch.setattr("hotpapers.datasets.dataset.REGISTRY", registry := dict(REGISTRY))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    source = Source(name="data.bin", url=server.url, sha256=sha256, size=len(CONTENT))
    offered = offer(Dataset("toy", "bytes", "none", "http://127.0.0.1/", (source,), ("data.bin",)))
    assert registry["toy"] is offered
    return offered


def whole(dataset):
    """Whether the dataset is here, to the bit, and nothing beside it."""
    files = list(dataset.folder.iterdir())
    return files == [dataset.folder / "data.bin"] and files[0].read_bytes() == CONTENT


def resumed_at(asked):
    return int(re.fullmatch(r"bytes=(\d+)-", asked)[1])


def failure():
    with pytest.raises(DownloadFailed) as caught:
        fetch("toy")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_is_downloaded_once(toy, server):
    assert not toy.here
    assert fetch("toy") == toy.folder
    assert fetch("toy") == toy.folder
    assert whole(toy)
    assert toy.here
    assert server.ranges == [None]


def test_a_file_put_there_by_hand_is_taken_without_a_download(toy, server):
    toy.folder.mkdir(parents=True)
    (toy.folder / "data.bin").write_bytes(CONTENT)
    fetch("toy")
    assert server.ranges == []


def test_a_servers_trouble_that_passes_does_no_harm(toy, server):
    server.faults = [500, 503, 429]
    fetch("toy")
    assert whole(toy)


def test_a_broken_connection_goes_on_where_it_broke(toy, server):
    server.faults = [("drop", 600_000)]
    fetch("toy")
    assert whole(toy)
    assert len(server.ranges) == 2
    assert 560_000 < resumed_at(server.ranges[1]) <= 600_000


def test_breaks_are_forgiven_as_long_as_bytes_come(toy, server):
    server.faults = [("drop", 100_000)] * 8
    fetch("toy")
    assert whole(toy)


def test_a_download_that_failed_goes_on_the_next_time(toy, server):
    server.faults = [("drop", 600_000), 500, 500, 500, 500]
    assert "the server answers 500" in failure()
    fetch("toy")
    assert whole(toy)
    assert 560_000 < resumed_at(server.ranges[-1]) <= 600_000


def test_a_server_without_ranges_sends_all_again(toy, server):
    server.heeds_ranges = False
    server.faults = [("drop", 600_000)]
    fetch("toy")
    assert whole(toy)


def test_a_part_from_elsewhere_is_started_anew(toy, server):
    toy.folder.mkdir(parents=True)
    (toy.folder / "data.bin.part").write_bytes(b"x" * (len(CONTENT) + 5))
    fetch("toy")
    assert whole(toy)


def test_a_file_with_the_wrong_checksum_is_removed(toy, server):
    server.content = b"x" + CONTENT[1:]
    says = failure()
    assert "SHA-256 is wrong" in says
    assert not list(toy.folder.iterdir())
    server.content = CONTENT
    fetch("toy")
    assert whole(toy)


@pytest.mark.parametrize("content", [CONTENT + b"more", CONTENT[:-5]], ids=["longer", "shorter"])
def test_a_file_of_another_length_is_never_used(toy, server, content):
    server.content = content
    failure()
    assert not list(toy.folder.glob("data.bin"))
    server.content = CONTENT
    fetch("toy")
    assert whole(toy)


def test_what_is_not_there_is_not_asked_for_again(toy, server):
    server.faults = [404] * 9
    says = failure()
    assert "the server answers 404" in says
    assert str(toy.folder / "data.bin") in says  # where to put it by hand
    assert len(server.ranges) == 1


def test_a_silent_server_is_not_waited_for_forever(toy, server, monkeypatch):
    monkeypatch.setattr(download, "_TIMEOUT", (0.2, 0.1))
    server.faults = [("slow", 0.5)]
    fetch("toy")
    assert whole(toy)
    assert len(server.ranges) == 2


def test_without_a_network_one_line_says_where_to_put_the_file(toy, monkeypatch):
    sources = (Source("data.bin", "http://127.0.0.1:9/data.bin", toy.sources[0].sha256, len(CONTENT)),)
    offer(Dataset("toy", "bytes", "none", "http://127.0.0.1/", sources, ("data.bin",)))
    says = failure()
    assert "the server cannot be reached" in says
    assert f"put it at {toy.folder / 'data.bin'}" in says


def test_progress_counts_megabytes(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "_style", f"json:{tmp_path / 'log'}")
    fetch("toy")
    assert '"title": "download data.bin (MB)", "done": 1.0, "total": 1.0' in (tmp_path / "log").read_text()


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(BadInput, match=", ".join(sorted(REGISTRY))):
        fetch("imagenet")
