"""Attributes: what a hundred labels say of latents, ``r(c | z)``, and the small file that it is kept in.

r is a logistic regression on normal latents. Where only examples of one class are given, it is learned from those and
from latents that may be anything (positive-unlabelled learning; Kiryo et al., 2017, non-negative risk).
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media.readable import check_readable, named
from hotpapers.papers.d2c.model import D2C

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)  # of the squared weights; the best by cross-validation is taken
FOLDS = 5
LARGEST_FILE = 64 * 2**20


@dataclasses.dataclass(frozen=True)
class Attribute:
    """A classifier of latents, and how far apart latents lie along its directions.

    Attributes
    ----------
    classes
        The labels. Of two, and with examples of one alone, the last is what the classifier's number is for.
    weights, bias
        Of normal latents, flattened: one row for each class, or a single one where there are two.
    spread
        The standard deviation of latents along each class's direction, in the latents' own units.
    model
        The fingerprint of the encoder that it was learned with.
    examples
        How many labels it was learned from.
    """

    classes: tuple[str, ...]
    weights: Float[Tensor, "k D"]
    bias: Float[Tensor, " k"]
    spread: Float[Tensor, " k"]
    model: str
    examples: int = 0

    def probabilities(self, normal: Float[Tensor, "B c s s"]) -> Float[Tensor, "B classes"]:
        """Return r(c | z) of every class, for normal latents."""
        logits = normal.flatten(1) @ self.weights.to(normal).T + self.bias.to(normal)
        if logits.shape[1] > 1:
            return logits.softmax(1)
        return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], 1)

    def index(self, wanted: str) -> int:
        """Return which class a name is; the last where none is named and there are two.

        Raises
        ------
        BadInput
            If there is no such class, or several to choose from.
        """
        if not wanted and len(self.classes) == 2:
            return 1
        if wanted not in self.classes:
            raise BadInput(f"--want is one of {', '.join(self.classes)}, not {wanted[:40]!r}.")
        return self.classes.index(wanted)

    def direction(self, model: D2C, wanted: int) -> tuple[Float[Tensor, "c s s"], float]:
        """Return the unit vector along which the latents of a class lie, and the spread along it.

        Against all others' mean where there are several classes. It is for latents as the encoder gives them.
        """
        if len(self.weights) == 1:
            row, sign, place = self.weights[0], (1.0 if wanted == 1 else -1.0), 0
        else:
            row, sign, place = self.weights[wanted] - self.weights.mean(0), 1.0, wanted
        across = sign * row.reshape(model.shape).to(model.std) / model.std
        return across / across.norm().clamp(min=1e-12), float(self.spread[place])


def learn(
    model: D2C,
    normal: Float[Tensor, "n c s s"],
    targets: Int[Tensor, " n"],
    classes: tuple[str, ...],
    background: Float[Tensor, "m c s s"],
    *,
    share: float = 0.5,
) -> Attribute:
    """Learn an attribute from the normal latents of labelled images.

    Parameters
    ----------
    background
        Normal latents of whatever there is: the spread along each direction is measured on them, and where there is
        one class alone they are the unlabelled ones.
    share
        How much of what there is has the attribute, where there is one class alone.
    """
    x = normal.flatten(1).double()
    if len(classes) == 1:
        weights, bias = _fit_positive(x, background.flatten(1).double(), share)
        names: tuple[str, ...] = (f"not {classes[0]}", classes[0])
    else:
        weights, bias = _fit_labels(x, targets, len(classes))
        names = classes
    weights, bias = weights.float().cpu(), bias.float().cpu()
    draft = Attribute(names, weights, bias, torch.ones(len(weights)), fingerprint(model), len(x))
    z = model.raw(background)
    which = [1] if len(weights) == 1 else list(range(len(weights)))
    spread = torch.stack([(z * draft.direction(model, each)[0]).sum((1, 2, 3)).std() for each in which])
    return dataclasses.replace(draft, spread=spread.cpu())


def _fit_labels(x: Tensor, targets: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Return weights and biases of a logistic regression whose penalty is chosen by cross-validation."""
    # The best weights are sums of examples: with few of these there are few numbers to find.
    basis = torch.linalg.svd(x, full_matrices=False).Vh
    a = x @ basis.T
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(0)).to(a.device)
    a, targets = a[order], targets.to(a.device)[order]
    fit, loss = (_newton, _binary_loss) if classes == 2 else (_many, _many_loss)
    fold = torch.arange(len(a), device=a.device) % min(FOLDS, len(a))

    def held_out(penalty: float) -> float:
        total = 0.0
        for each in range(int(fold.max()) + 1):
            weights, bias = fit(a[fold != each], targets[fold != each], classes, penalty)
            unseen = fold == each
            total += float(loss(a[unseen] @ weights.T + bias, targets[unseen])) * int(unseen.sum())
        return total

    weights, bias = fit(a, targets, classes, min(PENALTIES, key=held_out))
    return weights @ basis, bias


