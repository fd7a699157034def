"""Training: a transformer learns what a RASP program computes, with the program's selectors as a guide or without.

The paper's setting (its experiments' code) is the preset ``paper``: width 256, 50,000 strings of up to 100 letters,
post-norm encoder, Adam, a rate that falls by a factor each epoch, and four pairs of the two to choose from.
"""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.papers.rasp.model import PADDING, Encoder, layered
from hotpapers.papers.rasp.tasks import IGNORED, TASKS, Data, make_data
from hotpapers.run import Run, save_model
from hotpapers.verbs import Device, Outcome, resume_command

TaskName = Literal["reverse", "hist", "hist-bos", "double-hist", "sort", "most-freq", "dyck-1", "dyck-2", "dyck-3"]
PAPER_RATES = ((3e-4, 0.98), (3e-4, 0.99), (1e-4, 0.98), (1e-4, 0.99))
"""(learning rate, its factor for each epoch): what the paper searched."""
SUPERVISION = 100.0
"""Weight of the attention loss."""
EVALUATED = 500


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training run.

    Attributes
    ----------
    task
        One of ``TASKS``.
    layers, heads
        Size of the encoder; ``None`` for what the task's program needs.
    order
        Its sublayers, where they are not ``layers`` ordinary ones.
    width
        Of the residual stream; the feed-forwards have twice as many hidden units.
    letters, max_length, samples
        Of the data: letters to draw from, longest string, strings to train on.
    epochs, batch
        How long and how much at a time.
    learning_rate, factor
        Adam's rate, and what it is multiplied by after each epoch.
    supervised
        Whether attention is taught the program's selectors.
    patience
        Epochs without a better validation accuracy before the best weights are taken up again.
    """

    task: TaskName = "hist-bos"
    layers: int | None = None
    heads: int | None = None
    order: str | None = None
    width: int = 64
    letters: int = 6
    max_length: int = 12
    samples: int = 10_000
    epochs: int = 30
    batch: int = 100
    learning_rate: float = 2e-3
    factor: float = 0.93
    supervised: bool = False
    patience: int = 10

    @property
    def size(self) -> tuple[int, int]:
        """Layers and heads."""
        task = TASKS[self.task]
        return self.layers or task.layers, self.heads or task.heads


PRESETS: dict[str, Config] = {
    "laptop": Config(),
    "paper": Config(width=256, letters=26, max_length=100, samples=50_000, epochs=100, batch=50,
                    learning_rate=3e-4, factor=0.98),
}  # fmt: skip
Preset = Literal["laptop", "paper"]


def train(
    task: TaskName = "hist-bos",
    *,
    preset: Preset = "laptop",
    out: Path | None = None,
    layers: int | None = None,
    heads: int | None = None,
    supervised: bool = False,
    letters: int | None = None,
    max_length: int | None = None,
    width: int | None = None,
    samples: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    factor: float | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a transformer on one of the paper's tasks, and draw what its heads attend to.

    Parameters
    ----------
    task
        What to learn.
    preset
        The settings to start from: laptop, minutes on a CPU; or paper, the paper's own (hours, a GPU).
    out
        The directory to write the model to; the task's name when left out.
    layers
        Layers of the encoder; as many as the task's RASP program needs when left out.
    heads
        Heads of each layer; as many as the program needs when left out.
    supervised
        Teach attention the program's selectors.
    letters
        Letters to draw strings from.
    max_length
        Length of the longest string.
    width
        Size of the residual stream.
    samples
        Strings to train on.
    epochs
        Times to go through them.
    learning_rate
        Adam's rate in the first epoch.
    factor
        What the rate is multiplied by after each epoch.
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
    changes = {
        "layers": layers, "heads": heads, "letters": letters, "max_length": max_length, "width": width,
        "samples": samples, "epochs": epochs, "learning_rate": learning_rate, "factor": factor,
    }  # fmt: skip
    given = {key: value for key, value in changes.items() if value is not None}
    config = dataclasses.replace(PRESETS[preset], task=task, supervised=supervised, **given)
    check_config(config)
    out = Path(out) if out else Path(f"{task}.rasp-model")
    again = resume_command("rasp train", train, asked | {"out": out})
    started = time.perf_counter()
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=again) as run:
        model = fit(config, run)
        test = make_test_data(config, seed)
        found = accuracy(model, test)
        if run.rank == 0:
            save_model(model, out)
            picture = draw_attention(model, config, test, out / "attention.png")
    return Outcome(
        files={"model": out, "attention": picture},
        numbers={
            "layers": config.size[0],
            "heads": config.size[1],
            "parameters": sum(each.numel() for each in model.parameters()),
            "token accuracy on 1,000 new strings, %": 100 * found,
            "seconds": round(time.perf_counter() - started, 1),
        },
        note="attention.png: what each head attends to on one string, beside the program's selectors.",
    )


def fit(config: Config, run: Run) -> Encoder:
    """Train an encoder and return it with the weights of its best epoch."""
    task = TASKS[config.task]
    common = {"letters": config.letters, "max_length": config.max_length}
    data = make_data(task, config.samples, seed=3 * run.seed, with_selectors=config.supervised, **common)
    validation = make_data(task, 1000, seed=3 * run.seed + 1, **common)
    model = make_model(config).to(run.device)
    optimiser = torch.optim.Adam(model.parameters(), config.learning_rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, config.factor)
    best = Best(model)
    model, optimiser, schedule, best = run.setup(model, optimiser, schedule, best)
    batches = _Batches(data, config.batch, run.seed)
    for step in run.steps(config.epochs * len(batches)):
        tokens, targets, selectors = batches[step]
        logits, patterns = model(tokens.to(run.device))
        loss = sequence_loss(logits, targets.to(run.device))
        if config.supervised:
            loss = loss + SUPERVISION * attention_loss(patterns, [each.to(run.device) for each in selectors])
        optimiser.zero_grad()
        run.backward(loss)
        optimiser.step()
        run.log(loss=loss)
        if (step + 1) % len(batches) == 0:
            schedule.step()
            score = accuracy(model, validation)
            run.log(accuracy=score)
            best.note(model, score)
            if best.since >= config.patience:
                best.take_up(model)
            if best.perfect >= 3:
                run.stop()
    best.take_up(model)
    return model


def make_model(config: Config) -> Encoder:
    """Return an untrained encoder of the size that ``config`` asks for."""
    task, (layers, heads) = TASKS[config.task], config.size
    order = config.order or layered(layers)
    return Encoder(
        vocabulary=task.vocabulary(config.letters), outputs=task.outputs(config.letters, config.max_length),
        width=config.width, order=order, heads=[heads] * order.count("a"),
        hidden=[2 * config.width] * order.count("f"), max_length=config.max_length + task.bos, sop=task.program,
    )  # fmt: skip


def make_test_data(config: Config, seed: int, samples: int = 1000, *, with_selectors: bool = False) -> Data:
    """Return strings that are drawn anew; of few letters and short ones, many are the same as some trained on."""
    return make_data(TASKS[config.task], samples, letters=config.letters, max_length=config.max_length,
                     seed=3 * seed + 2, with_selectors=with_selectors)  # fmt: skip


def sequence_loss(logits: Float[Tensor, "b n c"], targets: Tensor) -> Float[Tensor, ""]:
    """Return the cross-entropy, averaged over each sequence and then over sequences."""
    losses = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
    return (losses.sum(dim=1) / (targets != IGNORED).sum(dim=1)).mean()


def attention_loss(patterns: list[Tensor], selectors: list[Tensor]) -> Float[Tensor, ""]:
    """Return the mean squared difference of the designated heads from their selectors, averaged over heads.

    The first heads of a layer are designated; others are free.
    """
    losses = []
    for weights, wanted in zip(patterns, selectors, strict=False):
        n = weights.shape[2]
        for head in range(min(weights.shape[1], wanted.shape[1])):
            losses.append(F.mse_loss(weights[:, head], wanted[:, head, :n, :n]))
    return torch.stack(losses).mean()


@torch.no_grad()
def accuracy(model: Encoder, data: Data) -> float:
    """Return the share of positions at which the model answers right."""
    right = total = 0
    for start in range(0, len(data.tokens), EVALUATED):
        tokens = data.tokens[start : start + EVALUATED].to(model.positions.device)
        targets = data.targets[start : start + EVALUATED].to(tokens.device)
        right += int((model(tokens)[0].argmax(dim=-1) == targets).sum())
        total += int((targets != IGNORED).sum())
    return right / total


class Best:
    """The weights of the best epoch so far, and for how long they have been so."""

    def __init__(self, model: Encoder) -> None:
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.score, self.since, self.perfect = -1.0, 0, 0

    def note(self, model: torch.nn.Module, score: float) -> None:
        """Judge an epoch."""
        self.perfect = self.perfect + 1 if score == 1.0 else 0
        self.since += 1
        if score > self.score:
            self.score, self.since = score, 0
            for name, value in model.state_dict().items():
                self.weights[name].copy_(value)

    def take_up(self, model: torch.nn.Module) -> None:
        """Give the model the best weights again."""
        model.load_state_dict(self.weights)
        self.since = 0

    def state_dict(self) -> dict[str, Any]:
        """Return all of it, for a checkpoint."""
        return {"weights": self.weights, "score": self.score, "since": self.since, "perfect": self.perfect}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what ``state_dict`` returned."""
        self.weights = dict(state["weights"])
        self.score, self.since, self.perfect = (state[name] for name in ("score", "since", "perfect"))


