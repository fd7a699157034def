"""The verb ``law``: the formula behind a table, where it is a polynomial of low degree in the scalars."""

from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.scalars.linear import LinearModel
from hotpapers.papers.scalars.predict import declare
from hotpapers.papers.scalars.tables import read_table
from hotpapers.papers.scalars.train import LEAST_ROWS, relative_error, split
from hotpapers.papers.scalars.units import read_units
from hotpapers.verbs import Outcome, TableFile


def law(
    table: TableFile,
    *,
    schema: str,
    group: str = "O(3)",
    out: Path | None = None,
    permute: str = "",
    degree: int = 2,
    lengths: bool = False,
    inverse: bool = False,
    units: str = "",
    threshold: float = 1e-3,
    seed: int = 0,
) -> Outcome:
    """Find the law in a table: outputs as a short sum of monomials of scalars, no network and no training.

    Least squares on all monomials of the invariants, terms that say little dropped until none is left to drop. A tenth
    of the rows is held out to measure the error.

    Parameters
    ----------
    table
        A CSV file with a header (a vector r has the columns r_x, r_y, r_z), or an npz file of arrays.
    schema
        What the columns are, such as ``m: 5 scalar, r: 5 vector -> I: tensor``.
    group
        The symmetry, such as O(3), SE(2) or O(1,3).
    out
        Where the law goes, as text; beside the table when left out.
    permute
        Inputs whose particles are identical and share their coefficients, such as ``m, r``.
    degree
        The highest degree of the monomials.
    lengths
        Whether lengths of vectors are among the scalars.
    inverse
        Whether one over lengths of vectors is among the scalars, as in laws of gravity.
    units
        Of the columns, such as ``m: kg, r: m, I: kg m2``: only terms with the output's units are looked at, which takes
        fewer rows. Left out, all are.
    threshold
        A term is dropped when it says less than this share of the output.
    seed
        Of the rows held out.
    """
    if not 0 <= degree <= 6 or not 0 <= threshold < 1:
        raise BadInput("Take a degree of 0 to 6 and a threshold of 0 up to 1.")
    declared = declare(schema, group)
    rows = read_table(Path(table), declared.fields, declared.group, least=LEAST_ROWS)
    train, test = split(rows, seed)
    try:
        model = LinearModel(declared, permute, degree, lengths, inverse, read_units(units, declared))
        model.sparse_fit(train, threshold)
    except ValueError as error:
        raise BadInput(f"No law can be looked for: {error}.") from error
    found, laws = model.predict(test), model.laws()
    out = Path(out) if out else Path(table).with_name(f"{Path(table).stem}-law.txt")
    errors = {f.name: relative_error(found[f.name], test[f.name], f.order > 0) for f in declared.outputs}
    with written_whole(out) as temporary:
        text = "\n".join(f"{line}    (relative error {errors[name]:.2g})" for name, line in laws.items())
        temporary.write_text(text + "\n", encoding="utf-8")
    numbers: dict[str, float | int | str] = dict(laws)
    numbers |= {f"relative error of {name}": value for name, value in errors.items()}
    note = "" if max(errors.values()) < 0.01 else (
        "The law does not hold: raise --degree, take --lengths or --inverse, or fit a network with "
        "'hotpapers scalars fit'."
    )  # fmt: skip
    return Outcome({"law": out}, numbers, note)
