"""Collecting: CSV files and where they come from, out of folders, archives, git repositories and GitHub's code search.

What is collected lies under ``files/TOPIC/``, and ``files.jsonl`` says of each its source, licence, size and the hash
that git knows it by. Files of the same content are taken once: forks and copies would fill a corpus.
"""

import hashlib
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from hotpapers import progress
from hotpapers.datasets.wordnet import noun_topics
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables.github import GitHub, Journal
from hotpapers.papers.gittables.licences import LICENCE_FILES, Licences
from hotpapers.verbs import AnyFile, Outcome, TextFile

LIST = "files.jsonl"
ENDINGS = (".csv", ".tsv", ".tab", ".csv.gz")


_BLOCK = 1 << 20
_Found = tuple[str, str, bytes | Path, dict[str, str]]  # topic, path, content or file, what is known of it


class Collected(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that was collected."""

    file: str
    topic: str
    name: str
    sha: str
    size: int
    url: str = ""
    repository: str = ""
    licence: str = ""


class Gathering:
    """A folder that files are collected into; each content once."""

    def __init__(self, folder: Path, *, largest: int, licence: str = "") -> None:
        self.folder, self.largest, self.licence = folder, largest, licence
        self.files: list[Collected] = []
        self.skipped: dict[str, int] = {}
        self._contents: set[str] = set()
        self._names: dict[str, int] = {}

    def add(
        self,
        topic: str,
        path: str,
        content: bytes | Path,
        *,
        url: str = "",
        repository: str = "",
        licence: str = "",
    ) -> None:
        """Take a file, or what is in it, unless it is empty, too large or here already."""
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        sha = blob_hash(content)
        if (reason := self._refuses(sha, size, content)) is not None:
            self.skip(reason)
            return
        topic, stem = plain(topic) or "files", plain(PurePosixPath(path).name.split(".")[0]) or "table"
        ending = ".tsv" if path.lower().endswith((".tsv", ".tab")) else ".csv"
        base = name = f"{topic}/{stem}".lower()
        while name in self._names:
            self._names[base] += 1
            name = f"{base}_{self._names[base]}"
        self._names[name] = 0
        name = stem + name.removeprefix(base)
        self._contents.add(sha)
        file = f"files/{topic}/{name}{ending}"
        with written_whole(self.folder / file) as temporary:
            if isinstance(content, Path):
                shutil.copyfile(content, temporary)
            else:
                temporary.write_bytes(content)
        self.files.append(Collected(file, topic, name, sha, size, url, repository, licence or self.licence))

    def skip(self, reason: str) -> None:
        """Count a file that is not taken."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def keep_list(self) -> None:
        """Write what was collected, in one order whatever the order it came in."""
        with written_whole(self.folder / LIST) as temporary:
            temporary.write_bytes(b"".join(msgspec.json.encode(each) + b"\n"
                                           for each in sorted(self.files, key=lambda each: each.file)))  # fmt: skip

    def _refuses(self, sha: str, size: int, content: bytes | Path) -> str | None:
        if size < _BLOCK and not (content.read_bytes() if isinstance(content, Path) else content).strip():
            return "empty"
        if size > self.largest:
            return "too large"
        return "same content" if sha in self._contents else None


def collect(
    source: AnyFile | None = None,
    *,
    topics: str = "",
    topics_file: TextFile | None = None,
    licence: str = "",
    limit: int = 0,
    largest: float = 50.0,
    out: Path | None = None,
) -> Outcome:
    """Collect CSV files with their sources and licences, from here or from GitHub.

    Parameters
    ----------
    source
        A folder, a git repository, or a zip or tar archive.
    topics
        In place of a source: words to search GitHub's CSV files for, parted by commas, or wordnet for all its nouns, as
        the paper takes them. The token is taken from the
        environment's GITHUB_TOKEN, another address of the API from GITHUB_API_URL. A search that stopped goes on.
    topics_file
        A file of topics, one a line.
    licence
        The licence of files that say none themselves, as an SPDX id.
    limit
        The most files to take; 0 for all.
    largest
        Megabytes of a file, at most.
    out
        The folder to collect into.
    """
    words = read_topics(topics, topics_file)
    if (source is None) == (not words):
        raise BadInput("Give either a folder, repository or archive, or --topics 'id, object'.")
    if limit < 0 or largest <= 0:
        raise BadInput("--limit and --largest must not be negative.")
    out = Path(out) if out else Path("collected")
    most = int(largest * 1e6)
    if source is None:
        gathering = from_github(words, out, limit=limit, largest=most, client=GitHub())
    else:
        with written_whole(out) as temporary:
            gathering = Gathering(temporary, largest=most, licence=licence)
            gather(Path(source), gathering, limit=limit)
            if not gathering.files:
                raise BadInput(f"{Path(source).name} has no CSV files: {_told(gathering.skipped)}.")
            gathering.keep_list()
    numbers: dict[str, float | int | str] = {
        "files": len(gathering.files), "megabytes": round(sum(each.size for each in gathering.files) / 1e6, 2),
        "topics": len({each.topic for each in gathering.files}),
        "with a licence": sum(bool(each.licence) for each in gathering.files),
    }  # fmt: skip
    return Outcome({"collected": out}, numbers | {f"skipped, {k}": v for k, v in sorted(gathering.skipped.items())},
                   f"hotpapers gittables build {out} makes a corpus of it.")  # fmt: skip


def gather(source: Path, gathering: Gathering, *, limit: int = 0) -> None:
    """Collect from a folder, a git repository or an archive."""
    if not source.exists():
        raise BadInput(f"There is no {source}; name a folder, a git repository or an archive.")
    with progress.bar(f"collect from {source.name[:40]}") as bar:
        for topic, path, content, about in _contents(source, gathering):
            gathering.add(topic, path, content, **about)
            bar.update(len(gathering.files))
            if limit and len(gathering.files) >= limit:
                break


def read(folder: Path) -> list[Collected]:
    """Return the list of a folder that was collected into."""
    try:
        return msgspec.json.Decoder(Collected).decode_lines((folder / LIST).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"{folder} is no collected folder ({error}); make one with: gittables collect.") from error


def from_github(topics: list[str], out: Path, *, limit: int, largest: int, client: GitHub) -> Gathering:
    """Search, then download what is not here yet; what is done is kept after every step."""
    journal = Journal(out / "search.jsonl")
    with progress.bar("search GitHub (files found)") as bar:
        for topic in topics:
            for query, hits in client.search(topic, seen=journal.queries):
                journal.add(query, hits)
                bar.update(len(journal.hits), topic)
                if limit and len(journal.hits) >= 4 * limit:
                    break
    gathering = Gathering(out, largest=largest)
    if (out / LIST).is_file():
        for each in read(out):
            gathering.files.append(each)
            gathering._contents.add(each.sha)
            gathering._names[f"{each.topic}/{each.name}".lower()] = 0
    have = {each.url for each in gathering.files}
    wanted = [hit for _, hit in sorted(journal.hits.items()) if hit.topic in topics and hit.url not in have]
    for count, hit in enumerate(progress.track(wanted, "download")):
        if limit and len(gathering.files) >= limit:
            break
        if hit.sha in gathering._contents:
            gathering.skip("same content")
        elif (licence := client.licence(hit.repository)) is None:
            gathering.skip("no licence")
        elif (content := client.download(hit, largest)) is None:
            gathering.skip("gone or too large")
        else:
            gathering.add(hit.topic, hit.path, content, url=hit.url, repository=hit.repository, licence=licence)
        if count % 50 == 49:
            gathering.keep_list()
    gathering.keep_list()
    return gathering


def read_topics(topics: str, file: Path | None = None) -> list[str]:
    """Return the topics: parted by commas, and the lines of a file."""
    words = noun_topics() if topics.strip() == "wordnet" else topics.split(",")
    if file is not None:
        try:
            words += Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"Cannot read {file}: {error}. Name a file of topics, one a line.") from error
    found = list(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))
    if bad := next((word for word in found if '"' in word or len(word) > 100), None):
        raise BadInput(f"{bad[:60]!r} cannot be a topic; take words without quotes.")
    return found


