"""Where hotpapers keeps its files, and how it writes them: whole or not at all."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hotpapers.errors import BadInput


def home() -> Path:
    """Return the folder for downloads, the user's evidence and the default database.

    It is ``$HOTPAPERS_HOME`` where that is set, else the platform's cache folder. It need not exist yet.
    """
    if named := os.environ.get("HOTPAPERS_HOME"):
        return Path(named).expanduser()
    import platformdirs  # 10 ms that `hotpapers --help` does not need

    return Path(platformdirs.user_cache_dir("hotpapers", appauthor=False))


@contextlib.contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target`` that takes its place when the block ends well.

    The block may write a file or make a directory there. When it raises, ``target`` is left as it was.

    Raises
    ------
    BadInput
        If the folder of ``target`` cannot be made or written to, or ``target`` is neither a file nor a folder.
    """
    target = Path(target)
    try:
        # A pipe or a device would be lost when a file takes its place.
        if target.exists() and not (target.is_file() or target.is_dir()):
            raise BadInput(f"Cannot write {target}: it is a pipe or a device. Name another place with --out.")
        target.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", dir=target.parent))
    except (OSError, ValueError) as error:  # the latter by a name with a zero byte in it
        raise BadInput(f"Cannot write {target}: {_reason(error)}. Name another place with --out.") from error
    temporary = room / target.name
    try:
        yield temporary
        if temporary.is_dir() and target.is_dir():
            replaced = room / f"{target.name}.replaced"
            os.replace(target, replaced)
        os.replace(temporary, target)
    except OSError as error:
        raise BadInput(f"Cannot write {target}: {_reason(error)}. Name another place with --out.") from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def replaceable(folder: Path, ours: str) -> Path:
    """Return ``folder`` where nothing is lost by replacing it: it is not there, or all that it holds is ours.

    Parameters
    ----------
    ours
        What the names of our files match, as a regular expression.

    Raises
    ------
    BadInput
        If it holds anything else, or is no folder.
    """
    try:
        others = sorted(each.name for each in folder.iterdir() if not re.fullmatch(ours, each.name))
    except FileNotFoundError:
        return folder
    except (OSError, ValueError) as error:
        raise BadInput(f"Cannot write {folder}: {_reason(error)}. Name another place with --out.") from error
    if others:
        raise BadInput(f"{folder} holds what was not made here, such as {others[0]!r}; name a new folder with --out.")
    return folder


def safe_name(name: str) -> str:
    """Return ``name`` if it can only ever be one plain file or folder name, else raise ``BadInput``."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}", name) and not name.endswith((".", " ")):
        return name
    raise BadInput(f"{name[:80]!r} cannot be a name: use up to 80 letters, digits, spaces, '.', '_' and '-'.")


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
