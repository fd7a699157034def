"""Learning to tell a column's type from its values: the training loop, and the verbs ``train`` and ``predict``."""

import csv
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import torch

from hotpapers import progress
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables import reading
from hotpapers.papers.gittables.features import as_text, column_features
from hotpapers.papers.gittables.model import ColumnNet
from hotpapers.papers.gittables.store import Corpus, shown
from hotpapers.run import Run, load_model, save_model
from hotpapers.verbs import AnyFile, Device, Model, Outcome, resume_command

Labels = Literal["dbpedia_syntactic", "dbpedia_semantic", "schema_syntactic", "schema_semantic"]


@dataclasses.dataclass(frozen=True)
class Config:
    """How a detector is trained; the defaults are Sherlock's, save fewer epochs."""

    epochs: int = 60
    batch: int = 256
    learning_rate: float = 1e-3
    decay: float = 1e-4
    dropout: float = 0.35
    width: int = 500
    shrink: int = 1


@dataclasses.dataclass
class Columns:
    """Labelled columns: features (N, 1588), labels, and the table that each is of."""

    features: np.ndarray
    labels: list[str]
    tables: list[int]

    def only(self, types: Sequence[str]) -> "Columns":
        """Return the columns of these types."""
        rows = [row for row, label in enumerate(self.labels) if label in set(types)]
        return self.rows(rows)

    def rows(self, rows: Sequence[int]) -> "Columns":
        """Return the columns of these numbers."""
        return Columns(
            self.features[list(rows)], [self.labels[row] for row in rows], [self.tables[row] for row in rows]
        )

    def split(self, share: float, seed: int) -> tuple["Columns", "Columns"]:
        """Return the columns in two parts, ``share`` of the tables in the second: no table is in both."""
        names = sorted(set(self.tables))
        held = set(np.random.default_rng(seed).permutation(names)[: max(1, round(share * len(names)))].tolist())
        inside = [row for row, table in enumerate(self.tables) if table not in held]
        outside = [row for row, table in enumerate(self.tables) if table in held]
        return self.rows(inside), self.rows(outside)