def _contents(source: Path, gathering: Gathering) -> Iterator[_Found]:
    if source.is_dir() and (
        (source / ".git").exists() or ((source / "objects").is_dir() and (source / "HEAD").is_file())
    ):
        yield from _git(source, gathering)
    elif source.is_dir():
        yield from _folder(source, gathering)
    elif zipfile.is_zipfile(source):
        yield from _zip(source, gathering)
    elif tarfile.is_tarfile(source):
        yield from _tar(source, gathering)
    elif source.suffix.lower() in ENDINGS:
        yield "", source.name, _unpacked(source.read_bytes(), source.name, gathering), {}
    else:
        raise BadInput(f"{source.name} is no folder, git repository, zip or tar archive, and no CSV file.")


def _folder(folder: Path, gathering: Gathering) -> Iterator[_Found]:
    paths = sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())
    licences = Licences({each.relative_to(folder).as_posix(): each.read_text("utf-8", "replace")[:4000]
                          for each in paths if LICENCE_FILES.fullmatch(each.name)})  # fmt: skip
    for path in paths:
        if path.name.lower().endswith(ENDINGS):
            inner = path.relative_to(folder).as_posix()
            if path.stat().st_size > gathering.largest:
                gathering.skip("too large")
                continue
            # A large file is copied in blocks, never held.
            packed = path.name.lower().endswith(".gz")
            content = _unpacked(path.read_bytes(), path.name, gathering) if packed else path
            yield _topic(inner), inner, content, {"url": inner, "licence": licences.of(inner)}


