"""The verb ``compare``: κ between any two observers, machines or people, as a matrix; and tests of two of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human import figures, intervals, outputs, scoring
from hotpapers.papers.model_vs_human.public import read_sheets
from hotpapers.papers.model_vs_human.sheets import Sheet, join
from hotpapers.verbs import AnyFile, Outcome

MOST_OBSERVERS = 400


def compare(
    trials: AnyFile | None = None,
    others: AnyFile | None = None,
    *,
    dataset: str = "",
    one: str = "",
    two: str = "",
    permutations: int = 2000,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Compare any observers' errors: a matrix of error consistency, and permutation tests of two observers.

    Parameters
    ----------
    trials
        CSV files of trials: one, a folder, or an archive. Left out, the public trials (23 MB are fetched).
    others
        More trials, to compare with these.
    dataset
        A data set; left out, the mean over all of them, of the observers that are in all of them.
    one, two
        Two observers to test: whether they agree beyond chance, and which of them is more like people.
    permutations
        How many permutations the tests take.
    seed
        Of the permutations.
    out
        The matrix (.csv) to write; beside the trials where left out.
    """
    if not 100 <= permutations <= 100_000:
        raise BadInput(f"Take 100 to 100,000 permutations, not {permutations}.")
    if bool(one) != bool(two):
        raise BadInput("Name two observers to test, --one and --two.")
    sheets = read_sheets(trials)
    if others is not None:
        sheets = join(sheets, read_sheets(others))
    if dataset:
        sheets = _chosen(sheets, dataset)
    names, matrix = consistency_matrix(sheets)
    path = outputs.beside(trials, out, f"{dataset or 'mean'}-matrix.csv")
    rows = [(name, *map(float, row)) for name, row in zip(names, matrix, strict=True)]
    files = {"matrix": outputs.write_table(path, ("κ", *names), rows)}
    title = f"error consistency κ, {dataset or f'mean over {len(sheets)} data sets'}"
    files["figure"] = figures.write(path.with_suffix(".png"), figures.matrix(matrix, names, title))
    numbers: dict[str, float | int | str] = {"observers": len(names), "data sets": len(sheets)}
    numbers |= _groups(names, matrix)
    if one:
        numbers |= tested(sheets, one, two, permutations, seed)
    return Outcome(files, numbers, "0 is the agreement of independent observers, 1 the same errors on the same images.")


def consistency_matrix(sheets: Sequence[Sheet]) -> tuple[list[str], np.ndarray]:
    """Return the observers that are in every sheet, people last, and their κ with each other: the mean over sheets."""
    if not sheets:
        raise BadInput("There are no trials to compare.")
    common = [name for name in sheets[0].observers if all(name in sheet.observers for sheet in sheets)]
    common.sort(key=lambda name: name.startswith("subject-"))
    if len(common) < 2:
        raise BadInput("Fewer than two observers are in all the data sets; name one of these with --dataset.")
    if len(common) > MOST_OBSERVERS:
        raise BadInput(f"{len(common)} observers make no matrix to look at; give at most {MOST_OBSERVERS}.")
    matrices = []
    for sheet in sheets:
        rows = [sheet.observers.index(name) for name in common]
        matrices.append(scoring.pair_metrics(sheet, rows, rows)[2])
    return common, np.mean(matrices, axis=0)


def tested(sheets: Sequence[Sheet], one: str, two: str, permutations: int, seed: int) -> dict[str, float | int | str]:
    """Return for each sheet both tests of two observers, in words."""
    found: dict[str, float | int | str] = {}
    for sheet in sheets:
        for name in (one, two):
            if name not in sheet.observers:
                raise BadInput(
                    f"{name[:60]!r} is no observer of {sheet.dataset}; there are: {', '.join(sheet.observers)[:300]}."
                )
        kappa, p = intervals.permutation_test(sheet, one, two, permutations=permutations, seed=seed)
        words = f"κ {kappa:.3f} between the two (p {p:.2g})"
        if sheet.human.any() and not (one.startswith("subject-") or two.startswith("subject-")):
            gap, p = intervals.difference_test(sheet, one, two, permutations=permutations, seed=seed)
            words += f"; κ to people differs by {gap:+.3f} (p {p:.2g})"
        found[sheet.dataset] = words
    return found


def _chosen(sheets: list[Sheet], dataset: str) -> list[Sheet]:
    chosen = [sheet for sheet in sheets if sheet.dataset == dataset]
    if not chosen:
        names = ", ".join(sheet.dataset for sheet in sheets)
        raise BadInput(f"There are no trials of {dataset[:60]!r}; there are: {names[:400]}.")
    return chosen


def _groups(names: Sequence[str], matrix: np.ndarray) -> dict[str, float | int | str]:
    """Return the mean κ among machines, among people, and between the two."""
    human = np.array([name.startswith("subject-") for name in names])
    apart = ~np.eye(len(names), dtype=bool)
    groups = {
        "machines with machines": np.outer(~human, ~human) & apart,
        "machines with people": np.outer(~human, human),
        "people with people": np.outer(human, human) & apart,
    }
    return {
        f"mean κ, {label}": round(float(np.nanmean(matrix[mask])), 4) for label, mask in groups.items() if mask.any()
    }
