"""StackOverflow's repairs are fetched, verified and read as they are kept."""

import base64
import dataclasses
import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from hotpapers.datasets import REGISTRY, fetch, stackoverflow_repairs
from hotpapers.datasets.code_repairs import STACKOVERFLOW_REPAIRS, read_repairs
from hotpapers.errors import BadInput, HotpapersError

PAIR = ("print 'é'\n", "print('é')\n")
CONTENT = "\n".join(
    ["NAME STRING", "NAME ( STRING )", *(base64.b64encode(code.encode()).decode() for code in PAIR)]
).encode()
REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "bifi"


def test_four_lines_are_a_repair():
    assert read_repairs(CONTENT) == [PAIR]


@pytest.mark.parametrize("content", [b"", b"a\nb\nc\n", CONTENT.replace(b"c", b"!"), b"a\nb\n//79\n//79\n"])
def test_what_is_no_file_of_repairs_is_refused(content):
    with pytest.raises(HotpapersError, match="repairs has"):
        read_repairs(content)


def test_a_split_can_be_read_from_a_file_at_hand(tmp_path):
    (tmp_path / "x.txt").write_bytes(CONTENT)
    assert stackoverflow_repairs("test", tmp_path / "x.txt") == [PAIR]
    with pytest.raises(BadInput, match="Cannot read"):
        stackoverflow_repairs("test", tmp_path / "no.txt")


def test_both_splits_are_downloaded_and_verified(monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sources = tuple(
        dataclasses.replace(source, url=f"http://127.0.0.1:{server.server_port}/x", size=len(CONTENT),
                            sha256=hashlib.sha256(CONTENT).hexdigest())
        for source in STACKOVERFLOW_REPAIRS.sources
    )  # fmt: skip
    monkeypatch.setitem(REGISTRY, "stackoverflow-repairs", dataclasses.replace(STACKOVERFLOW_REPAIRS, sources=sources))
    try:
        fetch("stackoverflow-repairs")
        assert stackoverflow_repairs("train") == stackoverflow_repairs("test") == [PAIR]
    finally:
        server.shutdown()


def test_the_real_files_have_the_stated_checksums():
    if not REAL.is_dir():
        pytest.skip("the real data are not beside this checkout")
    import gzip

    for source in STACKOVERFLOW_REPAIRS.sources:
        content = gzip.decompress((REAL / f"{source.name}.gz").read_bytes())
        assert (len(content), hashlib.sha256(content).hexdigest()) == (source.size, source.sha256)
    assert len(read_repairs(content)) == 1156
