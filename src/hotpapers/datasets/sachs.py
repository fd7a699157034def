"""Sachs: eleven proteins in single cells under nine experimental conditions, which shift their distributions."""

import csv

import numpy as np

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read
from hotpapers.errors import HotpapersError

PROTEINS = ("praf", "pmek", "plcg", "PIP2", "PIP3", "p44/42", "pakts473", "PKA", "PKC", "P38", "pjnk")
CELLS = (853, 902, 911, 723, 810, 799, 848, 913, 707)
"""Cells of each condition, in the order of the file."""

SACHS = offer(
    Dataset(
        name="sachs",
        what="7,466 cells, 11 proteins, 9 experimental conditions",
        licence="data: not stated by its authors; packaging: Apache-2.0",
        page="https://doi.org/10.1126/science.1105809",
        sources=(
            Source(
                name="cdt-0.6.0.zip",
                url="https://files.pythonhosted.org/packages/2d/e6/"
                "ce5138a1251cea35dcf8559ce1ea2247c65e46cf762e066f02967ed1502a/cdt-0.6.0-py3-none-any.whl",
                sha256="a90401b688597c3ccf23cc7b10c62e19df69dc9277095bab40a1343c6e89996b",
                size=921_069,
            ),
        ),
        members=("cdt/data/resources/cyto_full_data.csv",),
    )
)


def sachs() -> tuple[np.ndarray, np.ndarray]:
    """Return the cells of Sachs and others (Science 308, 2005), fetching them where need be.

    Returns
    -------
    tuple of numpy.ndarray
        Amounts, 7,466 x 11 ``float64`` in the order of ``PROTEINS``, and each cell's condition, 0 to 8.
    """
    return read_cells(read(SACHS, SACHS.members[0]))


def read_cells(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return amounts and conditions of the table's bytes."""
    try:
        header, *rows = csv.reader(content.decode("ascii").splitlines())
        amounts = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise HotpapersError("Sachs' table holds something that is no number.") from error
    if tuple(header) != PROTEINS or amounts.shape != (sum(CELLS), len(PROTEINS)):
        raise HotpapersError(f"Sachs' table has {sum(CELLS)} cells of {len(PROTEINS)} proteins; this is another.")
    return amounts, np.repeat(np.arange(len(CELLS)), CELLS)
