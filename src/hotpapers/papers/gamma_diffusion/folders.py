"""What there is to learn from: the files of a folder, or of a ZIP archive, unpacked for as long as it is read."""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.media.readable import is_folder, named

LARGEST = 8 << 30  # bytes of an archive once unpacked
MOST = 2_000_000  # files


@contextlib.contextmanager
def files_of(source: Path, suffixes: Sequence[str], what: str) -> Iterator[list[Path]]:
    """Open a folder or an archive and give its files of some kinds, in the order of their names.

    Of an archive, files of those kinds alone are unpacked, under numbers: its own names lead nowhere.

    Parameters
    ----------
    what
        What is in it, for the error: images.

    Raises
    ------
    BadInput
        If it is neither, or an archive that is damaged or grows beyond measure.
    """
    if is_folder(source):
        yield sorted(path for path in source.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
        return
    if "\0" in str(source) or not zipfile.is_zipfile(source):
        raise BadInput(f"{named(source)} is no folder and no ZIP archive; name one with {what} in it.")
    with tempfile.TemporaryDirectory() as room:
        try:
            found = _unpacked(source, suffixes, Path(room))
        except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError) as error:
            raise BadInput(f"{source.name} is damaged or locked; pack it again without a password.") from error
        yield found


def _unpacked(source: Path, suffixes: Sequence[str], room: Path) -> list[Path]:
    found, left = [], LARGEST
    with zipfile.ZipFile(source) as archive:
        wanted = [info for info in archive.infolist() if Path(info.filename).suffix.lower() in suffixes]
        if len(wanted) > MOST:
            raise BadInput(f"{source.name} holds more files than may be read.")
        for number, info in enumerate(sorted(wanted, key=lambda info: info.filename)):
            if info.is_dir():
                continue
            left -= info.file_size
            if left < 0:
                raise BadInput(f"{source.name} unpacks to more than it may; take a part of it.")
            path = room / f"{number:07d}{Path(info.filename).suffix.lower()}"
            with archive.open(info) as body, path.open("wb") as stream:  # no more than the size that it states
                shutil.copyfileobj(body, stream)
            found.append(path)
    return found
