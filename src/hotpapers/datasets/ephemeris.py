"""JPL's ephemeris DE421: where Sun, planets and Moon were and will be, 1900 to 2050, as Chebyshev polynomials.

The package's arrays are (spans, 3, coefficients) in kilometres, in the axes of the ICRF: from the barycentre of the
solar system, the Moon from the Earth. Times are Julian days of barycentric dynamical time.
"""

import io

import numpy as np
from numpy.polynomial import chebyshev

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read
from hotpapers.errors import BadInput, HotpapersError

_FOLDER = "de421-2008.1/de421"
_FILES = ("sun", "mercury", "venus", "earthmoon", "moon", "mars", "jupiter", "saturn", "uranus", "neptune", "pluto")
BODIES = (*_FILES, "earth")
"""What there is; ``earthmoon`` is where Earth and Moon balance, the other planets are each with their moons."""
FIRST, LAST = 2414992.5, 2524624.5  # Julian days that its constants state; it was made for 1900 to 2050
AU = 149597870.6996262  # kilometres, DE421's own
EARTH_OVER_MOON = 81.3005690699153  # masses, DE421's own
GM_SUN = 0.0002959122082855911  # AU³/day², DE421's own
J2000 = 2451545.0

DE421 = offer(
    Dataset(
        name="de421",
        what="JPL's ephemeris DE421: Sun, planets and Moon from 1900 to 2050",
        licence="MIT (packaging); data: JPL, public",
        page="https://pypi.org/project/de421/",
        sources=(
            Source(
                name="de421-2008.1.tar.gz",
                url="https://files.pythonhosted.org/packages/source/d/de421/de421-2008.1.tar.gz",
                sha256="a66faf7be328573d0028e45632ba614dd573cee88e3b6f099059149acc024df8",
                size=27_302_342,
            ),
        ),
        members=tuple(f"{_FOLDER}/jpl-{name}.npy" for name in _FILES),
    )
)


def ephemeris(body: str, days: np.ndarray, derivative: int = 0) -> np.ndarray:
    """Return where a body is, in AU from the solar system's barycentre, fetching the ephemeris where need be.

    Parameters
    ----------
    body
        One of ``BODIES``.
    days
        Julian days, (N,); 2451545.0 is noon of 1 January 2000.
    derivative
        0 for places, 1 for velocities in AU/day, 2 for accelerations in AU/day².

    Returns
    -------
    numpy.ndarray
        N x 3.

    Raises
    ------
    BadInput
        If there is no such body, or a day lies outside the ephemeris.
    """
    if body not in BODIES:
        raise BadInput(f"The ephemeris has no {body[:40]!r}; it has: {', '.join(BODIES)}.")
    days = np.asarray(days, dtype=np.float64)
    if days.ndim != 1 or not np.isfinite(days).all() or (days < FIRST).any() or (days > LAST).any():
        raise BadInput(f"DE421 covers the Julian days {FIRST} to {LAST}, a list of them at a time.")
    if body not in ("earth", "moon"):
        return _evaluated(body, days, derivative) / AU
    together, moon = (_evaluated(name, days, derivative) for name in ("earthmoon", "moon"))
    earth = together - moon / (1 + EARTH_OVER_MOON)
    return (earth if body == "earth" else earth + moon) / AU


def _evaluated(name: str, days: np.ndarray, derivative: int) -> np.ndarray:
    """Return a series and its derivatives by day, (N, 3): each span of days has a polynomial over −1 … 1."""
    content = read(DE421, f"{_FOLDER}/jpl-{name}.npy")
    try:
        spans = np.load(io.BytesIO(content), allow_pickle=False)  # S 3 c
    except (ValueError, EOFError) as error:
        raise HotpapersError(f"The ephemeris of {name} cannot be read; fetch de421 again.") from error
    if spans.ndim != 3 or spans.shape[1] != 3:
        raise HotpapersError(f"The ephemeris of {name} has the shape {spans.shape}, not spans of three polynomials.")
    length = (LAST - FIRST) / len(spans)
    which = np.minimum(((days - FIRST) / length).astype(int), len(spans) - 1)
    x = 2 * (days - FIRST - which * length) / length - 1
    coefficients = np.moveaxis(spans[which], -1, 0)  # c N 3
    if derivative:
        coefficients = chebyshev.chebder(coefficients, derivative, scl=2 / length)
    return chebyshev.chebval(x[:, None], coefficients, tensor=False)
