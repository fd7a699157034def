"""Lists of files with checksums lead to one commit each, and a listed file comes whole or not at all."""

import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from hotpapers.datasets import NETWORKS, REGISTRY, Dataset, DownloadFailed, Source, download, fetch, offer
from hotpapers.datasets.model_vs_human import TINY_CLASSES

LISTED = {
    "model-vs-human": 243, "human-trials-2018": 67, "error-consistency": 105, "texture-shape-edges": 160,
    "texture-shape-silhouettes": 160, "texture-shape-cue-conflicts": 1280, "imagenet-samples": 207,
    "stimulus-tables": 2,
}  # fmt: skip


@pytest.mark.parametrize(("name", "files"), LISTED.items())
def test_a_list_names_each_file_once_at_one_commit(name, files):
    sources = REGISTRY[name].sources
    assert len({source.name for source in sources}) == len(sources) == files
    assert len({source.url.split("/")[5] for source in sources}) == 1
    assert all(len(source.url.split("/")[5]) == 40 for source in sources)
    assert REGISTRY[name].members == tuple(source.name for source in sources)


def test_tiny_imagenet_gives_500_photographs_of_26_classes():
    members = REGISTRY["tiny-imagenet"].members
    assert len(set(members)) == len(members) == 500 * sum(map(len, TINY_CLASSES.values())) == 13_000


def test_networks_are_one_file_of_one_wheel():
    assert len(NETWORKS) == 4
    assert all(each.members[0].endswith(".pth") and len(each.sources) == 1 for each in NETWORKS.values())


def test_a_listed_file_is_fetched_from_its_address_and_verified(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_FIRST_PAUSE", 0.01)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "a.csv").write_text("subj\n")
    (tmp_path / "b.csv").write_text("changed\n")
    handler = lambda *given: Quiet(*given, directory=str(tmp_path))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        sources = [listed(name, server.server_port) for name in ("a.csv", "b.csv")]
        offer(Dataset("made-up-list", "two files", "none", "https://example.org", (sources[0],), ("a.csv",)))
        assert (fetch("made-up-list") / "a.csv").read_text() == "subj\n"
        offer(Dataset("changed-list", "two files", "none", "https://example.org", (sources[1],), ("b.csv",)))
        with pytest.raises(DownloadFailed, match="SHA-256 is wrong"):
            fetch("changed-list")
        server.shutdown()
    for name in ("made-up-list", "changed-list"):
        del REGISTRY[name]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def listed(name, port):
    digest = hashlib.sha256({"a.csv": b"subj\n", "b.csv": b"another\n"}[name]).hexdigest()
    return Source(name, f"http://127.0.0.1:{port}/{Path(name).name}", digest, {"a.csv": 5, "b.csv": 8}[name])
