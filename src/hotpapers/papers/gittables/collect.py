"""Collecting: CSV files and where they come from, out of folders, archives, git repositories and GitHub's code search.

What is collected lies under ``files/TOPIC/``, and ``files.jsonl`` says of each its source, licence, size and the hash
that git knows it by. Files of the same content are taken once: forks and copies would fill a corpus.
"""

import hashlib
import re
import shutil
from pathlib import Path, PurePosixPath

import msgspec

from hotpapers import progress
from hotpapers.datasets.wordnet import noun_topics
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables import sources, store
from hotpapers.papers.gittables.github import GitHub, Journal
from hotpapers.verbs import AnyFile, Outcome, TextFile

LIST = "files.jsonl"
_BLOCK = 1 << 20


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
                   f"hotpapers gittables build {store.shown(out)} makes a corpus of it.")  # fmt: skip


def gather(source: Path, gathering: Gathering, *, limit: int = 0) -> None:
    """Collect from a folder, a git repository or an archive."""
    if not source.exists():
        raise BadInput(f"There is no {source}; name a folder, a git repository or an archive.")
    with progress.bar(f"collect from {source.name[:40]}") as bar:
        for topic, path, content, about in sources.contents(source, gathering.largest, gathering.skip):
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


def _told(skipped: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items())) or "none ends in .csv or .tsv"
