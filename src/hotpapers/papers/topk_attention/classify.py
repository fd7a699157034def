"""Classifying long texts byte by byte, from scratch, with top-k attention; the loop is ``fit``."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from hotpapers.errors import BadInput
from hotpapers.papers.topk_attention.language import ByteTransformer
from hotpapers.papers.topk_attention.tasks import CONTEXT, USUAL_CONTEXT, Example, TaskName, read_task
from hotpapers.papers.topk_attention.train import Config, check_config, optimiser_and_schedule, shape_of
from hotpapers.run import Run, save_model
from hotpapers.verbs import Device, Model, Outcome, TableFile, resume_command


def classify(
    table: TableFile | None = None,
    *,
    task: TaskName = "listops",
    attn_k: int = 32,
    ff_k: int = 0,
    context: int | None = None,
    steps: int = 300,
    batch: int = 32,
    learning_rate: float = 1e-3,
    judge: int = 2000,
    out: Model | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a classifier of texts from scratch, whose attention keeps k keys a query.

    Writes the model's directory. A fifth of the texts, drawn by the seed, is held out to judge it; IMDb and MNIST have
    their own test sets.

    Parameters
    ----------
    table
        A CSV file in UTF-8 with the columns text and label, or a TSV file of the Long Range Arena's pairs of papers
        (AAN).
    task
        What to learn where no table is given: nested lists to be evaluated, film reviews (84 MB, downloaded once), or
        handwritten digits pixel by pixel (11 MB, downloaded once).
    attn_k
        Keys a query keeps; 0 is all.
    ff_k
        Hidden units a token keeps; 0 is all.
    context
        Bytes of a text that are read; left out, 256, or the 784 pixels of a digit.
    steps
        Training steps.
    batch
        Texts a step.
    learning_rate
        AdamW's at its highest.
    judge
        How many of the texts held out are judged at most.
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
    asked = dict(locals())
    usual = USUAL_CONTEXT if table else CONTEXT.get(task, USUAL_CONTEXT)
    read = usual if context is None else context
    config = Config(context=read, attn_k=attn_k, ff_k=ff_k, steps=steps, batch=batch, learning_rate=learning_rate)
    check_config(config)
    if judge < 1:
        raise BadInput(f"--judge is at least 1, not {judge}.")
    given = read_task(table, task, read, seed)
    judged = _some(given.judged, judge, seed)
    out = Path(out) if out else Path(table).with_suffix(".topk-classifier") if table else Path("topk-classifier")
    again = resume_command("topk-attention classify", classify, asked | {"out": out})
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=again) as run:
        model = fit(given.learned, given.labels, config, run)
        right = accuracy(model, judged)
        save_model(model, out)
    counts = np.bincount([label for _, label in judged], minlength=len(given.labels))
    numbers: dict[str, float | int | str] = {
        "accuracy, held out": right,
        "share of the commonest class": float(counts.max() / counts.sum()),
        "texts learned from": len(given.learned),
        "texts judged": len(judged),
    }
    return Outcome({"model": out}, numbers, "Compare with --attn-k 0, which attends to all keys.")


def fit(examples: Sequence[Example], labels: list[str], config: Config, run: Run) -> ByteTransformer:
    """Train a classifier on texts with their classes and return it."""
    model = ByteTransformer(**shape_of(config), classes=len(labels), labels=labels)
    model, optimiser, schedule = run.setup(model, *optimiser_and_schedule(model, config))
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
    texts = [torch.tensor(list(text[:context])) for text, _ in examples]
    ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    lengths = torch.tensor([len(each) for each in texts])
    padding = torch.arange(ids.shape[1]) >= lengths[:, None]
    wanted = torch.tensor([label for _, label in examples])
    return ids.to(device), padding.to(device), wanted.to(device)


def _some(examples: Sequence[Example], count: int, seed: int) -> Sequence[Example]:
    """Return ``count`` of the examples, drawn by the seed; all of them where there are no more."""
    if len(examples) <= count:
        return examples
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed))
    return [examples[place] for place in order[:count].tolist()]
