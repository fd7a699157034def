"""What comes in to a verb from outside: fields read by their types, uploads put into the job's folder and looked at.

Nothing that a client sends is ever used as a path: an upload's name is kept only where it is plain, a model is named,
not located. Each refusal is one line.
"""

import contextlib
import math
import re
import shutil
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from hotpapers.cards import Card
from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import home, safe_name, written_whole
from hotpapers.web.jobs import Job, Jobs
from hotpapers.web.worker import Face, Field, Order

MAX_PIXELS = 50_000_000
MAX_WORDS = 20_000
MAX_MODELS = 200
MODEL_FILES = (".safetensors", ".json", ".md", ".txt", ".png")
_one_decoder = threading.Lock()
"""Images are decoded one at a time, so that many uploads at once do not fill the memory."""


class Taken(HotpapersError):
    """The name is in use."""

    http_status = 409


@dataclass(frozen=True)
class Upload:
    """A file that a client sent, and what the client calls it."""

    name: str
    stream: BinaryIO


def submit(jobs: Jobs, card: Card, face: Face, given: Mapping[str, Any]) -> Job:
    """Check what was given to a verb, put the files in place, and queue the job.

    Parameters
    ----------
    jobs
        The pool.
    card
        The paper.
    face
        Its verb.
    given
        Field → text, number, boolean, or ``Upload``. ``name`` is the name to keep a model under that the verb makes.

    Raises
    ------
    BadInput
        If a field is unknown, missing or cannot be used.
    Taken
        If a model of that name is here already.
    QueueFull
        If as many jobs wait as may wait.
    """
    if face.error is not None:
        refusal = HotpapersError(face.error)
        refusal.http_status = face.http_status
        raise refusal
    job = jobs.draft(card.slug, face.name)
    try:
        if face.makes_model:
            job.model = new_model_name(card.slug, given.get("name"), jobs)
        arguments = _arguments(face, given, card.slug, job.folder)
        out = str(job.folder / "results" / "model" / job.model) if job.model else None
        jobs.submit(job, Order(card.slug, {face.name: card.verb_address(face.name)}, card.extras, face.name,
                               arguments, out))  # fmt: skip
    except BaseException:
        jobs.discard(job)
        raise
    return job


def models_folder(slug: str) -> Path:
    """Return the folder of the models of a paper that were trained on this server."""
    return home() / "models" / slug


def model_names(slug: str) -> list[str]:
    """Return the names of the trained models of a paper, the newest first."""
    folder = models_folder(slug)
    found = [path for path in folder.iterdir() if _is_model(path)] if folder.is_dir() else []
    return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def new_model_name(slug: str, name: Any, jobs: Jobs) -> str:
    """Return the name to keep a new model under, if it can be one and is free."""
    if not isinstance(name, str) or not name.strip():
        raise BadInput("Give the trained model a name, under which the other verbs will find it.")
    name = safe_name(name.strip())
    if (models_folder(slug) / name).exists() or name in jobs.models_in_the_making(slug):
        raise Taken(f"There is a model called {name!r} already; choose another name.")
    if len(model_names(slug)) >= MAX_MODELS:
        raise BadInput(f"{MAX_MODELS} models are kept already; remove some from {models_folder(slug).name}'s folder.")
    return name


def finish(job: Job) -> None:
    """Take a job's results: keep the model that it made, and list the files that may be downloaded.

    Only plain files inside the job's folder are taken, whatever the verb says.
    """
    root = job.folder.resolve()
    for label, written in job.report.files.items():
        path = (root / written).resolve()
        if not path.is_relative_to(root):
            continue
        if job.model and _is_model(path):
            path = _keep_model(path, models_folder(job.paper) / job.model)
        if path.is_dir():
            plain = label if re.fullmatch(r"[\w-]{1,60}", label) else "results"
            number = f"-{len(job.files)}" if job.files else ""
            path = Path(shutil.make_archive(str(root / f"{job.model or plain}{number}"), "zip", path))
        if path.is_file():
            name = path.name if path.name not in job.files else f"{len(job.files)}-{path.name}"
            job.files[name], job.labels[name] = path, label


def read_value(field: Field, given: Any) -> Any:
    """Return what was given for a field that is no file as the value of its type.

    Raises
    ------
    BadInput
        If it is not one.
    """
    text = str(given).strip() if field.widget != "words" else str(given)
    if field.widget == "whole number":
        if not re.fullmatch(r"[+-]?\d{1,18}(\.0*)?", text):
            raise BadInput(f"{field.name} must be a whole number, not {text[:40]!r}.")
        return int(float(text)) if "." in text else int(text)
    if field.widget == "number":
        with contextlib.suppress(ValueError):
            if math.isfinite(number := float(text)):
                return number
        raise BadInput(f"{field.name} must be a number, not {text[:40]!r}.")
    if field.widget == "yes or no":
        if text.lower() in ("true", "yes", "on", "1"):
            return True
        if text.lower() in ("false", "no", "off", "0"):
            return False
        raise BadInput(f"{field.name} must be true or false, not {text[:40]!r}.")
    if field.widget == "choice":
        for choice in field.choices:
            if str(choice) == text:
                return choice
        raise BadInput(f"{field.name} must be one of {', '.join(map(str, field.choices))}, not {text[:40]!r}.")
    if len(text) > MAX_WORDS or "\0" in text:
        raise BadInput(f"{field.name} must be text of at most {MAX_WORDS} characters.")
    return text


