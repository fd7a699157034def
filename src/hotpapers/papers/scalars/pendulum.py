"""The double pendulum on springs (arXiv 2110.03761): its energy, its motion, and the 30 scalars of H.

z = (q₁, q₂, p₁, p₂) in R¹², masses, lengths and gravity 1. The spring between the masses has no ½ in its energy, as in
the code that the published numbers come from.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

GRAVITY = (0.0, 0.0, -1.0)
STEP, SPAN = 0.2, 30.0  # seconds between points, and of a trajectory
CHUNK = 5  # points that are kept of each training trajectory
FLOOR = 1e-7  # of a rollout error, as published
Field = Callable[[Tensor], Tensor]


def energy(z: Float[Tensor, "*b 12"]) -> Float[Tensor, "*b"]:
    """H = |p₁|²/2 + |p₂|²/2 + (|q₁|−1)²/2 + (|q₁−q₂|−1)² + q₁·ẑ + q₂·ẑ."""
    q1, q2, p1, p2 = z.unflatten(-1, (4, 3)).unbind(-2)
    kinetic = (p1.square().sum(-1) + p2.square().sum(-1)) / 2
    springs = (q1.norm(dim=-1) - 1).square() / 2 + ((q1 - q2).norm(dim=-1) - 1).square()
    return kinetic + springs + q1[..., 2] + q2[..., 2]


def thirty(z: Float[Tensor, "*b 12"]) -> Float[Tensor, "*b 30"]:
    """Return the published scalars: lengths, all products, products with g, and those with q₁ − q₂."""
    x = z.unflatten(-1, (4, 3))
    g, apart = x.new_tensor(GRAVITY), x[..., 0, :] - x[..., 1, :]
    square = apart.square().sum(-1, keepdim=True)
    parts = [x.norm(dim=-1), (x @ x.mT).flatten(-2), x @ g, square, square.sqrt(), (x @ apart[..., None])[..., 0]]
    return torch.cat(parts, -1)


def hamiltonian_field(H: Callable[[Tensor], Tensor], create_graph: bool = False) -> Field:
    """Return z ↦ J ∇H(z) = (∂H/∂p, −∂H/∂q)."""

    def field(z: Tensor) -> Tensor:
        with torch.enable_grad():
            z = z if z.requires_grad else z.detach().requires_grad_()
            (slope,) = torch.autograd.grad(H(z).sum(), z, create_graph=create_graph)
        dq, dp = slope.chunk(2, -1)
        return torch.cat([dp, -dq], -1)

    return field


def advance(field: Field, z: Tensor, span: float, substeps: int) -> Tensor:
    """Advance by ``span`` in classical Runge-Kutta steps of fourth order."""
    h = span / substeps
    for _ in range(substeps):
        k1 = field(z)
        k2 = field(z + h / 2 * k1)
        k3 = field(z + h / 2 * k2)
        k4 = field(z + h * k3)
        z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return z


def rollout(field: Field, z: Tensor, points: int, dt: float = STEP, substeps: int = 4) -> Float[Tensor, "B T 12"]:
    """Return ``points`` states ``dt`` apart, ``z`` the first."""
    found = [z]
    for _ in range(points - 1):
        found.append(advance(field, found[-1], dt, substeps).detach())
    return torch.stack(found, 1)


def initial_states(count: int, generator: torch.Generator) -> Float[Tensor, "count 12"]:
    """q₁ ~ N((0,0,−1.5), 0.2²), q₂ ~ N((0,0,−3), 0.2²), p ~ N(0, 0.4²)."""
    noise = torch.randn(count, 4, 3, generator=generator, dtype=torch.float64)
    z = noise * torch.tensor([0.2, 0.2, 0.4, 0.4], dtype=torch.float64)[:, None]
    z[:, 0, 2] -= 1.5
    z[:, 1, 2] -= 3.0
    return z.flatten(1)


def chunks(count: int, generator: torch.Generator) -> Float[Tensor, "count 5 12"]:
    """Return a random chunk of five points from each of ``count`` trajectories of 30 seconds."""
    field = hamiltonian_field(energy)
    starts = torch.randint(round(SPAN / STEP) // CHUNK, (count,), generator=generator) * CHUNK
    z = initial_states(count, generator)
    found = torch.empty(count, CHUNK, 12, dtype=torch.float64)
    for point in range(int(starts.max()) + CHUNK):
        here = (point >= starts) & (point < starts + CHUNK)
        found[here, point - starts[here]] = z[here]
        z = advance(field, z, STEP, 4)
    return found


def rollout_error(found: Float[Tensor, "B T 12"], truth: Float[Tensor, "B T 12"]) -> Float[Tensor, "B T"]:
    """RMS(a − b) / (RMS a + RMS b) at every time, not below 1e-7; where a rollout has blown up, 1."""
    rms = [each.square().mean(-1).sqrt() for each in (found - truth, found, truth)]
    return (rms[0] / (rms[1] + rms[2])).nan_to_num(nan=1.0, posinf=1.0).clamp(FLOOR, 1.0)
