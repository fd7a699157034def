"""ScalarNet: h(v) = Σ_t f_t(scalars) v_t, exactly equivariant for any f (Propositions 4 and 5, and section 6).

It takes the columns that a schema names and gives those after its arrow. Without ``permute`` one network sees all
invariants; with it, particles named alike are seen pair by pair by one shared network and summed.
"""

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from hotpapers.papers.scalars.geometry import Features, Geometry
from hotpapers.papers.scalars.groups import group as group_named
from hotpapers.papers.scalars.networks import Activation, PlainNet
from hotpapers.papers.scalars.particles import MASK, PairNet, particle_fields
from hotpapers.papers.scalars.schema import Field, Table
from hotpapers.papers.scalars.schema import schema as read_schema


class ScalarNet(nn.Module, PyTorchModelHubMixin, library_name="hotpapers", tags=["arxiv:2106.06610"]):
    """An invariant or equivariant model, declared by what its columns are.

    Parameters
    ----------
    schema
        Inputs and outputs, such as ``m: 5 scalar, r: 5 vector -> I: tensor``.
    group
        Such as ``O(3)``, ``SE(2)``, ``O(1,3)``.
    permute
        Names of the inputs, all of one number, whose particles are identical; outputs of the same number follow them.
        Empty for none. Rows may then have a ``mask`` (B, N) of the particles that are there.
    width, depth, activation
        Of the hidden layers.
    features
        What is made of the scalar products; see ``Geometry``.
    economy
        Only about n d of the n(n+1)/2 products.

    Raises
    ------
    ValueError
        If schema, group and settings do not go together.
    """

    def __init__(
        self,
        schema: str,
        group: str,
        permute: str = "",
        width: int = 128,
        depth: int = 3,
        features: Features = "gram",
        economy: bool = False,
        activation: Activation = "silu",
    ) -> None:
        super().__init__()
        self.schema = read_schema(schema, group_named(group))
        self.core: PairNet | PlainNet
        if permute:
            if features not in ("gram", "norms") or economy:
                raise ValueError("identical particles take the features gram or norms, without economy")
            names = particle_fields(self.schema, permute)
            self.core = PairNet(self.schema, names, width, depth, features == "norms", activation)
        else:
            self.core = PlainNet(Geometry(self.schema, features, economy), width, depth, activation)
        for field in self.schema.fields:
            self.register_buffer(f"scale_{field.name}", torch.ones(()))
            self.register_buffer(f"shift_{field.name}", torch.zeros(()))

    def forward(self, rows: Table) -> Table:
        """Return the outputs by name, each (B, …) in its field's shape."""
        inputs, reference = self.normalised(rows)
        found = self.core(inputs)
        return {field.name: self._restored(field, found[field.name], reference) for field in self.schema.outputs}

    @torch.no_grad()
    def calibrate(self, rows: Table) -> None:
        """Take scales from a sample: one for a whole field, and a shift for plain scalars alone.

        Components of a vector are never scaled or shifted by themselves: that would break the symmetry.
        """
        _, reference = self.normalised(rows)
        for field in self.schema.fields:
            value = rows[field.name]
            if field.kind == "position":
                value = value - _beside(reference, value)
            if field.kind == "scalar":
                getattr(self, f"shift_{field.name}").copy_(value.mean())
            spread = (value - getattr(self, f"shift_{field.name}")).square().mean().sqrt()
            getattr(self, f"scale_{field.name}").copy_(spread if spread > 0 else torch.ones(()))
        self.core.calibrate(self.normalised(rows)[0])

    def normalised(self, rows: Table) -> tuple[Table, Tensor | None]:
        """Return the inputs scaled, positions as vectors from their mean, and that mean."""
        positions = [field for field in self.schema.inputs if field.kind == "position"]
        reference = self._mean(rows, positions) if positions else None
        found = {MASK: rows[MASK]} if MASK in rows else {}
        for field in self.schema.inputs:
            value = rows[field.name]
            if field.kind == "position":
                value = value - _beside(reference, value)
            found[field.name] = (value - getattr(self, f"shift_{field.name}")) / getattr(self, f"scale_{field.name}")
        return dict(reversed(found.items())), reference

    def loss(self, rows: Table) -> Tensor:
        """Return the mean over outputs of the squared error in units of each output's scale."""
        found = self(rows)
        errors = [
            ((found[field.name] - rows[field.name]) / getattr(self, f"scale_{field.name}")).square().mean()
            for field in self.schema.outputs
        ]
        return torch.stack(errors).mean()

    def _mean(self, rows: Table, positions: list[Field]) -> Tensor:
        d = self.schema.group.dimension
        points = torch.cat([rows[field.name].reshape(-1, field.many, d) for field in positions], 1)
        if MASK not in rows:
            return points.mean(1)
        masks = [
            rows[MASK] if field.count == rows[MASK].shape[1] else rows[MASK].new_ones(len(points), field.many)
            for field in positions
        ]
        weight = torch.cat(masks, 1).to(points)[..., None]
        return (points * weight).sum(1) / weight.sum(1)

    def _restored(self, field: Field, value: Tensor, reference: Tensor | None) -> Tensor:
        value = value * getattr(self, f"scale_{field.name}") + getattr(self, f"shift_{field.name}")
        if field.kind == "position":
            if reference is None:
                raise ValueError(f"{field.name} is a position, and no input is one to tell where")
            value = value + _beside(reference, value)
        return value


def _beside(reference: Tensor, value: Tensor) -> Tensor:
    """Return (B, d) as (B, …, d), to go with ``value``."""
    return reference.reshape(len(reference), *(1,) * (value.dim() - 2), -1)
