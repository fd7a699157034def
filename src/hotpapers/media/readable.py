"""Files that can be read at all, and how they are named in a message."""

import stat
from pathlib import Path

from hotpapers.errors import BadInput


def check_readable(path: Path, what: str) -> None:
    """Refuse what is missing, a folder, a device or empty, before anything decodes it.

    Parameters
    ----------
    what
        What it should be, for the message: ``image``.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such file" if missing else (getattr(error, "strerror", None) or str(error)).lower()
        raise BadInput(f"Cannot read {named(path)}: {reason}. Check its name and place.") from error
    if stat.S_ISDIR(status.st_mode):
        raise BadInput(f"{named(path)} is a folder; name one {what} in it.")
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(f"{named(path)} is a pipe or a device; save the {what} to a file first.")
    if not status.st_size:
        raise BadInput(f"{named(path)} is empty (0 bytes); export or copy it again.")


def is_folder(path: Path) -> bool:
    """Return whether there is a folder of that name; a name that none can have is none's."""
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def named(path: Path) -> str:
    """Return the path for a message: on one line and free of control characters, whatever its name is."""
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(path))
    return shown if len(shown) <= 200 else f"…{shown[-199:]}"
