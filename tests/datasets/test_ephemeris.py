"""The ephemeris comes from a server by checksum, and its polynomials are the places, velocities and accelerations."""

import dataclasses
import functools
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest

from hotpapers.datasets import REGISTRY, DownloadFailed, Source, ephemeris
from hotpapers.datasets.ephemeris import AU, DE421, EARTH_OVER_MOON, FIRST, LAST
from hotpapers.errors import BadInput, HotpapersError

SPANS = 4
LENGTH = (LAST - FIRST) / SPANS


def packed(scale=1.0):
    """An archive as the package's, where every body goes round as t² in x, t in y, and 7 km in z, times its number."""
    middles = FIRST + LENGTH * (np.arange(SPANS) + 0.5) - FIRST
    h = LENGTH / 2
    ones, none = np.ones(SPANS), np.zeros(SPANS)
    x = np.stack([middles**2 + h**2 / 2, 2 * middles * h, ones * h**2 / 2], -1)  # (m + h x)² = … T₀ + … T₁ + … T₂
    y = np.stack([middles, ones * h, none], -1)
    z = np.stack([7 * ones, none, none], -1)
    spans = scale * np.stack([x, y, z], 1)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for number, member in enumerate(DE421.members, 1):
            array = io.BytesIO()
            np.save(array, spans * number)
            info = tarfile.TarInfo(member)
            info.size = array.tell()
            tar.addfile(info, io.BytesIO(array.getvalue()))
    return made.getvalue()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve the archive on this machine; the function that it gives offers it under a checksum."""
    (tmp_path / "served").mkdir()
    content = packed()
    (tmp_path / "served" / "de421.tar.gz").write_bytes(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handler = functools.partial(Quiet, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        true = hashlib.sha256(content).hexdigest()

        def offered(sha256=true):
            url = f"http://127.0.0.1:{server.server_port}/de421.tar.gz"
            source = Source("de421.tar.gz", url, sha256, len(content))
            monkeypatch.setitem(REGISTRY, "de421", dataclasses.replace(DE421, sources=(source,)))

        yield offered
        server.shutdown()
        thread.join()


def test_places_velocities_and_accelerations_are_the_polynomials(served):
    served()
    days = np.array([FIRST, FIRST + 100.25, FIRST + LENGTH, LAST - 0.5, LAST])
    t, one = days - FIRST, np.ones(5)
    for derivative, wanted in enumerate(([t**2, t, 7 * one], [2 * t, one, 0 * one], [2 * one, 0 * one, 0 * one])):
        found = ephemeris("sun", days, derivative) * AU
        np.testing.assert_allclose(found, np.stack(wanted, -1), rtol=1e-9, atol=1e-6)


def test_the_moon_stands_beside_the_earth_and_both_about_their_balance(served):
    served()
    days = np.array([FIRST + 10.0])
    earth, moon, together = (ephemeris(name, days) for name in ("earth", "moon", "earthmoon"))
    np.testing.assert_allclose((EARTH_OVER_MOON * earth + moon) / (EARTH_OVER_MOON + 1), together)
    number = DE421.members.index("de421-2008.1/de421/jpl-moon.npy") + 1
    np.testing.assert_allclose((moon - earth)[0, 2] * AU, 7 * number)


def test_another_file_under_the_name_is_never_used(served):
    served(sha256="0" * 64)
    with pytest.raises(DownloadFailed, match="SHA-256 is wrong"):
        ephemeris("sun", np.array([FIRST]))


@pytest.mark.parametrize(
    ("body", "days", "words"),
    [("vulcan", [FIRST], "no 'vulcan'"), ("sun", [0.0], "covers"), ("sun", [np.nan], "covers"), ("sun", 1.0, "list")],
)
def test_what_the_ephemeris_has_not_is_refused_without_a_download(body, days, words):
    with pytest.raises(BadInput, match=words):
        ephemeris(body, np.array(days))


def test_a_damaged_ephemeris_is_refused():
    for member, content in zip(DE421.members, [b"no array"] * len(DE421.members), strict=True):
        (DE421.folder / member).parent.mkdir(parents=True, exist_ok=True)
        (DE421.folder / member).write_bytes(content)
    with pytest.raises(HotpapersError, match="sun cannot be read"):
        ephemeris("sun", np.array([FIRST]))