def look_at_file(path: Path, kind: str | None) -> None:
    """Refuse at once a file that cannot be what its field asks for; the verb looks closer.

    Raises
    ------
    BadInput
        Naming the file, the problem and the mend.
    """
    if path.stat().st_size == 0:
        raise BadInput(f"{path.name} is empty; choose another file.")
    if kind == "image":
        _look_at_image(path)
    elif kind == "sound":
        _look_at_sound(path)
    elif kind in ("text", "table") and path.suffix.lower() != ".parquet":
        with path.open("rb") as stream:
            if b"\0" in stream.read(65536):
                raise BadInput(f"{path.name} is not text; save it as plain text in UTF-8.")


def _arguments(face: Face, given: Mapping[str, Any], slug: str, folder: Path) -> dict[str, Any]:
    known = {field.name for field in face.fields} | ({"name"} if face.makes_model else set())
    if unknown := sorted(set(given) - known):
        raise BadInput(f"{face.name} has no field {unknown[0][:40]!r}; it has: {', '.join(sorted(known))}.")
    arguments: dict[str, Any] = {}
    for field in face.fields:
        value = given.get(field.name)
        if value is None or value == "" or (isinstance(value, Upload) and not value.name):
            if field.required:
                raise BadInput(f"{field.name} is missing: {_wanted(field)}.")
            continue
        room = folder / "inputs" / field.name
        if field.widget == "file":
            arguments[field.name] = str(_place_file(field, value, room))
        elif isinstance(value, Upload):
            raise BadInput(f"{field.name} takes a value, not a file.")
        elif field.widget == "model":
            arguments[field.name] = str(_place_model(slug, str(value), room))
        else:
            arguments[field.name] = read_value(field, value)
    return arguments


def _wanted(field: Field) -> str:
    if field.widget == "model":
        return "choose a model, or train one first"
    kind = {"image": "an image", "sound": "a sound", "video": "a video", "table": "a table", "text": "a text"}
    return f"choose {kind.get(field.kind or '', 'a file')}" if field.widget == "file" else f"give a {field.widget}"


def _place_file(field: Field, value: Any, room: Path) -> Path:
    if not isinstance(value, Upload):
        if field.kind != "text":
            raise BadInput(f"{field.name} must be an uploaded file.")
        if len(str(value)) > MAX_WORDS:
            raise BadInput(f"{field.name} must be at most {MAX_WORDS} characters; send a longer text as a file.")
        room.mkdir(parents=True)
        (room / f"{field.name}.txt").write_text(str(value), encoding="utf-8")
        return room / f"{field.name}.txt"
    path = room / _plain_name(value.name, field.name)
    room.mkdir(parents=True)
    with path.open("xb") as target:
        shutil.copyfileobj(value.stream, target, 1 << 20)
    look_at_file(path, field.kind)
    return path


def _plain_name(name: str, otherwise: str) -> str:
    """Return a file name for an upload: the client's own where it is plain, else the field's with its suffix."""
    if "/" in name or "\\" in name or "\0" in name or name.startswith(".."):
        raise BadInput(f"{name[:80]!r} cannot be a file's name; send the name alone, without folders.")
    with contextlib.suppress(BadInput):
        return safe_name(name)
    suffix = re.search(r"\.[A-Za-z0-9]{1,8}$", name)
    return otherwise + (suffix[0].lower() if suffix else "")


def _place_model(slug: str, name: str, room: Path) -> Path:
    """Give the job a copy of the model by hard links, so that what it writes beside the model stays in its folder."""
    source = models_folder(slug) / safe_name(name)
    if not _is_model(source):
        have = ", ".join(model_names(slug)[:8]) or "none yet: train one first"
        raise BadInput(f"There is no model {name[:80]!r} here; there are: {have}.")
    shutil.copytree(source, room / source.name, copy_function=_link_or_copy)
    return room / source.name


def _link_or_copy(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _is_model(path: Path) -> bool:
    """Whether a folder holds a model: weights as ``save_pretrained`` writes them, or a tokenizer."""
    parts = (path / "model.safetensors", path / "tokenizer.json")
    return path.is_dir() and any(part.is_file() and not part.is_symlink() for part in parts)


def _keep_model(source: Path, target: Path) -> Path:
    """Keep a model's own files, never what lies beside them: a run's checkpoints, links, anything pickled."""
    if target.exists():
        raise Taken(f"There is a model called {target.name!r} already; choose another name.")
    with written_whole(target) as temporary:
        temporary.mkdir()
        for each in source.iterdir():
            if each.is_file() and not each.is_symlink() and each.suffix in MODEL_FILES:
                _link_or_copy(str(each), str(temporary / each.name))
    return target


def _look_at_image(path: Path) -> None:
    import numpy as np
    from PIL import Image

    unreadable = f"{path.name} is not an image that can be read; send a PNG, JPEG, WebP or TIFF file."
    try:
        # The header is judged first: a bomb is refused by what it announces.
        with _one_decoder, warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise BadInput(f"{path.name} is {width} x {height} pixels; at most {MAX_PIXELS // 10**6} million "
                               "are taken here, so make it smaller.")  # fmt: skip
            if min(width, height) < 8:
                raise BadInput(f"{path.name} is {width} x {height} pixels; send an image at least 8 pixels wide "
                               "and high.")  # fmt: skip
            if image.mode == "F" and not np.isfinite(np.asarray(image)).all():
                raise BadInput(f"{path.name} holds values that are not numbers; save it as 8- or 16-bit.")
            image.load()
    except Image.DecompressionBombError as error:
        raise BadInput(f"{path.name} has too many pixels; make it smaller.") from error
    except BadInput:
        raise
    except Exception as error:  # decoders raise nearly anything on broken files
        raise BadInput(unreadable) from error


def _look_at_sound(path: Path) -> None:
    try:
        import soundfile
    except ImportError:
        return
    try:
        soundfile.info(str(path))
    except Exception as error:
        raise BadInput(f"{path.name} is not a sound that can be read; send a WAV, FLAC or OGG file.") from error