class _Batches:
    """The batches of every epoch: each a new order of the samples, the same at the same seed wherever a run goes on."""

    def __init__(self, data: Data, size: int, seed: int) -> None:
        self.data, self.size, self.seed = data, size, seed
        self.epoch = -1

    def __len__(self) -> int:
        return -(-len(self.data.tokens) // self.size)

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        epoch, place = divmod(step, len(self))
        if epoch != self.epoch:
            self.epoch = epoch
            generator = torch.Generator().manual_seed(1_000_003 * self.seed + epoch)
            self.order = torch.randperm(len(self.data.tokens), generator=generator)
        rows = self.order[place * self.size : (place + 1) * self.size]
        tokens = self.data.tokens[rows]
        n = int((tokens != PADDING).sum(dim=1).max())
        return tokens[:, :n], self.data.targets[rows, :n], [each[rows] for each in self.data.selectors]


def check_config(config: Config) -> None:
    """Refuse settings that cannot train; ``BadInput`` names the mend."""
    layers, heads = config.size
    bounds: list[tuple[str, bool, str]] = [
        ("layers", 1 <= layers <= 24, "1 to 24"),
        ("heads", 1 <= heads <= 64, "1 to 64"),
        ("width", 2 <= config.width <= 4096 and config.width % (2 * heads) == 0, f"a multiple of {2 * heads}"),
        ("letters", 1 <= config.letters <= 100, "1 to 100"),
        ("max_length", 1 <= config.max_length <= 1000, "1 to 1000"),
        ("samples", 1 <= config.samples <= 1_000_000, "1 to 1,000,000"),
        ("epochs", 1 <= config.epochs <= 10_000, "1 to 10,000"),
        ("learning_rate", 0 < config.learning_rate <= 1, "above 0 and at most 1"),
        ("factor", 0 < config.factor <= 1, "above 0 and at most 1"),
    ]
    for name, fine, words in bounds:
        if not fine:
            value = getattr(config, name)
            raise BadInput(f"--{name.replace('_', '-')} cannot be {value}: it must be {words}.")


def draw_attention(model: Encoder, config: Config, data: Data, path: Path) -> Path:
    """Draw every head's weights on the longest string of ``data``, and beside them the program's selectors."""
    from hotpapers.papers.rasp.heatmaps import draw_heatmaps

    row = int((data.tokens != PADDING).sum(dim=1).argmax())
    n = int((data.tokens[row] != PADDING).sum())
    string = [model.vocabulary[each - 1] for each in data.tokens[row, :n].tolist()]
    with torch.no_grad():
        patterns = model(data.tokens[row : row + 1, :n].to(model.positions.device))[1]
    learned = [(f"layer {layer}, head {head}", weights)
               for layer, each in enumerate(patterns, start=1)
               for head, weights in enumerate(each[0].cpu().numpy(), start=1)]  # fmt: skip
    return draw_heatmaps(path, string, learned, TASKS[config.task].sop)


def paper_configs(config: Config) -> Iterator[Config]:
    """Yield ``config`` with each of the four learning rates and factors that the paper searched."""
    for rate, factor in PAPER_RATES:
        yield dataclasses.replace(config, learning_rate=rate, factor=factor)
