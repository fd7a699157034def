"""Sachs' table: cells in the order of their conditions, and nothing else."""

import numpy as np
import pytest

from hotpapers.datasets import REGISTRY, sachs
from hotpapers.datasets.sachs import CELLS, PROTEINS, read_cells
from hotpapers.errors import HotpapersError


def written(rows):
    return "\r\n".join([",".join(PROTEINS), *(",".join(f"{each:g}" for each in row) for row in rows)]).encode()


def test_cells_come_with_their_condition_as_the_blocks_of_the_file_tell():
    amounts = np.arange(sum(CELLS) * len(PROTEINS)).reshape(-1, len(PROTEINS))
    dataset = REGISTRY["sachs"]
    path = dataset.folder / dataset.members[0]
    path.parent.mkdir(parents=True)
    path.write_bytes(written(amounts))
    found, condition = sachs()
    np.testing.assert_allclose(found, amounts, rtol=1e-5)
    assert np.bincount(condition).tolist() == list(CELLS)
    assert (np.diff(condition) >= 0).all()


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", written([[1] * 11]), b"\xff", written([]) + b"\nx,2"])
def test_another_table_is_refused(content):
    with pytest.raises(HotpapersError):
        read_cells(content)
