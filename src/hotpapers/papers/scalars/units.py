"""Units: which terms of a law have the units that its output has (arXiv 2204.00887).

No table of rules is kept: a term has the output's units when it grows as the output does, whichever unit is halved.
"""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from hotpapers.papers.scalars.schema import Schema, Table

Units = Mapping[str, Mapping[str, int]]  # field → base unit → exponent


def read_units(text: str, schema: Schema) -> Units:
    """Read units such as ``m: kg, r: m, I: kg m2`` or ``a: m/s2``; a field without any is a pure number.

    Raises
    ------
    ValueError
        Naming the entry that cannot be read, or that is no field of the schema.
    """
    found: dict[str, dict[str, int]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, colon, unit = (part.strip() for part in entry.partition(":"))
        if not colon or name not in {field.name for field in schema.fields}:
            raise ValueError(f"cannot read the units {entry[:40]!r}; write FIELD: UNIT, and FIELD one of the schema's")
        found[name] = _exponents(unit)
    return found


def in_units(units: Units, schema: Schema, output: str, design: Callable[[Table], Tensor]) -> Tensor:
    """Return which of the terms that ``design`` makes (rows, terms, …) have the units of ``output``."""
    generator, d = torch.Generator().manual_seed(0), schema.group.dimension
    rows = {field.name: torch.rand(3, *field.shape(d), generator=generator, dtype=torch.float64) + 0.5
            for field in schema.inputs}  # fmt: skip
    plain = design(rows)
    kept = torch.ones(plain.shape[1], dtype=torch.bool)
    for base in sorted({base for exponents in units.values() for base in exponents}):
        grow = {name: 2.0 ** exponents.get(base, 0) for name, exponents in units.items()}
        turned = design({name: value * grow.get(name, 1.0) for name, value in rows.items()})
        wanted = plain * grow.get(output, 1.0)
        kept &= torch.isclose(turned, wanted, rtol=1e-9, atol=0).transpose(0, 1).flatten(1).all(1)
    return kept


def _exponents(unit: str) -> dict[str, int]:
    """Return the exponents of ``kg m2/s2``: {kg: 1, m: 2, s: −2}; what follows a slash counts against it."""
    found: dict[str, int] = {}
    over, _, under = unit.partition("/")
    for part, sign in ((over, 1), (under, -1)):
        for word in re.split(r"[\s*·]+", part.strip()):
            parsed = re.fullmatch(r"([A-Za-zµ°Ω]{1,12})\^?([-+]?\d{1,2})?", word)
            if parsed:
                found[parsed[1]] = found.get(parsed[1], 0) + sign * int(parsed[2] or 1)
            elif word not in ("", "1"):
                raise ValueError(f"cannot read the unit {unit[:40]!r}; write it like kg m2/s2")
    return found
