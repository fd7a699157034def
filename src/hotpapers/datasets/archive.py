"""Taking named files out of an archive, and nothing else: an archive is a stranger's word on where to write."""

import tarfile
import zipfile
from pathlib import Path
from typing import IO

from hotpapers.errors import HotpapersError
from hotpapers.files import written_whole

_LARGEST = 4_000_000_000
_BLOCK = 1 << 20


class BadArchive(HotpapersError):
    """An archive is damaged, lacks a file or would grow beyond measure."""


def extract(archive: Path, members: tuple[str, ...], folder: Path, largest: int = _LARGEST) -> None:
    """Write the named members of a tar or zip archive under ``folder``, each whole or not at all.

    Only plain files are taken, by their exact names, and where they go is decided by ``members``, which is ours: a
    path in the archive leads nowhere, links are refused, and no owner or mode is taken over.

    Parameters
    ----------
    largest
        The most bytes that all members together may have once unpacked.

    Raises
    ------
    BadArchive
        If the archive is damaged, lacks a member, has a link in its place, or unpacks to more than ``largest``.
    """
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, members, folder, largest)
        else:
            _extract_tar(archive, members, folder, largest)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as error:
        raise BadArchive(f"{archive.name} is damaged ({error}): delete {archive} and fetch it again.") from error


def _extract_tar(archive: Path, members: tuple[str, ...], folder: Path, largest: int) -> None:
    wanted = set(members)
    with tarfile.open(archive, "r|*") as tar:  # one pass: a .tar.gz has no index
        for info in tar:
            if info.name.removeprefix("./") not in wanted:
                continue
            name = info.name.removeprefix("./")
            body = tar.extractfile(info) if info.isreg() else None
            if body is None:
                raise BadArchive(f"{archive.name} has a link or a device where the file {name} should be.")
            largest -= _copy(body, folder / name, largest, archive)
            wanted.remove(name)
            if not wanted:
                return
    raise BadArchive(f"{archive.name} does not hold {min(wanted)}.")


def _extract_zip(archive: Path, members: tuple[str, ...], folder: Path, largest: int) -> None:
    with zipfile.ZipFile(archive) as opened:
        for name in members:
            if name not in opened.NameToInfo:
                raise BadArchive(f"{archive.name} does not hold {name}.")
            if (opened.getinfo(name).external_attr >> 16) & 0o170000 == 0o120000:
                raise BadArchive(f"{archive.name} has a link or a device where the file {name} should be.")
            with opened.open(name) as body:
                largest -= _copy(body, folder / name, largest, archive)


def _copy(body: IO[bytes], target: Path, largest: int, archive: Path) -> int:
    """Copy while counting: what a header says of a size binds no one."""
    written = 0
    with written_whole(target) as temporary, temporary.open("wb") as stream:
        while block := body.read(_BLOCK):
            written += stream.write(block)
            if written > largest:
                raise BadArchive(f"{archive.name} unpacks to more than it may; it was left alone.")
    return written