def train(
    corpus: AnyFile,
    *,
    out: Model | None = None,
    labels: Labels = "dbpedia_syntactic",
    most_types: int = 50,
    min_columns: int = 20,
    epochs: int = 60,
    batch: int = 256,
    learning_rate: float = 1e-3,
    shrink: int = 1,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a detector that tells a column's semantic type from its values, on a corpus.

    A fifth of the tables is held out to measure it.

    Parameters
    ----------
    corpus
        A corpus's folder, or a zip of one.
    out
        The directory to write the model to.
    labels
        Which of the corpus's annotations to learn.
    most_types
        The most frequent so many types are learned.
    min_columns
        Types of fewer columns are left out.
    epochs
        Passes over the columns.
    batch
        Columns in a step.
    learning_rate
        The learning rate at the start; it falls to 0.
    shrink
        Divides the units of all layers.
    seed
        The seed of everything random.
    device
        Where to compute.
    resume
        Go on with the training that was interrupted in the directory.
    fresh
        Replace the training in the directory.
    """
    asked = dict(locals())
    if min(most_types, min_columns, epochs, batch, shrink) < 1 or learning_rate <= 0:
        raise BadInput("Types, columns, epochs, batch, shrink and learning rate must be positive.")
    columns = labelled(Corpus(Path(corpus)), labels, most_types, min_columns)
    types = sorted(set(columns.labels))
    if len(types) < 2:
        raise BadInput(
            f"{Path(corpus).name} has {len(types)} types with {min_columns} columns or more; two are needed: "
            "lower --min-columns, or build a larger corpus."
        )
    config = Config(epochs, batch, learning_rate, shrink=shrink)
    out = Path(out) if out else Path("detector.model")
    started = time.perf_counter()
    inside, held = columns.split(0.2, seed)
    again = resume_command("gittables train", train, asked | {"out": out})
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=again) as run:
        model = learn(inside, types, config, run)
        save_model(model, out)
    scores = score(held.labels, [types[at] for at in predicted(model, held.features).argmax(1)])
    report = out / "scores.json"
    with written_whole(report) as temporary:
        temporary.write_text(json.dumps(scores | {"settings": dataclasses.asdict(config)}, indent=1) + "\n")
    numbers: dict[str, float | int | str] = {
        "types": len(types),
        "columns": len(inside.labels),
        "columns held out": len(held.labels),
        "macro F1": round(scores["macro F1"], 4),
        "accuracy": round(scores["accuracy"], 4),
        "most frequent type": round(scores["most frequent type"], 4),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return Outcome(
        {"model": out, "scores": report}, numbers, f"hotpapers gittables predict {shown(out)} TABLE.csv uses it."
    )


def predict(model: Model, table: AnyFile, *, top: int = 3, out: Path | None = None) -> Outcome:
    """Say which semantic types the columns of a table have, by their values alone.

    Parameters
    ----------
    model
        Directory of a trained detector.
    table
        A CSV file.
    top
        How many types to name for each column.
    out
        Where the types go, as CSV.
    """
    if top < 1:
        raise BadInput(f"{top} types are none; say 1 or more.")
    net = load_model(ColumnNet, Path(model), name="GitTables", make="hotpapers gittables train CORPUS")
    table = Path(table)
    read = reading.read(table)
    found = predicted(
        net, np.stack([column_features(as_text(read.data.column(at))) for at in range(len(read.columns))])
    )
    out = Path(out) if out else table.with_name(f"{table.stem}-detected.csv")
    best = np.argsort(-found, 1)[:, :top]
    with written_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["column", "rank", "type", "probability"])
        for at, name in enumerate(read.columns):
            writer.writerows(
                [name, rank, net.types[kind], f"{found[at, kind]:.4f}"] for rank, kind in enumerate(best[at], 1)
            )
    numbers: dict[str, float | int | str] = {"columns": len(read.columns), "types known": len(net.types)}
    for at, name in list(enumerate(read.columns))[:20]:
        numbers[name] = f"{net.types[best[at, 0]]} ({found[at, best[at, 0]]:.0%})"
    return Outcome({"types": out}, numbers, "It knows no other types than those that it was trained on.")


def labelled(corpus: Corpus, labels: str, most_types: int, min_columns: int) -> Columns:
    """Return the columns of a corpus that have one of the frequent types, with their features."""
    counts = Counter(label for entry in corpus.entries for label in entry.types.get(labels, {}).values())
    types = {label for label, count in counts.most_common(most_types) if count >= min_columns}
    features, told, tables = [], [], []
    for entry in progress.track(corpus.entries, "features (tables)"):
        of = {column: label for column, label in entry.types.get(labels, {}).items() if label in types}
        if not of:
            continue
        table = corpus.table(entry)
        for column, label in of.items():
            if column in table.column_names and not _is_empty(table.column(column)):
                features.append(column_features(as_text(table.column(column))))
                told.append(label)
                tables.append(entry.id)
    return Columns(np.stack(features) if features else np.zeros((0, 1)), told, tables)


def learn(columns: Columns, types: Sequence[str], config: Config, run: Run) -> ColumnNet:
    """Train a detector and return it on the CPU; rare types weigh more, as macro F1 weighs all alike."""
    model = ColumnNet(types, config.width, config.shrink, config.dropout)
    features = torch.from_numpy(columns.features).to(run.device)
    index = {label: at for at, label in enumerate(types)}
    targets = torch.tensor([index[label] for label in columns.labels], device=run.device)
    model.to(run.device).calibrate(features)
    weights = torch.bincount(targets, minlength=len(types)).clamp(min=1).float().rsqrt()
    adam = torch.optim.Adam(model.parameters(), config.learning_rate, weight_decay=config.decay)
    batch = min(config.batch, len(targets))
    steps = config.epochs * max(1, len(targets) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    net, adam, schedule = run.setup(model, adam, schedule)
    for _step in run.steps(steps):
        net.train()
        chosen = torch.randint(len(targets), (batch,), device="cpu").to(run.device)
        loss = torch.nn.functional.cross_entropy(net(features[chosen]), targets[chosen], weights / weights.mean())
        adam.zero_grad()
        run.backward(loss)
        adam.step()
        schedule.step()
        run.log(loss=loss)
    return model.cpu().eval()


def predicted(model: ColumnNet, features: np.ndarray) -> np.ndarray:
    """Return the probabilities (N, T) of the types."""
    return model.probabilities(torch.from_numpy(np.ascontiguousarray(features))).numpy()


def score(true: Sequence[str], told: Sequence[str]) -> dict[str, float]:
    """Return macro F1 over the true types, accuracy, and the accuracy of naming the most frequent type."""
    if not true:
        return {"macro F1": 0.0, "accuracy": 0.0, "most frequent type": 0.0}
    each = []
    for label in sorted(set(true)):
        right = sum(a == b == label for a, b in zip(true, told, strict=True))
        each.append(2 * right / max(1, sum(a == label for a in true) + sum(b == label for b in told)))
    return {
        "macro F1": float(np.mean(each)),
        "accuracy": float(np.mean([a == b for a, b in zip(true, told, strict=True)])),
        "most frequent type": max(Counter(true).values()) / len(true),
    }


def _is_empty(column: pa.ChunkedArray) -> bool:
    return column.null_count == len(column)
