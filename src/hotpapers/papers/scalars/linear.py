"""Linear in the scalars: outputs as least squares on monomials of the invariants times basis elements, and the law.

The sharpest form of the paper's claim: physics' polynomial laws are *linear* in low-degree monomials of the scalars, so
no network is needed. Identical particles share their coefficients: each monomial is summed over them, or over pairs.
"""

import itertools

import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.papers.scalars.geometry import Geometry
from hotpapers.papers.scalars.particles import particle_fields
from hotpapers.papers.scalars.products import inner, upper
from hotpapers.papers.scalars.schema import Field, Schema, Table, centred
from hotpapers.papers.scalars.units import Units, in_units

MOST_TERMS = 5000
NEGLIGIBLE = 1e-6


class LinearModel:
    """A model that is linear in monomials of the scalars.

    Parameters
    ----------
    schema
        Inputs, outputs and group.
    permute
        Names of the inputs that belong to identical particles.
    degree
        The highest degree of the monomials.
    lengths
        Whether the lengths of vectors are among the scalars.
    inverse
        Whether one over their lengths is, as in laws of gravity.
    units
        Of the fields, where only terms with the output's units may take part.
    """

    def __init__(
        self,
        schema: Schema,
        permute: str = "",
        degree: int = 2,
        lengths: bool = False,
        inverse: bool = False,
        units: Units | None = None,
    ) -> None:
        self.schema, self.degree, self.inverse, self.units = schema, degree, inverse, units or {}
        if inverse and (permute or schema.group.lorentzian):
            raise ValueError("one over a length is for vectors of positive square, without identical particles")
        self.particles = particle_fields(schema, permute) if permute else ()
        self.geometry = Geometry(schema, "norms" if lengths else "gram") if not permute else None
        if permute and any(field.kind not in ("scalar", "vector") or not field.count for field in schema.inputs
                           if field.name in self.particles):  # fmt: skip
            raise ValueError("a law of identical particles is looked for among their scalars and vectors")
        if permute and any(field.count for field in schema.outputs):
            raise ValueError("a law of identical particles has outputs of all of them, not of each")
        self.weights: dict[str, Tensor] = {}

    def fit(self, rows: Table, ridge: float = 0.0) -> "LinearModel":
        """Solve for the coefficients of every output by least squares, columns scaled to one length."""
        for field in self.schema.outputs:
            X, y, kept = self._equations(rows, field)
            size = X.square().mean(0).sqrt().clamp(min=1e-300)
            self.weights[field.name] = X.new_zeros(X.shape[1])
            self.weights[field.name][kept] = _solved(X[:, kept] / size[kept], y, ridge) / size[kept]
        return self

    def sparse_fit(self, rows: Table, threshold: float = 1e-3) -> "LinearModel":
        """Find few terms: fit, drop those that say least, and fit again until nothing is dropped.

        Where terms are alike on these rows that may leave many that cancel. So the best terms are also taken one by
        one until they say all but ``threshold`` of the output; where that takes fewer, it is the law.
        """
        for field in self.schema.outputs:
            X, y, kept = self._equations(rows, field)
            size = X.square().mean(0).sqrt()
            kept = kept[size[kept] > 1e-12 * size.max()]
            X = X / size.clamp(min=1e-300)
            enough = threshold * y.square().mean().sqrt()
            kept = _pruned(X, y, kept, enough)
            taken = _pursued(X, y, kept, enough)
            kept = kept if taken is None else _pruned(X, y, taken, enough)
            self.weights[field.name] = X.new_zeros(X.shape[1])
            self.weights[field.name][kept] = _solved(X[:, kept], y) / size[kept]
        return self

    def _equations(self, rows: Table, field: Field) -> tuple[Tensor, Tensor, Tensor]:
        """Return a row for every number of the output, what is wanted, and the columns with the output's units."""
        design, names = self.design(rows, field)
        kept = torch.ones(len(names), dtype=torch.bool)
        if self.units:
            kept = in_units(self.units, self.schema, field.name, lambda rows: self.design(rows, field)[0])
            if not kept.any():
                raise ValueError(f"no term up to degree {self.degree} has the units of {field.name}")
        return design.movedim(1, -1).reshape(-1, design.shape[1]), rows[field.name].reshape(-1, 1), kept.nonzero()[:, 0]

    def predict(self, rows: Table) -> Table:
        """Return the outputs by name."""
        return {
            field.name: torch.einsum("bt...,t->b...", self.design(rows, field)[0], self.weights[field.name]).reshape(
                -1, *field.shape(self.schema.group.dimension)
            )
            for field in self.schema.outputs
        }

    def laws(self, digits: int = 4) -> dict[str, str]:
        """Return each output as a formula, its terms by name, those without weight left out."""
        found = {}
        for field in self.schema.outputs:
            names = self.design(self._probe(), field)[1]
            w = self.weights[field.name]
            terms = [(float(each), name) for each, name in zip(w, names, strict=True)
                     if abs(each) > NEGLIGIBLE * w.abs().max()]  # fmt: skip
            found[field.name] = f"{field.name} = " + (_formula(terms, digits) if terms else "0")
        return found

    def design(self, rows: Table, field: Field) -> tuple[Float[Tensor, "B t *o"], list[str]]:
        """Return every term's values, and its names."""
        if field.count:
            raise ValueError(f"a law is looked for one output at a time, and {field.name} is {field.count}")
        if self.particles:
            return self._summed(rows, field)
        assert self.geometry is not None
        frame = self.geometry.frame(centred(self.schema, rows)[0])
        values, odd = self.geometry.invariants(frame)
        names = self.geometry.names()
        if self.inverse:
            values = torch.cat([values, 1 / frame.vectors.norm(dim=-1)], -1)
            odd = torch.cat([odd, odd.new_zeros(frame.vectors.shape[1])])
            names += [f"1/|{name}|" for name in self.geometry.vector_names()]
        basis, flags = self.geometry.basis(frame, field)
        elements = self.geometry.basis_names(field)
        powers, monomials, parities = _monomials(values, names, self.degree, odd)
        wanted = parities[:, None] == flags[None]  # an odd monomial goes with an odd element
        pairs = wanted.nonzero()
        if len(pairs) > MOST_TERMS:
            raise ValueError(f"{len(pairs)} terms are too many (at most {MOST_TERMS}): lower the degree")
        terms = torch.einsum("bt,bt...->bt...", powers[:, pairs[:, 0]], basis[:, pairs[:, 1]])
        return terms, [_times(monomials[a], elements[b]) for a, b in pairs.tolist()]

    def _probe(self) -> Table:
        d = self.schema.group.dimension
        return {field.name: torch.zeros(1, *field.shape(d), dtype=torch.float64) for field in self.schema.fields}

    def _summed(self, rows: Table, field: Field) -> tuple[Tensor, list[str]]:
        """Return terms Σᵢ monomial(i) × element(i), and Σ_{i≠j} monomial(i, j) × element(i, j) for tensors."""
        own = [f for f in self.schema.inputs if f.name in self.particles]
        shared = [f for f in self.schema.inputs if f.name not in self.particles]
        if shared:
            raise ValueError("a law of identical particles has no other inputs; put them beside every particle")
        eta = torch.tensor(self.schema.group.metric, dtype=next(iter(rows.values())).dtype)
        s = [rows[f.name] for f in own if f.order == 0]
        v = torch.stack([rows[f.name] for f in own if f.order == 1], 2)  # B N k d
        names = [f.name for f in own if f.order == 1]
        a, b = upper(len(names))
        gram = inner(v, v, eta)[..., a, b]
        values = torch.cat([*(each[..., None] for each in s), gram], -1)
        labels = [f"{f.name}ᵢ" for f in own if f.order == 0]
        labels += [f"⟨{names[i]}ᵢ,{names[j]}ᵢ⟩" for i, j in zip(a.tolist(), b.tolist(), strict=True)]
        powers, monomials, _ = _monomials(values, labels, self.degree)
        if field.order == 0:
            return powers.sum(1), [f"Σᵢ {each or '1'}" for each in monomials]
        if field.order == 1:
            terms = torch.einsum("bnt,bnkd->btkd", powers, v).flatten(1, 2)
            return terms, [f"Σᵢ {_times(m, x + 'ᵢ')}" for m in monomials for x in names]
        unit = powers.sum(1)[..., None, None] * eta.diag()
        outer = torch.einsum("bnt,bnki,bnlj->btklij", powers, v, v).flatten(1, 3)
        rest = 1 - torch.eye(v.shape[1], dtype=v.dtype)
        product = torch.einsum("bnd,d,bmd->bnm", v[:, :, 0], eta, v[:, :, 0])
        mixed = torch.einsum("pbnm,nm,bnki,bmlj->bpklij", torch.stack([product**0, product]), rest, v, v).flatten(1, 3)
        pairs = [f"{x}ᵢ{y}ⱼᵀ" for x in names for y in names]
        labels = [f"Σᵢ {_times(m, '1')}" for m in monomials]
        labels += [f"Σᵢ {_times(m, x + 'ᵢ' + y + 'ᵢᵀ')}" for m in monomials for x in names for y in names]
        labels += [f"Σᵢⱼ {_times(m, p)}" for m in ("", f"⟨{names[0]}ᵢ,{names[0]}ⱼ⟩") for p in pairs]
        return torch.cat([unit, outer, mixed], 1), labels


