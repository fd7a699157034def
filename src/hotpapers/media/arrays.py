"""Arrays in NumPy's format, opened where they lie: a file that claims more than it holds takes no memory."""

from pathlib import Path
from tokenize import TokenError

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.media.readable import check_readable, named


def read_array(path: Path, what: str, give: str) -> np.ndarray:
    """Open one array, memory-mapped; its shape and its values are for the caller to judge.

    Parameters
    ----------
    what, give
        What it should be, and what to give instead, for the error: ``latent``, ``what 'encode' wrote``.

    Raises
    ------
    BadInput
        If it cannot be read, or is no array, or an archive of several.
    """
    check_readable(path, what)
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, OverflowError, TokenError) as error:  # the last by a header that is no expression
        raise BadInput(f"{named(path)} is no array of NumPy's; give {give}.") from error
