"""Trials: who answered what to which image, read from the laboratory's CSV files and written in the same form.

One file holds one observer on one data set; its columns are those of the authors' files (``subj``, ``object_response``,
``category``, ``condition``, ``imagename``), whatever their case and order. A missing answer, ``na``, is an error that
someone made, not a gap.
"""

import contextlib
import csv
import dataclasses
import io
import os
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.model_vs_human.categories import CATEGORIES
from hotpapers.papers.model_vs_human.experiments import EXPERIMENTS, spelling

COLUMNS = ("subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename")
NEEDED = ("subj", "object_response", "category", "condition", "imagename")
LARGEST_FILE = 200 * 2**20
"""The most bytes that one file of trials may have, unpacked."""
MOST_FILES = 20_000
LONGEST_NAME = 120


@dataclasses.dataclass(frozen=True)
class Trials:
    """The trials of one data set, as columns of equal length.

    Attributes
    ----------
    dataset
        Its name.
    observer, answer, category, condition, image
        Who; one of the categories or ``na``; the right answer; the condition in its one spelling; the image's id.
    """

    dataset: str
    observer: list[str]
    answer: list[str]
    category: list[str]
    condition: list[str]
    image: list[str]

    def __len__(self) -> int:
        return len(self.observer)


def image_id(name: str) -> str:
    """Return what a file name says of the image alone, so that trials of different observers can be matched.

    The laboratory puts trial number, experiment, observer and condition before it, parted by ``_``; ImageNet's own
    names have one such mark in them (``n02134084_5274``). The suffix is left off: it differs between observers.
    """
    stem = name.rpartition("/")[2]
    if stem.lower().endswith((".png", ".jpeg", ".jpg", ".webp", ".bmp", ".tif", ".tiff")):
        stem = stem.rpartition(".")[0]
    parts = stem.split("_")
    if len(parts) > 1 and parts[-2].startswith("n0"):
        return f"{parts[-2]}_{parts[-1]}"
    return parts[-1]


def texture_of(image: str) -> str | None:
    """Return the texture's category that a cue-conflict image's id tells (``airplane1-bicycle2``: bicycle), if any."""
    shape, dash, texture = image.rpartition("-")
    found = texture.rstrip("0123456789")
    return found if dash and found in CATEGORIES and shape.rstrip("0123456789") in CATEGORIES else None


def read_trials(path: Path | str, *, dataset: str = "") -> list[Trials]:
    """Read trials from a CSV file, a folder of them, or an archive (.tar.gz, .tgz, .tar or .zip) of them.

    Parameters
    ----------
    path
        Where they are. Other files in a folder or an archive are left alone.
    dataset
        The data set that they are of; else the file's name tells it up to its first ``_``, or else its folder's name.

    Returns
    -------
    list of Trials
        One for each data set, in the paper's order, then by name.

    Raises
    ------
    BadInput
        If there are none, or a file lacks a column, or holds an unknown answer: the file and the line are named.
    """
    path = Path(path)
    gathered: dict[str, Trials] = {}
    for name, text in _texts(path):
        _gather(gathered, name, text, dataset)
    if not gathered:
        raise BadInput(f"{path} holds no trials; give CSV files with the columns {', '.join(NEEDED)}.")
    known = list(EXPERIMENTS)
    order = sorted(gathered, key=lambda each: (known.index(each) if each in known else len(known), each))
    return [gathered[name] for name in order]


def joined(parts: list[Trials]) -> Trials:
    """Return the trials of several files of one data set as one."""
    columns = [[each for part in parts for each in getattr(part, f.name)] for f in dataclasses.fields(Trials)[1:]]
    return Trials(parts[0].dataset, *columns)


