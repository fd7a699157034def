"""The objective of eq. 7 and its relatives, for the outputs of any PyTorch model.

    risk R + irm mean_e P_e + ib Var + rex Var_e(R_e)

IRMv1's penalty P_e is the square of dR_e(w f)/dw at w = 1. The dummy w multiplies the outputs, so that gradient is the
mean of l'(f) f, and an ordinary backward pass is enough: no second derivative, whatever the model. With ``irm`` 0 this
is IB-ERM, with ``ib`` 0 IRM, with both 0 ERM, to the last bit.

Outputs have the shape (... n C), so that many models side by side have their objectives at once; C is 1, but for
classes their number.
"""

import dataclasses
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

Task = Literal["regression", "binary", "classes"]
Penalty = Literal["squared", "two-dummies", "split-half"]
Where = Literal["features", "logits"]
Weight = float | Float[Tensor, " K"]
Outputs = Float[Tensor, "... n C"]


def row_losses(outputs: Outputs, y: Tensor, task: Task) -> Float[Tensor, "... n"]:
    """Return the loss of each row: square error, or the negative log-likelihood."""
    if task == "regression":
        return (outputs[..., 0] - y).square()
    if task == "binary":
        return F.softplus(outputs[..., 0]) - outputs[..., 0] * y
    chosen = outputs.gather(-1, y.long()[:, None].expand(*outputs.shape[:-1], 1))
    return outputs.logsumexp(-1) - chosen[..., 0]


def environment_means(rows: Float[Tensor, "... n"], env: Int[Tensor, " n"]) -> Float[Tensor, "... E"]:
    """Return the mean of each environment's rows; ``env`` counts the environments from 0 without a gap."""
    member = F.one_hot(env).to(rows)
    return rows @ (member / member.sum(0))


def irm_penalty(
    outputs: Outputs, y: Tensor, env: Int[Tensor, " n"], task: Task, kind: Penalty = "squared"
) -> Float[Tensor, "... E"]:
    """Return IRMv1's penalty of each environment.

    Parameters
    ----------
    kind
        squared: the gradient at a dummy factor 1, squared. two-dummies: with that at a dummy summand 0 (the linear unit
        tests). split-half: the product of the gradients on even and on odd rows of the environment, which has the true
        square as its expectation and may be negative (DomainBed).
    """
    if task == "regression":
        slope = 2 * (outputs - y[:, None])
    elif task == "binary":
        slope = outputs.sigmoid() - y[:, None]
    else:
        slope = outputs.softmax(-1) - F.one_hot(y.long(), outputs.shape[-1]).to(outputs)
    factor = (slope * outputs).sum(-1)
    if kind == "split-half":
        half = _rank_within(env) % 2
        halves = environment_means(factor, 2 * env + half)
        return halves[..., ::2] * halves[..., 1::2]
    penalty = environment_means(factor, env).square()
    return penalty + environment_means(slope.sum(-1), env).square() if kind == "two-dummies" else penalty


def variance(
    z: Float[Tensor, "... n U"], env: Int[Tensor, " n"], labels: Int[Tensor, " n"] | None = None, *, conditional: bool
) -> Float[Tensor, "..."]:
    """Return the unbiased variance of features or outputs, the mean over units: eq. 7's stand-in for the entropy.

    ``conditional`` takes it within each environment (the left form of eq. 7) and, with ``labels``, within each class of
    each environment; else over all rows (the right form, never less). A group of one row counts as 0.
    """
    group = env if conditional else torch.zeros_like(env)
    if labels is not None:
        group = torch.unique(group * (int(labels.max()) + 1) + labels.long(), return_inverse=True)[1]
    member = F.one_hot(group).to(z)
    count = member.sum(0)[:, None]
    centred = z - member @ (member.T @ z / count)
    return (member.T @ centred.square() / (count - 1).clamp(min=1)).mean((-1, -2))


