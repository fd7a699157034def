"""Lists of files with their checksums, in ``lists``: their first line names the repository and its commit."""

from importlib import resources
from urllib.parse import quote

from hotpapers.datasets.dataset import Source


def listed(name: str) -> tuple[Source, ...]:
    """Read the sources of a list: the file's path in its repository, its name here if another, SHA-256, bytes."""
    text = (resources.files("hotpapers.datasets") / "lists" / f"{name}.tsv").read_text(encoding="utf-8")
    first, *lines = text.splitlines()
    repository, commit = first.removeprefix("# ").split()
    prefix = f"https://raw.githubusercontent.com/{repository}/{commit}"
    sources = []
    for path, renamed, sha256, size in (line.split("\t") for line in lines):
        here = renamed or path.rpartition("/")[2]
        sources.append(Source(name=here, url=f"{prefix}/{quote(path)}", sha256=sha256, size=int(size)))
    return tuple(sources)
