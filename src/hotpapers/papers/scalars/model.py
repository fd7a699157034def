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
from hotpapers.papers.scalars.particles import PairNet, particle_fields
from hotpapers.papers.scalars.schema import MASK, Field, Table, beside, centred
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
        inputs, reference = centred(self.schema, rows)
        found = self.core(self._scaled(inputs, rows))
        return {field.name: self._restored(field, found[field.name], reference) for field in self.schema.outputs}

    @torch.no_grad()
    def calibrate(self, rows: Table) -> None:
        """Take scales from a sample: one for a whole field, and a shift for plain scalars alone.

        Components of a vector are never scaled or shifted by themselves: that would break the symmetry.
        """
        inputs, reference = centred(self.schema, rows)
        for field in self.schema.fields:
            value = inputs.get(field.name, rows[field.name])
            if field.kind == "position" and field in self.schema.outputs:
                value = value - beside(reference, value)
            if field.kind == "scalar":
                getattr(self, f"shift_{field.name}").copy_(value.mean())
            spread = (value - getattr(self, f"shift_{field.name}")).square().mean().sqrt()
            getattr(self, f"scale_{field.name}").copy_(spread if spread > 0 else torch.ones(()))
        self.core.calibrate(self._scaled(inputs, rows))

    def loss(self, rows: Table) -> Tensor:
        """Return the mean over outputs of the squared error in units of each output's scale."""
        found = self(rows)
        errors = [
            ((found[field.name] - rows[field.name]) / getattr(self, f"scale_{field.name}")).square().mean()
            for field in self.schema.outputs
        ]
        return torch.stack(errors).mean()

    def _scaled(self, inputs: Table, rows: Table) -> Table:
        found = {
            name: (v - getattr(self, f"shift_{name}")) / getattr(self, f"scale_{name}") for name, v in inputs.items()
        }
        return found | ({MASK: rows[MASK]} if MASK in rows else {})

    def _restored(self, field: Field, value: Tensor, reference: Tensor | None) -> Tensor:
        value = value * getattr(self, f"scale_{field.name}") + getattr(self, f"shift_{field.name}")
        return value if field.kind != "position" else value + beside(reference, value)
