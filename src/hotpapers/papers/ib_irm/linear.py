"""Linear models by the hundred: all draws of hyperparameters and all data sets are rows of one weight tensor.

The objective of eq. 7 and its relatives needs no autograd on a linear model. With the constant as a feature, all terms
follow from each environment's gradient G_e and one product with its Hessian H_e:

    IRM's gradient at the dummies (times 1, plus 0):  g_e = (w·G_e, G_e at the constant)
    gradient of |g_e|²:                               2 (w·G_e) (G_e + H_e w) + 2 G_e[const] H_e[const]
    gradient of Var(w·x):                             2 S w, with S the covariance of the inputs

Letters: S data sets, K draws, E environments, D features (the constant is the last), n rows.
"""

import dataclasses
import math
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hotpapers.progress import bar

Weights = Float[Tensor, "S K D"]
PerEnvironment = Float[Tensor, "S E K D"]


@dataclasses.dataclass(frozen=True)
class Draws:
    """Hyperparameters of K models; each is a vector of K numbers.

    The objective is ``risk`` R + ``irm`` mean_e |g_e|² + ``ib`` Var + ``rex`` Var_e(R_e). R is the mean of the
    environments' risks; where ``dro`` is not 0, their mean by weights that grow as exp(``dro`` R_e) from step to step.
    """

    learning_rate: Float[Tensor, " K"]
    weight_decay: Float[Tensor, " K"]
    risk: Float[Tensor, " K"]
    irm: Float[Tensor, " K"]
    ib: Float[Tensor, " K"]
    rex: Float[Tensor, " K"]
    dro: Float[Tensor, " K"]

    @classmethod
    def of(cls, rows: list[dict[str, float]]) -> "Draws":
        """Make the vectors from one dictionary a draw; what it leaves out is 0, but ``risk`` 1."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: torch.tensor([row.get(name, float(name == "risk")) for row in rows]) for name in names})


class Source(Protocol):
    """Data as the sweep sees it."""

    def gradient(self, w: Weights) -> PerEnvironment:
        """Return each environment's gradient of its risk."""

    def curvature(self, v: PerEnvironment) -> PerEnvironment:
        """Return H_e v_e at the weights of the last ``gradient``."""

    def risks(self, w: Weights) -> Float[Tensor, "S E K"]:
        """Return each environment's risk at the weights of the last ``gradient``."""

    def covariance(self, conditional: bool) -> Float[Tensor, "S D D"]:
        """Return the unbiased covariance of the inputs: over all rows, or the mean of each environment's own."""


def sweep(
    source: Source, draws: Draws, start: Weights, steps: int, *, conditional: bool = False, title: str = "sweep"
) -> Weights:
    """Minimise every draw's objective by full-batch Adam from ``start`` and return the weights.

    ``conditional`` takes the variance within each environment; else it is over the rows of all.
    """
    w = start.clone()
    rate, decay, risk, irm, ib, rex, dro = (
        getattr(draws, field.name).to(w)[:, None] for field in dataclasses.fields(Draws)
    )
    covariance = source.covariance(conditional).to(w) if ib.any() else None
    mean, square = torch.zeros_like(w), torch.zeros_like(w)
    share: Tensor | None = None
    with bar(title, steps) as shown:
        for step in range(1, steps + 1):
            g = source.gradient(w)
            if rex.any() or dro.any():
                risks = source.risks(w)[..., None]
                if share is None:
                    share = torch.full_like(risks, 1 / risks.shape[1])
                share = share * (dro * risks).exp()
                share = share / share.sum(1, keepdim=True)
                slope = risk * share + rex * 2 / risks.shape[1] * (risks - risks.mean(1, keepdim=True))
                total = (slope * g).sum(1)
            else:
                total = risk * g.mean(1)
            if irm.any():
                total += irm * _penalty_gradient(source, w, g).mean(1)
            if covariance is not None:
                total.addcmul_(ib, w @ covariance, value=2)
            # Adam with L2 in the gradient, as torch.optim.Adam orders it
            total.addcmul_(w, decay)
            mean.lerp_(total, 0.1)
            square.mul_(0.999).addcmul_(total, total, value=0.001)
            size = square.sqrt().div_(math.sqrt(1 - 0.999**step)).add_(1e-8)
            w.sub_(mean.div(size).mul_(rate / (1 - 0.9**step)))
            if step % 100 == 0 or step == steps:
                shown.update(step)
    return w


def _penalty_gradient(source: Source, w: Weights, g: PerEnvironment) -> PerEnvironment:
    """Return the gradient of IRM's penalty |g_e|² with both dummies, for each environment."""
    scale = (w[:, None] * g).sum(-1, keepdim=True)
    direction = scale * w[:, None]
    direction[..., -1] += g[..., -1]
    return (source.curvature(direction) + scale * g).mul_(2)


def penalties(source: Source, w: Weights) -> Float[Tensor, "S E K"]:
    """Return IRM's penalty (both dummies) of each environment."""
    g = source.gradient(w)
    return (w[:, None] * g).sum(-1).square() + g[..., -1].square()


