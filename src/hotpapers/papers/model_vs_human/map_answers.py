"""The verb ``map``: from 1,000 probabilities or logits to one of the sixteen categories."""

from pathlib import Path
from typing import Literal

from hotpapers.papers.model_vs_human import outputs
from hotpapers.papers.model_vs_human.categories import CATEGORIES, to_categories
from hotpapers.papers.model_vs_human.classifiers import read_probabilities
from hotpapers.papers.model_vs_human.evaluate import decisions
from hotpapers.verbs import Outcome, TableFile


def map_answers(
    table: TableFile, *, kind: Literal["auto", "logits", "probabilities"] = "auto", out: Path | None = None
) -> Outcome:
    """Map ImageNet's 1,000 classes to the sixteen categories, by the mean probability of each category's classes.

    Parameters
    ----------
    table
        A CSV table: a header, then a row for each image, its name and 1,000 numbers in the order of ImageNet's classes.
    kind
        Whether the numbers are logits, which get a softmax, or probabilities; found out where left at auto.
    out
        The table (.csv) to write; beside the other where left out.
    """
    names, values = read_probabilities(Path(table), kind)
    found = decisions(values)
    means = values if values.shape[1] == 16 else to_categories(values)
    path = outputs.beside(Path(table), out, "categories.csv")
    rows = [(name, answer, *map(float, row)) for name, answer, row in zip(names, found, means, strict=True)]
    outputs.write_table(path, ("image", "category", *CATEGORIES), rows)
    most = max(set(found), key=found.count)
    numbers = {"images": len(found), "most frequent category": f"{most} ({found.count(most)})"}
    return Outcome({"categories": path}, numbers, "The sixteen columns are mean probabilities; they do not sum to one.")
