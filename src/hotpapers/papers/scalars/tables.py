"""The user's tables: CSV files with a header, or npz archives of arrays, as named tensors, and back.

In a CSV file a vector ``r`` has the columns ``r_x, r_y, r_z`` (``p_t, …`` first with a time axis; ``r_1, r_2, …`` above
three dimensions), the third of ``5 vector`` has ``r3_x, …``, and a tensor ``I_xx, I_xy, …``. In an npz file an array
has the field's name, rows first.
"""

import csv
import io
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.scalars.groups import Group
from hotpapers.papers.scalars.schema import Field, Table

LARGEST = 2 * 2**30  # bytes
MOST_VALUES = 200_000_000


def read_table(path: Path, fields: Sequence[Field], group: Group, *, least: int = 1) -> Table:
    """Return the columns of ``fields`` in float64, each (B, …) in its field's shape.

    Raises
    ------
    BadInput
        Naming the file and what is missing or wrong in it.
    """
    path = Path(path)
    columns = read_columns(path)
    found: Table = {}
    for field in fields:
        shape = field.shape(group.dimension)
        if field.name in columns and columns[field.name].shape[1:] == shape:
            value = columns[field.name]
        else:
            names = field.columns(group.dimension, group.lorentzian)
            if missing := next((name for name in names if name not in columns), None):
                have = ", ".join(list(columns)[:12]) or "none"
                raise BadInput(f"{path.name} has no column {missing!r} for {field.name}; it has: {have}.")
            parts = [columns[name] for name in names]
            if wrong := next((name for name in names if columns[name].ndim != 1), None):
                raise BadInput(f"{path.name} has {wrong!r} of shape {columns[wrong].shape}, not one number a row.")
            value = np.stack(parts, -1).reshape(len(parts[0]), *shape)
        if not np.isfinite(value).all():
            row = int(np.argwhere(~np.isfinite(value.reshape(len(value), -1)).all(1))[0, 0]) + 1
            raise BadInput(f"{path.name} has a value of {field.name} in row {row} that is not finite; remove that row.")
        found[field.name] = torch.from_numpy(np.ascontiguousarray(value, dtype=np.float64))
    lengths = {len(value) for value in found.values()}
    if len(lengths) > 1:
        raise BadInput(f"{path.name} has columns of {min(lengths)} and of {max(lengths)} rows.")
    if lengths and lengths.pop() < least:
        raise BadInput(f"{path.name} has too few rows; {least} at least are needed.")
    return found


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """Return all columns of numbers of a CSV file, or all arrays of an npz file; nothing is unpickled."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path.name} is larger than {LARGEST >> 30} GB; split it.")
        if path.suffix.lower() == ".npz":
            return _read_npz(path)
        return _read_csv(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"Cannot read {path}: {reason}. Name a CSV or npz file.") from error


def write_table(path: Path, rows: Table, fields: Sequence[Field], group: Group) -> None:
    """Write fields as CSV, or as npz where ``path`` ends so; whole or not at all."""
    with written_whole(path) as temporary:
        if path.suffix.lower() == ".npz":
            with temporary.open("wb") as stream:
                np.savez(stream, **{field.name: rows[field.name].numpy() for field in fields})
            return
        names = [name for field in fields for name in field.columns(group.dimension, group.lorentzian)]
        values = np.concatenate([rows[field.name].reshape(len(rows[field.name]), -1).numpy() for field in fields], 1)
        write_columns(temporary, names, values)


def write_columns(path: Path, names: Sequence[str], values: np.ndarray) -> None:
    """Write a header and rows of numbers, as exact as they are."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([repr(float(each)) for each in row] for row in values)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path.name} is not an npz archive of plain arrays; save it with numpy.savez.") from error
    for name, value in found.items():
        if value.dtype.kind not in "fiub" or value.ndim == 0 or value.size > MOST_VALUES:
            raise BadInput(f"{path.name} has {name[:40]!r}, which is no array of numbers with rows, or is too large.")
    return {name: value.astype(np.float64) for name, value in found.items()}


def _read_csv(path: Path) -> dict[str, np.ndarray]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not text in UTF-8; save it as CSV (UTF-8), or as npz.") from error
    if "\0" in text:
        raise BadInput(f"{path.name} is not text; save it as CSV (UTF-8), or as npz.")
    header, _, body = text.partition("\n")
    names = [name.strip() for name in next(csv.reader([header]), [])]
    if not any(names):
        raise BadInput(f"{path.name} has no header; its first line must name the columns.")
    if len(set(names)) < len(names):
        raise BadInput(f"{path.name} names a column twice.")
    if all(_is_number(name) for name in names):
        raise BadInput(f"{path.name} begins with numbers; its first line must name the columns.")
    try:
        with warnings.catch_warnings(action="ignore"):  # that there are no rows: said below
            values = np.loadtxt(io.StringIO(body), delimiter=",", comments=None, dtype=np.float64, ndmin=2)
    except ValueError as error:
        found = str(error).partition(";")[0].rstrip(".")
        raise BadInput(f"{path.name} is not a table of numbers: {found[:120]}.") from error
    if not values.size:
        raise BadInput(f"{path.name} has a header and no rows.")
    if values.shape[1] != len(names):
        raise BadInput(f"{path.name} names {len(names)} columns and has {values.shape[1]}.")
    return dict(zip(names, values.T, strict=True))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
