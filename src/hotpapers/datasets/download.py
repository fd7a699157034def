"""Downloads that go on where they broke off, and are used only when their checksum is right.

pooch keeps the cache and the checksums; what it lacks is here: resuming by HTTP ranges, retries with growing pauses,
our progress bar, and errors of one line.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hotpapers import progress
from hotpapers.datasets.archive import extract
from hotpapers.datasets.dataset import Dataset, Source, find
from hotpapers.errors import HotpapersError

_ATTEMPTS = 4  # in a row without a byte more
_FIRST_PAUSE = 1.0  # seconds; doubles from attempt to attempt
_TIMEOUT = (10.0, 30.0)  # seconds to connect, and of silence
_BLOCK = 1 << 15  # a connection that breaks loses what it had of one


class DownloadFailed(HotpapersError):
    """A dataset cannot be had now; the message says how to bring it by hand."""

    http_status = 502


def fetch(name: str) -> Path:
    """Bring a dataset here, unless it is, and return its folder.

    What is here with the right checksum is not downloaded again; a download that broke off goes on.

    Raises
    ------
    BadInput
        If there is no dataset of that name.
    DownloadFailed
        If a file cannot be had, or is not what it should be.
    MissingExtra
        If the data comes with a library that is not installed.
    """
    dataset = find(name)
    if dataset.extra:
        from hotpapers.datasets.photographs import folder

        return folder()
    if dataset.here:
        return dataset.folder
    files = [download(source, dataset.folder) for source in dataset.sources]
    if inside := tuple(each for each in dataset.members if each not in {source.name for source in dataset.sources}):
        extract(files[0], inside, dataset.folder)
        files[0].unlink()  # what the loaders read is out of it
    return dataset.folder


def read(dataset: Dataset, member: str) -> bytes:
    """Return the bytes of one of the dataset's files, fetching the dataset where need be."""
    return (fetch(dataset.name) / member).read_bytes()


def download(source: Source, folder: Path) -> Path:
    """Download one file into ``folder``, resuming and verifying, and return its path; errors as ``fetch``."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)  # it would log each download to standard error
    by_hand = f"Or download {source.url} another way and put it at {folder / source.name}."
    try:
        return Path(
            pooch.retrieve(
                source.url,
                known_hash=f"sha256:{source.sha256}",
                fname=source.name,
                path=folder,
                downloader=_Resuming(source, folder / f"{source.name}.part"),
            )
        )
    except requests.RequestException as error:
        raise DownloadFailed(f"Cannot download {source.name}: {_reason(error)}. Try again later. {by_hand}") from error
    except ValueError as error:  # pooch's word for a wrong checksum; it has removed the file
        raise DownloadFailed(
            f"{source.name} from {source.url} is not the file it should be (its SHA-256 is wrong), so it was removed. "
            f"Try again. {by_hand}"
        ) from error
    except OSError as error:
        raise DownloadFailed(
            f"Cannot keep {source.name} in {folder}: {(error.strerror or str(error)).lower()}. "
            "Free some space there, or set HOTPAPERS_HOME to another folder."
        ) from error


class _Resuming:
    """A downloader as pooch takes one. What came so far stays in ``part`` until the file is whole."""

    def __init__(self, source: Source, part: Path) -> None:
        self.source, self.part = source, part

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests

        self.part.parent.mkdir(parents=True, exist_ok=True)
        failures = furthest = 0
        with progress.bar(f"download {self.source.name} (MB)", round(self.source.size / 1e6, 1)) as bar:
            while True:
                try:
                    for done in self._blocks(url):
                        bar.update(round(done / 1e6, 1))
                    break
                except requests.RequestException as error:
                    # Only what goes beyond all that came before is headway: a server may begin anew each time.
                    failures = 1 if self._have() > furthest else failures + 1
                    furthest = max(furthest, self._have())
                    if failures == _ATTEMPTS or not _may_pass(error):
                        raise
                    pause = _FIRST_PAUSE * 2 ** (failures - 1)
                    bar.update(round(self._have() / 1e6, 1), note=f"{_reason(error)}; again in {pause:.0f} s")
                    time.sleep(pause)
        # A part that turns out wrong must not be resumed: from here on it is pooch's temporary file, or nothing.
        shutil.move(self.part, output_file)

    def _blocks(self, url: str) -> Iterator[int]:
        """Append to the part what it lacks, yielding how many bytes there are."""
        import requests

        have = self._have()
        if have > self.source.size:
            self.part.unlink()
            have = 0
        if have == self.source.size:
            return
        # Without identity a server may compress, and ranges would count compressed bytes.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == 416:  # there is no such range: what we have is not the beginning of this file
                self.part.unlink(missing_ok=True)
            response.raise_for_status()
            resumed = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            )
            have = have if resumed else 0
            with self.part.open("ab" if resumed else "wb") as stream:
                for block in response.iter_content(_BLOCK):
                    have += stream.write(block)
                    if have > self.source.size:
                        break
                    yield have
        if have > self.source.size:
            self.part.unlink()
            raise ValueError(f"{self.source.name} is longer than it should be")
        if have < self.source.size:
            raise requests.ConnectionError("the connection was closed before the end")

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0


def _may_pass(error: Exception) -> bool:
    """Whether trying again may help: broken connections and a server's trouble may pass, a 404 does not."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is None or status >= 500 or status in (408, 416, 425, 429)


def _reason(error: Exception) -> str:
    import requests

    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}".rstrip()
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "closed before the end" in str(error):
        return "the connection breaks off"
    return "the server cannot be reached"
