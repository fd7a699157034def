"""How good a folder of sounds is: its distance to a folder of real ones, what is covered, and what is heard."""

import csv
from pathlib import Path

import torch
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.metrics import frechet_of
from hotpapers.papers.crash.drums import Drums, read_drums
from hotpapers.papers.crash.judge import Judge, precision_and_recall
from hotpapers.papers.crash.shelf import open_judge
from hotpapers.verbs import Folder, Outcome

LEAST = 4  # sounds of a folder


def evaluate(made: Folder, real: Folder, *, out: Path | None = None) -> Outcome:
    """Measure made sounds against real ones: Fréchet distance, precision and recall, and which classes are heard.

    Writes a table of what each sound of a class is heard as. Distances hang on how many sounds there are: compare them
    between folders of one size.

    Parameters
    ----------
    made
        The sounds that were made, a folder or a ZIP; where it has sub-folders they are the classes that were asked for.
    real
        The sounds that they are held against, the same.
    out
        The file for the table, as CSV.
    """
    judge = open_judge()
    ours, theirs = (_read(judge, Path(each)) for each in (made, real))
    features = [judge.described(each.sounds) for each in (ours, theirs)]
    precision, recall = precision_and_recall(*features)
    target = Path(out) if out else Path(made).resolve().with_suffix(".heard.csv")
    rows = [("folder", "class", *(f"heard as {name}" for name in judge.classes))]
    for folder, drums in (("made", ours), ("real", theirs)):
        rows += [(folder, *row) for row in _confusion(judge, drums)]
    with written_whole(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    numbers: dict[str, float | int | str] = {
        "sounds made": len(ours.sounds),
        "sounds real": len(theirs.sounds),
        "Fréchet distance": frechet_of(*features),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
    }
    if (right := _right(judge, ours)) is not None:
        numbers["heard as asked, %"] = right
    heard = judge.hear(ours.sounds)
    numbers |= {f"heard as {name}": int((heard == label).sum()) for label, name in enumerate(judge.classes)}
    return Outcome({"table": target}, numbers, "The smaller the distance, the more alike are the two folders.")


def _read(judge: Judge, folder: Path) -> Drums:
    drums = read_drums(folder, judge.rate, judge.length)
    if len(drums.sounds) < LEAST:
        raise BadInput(f"{folder} has {len(drums.sounds)} sounds that can be used; {LEAST} are needed at least.")
    return drums


def _confusion(judge: Judge, drums: Drums) -> list[tuple[str | int, ...]]:
    """Return for each class of a folder how often each class is heard in it."""
    heard = judge.hear(drums.sounds)
    rows = [(name, drums.labels == label) for label, name in enumerate(drums.classes)]
    return [(name, *_counts(heard[chosen], len(judge.classes))) for name, chosen in rows or [("all", heard >= 0)]]


def _counts(heard: Tensor, classes: int) -> list[int]:
    return torch.bincount(heard, minlength=classes).tolist()


def _right(judge: Judge, drums: Drums) -> float | None:
    """Return the percentage heard as their folder says, where the folders are classes of the judge's."""
    known = [judge.classes.index(name) if name in judge.classes else -1 for name in drums.classes]
    if not known:
        return None
    wanted = torch.tensor(known)[drums.labels]
    chosen = wanted >= 0
    if not chosen.any():
        return None
    return 100 * float((judge.hear(drums.sounds)[chosen] == wanted[chosen]).float().mean())