def write_trials(path: Path, trials: Trials) -> Path:
    """Write one observer's trials as the laboratory does, whole or not at all."""
    rows = zip(trials.observer, trials.answer, trials.category, trials.condition, trials.image, strict=True)
    with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, (observer, answer, category, condition, image) in enumerate(rows, start=1):
            writer.writerow((observer, 1, number, "NaN", answer, category, condition, image))
    return path


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name (its last two parts) and the text of each CSV file at ``path``."""
    if os.path.isdir(path):  # Path.is_dir raises where a name is too long
        files = sorted(each for each in path.rglob("*.csv") if each.is_file())
        _few_enough(len(files), path)
        for file in files:
            yield "/".join(file.parts[-2:]), _decoded(_read(file), str(file))
    elif path.suffix.lower() == ".csv":
        yield path.name, _decoded(_read(path), str(path))
    else:
        yield from _packed(path)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{path} is larger than {LARGEST_FILE >> 20} MB; split it into one file for each observer.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise BadInput(f"Cannot read {str(path)[:200]}: {reason}. Check its name and place.") from error


def _packed(path: Path) -> Iterator[tuple[str, str]]:
    content = io.BytesIO(_read(path))
    try:
        if zipfile.is_zipfile(content):
            with zipfile.ZipFile(content) as opened:
                inside = [each for each in opened.infolist() if _wanted(each.filename) and not each.is_dir()]
                _few_enough(len(inside), path)
                for info in sorted(inside, key=lambda each: each.filename):
                    with opened.open(info) as body:
                        yield info.filename, _decoded(_limited(body.read(LARGEST_FILE + 1), path), info.filename)
            return
        content.seek(0)
        found = 0
        with tarfile.open(fileobj=content, mode="r:*") as tar:
            for member in tar:
                content_of = tar.extractfile(member) if member.isreg() and _wanted(member.name) else None
                if content_of is not None:
                    _few_enough(found := found + 1, path)
                    yield member.name, _decoded(_limited(content_of.read(LARGEST_FILE + 1), path), member.name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise BadInput(
            f"{path.name} is neither a CSV file nor a readable archive ({error}); give a .csv, .zip or .tar.gz."
        ) from error


def _wanted(name: str) -> bool:
    return name.lower().endswith(".csv") and "__MACOSX" not in name


def _limited(content: bytes, path: Path) -> bytes:
    if len(content) > LARGEST_FILE:
        raise BadInput(f"{path.name} unpacks to files of more than {LARGEST_FILE >> 20} MB; split them.")
    return content


def _few_enough(files: int, path: Path) -> None:
    if files > MOST_FILES:
        raise BadInput(f"{path} holds more than {MOST_FILES:,} CSV files; give a smaller folder.")


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not text in UTF-8 (byte {error.start}); save it as UTF-8 CSV.") from error


def _gather(gathered: dict[str, Trials], name: str, text: str, dataset: str) -> None:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [each.strip().lower() for each in next(reader, [])]
        missing = [each for each in NEEDED if each not in header]
        if missing:
            if "/" in name and "object_response" not in header:
                return  # some other table in a folder of trials
            raise BadInput(f"{name} has no column {missing[0]!r}; trials need {', '.join(NEEDED)}.")
        columns = [header.index(each) for each in NEEDED]
        target = _target(gathered, name, dataset)
        lines = ((reader.line_num, row) for row in reader if row)
        _take(target, lines, columns, len(header), name)
    except csv.Error as error:
        raise BadInput(f"{name}, line {reader.line_num}: {error}; save it as plain CSV.") from error


def _target(gathered: dict[str, Trials], name: str, dataset: str) -> Trials:
    folder, _, file = name.rpartition("/")
    folder = folder.rpartition("/")[2]
    stem = file.removesuffix(".csv").partition("_")[0]
    found = dataset or (folder if folder in EXPERIMENTS else stem)
    return gathered.setdefault(found, Trials(found, [], [], [], [], []))


def _take(target: Trials, lines: Iterable[tuple[int, list[str]]], columns: list[int], width: int, name: str) -> None:
    known = {*CATEGORIES, "na"}
    lone = target.dataset in EXPERIMENTS and not EXPERIMENTS[target.dataset].parametric
    for number, row in lines:
        with contextlib.suppress(IndexError):
            observer, answer, category, condition, image = (row[column] for column in columns)
            # Ours are lower case already; others' spreadsheets may not be.
            if answer not in known:
                answer = answer.strip().lower() or "na"
            if category not in known:
                category = category.strip().lower()
            if answer not in known or category not in known or category == "na":
                wrong = answer if answer not in known else category
                raise BadInput(
                    f"{name}, line {number}: {wrong[:40]!r} is none of the 16 categories; they are "
                    f"{', '.join(CATEGORIES)}, and na for no answer."
                )
            if not image or len(image) > 500 or not observer or len(observer) > LONGEST_NAME:
                raise BadInput(f"{name}, line {number}: subj or imagename is empty or very long; mend that line.")
            target.observer.append(observer)
            target.answer.append(answer)
            target.category.append(category)
            target.condition.append("0" if lone else spelling(condition))
            target.image.append(image_id(image))
            continue
        raise BadInput(f"{name}, line {number} has {len(row)} of {width} columns; mend or remove that line.")
