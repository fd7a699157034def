"""Finding posts in files, folders and archives. Nothing is unpacked to disk, and no name from inside leads anywhere."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from hotpapers.errors import BadInput

LARGEST = 20_000_000
"""The most bytes of one post: the blog's largest has 110,000."""
MOST = 1_000_000_000
"""The most bytes of all posts of an archive."""
_NOT_POSTS = ("readme.md", "changelog.md", "contributing.md", "license.md", "code_of_conduct.md")


class Found(msgspec.Struct, frozen=True):
    """A file that may be a post: its name for people, and its bytes or why there are none."""

    name: str
    raw: bytes = b""
    problem: str = ""


def find_posts(path: Path) -> Iterator[Found]:
    """Yield every Markdown file that ``path`` is or holds, in the order of their names.

    Raises
    ------
    BadInput
        If ``path`` is not there, or holds none.
    """
    found: Iterator[Found]
    if path.is_dir():
        found = (_read(each) for each in sorted(path.rglob("*.md")) if not each.is_dir() and _may_be_post(each.name))
    elif not path.is_file():
        raise BadInput(f"{path} is not there: name a post, a folder of posts, or an archive (.zip, .tar, .tar.gz).")
    elif zipfile.is_zipfile(path):
        found = _in_zip(path)
    elif path.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")) or _is_tar(path):
        found = _in_tar(path)
    elif path.suffix == ".zip":
        raise BadInput(f"{path} is no zip archive, or a damaged one: fetch it again.")
    else:
        found = iter([_read(path)])
    first = next(found, None)
    if first is None:
        raise BadInput(f"{path} holds no post (no file ending in .md).")
    yield first
    yield from found


def _may_be_post(name: str) -> bool:
    return name.endswith(".md") and name.rpartition("/")[2].lower() not in _NOT_POSTS


def _read(path: Path) -> Found:
    try:
        if path.stat().st_size > LARGEST:
            return Found(str(path), problem=f"is larger than {LARGEST:,} bytes")
        return Found(str(path), path.read_bytes())
    except OSError as error:
        return Found(str(path), problem=f"cannot be read ({(error.strerror or 'error').lower()})")


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error):
        return False


def _in_zip(path: Path) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(path) as archive:
            left = MOST
            for info in sorted(archive.infolist(), key=lambda each: each.filename):
                if info.is_dir() or not _may_be_post(info.filename):
                    continue
                with archive.open(info) as body:
                    found = _member(path, info.filename, body, left)
                left -= len(found.raw)
                yield found
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise BadInput(f"{path} is damaged or locked ({error}): fetch it again.") from error


def _in_tar(path: Path) -> Iterator[Found]:
    try:
        with tarfile.open(path, "r:*") as archive:
            left = MOST
            for info in archive:
                if not info.isreg() or not _may_be_post(info.name):
                    continue
                body = archive.extractfile(info)
                assert body is not None, "a regular file has a body"
                found = _member(path, info.name, body, left)
                left -= len(found.raw)
                yield found
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise BadInput(f"{path} is no tar archive, or a damaged one ({error}): fetch it again.") from error


def _member(path: Path, name: str, body: IO[bytes], left: int) -> Found:
    shown = f"{path}:{name if name.isprintable() else ascii(name)}"
    raw = body.read(LARGEST + 1)  # what a header says of a size binds no one
    if len(raw) > LARGEST:
        return Found(shown, problem=f"unpacks to more than {LARGEST:,} bytes")
    if len(raw) > left:
        raise BadInput(f"{path} unpacks to more than {MOST:,} bytes: it is no archive of posts.")
    return Found(shown, raw)
