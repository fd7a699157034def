"""Classifying long texts byte by byte, from scratch, with top-k attention."""

import csv
import io
import shlex
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from hotpapers.errors import BadInput
from hotpapers.papers.topk_attention.corpus import read_text
from hotpapers.papers.topk_attention.language import ByteTransformer
from hotpapers.papers.topk_attention.listops import listops
from hotpapers.papers.topk_attention.train import Config, check_config, save, warmed_cosine
from hotpapers.run import Run
from hotpapers.verbs import Device, Outcome, TableFile

HELD_OUT = 0.2
EMBEDDED = 4000  # expressions of ListOps, where no table is given
Example = tuple[str, int]


def classify(
    table: TableFile | None = None,
    *,
    attn_k: int = 32,
    ff_k: int = 0,
    context: int = 256,
    steps: int = 300,
    batch: int = 32,
    learning_rate: float = 1e-3,
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a classifier of texts from scratch, whose attention keeps k keys a query.

    Writes the model's directory; a fifth of the texts, drawn by the seed, is held out to judge it.

    Parameters
    ----------
    table
        A CSV file in UTF-8 with the columns text and label. Left out, ListOps: nested lists to be evaluated.
    attn_k
        Keys a query keeps; 0 is all.
    ff_k
        Hidden units a token keeps; 0 is all.
    context
        Bytes of a text that are read.
    steps
        Training steps.
    batch
        Texts a step.
    learning_rate
        AdamW's at its highest.
    out
        The directory to write the model to; ``topk-classifier`` when left out, or beside the table.
    seed
        The seed of everything random.
    device
        Where to compute.
    resume
        Go on with the training that was interrupted in the directory.
    fresh
        Replace the training in the directory.
    """
    config = Config(context=context, attn_k=attn_k, ff_k=ff_k, steps=steps, batch=batch, learning_rate=learning_rate)
    check_config(config)
    if not 1 <= batch <= 4096:
        raise BadInput(f"--batch is 1 to 4096, not {batch}.")
    examples, labels = (
        read_examples(table) if table else (listops(EMBEDDED, min(context, 256), seed), [str(n) for n in range(10)])
    )
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed)).tolist()
    border = max(1, round(len(order) * HELD_OUT))
    judged, learned = ([examples[place] for place in part] for part in (order[:border], order[border:]))
    out = Path(out) if out else Path(table).with_suffix(".topk-classifier") if table else Path("topk-classifier")
    source = f"{shlex.quote(str(table))} " if table else ""
    command = (
        f"hotpapers topk_attention classify {source}--attn-k {attn_k} --ff-k {ff_k} --context {context} "
        f"--steps {steps} --batch {batch} --learning-rate {learning_rate} "
        f"--out {shlex.quote(str(out))} --seed {seed} --resume"
    )
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=command) as run:
        model = fit(learned, labels, config, run)
        right = accuracy(model, judged)
        save(model, out)
    counts = torch.bincount(torch.tensor([label for _, label in judged]), minlength=len(labels))
    numbers: dict[str, float | int | str] = {
        "accuracy, held out": right,
        "share of the commonest class": float(counts.max() / counts.sum()),
        "texts learned from": len(learned),
        "texts held out": len(judged),
    }
    return Outcome({"model": out}, numbers, "Compare with --attn-k 0, which attends to all keys.")


def read_examples(path: Path) -> tuple[list[Example], list[str]]:
    """Return the texts of a table with their classes, and the classes' names."""
    content = bytes(read_text(path, at_least=1).tolist()).decode("utf-8")
    try:
        rows = list(csv.DictReader(io.StringIO(content)))
    except csv.Error as error:
        raise BadInput(f"{path} is not a table in CSV ({error}); save it as CSV in UTF-8.") from error
    if not rows or not {"text", "label"} <= set(rows[0]):
        raise BadInput(f"{path} needs rows and the columns text and label; name them in its first line.")
    rows = [row for row in rows if row["text"] and row["label"]]
    labels = sorted({row["label"] for row in rows})
    if len(labels) < 2 or len(rows) < 10:
        raise BadInput(f"{path} has {len(rows)} labelled texts of {len(labels)} classes; give at least 10 of 2.")
    return [(row["text"], labels.index(row["label"])) for row in rows], labels


def fit(examples: Sequence[Example], labels: list[str], config: Config, run: Run) -> ByteTransformer:
    """Train a classifier on texts with their classes and return it."""
    shape = {name: getattr(config, name) for name in ("width", "heads", "layers", "hidden", "context")}
    model = ByteTransformer(
        **shape, classes=len(labels), labels=labels, attn_k=config.attn_k or None, ff_k=config.ff_k or None
    )
    optimiser = torch.optim.AdamW(model.parameters(), config.learning_rate, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmed_cosine(step, config.steps))
    model, optimiser, schedule = run.setup(model, optimiser, schedule)
    for _step in run.steps(config.steps):
        places = torch.randint(len(examples), (config.batch,)).tolist()
        ids, padding, wanted = collate([examples[place] for place in places], config.context, run.device)
        loss = F.cross_entropy(model(ids, padding), wanted)
        optimiser.zero_grad()
        run.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        run.log(loss=loss.detach())
    return model.eval()


@torch.no_grad()
def accuracy(model: ByteTransformer, examples: Sequence[Example]) -> float:
    """Return the share of texts that are put into their class."""
    device, right = next(model.parameters()).device, 0
    for start in range(0, len(examples), 64):
        ids, padding, wanted = collate(examples[start : start + 64], model.context, device)
        right += int((model(ids, padding).argmax(-1) == wanted).sum())
    return right / len(examples)


def collate(examples: Sequence[Example], context: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the texts' bytes (B, L), where they have ended, and their classes."""
    texts = [torch.tensor(list(text.encode()[:context])) for text, _ in examples]
    ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    lengths = torch.tensor([len(each) for each in texts])
    padding = torch.arange(ids.shape[1]) >= lengths[:, None]
    wanted = torch.tensor([label for _, label in examples])
    return ids.to(device), padding.to(device), wanted.to(device)