class LogisticRows:
    """Rows with labels 0 or 1 under the logistic loss.

    With the sign of the label put into the row (x̃ = x for 0, -x for 1) the loss is softplus(w·x̃) and its gradient
    σ(w·x̃) x̃: one product, one sigmoid, one product. Rows of zeros fill up smaller environments and change nothing.
    """

    def __init__(
        self, x: Float[Tensor, "S E n d"], y: Float[Tensor, "S E n"], counts: Float[Tensor, "S E"] | None = None
    ) -> None:
        self.counts = torch.full(x.shape[:2], float(x.shape[2])) if counts is None else counts
        self.inputs = with_constant(x, self.counts)
        self.sets, self.environments, self.n, features = self.inputs.shape
        signed = self.inputs * (1 - 2 * y)[..., None]
        self.rows = signed.transpose(-1, -2).reshape(-1, features, self.n).contiguous()
        self.per_row = 1 / self.counts[..., None, None]
        self.logits = self.share = torch.empty(0)

    def gradient(self, w: Weights) -> PerEnvironment:
        """Return each environment's gradient of its mean loss."""
        if self.logits.shape[-2:-1] != w.shape[1:2]:
            self.logits = self.rows.new_empty(len(self.rows), w.shape[1], self.n)
            self.share, self.bend = torch.empty_like(self.logits), torch.empty_like(self.logits)
        torch.bmm(self._for_all(w[:, None].expand(-1, self.environments, -1, -1)), self.rows, out=self.logits)
        torch.sigmoid(self.logits, out=self.share)
        return self._collect(self.share)

    def curvature(self, v: PerEnvironment) -> PerEnvironment:
        """Return H_e v_e at the weights of the last ``gradient``: σ' (v·x̃) x̃ averaged."""
        torch.bmm(self._for_all(v), self.rows, out=self.bend)
        torch.ops.aten.sigmoid_backward.grad_input(self.bend, self.share, grad_input=self.bend)
        return self._collect(self.bend)

    def risks(self, w: Weights) -> Float[Tensor, "S E K"]:
        """Return each environment's mean loss at the weights of the last ``gradient``."""
        total = F.softplus(self.logits).sum(-1).unflatten(0, (self.sets, self.environments))
        filled = (self.n - self.counts)[..., None] * math.log(2)
        return (total - filled) * self.per_row[..., 0]

    def covariance(self, conditional: bool) -> Float[Tensor, "S D D"]:
        """Return the unbiased covariance of the inputs."""
        return covariance(self.inputs, self.counts, conditional)

    def _for_all(self, w: PerEnvironment) -> Float[Tensor, "SE K D"]:
        return w.reshape(len(self.rows), -1, w.shape[-1])

    def _collect(self, per_row: Float[Tensor, "SE K n"]) -> PerEnvironment:
        total = torch.bmm(per_row, self.rows.transpose(1, 2))
        return total.unflatten(0, (self.sets, self.environments)).mul_(self.per_row)


class Moments:
    """Rows with numbers under the square loss, as their second moments: after one pass the rows are not needed.

    The loss is w'Aw - 2 b·w + c with A = mean xx', b = mean xy, c = mean y².
    """

    def __init__(
        self, x: Float[Tensor, "S E n d"], y: Float[Tensor, "S E n"], counts: Float[Tensor, "S E"] | None = None
    ) -> None:
        counts = torch.full(x.shape[:2], float(x.shape[2])) if counts is None else counts
        # Twice the digits: differences of moments would lose half of a float's
        inputs, y = with_constant(x, counts).double(), y.double()
        each = 1 / counts.double()[..., None, None]
        self.a = inputs.transpose(-1, -2) @ inputs * each
        self.b = y[..., None, :] @ inputs * each
        self.c = y.square().sum(-1, keepdim=True) * each[..., 0]
        self._covariances = [covariance(inputs, counts.double(), conditional) for conditional in (False, True)]

    def gradient(self, w: Weights) -> PerEnvironment:
        """Return each environment's gradient of its mean square error."""
        return (w[:, None] @ self.a - self.b).mul_(2)

    def curvature(self, v: PerEnvironment) -> PerEnvironment:
        """Return H_e v_e; the Hessian is 2 A at all weights."""
        return (v @ self.a).mul_(2)

    def risks(self, w: Weights) -> Float[Tensor, "S E K"]:
        """Return each environment's mean square error."""
        return ((w[:, None] @ self.a - 2 * self.b) * w[:, None]).sum(-1) + self.c

    def covariance(self, conditional: bool) -> Float[Tensor, "S D D"]:
        """Return the unbiased covariance of the inputs."""
        return self._covariances[conditional]


def with_constant(x: Float[Tensor, "S E n d"], counts: Float[Tensor, "S E"]) -> Float[Tensor, "S E n D"]:
    """Append the constant 1; the rows beyond an environment's count become zeros."""
    there = (torch.arange(x.shape[2]) < counts[..., None]).to(x)[..., None]
    return torch.cat((x * there, there), -1)


def covariance(
    inputs: Float[Tensor, "S E n D"], counts: Float[Tensor, "S E"], conditional: bool
) -> Float[Tensor, "S D D"]:
    """Return the unbiased covariance: of all rows together, or the mean of each environment's own."""
    inputs, counts = inputs.double(), counts.double()
    if not conditional:
        inputs, counts = inputs.flatten(1, 2)[:, None], counts.sum(1, keepdim=True)
    there, counts = inputs[..., -1:], counts[..., None, None]
    centred = (inputs - inputs.sum(2, keepdim=True) / counts) * there
    return (centred.transpose(-1, -2) @ centred / (counts - 1)).mean(1)


def logits(w: Weights, x: Float[Tensor, "S E n d"]) -> Float[Tensor, "S E K n"]:
    """Return the outputs of all models for the rows of all environments."""
    return w[:, None, :, :-1] @ x.transpose(-1, -2) + w[:, None, :, -1:]


def errors(
    w: Weights, x: Float[Tensor, "S E n d"], y: Float[Tensor, "S E n"], regression: bool
) -> Float[Tensor, "S K E"]:
    """Return mean square errors, or shares of wrong signs, of all models in all environments."""
    outputs = logits(w, x.to(w))
    target = y.to(w)[:, :, None]
    wrong = (outputs - target).square() if regression else ((outputs > 0) != (target > 0.5)).to(w)
    return wrong.mean(-1).transpose(1, 2)