def _monomials(
    values: Float[Tensor, "*b k"], labels: list[str], degree: int, odd: Tensor | None = None
) -> tuple[Float[Tensor, "*b t"], list[str], Tensor]:
    """Return all monomials up to ``degree``, their names, and which of them are odd."""
    k = values.shape[-1]
    odd = torch.zeros(k, dtype=torch.bool) if odd is None else odd
    found, names, flags = [values.new_ones(*values.shape[:-1])], [""], [False]
    for power in range(1, degree + 1):
        for chosen in itertools.combinations_with_replacement(range(k), power):
            found.append(values[..., list(chosen)].prod(-1))
            names.append(" ".join(_powers([labels[c] for c in chosen])))
            flags.append(bool(odd[list(chosen)].sum() % 2))
            if len(found) > MOST_TERMS:
                raise ValueError(f"{k} scalars have more than {MOST_TERMS} monomials of degree {degree}: lower it")
    return torch.stack(found, -1), names, torch.tensor(flags)


def _powers(names: list[str]) -> list[str]:
    counted = {name: names.count(name) for name in names}
    return [name if count == 1 else name + "²³⁴⁵⁶"[count - 2] for name, count in counted.items()]


def _times(monomial: str, element: str) -> str:
    return " ".join(each for each in (monomial, element) if each) or "1"


