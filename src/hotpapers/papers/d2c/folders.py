"""Where images come from: a folder, or a ZIP archive of one, unpacked for as long as it is read."""

import contextlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from hotpapers.errors import BadInput
from hotpapers.media.readable import check_readable, is_folder, named

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".avif"}
LARGEST = 8 << 30  # bytes of an archive once unpacked
MOST = 2_000_000  # files


@contextlib.contextmanager
def images_in(source: Path) -> Iterator[list[tuple[PurePath, Path]]]:
    """Open a folder or an archive and give its images by name: where each is inside, and where it can be read.

    Raises
    ------
    BadInput
        If it is neither, or an archive that is damaged, locked or grows beyond measure.
    """
    if is_folder(source):
        found = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        yield [(path.relative_to(source), path) for path in found]
        return
    if not is_archive(source):
        raise BadInput(f"{named(source)} is no folder and no ZIP archive; name one with images in it.")
    with tempfile.TemporaryDirectory() as room:
        try:
            unpacked = _unpacked(source, Path(room))
        except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError, zlib.error) as error:
            raise BadInput(f"{named(source)} is damaged or locked; pack it again without a password.") from error
        yield unpacked


def is_archive(path: Path) -> bool:
    """Return whether a file is a ZIP archive.

    Raises
    ------
    BadInput
        If it cannot be read.
    """
    check_readable(path, "folder or ZIP archive")
    return zipfile.is_zipfile(path)


def _unpacked(source: Path, room: Path) -> list[tuple[PurePath, Path]]:
    """Write the images of an archive into ``room``, under numbers: its own names lead nowhere."""
    with zipfile.ZipFile(source) as archive:
        inside = [(PurePosixPath(info.filename), info) for info in archive.infolist() if not info.is_dir()]
        images = sorted(((name, info) for name, info in inside if _is_image(name)), key=lambda each: each[0])
        if len(images) > MOST or sum(info.file_size for _, info in images) > LARGEST:
            raise BadInput(f"{named(source)} unpacks to more than {MOST:,} images or 8 GiB; take a part of it.")
        found: list[tuple[PurePath, Path]] = []
        for number, (name, info) in enumerate(images):
            path = room / f"{number:07d}{name.suffix.lower()}"
            with archive.open(info) as body, path.open("wb") as stream:  # no more than the size that it states
                shutil.copyfileobj(body, stream)
            found.append((name, path))
    return found


def _is_image(name: PurePosixPath) -> bool:
    return name.suffix.lower() in SUFFIXES and name.parts[0] != "__MACOSX"  # where macOS keeps what is no image
