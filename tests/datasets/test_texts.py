"""Texts are fetched from a server, checked, and read as they are; the server is on this machine."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest

from hotpapers.datasets import REGISTRY, DownloadFailed, Source, aan, enwik8, imdb
from hotpapers.errors import BadInput, HotpapersError


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve an archive as the only source of a dataset; its checksum is the archive's unless another is given."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def serve(dataset, files, sha256=None):
            name = REGISTRY[dataset].sources[0].name
            content = packed(files)
            (tmp_path / name).write_bytes(content)
            url = f"http://127.0.0.1:{running.server_port}/{name}"
            source = Source(name, url, sha256 or hashlib.sha256(content).hexdigest(), len(content))
            monkeypatch.setitem(REGISTRY, dataset, dataclasses.replace(REGISTRY[dataset], sources=(source,)))

        yield serve
        running.shutdown()
        thread.join()


def packed(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


def test_enwik8_is_taken_out_of_its_archive_and_split_as_usual(served):
    text = bytes(range(200))
    served("enwik8", {REGISTRY["enwik8"].members[0]: gzip.compress(text), "other": b"x"})
    parts = [enwik8(split) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [180, 10, 10]
    assert np.concatenate(parts).tobytes() == text == enwik8().tobytes()
    assert {path.name for path in REGISTRY["enwik8"].folder.iterdir()} == {"titans_pytorch-0.5.2"}


def test_reviews_come_with_their_class_and_split(served):
    files = {
        "aclImdb/train/pos/0_9.txt": "Très bon".encode(),
        "aclImdb/train/neg/0_1.txt": b"bad",
        "aclImdb/train/unsup/0_0.txt": b"who knows",
        "aclImdb/train/pos/../../0_9.txt": b"elsewhere",
        "aclImdb/train/neg/1_1.txt": None,
        "aclImdb/test/pos/0_10.txt": b"best",
        "aclImdb/README": b"read me",
    }
    served("imdb", files)
    assert imdb() == [("bad", 0), ("Très bon", 1)]
    assert imdb("test") == [("best", 1)]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * ((1 << 20) + 1)], ids=["not UTF-8", "endless"])
def test_reviews_that_cannot_be_are_refused_in_one_line(served, content):
    served("imdb", {"aclImdb/train/pos/0_9.txt": content})
    with pytest.raises(HotpapersError, match="is damaged") as refused:
        imdb()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("load", [enwik8, imdb])
def test_a_text_with_another_checksum_is_never_used(served, load):
    name = load.__name__
    served(name, {REGISTRY[name].members[0]: b"x"}, sha256="0" * 64)
    with pytest.raises(DownloadFailed, match="SHA-256 is wrong"):
        load()
    assert not REGISTRY[name].here


def test_pairs_of_papers_come_with_whether_one_cites_the_other(tmp_path):
    (tmp_path / "pairs.tsv").write_text('1.0\tA1\tB2\ta "text"\tanother\n0\tA1\tC3\tfirst\tsecond\r\n', newline="")
    assert aan(tmp_path / "pairs.tsv") == [('a "text"', "another", 1), ("first", "second", 0)]


@pytest.mark.parametrize("content", [b"text,label\n", b"2\ta\tb\tc\td\n", b"1\ta\tb\tc\n", b"1\ta\tb\tc\t\xff\n"])
def test_a_table_of_something_else_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "pairs.tsv").write_bytes(content)
    with pytest.raises(BadInput, match=r"pairs\.tsv") as refused:
        aan(tmp_path / "pairs.tsv")
    assert "\n" not in str(refused.value)
    with pytest.raises(BadInput, match="Cannot read"):
        aan(tmp_path / "missing.tsv")
