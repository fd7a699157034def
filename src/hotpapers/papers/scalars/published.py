"""The authors' two networks for the inertia task, as published: a baseline for error and speed, and for parity.

``Twelve`` is called permutation-equivariant there. It is not: two of its summaries feed fifteen products, two five
masses, in the order of the particles into a network (tested). ``ScalarNet(permute=…)`` is ours.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hotpapers.papers.scalars.networks import MLP
from hotpapers.papers.scalars.schema import Table

PAIRS = [(i, i) for i in range(5)] + [(i, j) for i in range(5) for j in range(i + 1, 5)]
_SIZES = {"f_Mij": 4, "f_Mii": 4, "f_Mrij": 15, "f_Mrii": 15, "f_Mmij": 5, "f_Mmii": 5, "f_Mmimj": 1, "f_Mmimi": 1,
          "f_Iij": 2, "f_Iii": 2, "f_Imij": 1, "f_Imii": 1}  # fmt: skip


class Twelve(nn.Module):
    """Twelve networks: coefficients of rᵢ rᵢᵀ, of rᵢ rⱼᵀ (i < j) and of the identity; names as in the authors' code."""

    def __init__(self, width: int = 300, depth: int = 2) -> None:
        super().__init__()
        self.nets = nn.ModuleDict({name: MLP(size, 1, width, depth) for name, size in _SIZES.items()})

    def forward(self, m: Float[Tensor, "B 5"], r: Float[Tensor, "B 5 3"]) -> Float[Tensor, "B 3 3"]:
        """Return the inertia tensor."""
        f, i, j = self.nets, *(torch.tensor(each) for each in zip(*PAIRS, strict=True))
        products = (r[:, i] * r[:, j]).sum(-1)  # B 15
        own, pair = products[:, :5, None], products[:, 5:, None]
        mi, mj = m[:, i[5:], None], m[:, j[5:], None]
        unit = f["f_Iij"](torch.cat([pair, f["f_Imij"](mi) + f["f_Imij"](mj)], -1)).sum((1, 2))
        unit = unit + f["f_Iii"](torch.cat([own, f["f_Imii"](m[..., None])], -1)).sum((1, 2))
        mixed = [pair, f["f_Mmimj"](mi) + f["f_Mmimj"](mj), *self._whole("Mrij", "Mmij", products, m, 10)]
        same = [own, f["f_Mmimi"](m[..., None]), *self._whole("Mrii", "Mmii", products, m, 5)]
        weights = torch.cat([f["f_Mii"](torch.cat(same, -1)), f["f_Mij"](torch.cat(mixed, -1))], 1)[..., 0]
        return torch.einsum("bp,bpx,bpy->bxy", weights, r[:, i], r[:, j]) + unit[:, None, None] * torch.eye(3)

    def loss(self, rows: Table) -> Tensor:
        """Return the mean squared error."""
        return (self(rows["m"], rows["r"]) - rows["I"]).square().mean()

    def _whole(self, of_products: str, of_masses: str, products: Tensor, m: Tensor, count: int) -> list[Tensor]:
        summaries = (self.nets[f"f_{of_products}"](products), self.nets[f"f_{of_masses}"](m))
        return [each[:, None].expand(-1, count, -1) for each in summaries]


class Plain(nn.Module):
    """One network from 15 products and 5 masses to 16 coefficients."""

    def __init__(self, width: int = 300, depth: int = 2) -> None:
        super().__init__()
        self.f = MLP(20, 16, width, depth)

    def forward(self, m: Float[Tensor, "B 5"], r: Float[Tensor, "B 5 3"]) -> Float[Tensor, "B 3 3"]:
        """Return the inertia tensor."""
        i, j = (torch.tensor(each) for each in zip(*PAIRS, strict=True))
        weights = self.f(torch.cat([(r[:, i] * r[:, j]).sum(-1), m], -1))
        return torch.einsum("bp,bpx,bpy->bxy", weights[:, :15], r[:, i], r[:, j]) + weights[
            :, 15, None, None
        ] * torch.eye(3)
