"""What a dataset is: a name, what it holds, who may use it, and its files with address, size and checksum."""

import dataclasses
from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.files import home


@dataclasses.dataclass(frozen=True)
class Source:
    """One file to download.

    Attributes
    ----------
    name
        Its name in the dataset's folder.
    url
        Where it is had from.
    sha256
        Of the whole file, in hexadecimal; a file that does not match is never used.
    size
        In bytes.
    """

    name: str
    url: str
    sha256: str
    size: int


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A dataset that ``fetch`` brings.

    Attributes
    ----------
    what
        What it holds, in a few words.
    licence
        Under which terms, as its authors state them.
    page
        Where its authors describe it.
    sources
        The files to download; none where ``extra`` brings the data.
    members
        The files that loaders read, by path in the dataset's folder. Those that are no source are taken out of the
        archive (``.tar.gz``, ``.tgz`` or ``.zip``) that is the only source.
    extra
        The extra of hotpapers that brings the data, where nothing is downloaded.
    """

    name: str
    what: str
    licence: str
    page: str
    sources: tuple[Source, ...] = ()
    members: tuple[str, ...] = ()
    extra: str = ""

    @property
    def folder(self) -> Path:
        """Where its files lie once they are fetched."""
        return home() / "data" / self.name

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(source.size for source in self.sources)

    @property
    def here(self) -> bool:
        """Whether it can be read without a download."""
        if self.extra:
            import importlib.util

            return importlib.util.find_spec("skimage") is not None
        return all((self.folder / member).is_file() for member in self.members)


REGISTRY: dict[str, Dataset] = {}
"""Every dataset by name; each module of a dataset adds its own."""


def offer(dataset: Dataset) -> Dataset:
    """Add ``dataset`` to the registry and return it."""
    REGISTRY[dataset.name] = dataset
    return dataset


def find(name: str) -> Dataset:
    """Return the dataset of that name, or raise ``BadInput`` that names those there are."""
    if name not in REGISTRY:
        raise BadInput(f"There is no dataset {name[:40]!r}; there are: {', '.join(sorted(REGISTRY))}.")
    return REGISTRY[name]
