"""The networks: functions of invariants alone, so that anything may stand here (sections 3 and 6)."""

import itertools
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hotpapers.papers.scalars.geometry import Frame, Geometry
from hotpapers.papers.scalars.schema import Field, Table

Activation = Literal["relu", "silu"]
BUMPS = 32  # radial basis functions for each scalar, where they are asked for


class MLP(nn.Sequential):
    """The authors' ``BasicMLP``: a layer in, ``depth`` hidden layers, a layer out, activations between."""

    def __init__(self, n_in: int, n_out: int, width: int, depth: int, activation: Activation = "relu") -> None:
        act = {"relu": nn.ReLU, "silu": nn.SiLU}[activation]
        widths = [n_in, *[width] * (depth + 1)]
        hidden = [each for a, b in itertools.pairwise(widths) for each in (nn.Linear(a, b), act())]
        super().__init__(*hidden, nn.Linear(width, n_out))


class Standardise(nn.Module):
    """Shifts and scales invariants by what was seen of them; what a reflection turns round is only scaled."""

    mean: Tensor
    spread: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, size: int, bumps: bool = False) -> None:
        super().__init__()
        self.bumps = bumps
        for name, value in (("mean", 0.0), ("spread", 1.0), ("low", -1.0), ("high", 1.0)):
            self.register_buffer(name, torch.full((size,), value))

    def calibrate(self, x: Float[Tensor, "B k"], odd: Tensor) -> None:
        """Take mean, spread and range from a sample."""
        if len(self.mean):
            self.mean.copy_(x.mean(0) * ~odd)
            spread = (x - self.mean).square().mean(0).sqrt()
            # What is constant but for rounding, such as the determinant of dependent vectors, must not be blown up
            self.spread.copy_(torch.where(spread > 1e-6, spread, 1.0))
            self.low.copy_(x.amin(0))
            self.high.copy_(torch.maximum(x.amax(0), x.amin(0) + 1e-12))

    def forward(self, x: Float[Tensor, "*b k"]) -> Float[Tensor, "*b k"]:
        """Return the standardised invariants."""
        return (x - self.mean) / self.spread

    def widen(self, x: Float[Tensor, "B k"], odd: Tensor) -> Float[Tensor, "B K"]:
        """Return exp(−γ (s − μ)²) of the even invariants, μ uniform over the range seen, beside all invariants."""
        if not self.bumps:
            return self(x)
        low, high = self.low[~odd], self.high[~odd]
        mu = low[:, None] + (high - low)[:, None] * torch.linspace(0, 1, BUMPS, dtype=x.dtype, device=x.device)
        gamma = ((BUMPS - 1) / (high - low))[:, None] ** 2 / 2
        return torch.cat([self(x), torch.exp(-gamma * (x[:, ~odd, None] - mu) ** 2).flatten(1)], -1)


class PlainNet(nn.Module):
    """One network from all invariants to all coefficients.

    Where a reflection turns some of the invariants round, the network is asked for both signs: the half sum is even,
    the half difference odd, and every coefficient takes the one that its basis element needs.
    """

    def __init__(self, geometry: Geometry, width: int, depth: int, activation: Activation) -> None:
        super().__init__()
        self.geometry, schema, d = geometry, geometry.schema, geometry.group.dimension
        probe = geometry.frame({field.name: torch.zeros(1, *field.shape(d)) for field in schema.inputs})
        invariants, odd = geometry.invariants(probe)
        bases = [geometry.basis(probe, field)[1] for field in schema.outputs]
        self.sizes = [field.many * len(flags) for field, flags in zip(schema.outputs, bases, strict=True)]
        self.register_buffer("odd", odd, persistent=False)
        signs = [(1.0 - 2.0 * flags.float()).repeat(f.many) for f, flags in zip(schema.outputs, bases, strict=True)]
        self.register_buffer("sign", torch.cat(signs), persistent=False)
        bumps = geometry.features == "rbf"
        self.standardise = Standardise(invariants.shape[1], bumps)
        wide = invariants.shape[1] + (BUMPS * int((~odd).sum()) if bumps else 0)
        self.mlp = MLP(wide, sum(self.sizes), width, depth, activation)

    def calibrate(self, rows: Table) -> None:
        """Take the spread of the invariants from a sample."""
        self.standardise.calibrate(self.geometry.invariants(self.geometry.frame(rows))[0], self.odd)

    def coefficients(self, invariants: Float[Tensor, "B k"]) -> Float[Tensor, "B K"]:
        """Return all coefficients, each even or odd as its basis element asks."""
        found = self.mlp(self.standardise.widen(invariants, self.odd))
        if not self.geometry.parity:
            return found
        turned = torch.where(self.odd, -invariants, invariants)
        return (found + self.sign * self.mlp(self.standardise.widen(turned, self.odd))) / 2

    def forward(self, rows: Table) -> Table:
        """Return every output as Σ_t f_t b_t."""
        frame = self.geometry.frame(rows)
        parts = self.coefficients(self.geometry.invariants(frame)[0]).split(self.sizes, -1)
        outputs = self.geometry.schema.outputs
        return {field.name: self._combined(part, frame, field) for field, part in zip(outputs, parts, strict=True)}

    def _combined(self, part: Tensor, frame: Frame, field: Field) -> Tensor:
        basis, _ = self.geometry.basis(frame, field)  # B t …
        found = torch.einsum("bmt,bt...->bm...", part.unflatten(-1, (field.many, basis.shape[1])), basis)
        return found.reshape(len(found), *field.shape(self.geometry.group.dimension))
