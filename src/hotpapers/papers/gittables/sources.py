"""Sources: the CSV files of a folder, an archive or a git repository, each with its topic, path and licence.

The folder that a file lies in is its topic, the licence file nearest above it says its licence. Nothing in a source is
run, and what it unpacks to is bounded.
"""

import re
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from hotpapers.errors import BadInput
from hotpapers.papers.gittables.licences import LICENCE_FILES, Licences

ENDINGS = (".csv", ".tsv", ".tab", ".csv.gz")
Found = tuple[str, str, bytes | Path, dict[str, str]]
"""Topic, path, the content or the file that has it, and what is known of its url, repository and licence."""

Skip = Callable[[str], None]


def contents(source: Path, largest: int, skip: Skip) -> Iterator[Found]:
    """Yield the CSV files of a folder, a git repository or an archive.

    Parameters
    ----------
    source
        Where they are.
    largest
        Bytes of a file, at most; what is unpacked ends one byte above.
    skip
        Told the reason for each file that is left out unread.

    Raises
    ------
    BadInput
        If it is nothing of the kind, or damaged.
    """
    if source.is_dir() and (
        (source / ".git").exists() or ((source / "objects").is_dir() and (source / "HEAD").is_file())
    ):
        yield from _git(source, largest, skip)
    elif source.is_dir():
        yield from _folder(source, largest, skip)
    elif zipfile.is_zipfile(source):
        yield from _zip(source, largest, skip)
    elif tarfile.is_tarfile(source):
        yield from _tar(source, largest, skip)
    elif source.suffix.lower() in ENDINGS:
        yield "", source.name, _unpacked(source.read_bytes(), source.name, largest), {}
    else:
        raise BadInput(f"{source.name} is no folder, git repository, zip or tar archive, and no CSV file.")


def _folder(folder: Path, largest: int, skip: Skip) -> Iterator[Found]:
    paths = sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())
    licences = Licences({each.relative_to(folder).as_posix(): each.read_text("utf-8", "replace")[:4000]
                          for each in paths if LICENCE_FILES.fullmatch(each.name)})  # fmt: skip
    for path in paths:
        if path.name.lower().endswith(ENDINGS):
            inner = path.relative_to(folder).as_posix()
            if path.stat().st_size > largest:
                skip("too large")
                continue
            # A large file is copied in blocks, never held.
            packed = path.name.lower().endswith(".gz")
            content = _unpacked(path.read_bytes(), path.name, largest) if packed else path
            yield _topic(inner), inner, content, {"url": inner, "licence": licences.of(inner)}


def _zip(archive: Path, largest: int, skip: Skip) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = sorted((each for each in opened.infolist() if not each.is_dir()), key=lambda each: each.filename)
            licences = Licences(
                {
                    each.filename: opened.open(each).read(4000).decode("utf-8", "replace")
                    for each in infos
                    if LICENCE_FILES.fullmatch(PurePosixPath(each.filename).name)
                }
            )
            for info in infos:
                if info.filename.lower().endswith(ENDINGS) and "__MACOSX" not in info.filename:
                    with opened.open(info) as stream:  # what its header says of its size binds no one
                        content = stream.read(largest + 1)
                    content = _unpacked(content, info.filename, largest)
                    yield (
                        _topic(info.filename),
                        info.filename,
                        content,
                        {"url": info.filename, "licence": licences.of(info.filename)},
                    )
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zlib.error) as error:
        raise BadInput(f"{archive.name} is a damaged or locked archive: {error}.") from error


def _tar(archive: Path, largest: int, skip: Skip) -> Iterator[Found]:
    licences: dict[str, str] = {}
    try:
        with tarfile.open(archive) as opened:
            infos = sorted((each for each in opened if each.isreg()), key=lambda each: each.name)
            for info in infos:
                if LICENCE_FILES.fullmatch(PurePosixPath(info.name).name):
                    licences[info.name] = (opened.extractfile(info) or _EMPTY).read(4000).decode("utf-8", "replace")
            known = Licences(licences)
            for info in sorted(infos, key=lambda each: each.offset):
                if info.name.lower().endswith(ENDINGS) and (stream := opened.extractfile(info)):
                    content = _unpacked(stream.read(largest + 1), info.name, largest)
                    yield _topic(info.name), info.name, content, {"url": info.name, "licence": known.of(info.name)}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BadInput(f"{archive.name} is a damaged archive: {error}.") from error


def _git(folder: Path, largest: int, skip: Skip) -> Iterator[Found]:
    """Read the last commit of a repository, checked out or bare; no hook, filter or setting of it runs."""
    listed = _run_git(folder, "ls-tree", "-r", "-z", "HEAD").split(b"\0")
    blobs = [
        (each[3].decode("utf-8", "replace"), each[2].decode())
        for line in listed
        if line
        if (each := re.split(rb"[ \t]", line, maxsplit=3)) and each[1] == b"blob" and each[0] != b"120000"
    ]
    licences = Licences(
        {
            path: _run_git(folder, "cat-file", "blob", sha)[:4000].decode("utf-8", "replace")
            for path, sha in blobs
            if LICENCE_FILES.fullmatch(PurePosixPath(path).name)
        }
    )
    commit = _run_git(folder, "rev-parse", "HEAD").decode().strip()
    with subprocess.Popen(
        ["git", "-C", str(folder), "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as batch:
        assert batch.stdin
        assert batch.stdout
        for path, sha in sorted(blobs):
            if not path.lower().endswith(ENDINGS):
                continue
            batch.stdin.write(f"{sha}\n".encode())
            batch.stdin.flush()
            words = batch.stdout.readline().split()
            if len(words) != 3:
                skip("missing in the repository")
                continue
            content = batch.stdout.read(int(words[2]) + 1)[:-1]
            yield (
                _topic(path),
                path,
                _unpacked(content, path, largest),
                {"url": f"{commit}:{path}", "repository": folder.resolve().name, "licence": licences.of(path)},
            )
        batch.stdin.close()


def _run_git(folder: Path, *words: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=True).stdout
    except FileNotFoundError as error:
        raise BadInput("Reading a git repository needs git; install it, or give a folder or an archive.") from error
    except subprocess.CalledProcessError as error:
        raise BadInput(f"{folder.name} is no git repository that can be read; give a folder or an archive.") from error


def _topic(path: str) -> str:
    parts = PurePosixPath(path).parts
    return parts[-2] if len(parts) > 1 else ""


def _unpacked(content: bytes, name: str, largest: int) -> bytes:
    if not name.lower().endswith(".gz"):
        return content
    try:
        return zlib.decompressobj(31).decompress(content, largest + 1)
    except zlib.error:
        return b""


class _Nothing:
    def read(self, most: int) -> bytes:
        return b""


_EMPTY: Any = _Nothing()
