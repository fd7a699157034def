"""The record: what a run was asked to do and with what, written beside its results as ``config.json``.

A model that is saved into the same directory brings a ``config.json`` of its own; then the record is ``run.json``.
"""

import datetime
import json
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from hotpapers.errors import BadInput
from hotpapers.files import written_whole

_NAMES = ("config.json", "run.json")
_MARK = "hotpapers-run"


def plain(config: Any) -> dict[str, Any]:
    """Return ``config`` (a dataclass, a dict or nothing) as JSON types."""
    if config is None:
        return {}
    built = msgspec.to_builtins(config, str_keys=True, enc_hook=_word)
    if not isinstance(built, dict):
        raise TypeError(f"a config is a dataclass or a dict, not a {type(config).__name__}")
    return json.loads(json.dumps(built))


def make_record(config: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Return the record of a run that starts now."""
    libraries = ("hotpapers", "torch", "lightning-fabric", "numpy", "safetensors")
    versions = {"python": platform.python_version()} | {name: _version(name) for name in libraries}
    return {"kind": _MARK, "config": config, **facts, "versions": versions, "started": now(), "finished": None}


def now() -> str:
    """Return the present moment as the record writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def enter_folder(folder: Path, *, resume: bool, fresh: bool) -> tuple[list[Path], dict[str, Any] | None]:
    """Make ``folder`` ready for a run; return the folders that were made and the record of the run that is there.

    Raises
    ------
    BadInput
        If the folder cannot be made or written to, or has a run and neither ``resume`` nor ``fresh`` is asked for.
    """
    try:
        made = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"Cannot make {folder}: {reason}. Name another place with --out.") from error
    if not os.access(folder, os.W_OK):
        raise BadInput(f"Cannot write in {folder}: permission denied. Name another place with --out.")
    if fresh:
        remove_run(folder)
    found = read_record(folder)
    if found and not resume:
        state = "a finished run" if found.get("finished") else "an unfinished run"
        raise BadInput(
            f"{folder} holds {state} already: resume it, start over with fresh, or name another place with --out."
        )
    return made, found


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of the run in ``folder``, or None where there is none."""
    found = (_load(folder / name) or {} for name in _NAMES)
    return next((record for record in found if record.get("kind") == _MARK), None)


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write ``record`` beside the results, without touching a ``config.json`` that is not ours."""
    config = folder / "config.json"
    ours = not config.exists() or (_load(config) or {}).get("kind") == _MARK
    with written_whole(folder / _NAMES[0 if ours else 1]) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_same(folder: Path, then: dict[str, Any], asked_now: dict[str, Any]) -> None:
    """Raise ``BadInput`` that names the first setting in which the run in ``folder`` was another one."""
    before, asked = ({"seed": record["seed"]} | record["config"] for record in (then, asked_now))
    for name, was, is_ in _differences(before, asked):
        raise BadInput(
            f"{folder} holds a run with {name} = {was}, now it is {is_}: give the same settings to resume it, "
            "start over with fresh, or name another place with --out."
        )


def remove_run(folder: Path) -> None:
    """Remove what a run keeps in ``folder``, and nothing else."""
    for name in _NAMES:
        if (_load(folder / name) or {}).get("kind") == _MARK:
            (folder / name).unlink()
    (folder / "metrics.jsonl").unlink(missing_ok=True)
    for name in ("checkpoints", "tensorboard"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _load(path: Path) -> dict[str, Any] | None:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None


def _differences(then: Any, now: Any, name: str = "") -> list[tuple[str, str, str]]:
    if isinstance(then, dict) and isinstance(now, dict):
        keys = [*then, *(key for key in now if key not in then)]
        missing = object()
        return [
            found
            for key in keys
            for found in _differences(then.get(key, missing), now.get(key, missing), f"{name}.{key}".lstrip("."))
        ]
    if then == now:
        return []
    return [(name, *("not set" if type(value) is object else json.dumps(value)[:80] for value in (then, now)))]  # type: ignore[list-item]


def _word(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a config holds JSON values, not a {type(value).__name__}")


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
