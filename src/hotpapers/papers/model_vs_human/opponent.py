"""False colour: each colour turned into its opponent at equal luminance, in the cone-opponent space of the monitor.

Linear RGB → cone responses LMS (matrix M, from the monitor's measured spectra) → differences from white → DKL (matrix
N: luminance, L − M, S − luminance) → both chromatic axes negated → back. Twice is nothing, and greys stay.
"""

import numpy as np

M = np.array([
    [0.1619982647, 0.208049264, 0.0389347448],
    [0.0330275785, 0.2496504557, 0.0618343518],
    [0.0015524055, 0.0198861001, 0.1890224274],
])  # fmt: skip
N = np.array([
    [9.27590805, 9.27590805, 0.0],
    [7.86421647, -9.33587662, 0.0],
    [-3.39709047, -3.39709047, 12.16230246],
])  # fmt: skip
WHITE = M @ np.full(3, 0.5)
GAMMA = 2.05
"""The monitor's measured curve of 256 steps is a power of about 2.05; that power is taken here."""

_LMS_FLIP = np.linalg.inv(N) @ np.diag([1.0, -1.0, -1.0]) @ N
FLIP = np.linalg.inv(M) @ _LMS_FLIP @ M
"""The change of linear RGB's difference from mid-grey, 3 x 3."""


def opponent(linear: np.ndarray) -> np.ndarray:
    """Return the opponent colours of linear RGB (… x 3); not clipped."""
    return 0.5 + (linear - 0.5) @ FLIP.T


def false_colour(image: np.ndarray, table: np.ndarray | None = None) -> np.ndarray:
    """Return an H x W x 3 image in opponent colours, clipped to what a monitor shows.

    Parameters
    ----------
    image
        H x W x 3 in [0, 1].
    table
        A monitor's 256 measured outputs, growing from 0 to 1; left out, the power law.
    """
    if table is None:
        return np.clip(opponent(np.power(image, GAMMA)), 0, 1) ** (1 / GAMMA)
    curve = np.ravel(table)
    shown = np.clip(opponent(curve[np.rint(image * 255).astype(int)]), 0, 1)
    between = (curve[1:] + curve[:-1]) / 2
    return np.searchsorted(between, shown) / 255