@dataclasses.dataclass
class Objective:
    """Weights and named options of the objective; a weight is a number, or one for each of K models side by side.

    Attributes
    ----------
    task
        ``regression``, ``binary`` (one logit) or ``classes`` (one logit a class).
    irm, ib, rex, risk
        Weights of IRM's penalty, of the variance, of the variance of the risks (V-REx), and of the risk.
    dro
        GroupDRO's step size; the environments' weights live in this object.
    penalty
        See ``irm_penalty``.
    where, conditional, by_class
        What the variance is taken of, and whether within environments and classes.
    anneal, before
        Until step ``anneal`` IRM's and V-REx's weight is ``before`` (coloured digits 0, DomainBed 1) and the variance's
        0 where ``anneal_ib``.
    share
        Divide risk and penalty by 1 + IRM's weight (CS-CMNIST).
    """

    task: Task
    irm: Weight = 0.0
    ib: Weight = 0.0
    rex: Weight = 0.0
    dro: Weight = 0.0
    risk: Weight = 1.0
    penalty: Penalty = "squared"
    where: Where = "features"
    conditional: bool = True
    by_class: bool = False
    anneal: int = 0
    before: float = 0.0
    anneal_ib: bool = False
    share: bool = False
    shares: Tensor | None = dataclasses.field(default=None, repr=False)

    def __call__(
        self, outputs: Outputs, features: Float[Tensor, "... n U"] | None, y: Tensor, env: Tensor, step: int = 0
    ) -> Float[Tensor, "..."]:
        """Return the objective of one batch (of each model, where there are many).

        Parameters
        ----------
        outputs
            What the model says: n x C.
        features
            What its head sees: n x U; needed where the variance is taken of them.
        y, env
            Targets and environments of the rows.
        step
            How many steps came before, for ``anneal``.
        """
        early = step < self.anneal
        irm = self.before * _switched_on(self.irm) if early else self.irm
        rex = self.before * _switched_on(self.rex) if early else self.rex
        ib = 0.0 if early and self.anneal_ib else self.ib
        risks = environment_means(row_losses(outputs, y, self.task), env)
        total = self.risk * self._risk(risks)
        if _any(irm):
            total = total + irm * irm_penalty(outputs, y, env, self.task, self.penalty).mean(-1)
        if _any(rex):
            total = total + rex * risks.var(-1, correction=0)
        if self.share and _any(irm):
            total = total / (1 + irm)
        if _any(ib):
            z = features if self.where == "features" else outputs
            if z is None:
                raise ValueError("the variance of features needs the features: pass them, or choose where='logits'")
            total = total + ib * variance(z, env, y if self.by_class else None, conditional=self.conditional)
        return total

    def state_dict(self) -> dict[str, Tensor]:
        """Return GroupDRO's weights of the environments, so that a run can be resumed."""
        return {} if self.shares is None else {"shares": self.shares}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take GroupDRO's weights up again."""
        self.shares = state.get("shares")

    def divided(self, total: Tensor, step: int) -> Tensor:
        """Return ``total``, with all that was added to it, over IRM's weight at this step where that is over 1."""
        if step < self.anneal:
            return total
        return total / (self.irm.clamp(min=1) if isinstance(self.irm, Tensor) else max(1.0, self.irm))

    def _risk(self, risks: Float[Tensor, "... E"]) -> Float[Tensor, "..."]:
        if not _any(self.dro):
            return risks.mean(-1)
        if self.shares is None:
            self.shares = torch.full_like(risks, 1 / risks.shape[-1])
        rate = self.dro[..., None] if isinstance(self.dro, Tensor) else self.dro
        self.shares = self.shares * (rate * risks.detach()).exp()
        self.shares = self.shares / self.shares.sum(-1, keepdim=True)
        return (self.shares * risks).sum(-1)


class IBIRM(nn.Module):
    """Eq. 7 around a featurizer and a head of one's own: ``model(x)`` predicts, ``model.loss(x, y, env)`` trains.

    Examples
    --------
    >>> model = IBIRM(nn.Linear(4, 3), nn.Linear(3, 1), lam=10.0, gamma=0.1, task="binary")
    >>> x, y, env = torch.randn(8, 4), torch.tensor([0.0, 1.0] * 4), torch.tensor([0] * 4 + [1] * 4)
    >>> model.loss(x, y, env).backward()
    """

    def __init__(
        self,
        featurizer: nn.Module,
        head: nn.Module,
        lam: float,
        gamma: float,
        where: Where = "features",
        conditional: bool = True,
        task: Task = "classes",
    ) -> None:
        super().__init__()
        self.featurizer, self.head = featurizer, head
        self.objective = Objective(task, irm=lam, ib=gamma, where=where, conditional=conditional)

    def forward(self, x: Tensor) -> Outputs:
        """Return the outputs."""
        return self.head(self.featurizer(x))

    def loss(self, x: Tensor, y: Tensor, env: Tensor, step: int = 0) -> Float[Tensor, ""]:
        """Return the objective of a batch with rows of all training environments."""
        features = self.featurizer(x)
        return self.objective(self.head(features), features, y, env, step)


def _rank_within(env: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
    """Return how many earlier rows are of the same environment."""
    member = F.one_hot(env)
    return (member.cumsum(0) * member).sum(1) - 1


def _any(weight: Weight) -> bool:
    return bool(weight.any()) if isinstance(weight, Tensor) else weight != 0


def _switched_on(weight: Weight) -> Weight:
    """Return 1 where a weight is used."""
    return (weight != 0).to(weight) if isinstance(weight, Tensor) else float(weight != 0)
