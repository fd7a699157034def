"""The verb ``fit``, and the loop: Adam on batches, its rate falling by a cosine, a tenth of the rows held out."""

import copy
import dataclasses
import json
import shlex
import time
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.scalars.check import equivariance_error
from hotpapers.papers.scalars.model import ScalarNet
from hotpapers.papers.scalars.plots import plot_predictions
from hotpapers.papers.scalars.schema import Table
from hotpapers.papers.scalars.tables import read_table
from hotpapers.run import Run, save_model
from hotpapers.verbs import Device, Model, Outcome, TableFile, resume_command

LEAST_ROWS = 10
FeatureName = Literal["gram", "norms", "cosines", "root", "rbf"]


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training.

    Attributes
    ----------
    schema, group, permute, features, economy, width, depth
        The model's; see ``ScalarNet``.
    steps, batch, learning_rate
        How long, on how many rows at a time, and Adam's rate at the start.
    """

    schema: str
    group: str
    permute: str = ""
    features: FeatureName = "gram"
    economy: bool = False
    width: int = 128
    depth: int = 3
    steps: int = 3000
    batch: int = 256
    learning_rate: float = 2e-3

    def model(self) -> ScalarNet:
        """Return a fresh model, or raise ``BadInput`` where the settings do not go together."""
        if not 1 <= self.width <= 4096 or not 0 <= self.depth <= 32:
            raise BadInput(f"A model is 1 to 4096 wide and 0 to 32 deep, not {self.width} and {self.depth}.")
        if not 1 <= self.steps <= 10_000_000 or not 1 <= self.batch <= 1_000_000 or not 0 < self.learning_rate <= 10:
            raise BadInput("Take 1 to 10,000,000 steps of 1 to 1,000,000 rows, and a learning rate above 0, up to 10.")
        try:
            return ScalarNet(self.schema, self.group, self.permute, self.width, self.depth, self.features, self.economy)
        except ValueError as error:
            raise BadInput(f"The model cannot be made: {error}.") from error


def fit(
    table: TableFile,
    *,
    schema: str,
    group: str = "O(3)",
    out: Model | None = None,
    permute: str = "",
    features: FeatureName = "gram",
    economy: bool = False,
    width: int = 128,
    depth: int = 3,
    steps: int = 3000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Fit a model to a table of scalars and vectors that has the symmetry you name, exactly.

    A tenth of the rows is held out to measure the error.

    Parameters
    ----------
    table
        A CSV file with a header (a vector r has the columns r_x, r_y, r_z), or an npz file of arrays.
    schema
        What the columns are, such as ``m: 5 scalar, r: 5 vector -> I: tensor``. Kinds: scalar, vector, position,
        tensor, and pseudoscalar and pseudovector, which take a reflection's sign.
    group
        The symmetry: O(3), SO(3), E(3), SE(3), O(1,3), SO(1,3), Poincare(1,3), and so in other dimensions.
    out
        The directory to write the model to; beside the table when left out.
    permute
        Inputs whose particles are identical, such as ``m, r``; empty for none.
    features
        What the network sees of the scalar products: the products (gram), lengths beside them (norms), lengths and
        angles (cosines), the root of the Gram matrix (root), or bumps over each (rbf).
    economy
        Take only about n d of the n(n+1)/2 products, which give all others.
    width
        Width of the hidden layers.
    depth
        Number of hidden layers.
    steps
        Training steps.
    batch
        Rows in a step.
    learning_rate
        The learning rate at the start; it falls to 0.
    seed
        The seed of everything random.
    device
        Where to compute.
    resume
        Go on with the training that was interrupted in the directory.
    fresh
        Replace the training in the directory.
    """
    asked = dict(locals())
    config = Config(schema, group, permute, features, economy, width, depth, steps, batch, learning_rate)
    declared = config.model().schema
    rows = read_table(Path(table), declared.fields, declared.group, least=LEAST_ROWS)
    out = Path(out) if out else Path(table).with_suffix(".scalars")
    again = resume_command("scalars fit", fit, asked | {"out": out})
    started = time.perf_counter()
    train, test = split(rows, seed)
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=again) as run:
        model = learn(train, config, run)
        save_model(model, out)
    return _report(model, test, config, out, time.perf_counter() - started)


def learn(rows: Table, config: Config, run: Run) -> ScalarNet:
    """Train a model on ``rows`` (float64; it trains in float32) and return it on the CPU."""
    model = config.model()
    rows = {name: value.float().to(run.device) for name, value in rows.items()}
    model.to(run.device).calibrate(rows)
    adam = torch.optim.Adam(model.parameters(), config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, config.steps)
    _, adam, schedule = run.setup(model, adam, schedule)
    count = len(next(iter(rows.values())))
    for _step in run.steps(config.steps):
        chosen = torch.randint(count, (config.batch,), device="cpu").to(run.device)
        loss = model.loss({name: value[chosen] for name, value in rows.items()})
        adam.zero_grad()
        run.backward(loss)
        adam.step()
        schedule.step()
        run.log(loss=loss)
    return model.cpu()


def split(rows: Table, seed: int) -> tuple[Table, Table]:
    """Return nine tenths of the rows, and the tenth to test on."""
    count = len(next(iter(rows.values())))
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    held = max(1, count // 10)
    return ({name: value[order[held:]] for name, value in rows.items()},
            {name: value[order[:held]] for name, value in rows.items()})  # fmt: skip


def relative_error(found: Tensor, wanted: Tensor, vector: bool) -> float:
    """Return the RMS error over the RMS of what was wanted, for scalars from their mean."""
    centre = 0 if vector else wanted.mean()
    return float(((found - wanted).square().mean() / (wanted - centre).square().mean().clamp(min=1e-300)).sqrt())


def _report(model: ScalarNet, test: Table, config: Config, out: Path, seconds: float) -> Outcome:
    precise = copy.deepcopy(model).double()
    with torch.no_grad():
        found = precise(test)
    outputs = model.schema.outputs
    errors = {field.name: relative_error(found[field.name], test[field.name], field.order > 0) for field in outputs}
    picture = out / "predictions.png"
    plot_predictions(picture, {name: (test[name], found[name]) for name in errors}, "rows held out")
    numbers: dict[str, float | int | str] = {f"relative error of {name}": value for name, value in errors.items()}
    numbers |= {
        "rows held out": len(next(iter(test.values()))),
        "parameters": sum(each.numel() for each in model.parameters()),
        "largest equivariance error": equivariance_error(precise, model.schema, test),
        "seconds": round(seconds, 1),
    }
    with written_whole(out / "errors.json") as temporary:
        temporary.write_text(json.dumps(numbers | {"settings": dataclasses.asdict(config)}, indent=2) + "\n")
    shown = out.name if out.is_absolute() else str(out)  # a page's readers have no use for where its server keeps it
    note = f"Predict with it: hotpapers scalars predict {shlex.quote(shown)} OTHER.csv"
    return Outcome({"model": out, "predictions": picture, "errors": out / "errors.json"}, numbers, note)