def _zip(archive: Path, gathering: Gathering) -> Iterator[_Found]:
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
                        content = stream.read(gathering.largest + 1)
                    content = _unpacked(content, info.filename, gathering)
                    yield (
                        _topic(info.filename),
                        info.filename,
                        content,
                        {"url": info.filename, "licence": licences.of(info.filename)},
                    )
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise BadInput(f"{archive.name} is a damaged or locked archive: {error}.") from error


def _tar(archive: Path, gathering: Gathering) -> Iterator[_Found]:
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
                    content = _unpacked(stream.read(gathering.largest + 1), info.name, gathering)
                    yield _topic(info.name), info.name, content, {"url": info.name, "licence": known.of(info.name)}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BadInput(f"{archive.name} is a damaged archive: {error}.") from error


def _git(folder: Path, gathering: Gathering) -> Iterator[_Found]:
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
                gathering.skip("missing in the repository")
                continue
            content = batch.stdout.read(int(words[2]) + 1)[:-1]
            yield (
                _topic(path),
                path,
                _unpacked(content, path, gathering),
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


def blob_hash(content: bytes | Path) -> str:
    """Return git's hash of a content: the same file has it in every fork."""
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    if isinstance(content, Path):
        with content.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    else:
        digest.update(content)
    return digest.hexdigest()


def plain(name: str) -> str:
    """Return a name that can only ever be one file or folder: letters, digits, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80]


def _topic(path: str) -> str:
    parts = PurePosixPath(path).parts
    return parts[-2] if len(parts) > 1 else ""


def _unpacked(content: bytes, name: str, gathering: Gathering) -> bytes:
    if not name.lower().endswith(".gz"):
        return content
    import zlib

    try:
        return zlib.decompressobj(31).decompress(content, gathering.largest + 1)
    except zlib.error:
        return b""


def _told(skipped: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items())) or "none ends in .csv or .tsv"


class _Nothing:
    def read(self, most: int) -> bytes:
        return b""


_EMPTY: Any = _Nothing()