def _formula(terms: list[tuple[float, str]], digits: int) -> str:
    ordered = sorted(terms, key=lambda term: -abs(term[0]))
    text = " ".join(f"{'-' if w < 0 else '+'} {abs(w):.{digits}g} {name}" for w, name in ordered)
    return text.removeprefix("+ ").replace("- ", "-", 1) if text.startswith("- ") else text.removeprefix("+ ")


def _pruned(X: Tensor, y: Tensor, kept: Tensor, enough: Tensor) -> Tensor:
    """Return the columns whose share in a fit stays above ``enough``, dropping the others until none is below."""
    while len(kept):
        strong = _solved(X[:, kept], y).abs() > enough
        if strong.all():
            break
        kept = kept[strong]
    return kept


def _pursued(X: Tensor, y: Tensor, among: Tensor, enough: Tensor) -> Tensor | None:
    """Return fewer columns that leave an RMS of no more than ``enough``, each the best beside those before; or None."""
    taken, rest = among[:0], y
    while len(taken) + 1 < len(among):
        taken = torch.cat([taken, among[(X[:, among].T @ rest).abs().argmax(0)]])
        rest = y - X[:, taken] @ _solved(X[:, taken], y)[:, None]
        if rest.square().mean().sqrt() <= enough:
            return taken
    return None


def _solved(X: Tensor, y: Tensor, ridge: float = 0.0) -> Tensor:
    """Least squares by singular values, tiny ones left out; ``ridge`` is per row."""
    if ridge:
        X = torch.cat([X, (ridge * len(X)) ** 0.5 * torch.eye(X.shape[1], dtype=X.dtype)])
        y = torch.cat([y, y.new_zeros(X.shape[1], 1)])
    return torch.linalg.lstsq(X, y, rcond=1e-12, driver="gelsd").solution[:, 0]
