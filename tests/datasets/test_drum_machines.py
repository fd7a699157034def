"""Drum machines: listed by class, and brought into a folder for each."""

import hashlib
import http.server
import threading
from collections import Counter

import pytest

from hotpapers.datasets import Dataset, DownloadFailed, Source, download, drum_machines, fetch, offer
from hotpapers.datasets.dataset import REGISTRY
from hotpapers.datasets.drum_machines import DRUM_MACHINES


def test_every_sound_is_listed_once_in_its_class():
    names = [source.name for source in DRUM_MACHINES.sources]
    assert Counter(name.split("/")[0] for name in names) == {"kick": 471, "snare": 518, "cymbal": 399}
    assert len(set(names)) == len({source.sha256 for source in DRUM_MACHINES.sources}) == 1_388
    assert all(
        source.url.split("/")[5] == "15eac73c5e878550f91d864a4863e014799403f1" for source in DRUM_MACHINES.sources
    )


def test_they_lie_where_they_are_said_to():
    for name in DRUM_MACHINES.members:
        (DRUM_MACHINES.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (DRUM_MACHINES.folder / name).touch()
    assert sorted(path.name for path in drum_machines().iterdir()) == ["cymbal", "kick", "snare"]


def test_a_sound_comes_into_its_classes_folder_and_only_as_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_FIRST_PAUSE", 0.01)
    (tmp_path / "a b.wav").write_bytes(b"RIFF")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a%20b.wav"
        for name, content, right in (("drums-right", b"RIFF", True), ("drums-wrong", b"RIFX", False)):
            source = Source("kick/a-b.wav", url, hashlib.sha256(content).hexdigest(), 4)
            dataset = offer(Dataset(name, "x", "y", "z", (source,), ("kick/a-b.wav",)))
            if right:
                assert (fetch(name) / "kick" / "a-b.wav").read_bytes() == b"RIFF"
            else:
                with pytest.raises(DownloadFailed, match="SHA-256"):
                    fetch(name)
                assert not (dataset.folder / "kick" / "a-b.wav").exists()
            del REGISTRY[name]
        server.shutdown()
