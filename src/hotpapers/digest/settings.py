"""Settings of the sources: a TOML file with a section for each, whose keys are the source's fields.

[mastodon]
server = "https://sigmoid.social"
tags = ["arxiv"]
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from hotpapers.digest.sources import DEFAULT, SOURCES, Settings
from hotpapers.errors import BadInput
from hotpapers.files import home


def chosen_sources(names: Sequence[str] | None = None, settings: Path | None = None) -> list[Settings]:
    """Return the sources by name, as the file ``settings`` sets them.

    Parameters
    ----------
    names
        The sources; those of a plain day when left out, and the archive where it is set.
    settings
        The TOML file; ``digest.toml`` in hotpapers' home when left out, if there is one.

    Raises
    ------
    BadInput
        If there is no such source, or the file says what none of them understands.
    """
    path = settings or home() / "digest.toml"
    sections = _read(path) if settings or path.is_file() else {}
    for name in [*sections, *(names or ())]:
        if name not in SOURCES:
            near = difflib.get_close_matches(name, SOURCES, n=1)
            mean = f"did you mean {near[0]}?" if near else f"there are {', '.join(SOURCES)}."
            raise BadInput(f"There is no source {name[:40]!r}; {mean}")
    if names is None:
        names = [*DEFAULT, *(["archive"] if "archive" in sections else [])]
    if not names:
        raise BadInput(f"Name a source at least: {', '.join(SOURCES)}.")
    return [_source(name, sections.get(name, {}), path) for name in dict.fromkeys(names)]


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, dict[str, Any]])
    except OSError as error:
        raise BadInput(f"Cannot read the settings {path}: {(error.strerror or '').lower()}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"The settings {path} are not TOML with a section for each source: {error}.") from error


def _source(name: str, section: dict[str, Any], path: Path) -> Settings:
    try:
        source = msgspec.convert(section, SOURCES[name])
    except msgspec.ValidationError as error:
        raise BadInput(f"The settings {path}, section [{name}]: {error}.") from error
    if not 0 < source.deadline <= 86_400:
        raise BadInput(f"The settings {path}, section [{name}]: a deadline is more than 0 and at most 86,400 seconds.")
    return source
