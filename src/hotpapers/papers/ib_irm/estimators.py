"""The methods as scikit-learn estimators: ``fit(X, y, environments=...)``, ``predict``, ``score``."""

import dataclasses
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y
from torch import Tensor

from hotpapers.papers.ib_irm.search import Method, Settings, fit, standardised
from hotpapers.papers.ib_irm.tables import Table


class _Invariant(BaseEstimator):
    """What classifier and regressor share; see there for the parameters."""

    def __init__(
        self,
        method: Method = "ib-irm",
        irm: float = Settings.irm,
        ib: float = Settings.ib,
        rex: float = Settings.rex,
        dro: float = Settings.dro,
        hidden: tuple[int, ...] = (),
        learning_rate: float = Settings.learning_rate,
        weight_decay: float = Settings.weight_decay,
        steps: int = 2000,
        seed: int = 0,
    ) -> None:
        self.method, self.irm, self.ib, self.rex, self.dro = method, irm, ib, rex, dro
        self.hidden, self.learning_rate, self.weight_decay = hidden, learning_rate, weight_decay
        self.steps, self.seed = steps, seed

    def _fit(self, x: np.ndarray, y: np.ndarray, classes: list[str], environments: Any) -> None:
        names, env = np.unique(np.zeros(len(x)) if environments is None else environments, return_inverse=True)
        if len(env) != len(x):
            raise ValueError(f"environments has {len(env)} rows and X {len(x)}")
        table = Table(
            torch.from_numpy(x.astype(np.float32)),
            torch.from_numpy(y.astype(np.float32)),
            torch.from_numpy(env.astype(np.int64)),
            [str(k) for k in range(x.shape[1])],
            "y",
            "environment",
            classes,
            [str(name) for name in names],
        )
        ready, self.taken_ = standardised(table)
        settings = Settings(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Settings)})
        self.stack_ = fit(ready, [settings], tuple(self.hidden), self.steps, self.seed, f"fit {self.method}")
        self.n_features_in_ = x.shape[1]

    @torch.no_grad()
    def _outputs(self, x: Any) -> Tensor:
        check_is_fitted(self, "stack_")
        x = torch.from_numpy(check_array(x, dtype=np.float32).copy())
        if x.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {x.shape[1]} features, but the fit had {self.n_features_in_}")
        return self.stack_((x - self.taken_["centre"]) / self.taken_["scale"])[0][0]


class InvariantClassifier(ClassifierMixin, _Invariant):
    """Classify in a way that holds in all environments.

    Parameters
    ----------
    method
        ``erm``, ``ib-erm``, ``irm``, ``ib-irm``, ``vrex`` or ``groupdro``.
    irm, ib, rex, dro
        λ and γ of eq. 7, V-REx's weight, GroupDRO's step; those of another method are not used.
    hidden
        Widths of hidden layers; none is a linear model.
    learning_rate, weight_decay, steps, seed
        Of full-batch Adam, and of the first weights.

    Examples
    --------
    >>> from hotpapers.papers.ib_irm.examples import sample
    >>> (x, y), (x_test, y_test) = (part for part in (sample("2", 0).train, sample("2", 0).test))
    >>> env = torch.arange(3).repeat_interleave(1000)
    >>> model = InvariantClassifier("ib-erm", ib=0.1).fit(x.flatten(0, 1), y.flatten(), environments=env)
    >>> bool(model.score(x_test.flatten(0, 1), y_test.flatten()) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any, environments: Any = None) -> "InvariantClassifier":
        """Fit to rows X, labels y and the environment of each row (any values; left out, all are of one)."""
        X, y = check_X_y(X, y, dtype=np.float32)
        self.classes_, index = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has {len(self.classes_)} class; a classifier needs two or more")
        self._fit(X, index, [str(name) for name in self.classes_], environments)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return one logit a row for two classes, else one a class."""
        outputs = self._outputs(X).numpy()
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return each class's probability; the bottleneck shrinks confidence, so calibrate before relying on it."""
        outputs = self._outputs(X)
        if outputs.shape[1] == 1:
            outputs = torch.cat((torch.zeros_like(outputs), outputs), 1)
        return outputs.softmax(1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(1)]


class InvariantRegressor(RegressorMixin, _Invariant):
    """Predict a number in a way that holds in all environments; parameters as ``InvariantClassifier``."""

    def fit(self, X: Any, y: Any, environments: Any = None) -> "InvariantRegressor":
        """Fit to rows X, numbers y and the environment of each row (any values; left out, all are of one)."""
        X, y = check_X_y(X, y, dtype=np.float32, y_numeric=True)
        self._fit(X, y, [], environments)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return a number for each row."""
        return (self._outputs(X)[:, 0] * self.taken_["target_scale"] + self.taken_["target_centre"]).numpy()