def _newton(a: Tensor, targets: Tensor, classes: int, penalty: float) -> tuple[Tensor, Tensor]:
    """Fit two classes by Newton's steps; the bias bears no penalty."""
    design = torch.cat([a, torch.ones_like(a[:, :1])], 1)
    ridge = torch.full((design.shape[1],), 2 * penalty, dtype=a.dtype, device=a.device)
    ridge[-1] = 1e-6
    weights = torch.zeros_like(ridge)
    for _ in range(20):
        p = torch.sigmoid(design @ weights)
        gradient = design.T @ (p - targets) / len(a) + ridge * weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design / len(a) + torch.diag(ridge)
        move = torch.linalg.solve(curvature, gradient)
        weights = weights - move * min(1.0, 10 / float(move.norm().clamp(min=1e-12)))
        if float(move.norm()) < 1e-8:
            break
    return weights[None, :-1], weights[-1:]


def _binary_loss(logits: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits[:, 0], targets.to(logits.dtype))


def _many(a: Tensor, targets: Tensor, classes: int, penalty: float) -> tuple[Tensor, Tensor]:
    return _minimise(lambda weights, bias: _many_loss(a @ weights.T + bias, targets), classes, a, penalty)


def _many_loss(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits, targets)


def _fit_positive(x: Tensor, anything: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return weight and bias by the non-negative risk ``share R_p+ + max(0, R_u- - share R_p-)``."""

    def risk(weights: Tensor, bias: Tensor) -> Tensor:
        positive, unknown = (x @ weights.T + bias)[:, 0], (anything @ weights.T + bias)[:, 0]
        negative = F.softplus(unknown).mean() - share * F.softplus(positive).mean()
        return share * F.softplus(-positive).mean() + negative.clamp(min=0)

    return _minimise(risk, 1, x, PENALTIES[1])


def _minimise(loss: Callable[[Tensor, Tensor], Tensor], rows: int, x: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    weights = torch.zeros(rows, x.shape[1], dtype=x.dtype, device=x.device, requires_grad=True)
    bias = torch.zeros(rows, dtype=x.dtype, device=x.device, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        total = loss(weights, bias) + penalty * weights.square().sum()
        total.backward()
        return total

    with torch.enable_grad():
        optimiser.step(closure)
    return weights.detach(), bias.detach()


def fingerprint(model: D2C) -> str:
    """Return a word that changes with the encoder and its latents' statistics."""
    digest = hashlib.sha256()
    for each in (*model.encoder.state_dict().values(), model.mean, model.std):
        digest.update(each.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_attribute(attribute: Attribute, path: Path) -> None:
    """Write an attribute to a file, a few kB: weights in half precision."""
    tensors = {
        "weights": attribute.weights.half().contiguous(),
        "bias": attribute.bias.contiguous(),
        "spread": attribute.spread.float().contiguous(),
    }
    about = {"classes": attribute.classes, "model": attribute.model, "examples": attribute.examples}
    with written_whole(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"d2c": json.dumps(about)}))


def load_attribute(path: Path, model: D2C) -> Attribute:
    """Read an attribute that was learned with ``model``.

    Raises
    ------
    BadInput
        If it is no such file, or another model's.
    """
    path = Path(path)
    check_readable(path, "attribute file")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("size")
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["d2c"])
            weights, bias, spread = (file.get_tensor(name).float() for name in ("weights", "bias", "spread"))
        classes = tuple(str(each) for each in about["classes"])
        found = Attribute(classes, weights, bias, spread, str(about["model"]), int(about["examples"]))
        rows = 1 if len(classes) == 2 else len(classes)
        right = weights.ndim == 2 and len(weights) == rows and bias.shape == spread.shape == (rows,)
        if not right or not all(each.isfinite().all() for each in (weights, bias, spread)) or (spread < 0).any():
            raise ValueError("numbers")
        if len(classes) < 2 or not all(each.isprintable() for each in classes):
            raise ValueError("classes")
    except (
        SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError
    ) as error:  # fmt: skip
        raise BadInput(
            f"{named(path)} is no attribute file; make one with 'hotpapers d2c learn-attribute LABELS.csv'."
        ) from error
    if found.model != fingerprint(model) or weights.shape[1] != model.std.new_empty(model.shape).numel():
        raise BadInput(f"{named(path)} was learned with another model; take that one, or learn it again with this.")
    return found
