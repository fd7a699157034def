"""Planets about the Sun, from JPL's ephemeris DE421: a law of nature in real data, and what a rotated frame costs.

A row is one planet on one day: its place ``r`` from the Sun in AU, and its acceleration ``a`` towards it in AU/day².
"""

import dataclasses

import torch
from torch import Tensor

from hotpapers.cards import Scale
from hotpapers.datasets.ephemeris import GM_SUN, J2000, ephemeris
from hotpapers.papers.scalars.experiment import train_net
from hotpapers.papers.scalars.groups import group as group_named
from hotpapers.papers.scalars.linear import LinearModel
from hotpapers.papers.scalars.schema import Table
from hotpapers.papers.scalars.schema import schema as read_schema
from hotpapers.papers.scalars.train import Config, relative_error

SCHEMA = "r: vector -> a: vector"
PLANETS = ("mercury", "venus", "earthmoon", "mars")
YEAR = 365.25  # days


def planet_rows(first: float, last: float, count: int, seed: int) -> Table:
    """Return ``count`` rows of the four inner planets, equally many of each, at random days between two years."""
    each = -(-count // len(PLANETS))
    days = torch.rand(each, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * (last - first)
    when = (J2000 + (first - 2000 + days) * YEAR).numpy()
    rows = {
        name: torch.cat([
            torch.from_numpy(ephemeris(planet, when, derivative) - ephemeris("sun", when, derivative))
            for planet in PLANETS
        ])
        for name, derivative in (("r", 0), ("a", 2))
    }  # fmt: skip
    order = torch.randperm(each * len(PLANETS), generator=torch.Generator().manual_seed(seed))[:count]
    return {name: value[order] for name, value in rows.items()}


def simulated_rows(count: int, seed: int) -> Table:
    """Return rows of Newton's law at random places, where no ephemeris is wanted."""
    generator = torch.Generator().manual_seed(seed)
    r = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator, dtype=torch.float64), dim=-1)
    r = r * (0.3 + 1.4 * torch.rand(count, 1, generator=generator, dtype=torch.float64))
    return {"r": r, "a": -GM_SUN * r / r.norm(dim=-1, keepdim=True) ** 3}


@dataclasses.dataclass(frozen=True)
class PlanetErrors:
    """Relative errors on days of 2000 to 2020, as they are and in frames turned at random, and the law found."""

    plain: dict[str, float]
    turned: dict[str, float]
    parameters: dict[str, int]
    law: str


def planet_errors(scale: Scale, seed: int) -> PlanetErrors:
    """Train on 1950 to 1980, at equal rows, steps, batch and width; at smoke scale on simulated rows."""
    if scale == "smoke":
        train, test = simulated_rows(200, seed), simulated_rows(100, seed + 1)
        settings = {"width": 16, "depth": 1, "steps": 20, "batch": 32}
    else:
        train, test = planet_rows(1950, 1980, 4000, seed), planet_rows(2000, 2020, 2000, seed)
        settings = {"width": 128, "depth": 3, "steps": 2000 if scale == "laptop" else 20000, "batch": 128}
    element = group_named("O(3)").sample(len(test["r"]), torch.Generator().manual_seed(seed))
    turned = {name: torch.einsum("bij,bj->bi", element.A, value) for name, value in test.items()}
    plain: dict[str, float] = {}
    after: dict[str, float] = {}
    sizes: dict[str, int] = {}
    columns = "x: scalar, y: scalar, z: scalar -> a1: scalar, a2: scalar, a3: scalar"
    for name, text in (("scalars", SCHEMA), ("mlp", columns)):
        rows = train if name == "scalars" else _columns(train)
        config = Config(text, "O(3)", features="norms" if name == "scalars" else "gram", **settings)
        model = train_net(config, {key: value.float() for key, value in rows.items()}, seed).double()
        sizes[name] = sum(each.numel() for each in model.parameters())
        for kept, table in ((plain, test), (after, turned)):
            with torch.no_grad():
                found = model(table if name == "scalars" else _columns(table))
            a = found["a"] if name == "scalars" else torch.stack([found[f"a{k}"] for k in (1, 2, 3)], -1)
            kept[name] = relative_error(a, table["a"], True)
    linear = LinearModel(read_schema(SCHEMA, group_named("O(3)")), degree=3, inverse=True).sparse_fit(train, 1e-2)
    for kept, table in ((plain, test), (after, turned)):
        kept["linear"] = relative_error(linear.predict(table)["a"], table["a"], True)
    sizes["linear"] = int((linear.weights["a"] != 0).sum())
    return PlanetErrors(plain, after, sizes, linear.laws(6)["a"])


def _columns(rows: Table) -> dict[str, Tensor]:
    """Return the components by themselves, as a network that knows of no vectors sees them."""
    return {name: rows[field][:, k] for field, names in (("r", "xyz"), ("a", ("a1", "a2", "a3")))
            for k, name in enumerate(names)}  # fmt: skip
