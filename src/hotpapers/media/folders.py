"""Many files at once: those of a folder, or of a ZIP archive of one, unpacked for as long as it is read."""

import contextlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath, PurePosixPath

from hotpapers.errors import BadInput
from hotpapers.media.readable import check_readable, is_folder, named

LARGEST = 8 << 30  # bytes of an archive once unpacked
MOST = 2_000_000  # files


@contextlib.contextmanager
def files_in(source: Path, suffixes: Collection[str], what: str) -> Iterator[list[tuple[PurePath, Path]]]:
    """Open a folder or an archive and give its files of some kinds by name: where each is inside, and where to read it.

    Of an archive, files of those kinds alone are unpacked, under numbers: its own names lead nowhere, and are given
    without what would lead out of it.

    Parameters
    ----------
    suffixes
        In small letters, with their dots.
    what
        What is in it, for the error: ``images``.

    Raises
    ------
    BadInput
        If it is neither, or an archive that is damaged, locked or grows beyond measure.
    """
    if is_folder(source):
        found = sorted(path for path in source.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
        yield [(path.relative_to(source), path) for path in found]
        return
    if not is_archive(source, f"folder or ZIP archive of {what}"):
        raise BadInput(f"{named(source)} is no folder and no ZIP archive; name one with {what} in it.")
    with tempfile.TemporaryDirectory() as room:
        try:
            unpacked = _unpacked(source, suffixes, Path(room))
        except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError, zlib.error) as error:
            raise BadInput(f"{named(source)} is damaged or locked; pack it again without a password.") from error
        yield unpacked


def is_archive(path: Path, what: str = "folder or ZIP archive") -> bool:
    """Return whether a file is a ZIP archive.

    Raises
    ------
    BadInput
        If it cannot be read; ``what`` says what it should be.
    """
    check_readable(path, what)
    return zipfile.is_zipfile(path)


def _unpacked(source: Path, suffixes: Collection[str], room: Path) -> list[tuple[PurePath, Path]]:
    with zipfile.ZipFile(source) as archive:
        inside = [(_inside(info.filename), info) for info in archive.infolist() if not info.is_dir()]
        wanted = sorted(
            ((name, info) for name, info in inside if name.suffix.lower() in suffixes and name.parts[0] != "__MACOSX"),
            key=lambda each: each[0],
        )  # macOS keeps what is no content under that name
        if len(wanted) > MOST or sum(info.file_size for _, info in wanted) > LARGEST:
            raise BadInput(f"{named(source)} unpacks to more than {MOST:,} files or 8 GiB; take a part of it.")
        found: list[tuple[PurePath, Path]] = []
        for number, (name, info) in enumerate(wanted):
            path = room / f"{number:07d}{name.suffix.lower()}"
            with archive.open(info) as body, path.open("wb") as stream:  # no more than the size that it states
                shutil.copyfileobj(body, stream)
            found.append((name, path))
    return found


def _inside(name: str) -> PurePosixPath:
    return PurePosixPath(*(part for part in PurePosixPath(name).parts if part not in ("/", "//", "..")))
