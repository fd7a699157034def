"""What users bring: a CSV with an environment column, an npz, or a folder of images for each environment."""

import csv
import dataclasses
import math
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.papers.ib_irm.domainbed import read_images
from hotpapers.papers.ib_irm.examples import sample

LARGEST = 2**30  # bytes of a table, and of each array of an archive
MOST_CLASSES = 20
Kind = Literal["auto", "regression", "classes"]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows with a target and an environment each.

    Attributes
    ----------
    x, y, env
        Columns, target (a number, or the class's index) and index of the environment.
    columns, target, environment
        Their names.
    classes
        Names of the classes; none for regression.
    environments
        Names of the environments, sorted.
    """

    x: Float[Tensor, "n d"]
    y: Float[Tensor, " n"]
    env: Int[Tensor, " n"]
    columns: list[str]
    target: str
    environment: str
    classes: list[str]
    environments: list[str]

    def take(self, rows: Tensor) -> "Table":
        """Return some of the rows."""
        return dataclasses.replace(self, x=self.x[rows], y=self.y[rows], env=self.env[rows])

    def among(self, names: list[str]) -> "Table":
        """Return the rows of the environments named, whose indices then count from 0."""
        indices = torch.tensor([self.environments.index(name) for name in names])
        rows = torch.isin(self.env, indices)
        renamed = torch.zeros(len(self.environments), dtype=torch.long)
        renamed[indices] = torch.arange(len(names))
        return dataclasses.replace(self.take(rows), env=renamed[self.env[rows]], environments=list(names))

    @property
    def task(self) -> Literal["regression", "binary", "classes"]:
        """How the target is learnt."""
        return "regression" if not self.classes else "binary" if len(self.classes) == 2 else "classes"


def read_table(
    path: Path | None,
    target: str,
    environment: str,
    kind: Kind = "auto",
    ignore: str = "",
    classes: list[str] | None = None,
) -> Table:
    """Read a user's data; with no path, cows and camels (example 2) with a test environment.

    Raises
    ------
    BadInput
        Naming the file, the column and row, and the mend.
    """
    if path is None:
        return cows_and_camels()
    path = Path(path)
    if path.is_dir():
        return _from_images(path, target, environment)
    if path.suffix.lower() == ".npz":
        return _from_archive(path, target, environment, kind, classes)
    return _from_csv(path, target, environment, kind, ignore, classes)


def cows_and_camels(rows: int = 1000) -> Table:
    """Return example 2 as a table: three environments to train on, and ``test`` whose backgrounds are permuted."""
    splits = sample("2", 0, 3, rows)
    x = torch.cat((splits.train[0].flatten(0, 1), splits.test[0][0]))
    y = torch.cat((splits.train[1].flatten(), splits.test[1][0]))
    columns = [f"{part}-{k}" for part in ("animal", "background") for k in range(5)]
    env = torch.arange(4).repeat_interleave(rows)
    return Table(x, y, env, columns, "cow", "place", ["camel", "cow"], ["place-1", "place-2", "place-3", "test"])


def split(table: Table, share: float = 0.2, seed: int = 0) -> tuple[Table, Table]:
    """Return rows to train on and rows to validate on, drawn within each environment."""
    generator = torch.Generator().manual_seed(seed)
    held = torch.zeros(len(table.y), dtype=torch.bool)
    for index in range(len(table.environments)):
        rows = (table.env == index).nonzero()[:, 0]
        order = rows[torch.randperm(len(rows), generator=generator)]
        held[order[: max(1, round(share * len(rows)))]] = True
    return table.take(~held), table.take(held)


def read_archive(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read arrays of an npz without unpickling anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
        if large := next((name for name, size in sizes.items() if size > LARGEST), None):
            raise BadInput(f"{path} has more than 1 GB in {large}; take fewer rows or smaller images.")
        with np.load(path, allow_pickle=False) as archive:
            if missing := [name for name in names if name not in archive]:
                raise BadInput(
                    f"{path} has no array {missing[0]!r}; it has: {', '.join(archive.files)[:200] or 'none'}."
                )
            return {name: archive[name] for name in names}
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}.") from error
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, zipfile.LargeZipFile) as error:
        raise BadInput(f"{path} is not an npz of plain arrays: write one with numpy.savez.") from error


def _from_csv(path: Path, target: str, environment: str, kind: Kind, ignore: str, classes: list[str] | None) -> Table:
    header, rows = _read_csv(path)
    for name, option in ((target, "--target"), (environment, "--env")):
        if name not in header:
            raise BadInput(f"{path} has no column {name!r}: name one of {', '.join(header)[:300]} with {option}.")
    if target == environment:
        raise BadInput(f"--target and --env are both {target!r}; they must be two columns of {path}.")
    left_out = {target, environment, *(name.strip() for name in ignore.split(",") if name.strip())}
    if unknown := sorted(left_out - set(header)):
        raise BadInput(f"{path} has no column {unknown[0]!r} to leave out with --ignore.")
    columns = [name for name in header if name not in left_out]
    if not columns:
        raise BadInput(f"{path} has no columns beside {target!r} and {environment!r} to predict from.")
    where = {name: place for place, name in enumerate(header)}
    x = np.array([_numbers([row[where[name]] for row in rows], path, name) for name in columns], dtype=np.float32).T
    y, names = _read_target([row[where[target]] for row in rows], path, target, kind, classes)
    env, environments = _index([row[where[environment]].strip() for row in rows], path, environment)
    return Table(torch.from_numpy(x.copy()), y, env, columns, target, environment, names, environments)


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path} is larger than 1 GB; take fewer rows.")
        with open(path, encoding="utf-8-sig", newline="") as stream:
            text = stream.read()
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: save it as CSV in UTF-8.") from error
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {(error.strerror or '').lower()}.") from error
    if "\0" in text:
        raise BadInput(f"{path} is not text: save it as CSV in UTF-8.")
    try:
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except csv.Error as error:
        raise BadInput(f"{path} is not CSV: {error}.") from error
    if len(rows) < 3:
        raise BadInput(f"{path} has {max(0, len(rows) - 1)} rows below its header; a table needs at least 2.")
    header = [name.strip() for name in rows[0]]
    if twice := [name for name in header if header.count(name) > 1]:
        raise BadInput(f"{path} has two columns called {twice[0]!r}; give each its own name in the first line.")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise BadInput(f"{path}, row {number}: {len(row)} values, but the header has {len(header)}; mend that row.")
    return header, rows[1:]


def _numbers(values: list[str], path: Path, column: str) -> list[float]:
    found = []
    for number, value in enumerate(values, start=2):
        try:
            read = float(value)
        except ValueError:
            read = math.nan
        if not math.isfinite(read) or abs(read) > 1e30:
            raise BadInput(
                f"{path}, column {column!r}, row {number}: {value[:40]!r} is no number; fill it, or leave the column "
                "out with --ignore."
            )
        found.append(read)
    return found


def _read_target(
    values: list[str], path: Path, target: str, kind: Kind, classes: list[str] | None
) -> tuple[Tensor, list[str]]:
    """Return the target as numbers; with ``kind`` auto, numbers of more than 20 values are a regression."""
    names = sorted({value.strip() for value in values}, key=_natural)
    if classes is not None:
        if classes and (unknown := [name for name in names if name not in classes]):
            raise BadInput(f"{path}, column {target!r}: the model knows no class {unknown[0][:40]!r}.")
        names, kind = classes or names, "classes" if classes else "regression"
    if kind == "regression" or (kind == "auto" and len(names) > MOST_CLASSES):
        return torch.tensor(_numbers(values, path, target)), []
    if not 2 <= len(names) <= 1000 or "" in names:
        raise BadInput(f"{path}, column {target!r}: classes must be 2 to 1000 values, none empty; it has {len(names)}.")
    place = {name: float(index) for index, name in enumerate(names)}
    return torch.tensor([place[value.strip()] for value in values]), names


def _index(values: list[str], path: Path, column: str) -> tuple[Tensor, list[str]]:
    names = sorted(set(values), key=_natural)
    if len(names) > 1000 or "" in names:
        raise BadInput(f"{path}, column {column!r}: environments must be at most 1000 values, none empty.")
    place = {name: index for index, name in enumerate(names)}
    return torch.tensor([place[value] for value in values]), names


def _natural(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return math.inf, name


def _from_archive(path: Path, target: str, environment: str, kind: Kind, classes: list[str] | None) -> Table:
    arrays = read_archive(path, ("x", target, environment))
    x, y, env = arrays["x"], arrays[target], arrays[environment]
    if x.ndim < 2 or x.dtype.kind not in "fiub" or not len(x) == len(y) == len(env) or y.ndim != 1 or env.ndim != 1:
        raise BadInput(
            f"{path} needs numbers x of n rows, {target} of n and {environment} of n; it has {x.shape}, {y.shape}, "
            f"{env.shape}."
        )
    flat = x.reshape(len(x), -1).astype(np.float32) / (255 if x.dtype == np.uint8 else 1)
    if not np.isfinite(flat).all():
        raise BadInput(f"{path} holds values in x that are not numbers; fill them or leave out their rows.")
    labels, names = _read_target([str(each) for each in y], path, target, kind, classes)
    index, environments = _index([str(each) for each in env], path, environment)
    columns = [f"x{k}" for k in range(flat.shape[1])]
    return Table(torch.from_numpy(flat), labels, index, columns, target, environment, names, environments)


def _from_images(path: Path, target: str, environment: str) -> Table:
    images = read_images(path)
    flat = images.x.flatten(1)
    columns = [f"x{k}" for k in range(flat.shape[1])]
    return Table(flat, images.y.float(), images.env, columns, target, environment, images.classes, images.environments)
