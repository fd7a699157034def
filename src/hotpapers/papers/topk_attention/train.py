"""Training a byte-level language model, dense or with top-k from the start; the loop is ``fit``."""

import dataclasses
import math
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.nn import functional as F

from hotpapers.errors import BadInput
from hotpapers.papers.topk_attention.corpus import Corpus, draw, read_text, split, windows
from hotpapers.papers.topk_attention.language import ByteTransformer
from hotpapers.run import Run, save_model
from hotpapers.verbs import Device, Outcome, TextFile, resume_command

WARM_UP = 0.05  # of the steps
VALIDATION = 64  # windows


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a training; the defaults take half a minute on one core.

    Attributes
    ----------
    width, heads, layers, hidden, context
        The model's.
    attn_k, ff_k
        Keys a query keeps and hidden units a token keeps, from the first step on; 0 is all.
    steps, batch, learning_rate
        AdamW's, with a cosine to 0 after a short warm-up; gradients are clipped to norm 1.
    """

    width: int = 96
    heads: int = 4
    layers: int = 2
    hidden: int = 384
    context: int = 192
    attn_k: int = 0
    ff_k: int = 0
    steps: int = 500
    batch: int = 16
    learning_rate: float = 2e-3


PRESETS = {
    "quick": Config(),
    "base": Config(width=256, heads=8, layers=4, hidden=1024, context=512, steps=5000, learning_rate=1e-3),
    # Ours for the paper's 12-layer benchmark model: 12 heads of 64, d_ff 3,072, k = 64
    "paper": Config(width=768, heads=12, layers=12, hidden=3072, context=16384, attn_k=64, steps=100_000, batch=1,
                    learning_rate=3e-4),
}  # fmt: skip
Preset = Literal["quick", "base", "paper"]


def train_lm(
    text: TextFile | None = None,
    *,
    corpus: Corpus = "python",
    preset: Preset = "quick",
    out: Path | None = None,
    attn_k: int | None = None,
    ff_k: int | None = None,
    context: int | None = None,
    steps: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a byte-level language model, dense or with top-k attention and feed-forward from the start.

    Writes the model's directory, which ``check`` and ``patch`` take.

    Parameters
    ----------
    text
        What to learn, in UTF-8; its last tenth is held out.
    corpus
        What to learn where no text is given: the sources of Python's standard library, or enwik8, which is 100 MB of
        Wikipedia (37 MB, downloaded once).
    preset
        quick (half a minute on a core), base (an hour), or paper: 12 layers over 16,384 bytes, for a GPU.
    out
        The directory to write the model to; ``topk-lm`` when left out, or beside the text.
    attn_k
        Keys a query keeps; 0 is all.
    ff_k
        Hidden units a token keeps; 0 is all.
    context
        Bytes read at once.
    steps
        Training steps.
    learning_rate
        AdamW's at its highest.
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
    wishes = {"attn_k": attn_k, "ff_k": ff_k, "context": context, "steps": steps, "learning_rate": learning_rate}
    changes = {name: value for name, value in wishes.items() if value is not None}
    config = dataclasses.replace(PRESETS[preset], **changes)
    check_config(config)
    content = read_text(text, at_least=20 * config.context, corpus=corpus)
    out = Path(out) if out else Path(text).with_suffix(".topk-lm") if text else Path("topk-lm")
    again = resume_command("topk-attention train-lm", train_lm, asked | {"out": out})
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=again) as run:
        model = fit(content, config, run)
        bits = bits_per_byte(model, held_out(content, config.context).to(run.device))
        save_model(model, out)
    return Outcome(
        {"model": out},
        {"bits per byte, held out": bits, "attention keeps": config.attn_k or "all keys",
         "feed-forward keeps": config.ff_k or "all units", "parameters": sum(p.numel() for p in model.parameters())},
        "See with check what its layers can do without.",
    )  # fmt: skip


def fit(text: UInt8[Tensor, " n"], config: Config, run: Run) -> ByteTransformer:
    """Train a language model on all but the end of ``text`` and return it."""
    learned, _ = split(text)
    model = ByteTransformer(**shape_of(config))
    model, optimiser, schedule = run.setup(model, *optimiser_and_schedule(model, config))
    for _step in run.steps(config.steps):
        piece = draw(learned, config.batch, config.context).to(run.device)
        loss = F.cross_entropy(model(piece[:, :-1]).flatten(0, 1), piece[:, 1:].flatten())
        optimiser.zero_grad()
        run.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        run.log(bits=loss.detach() / math.log(2))
    return model.eval()


def shape_of(config: Config) -> dict[str, Any]:
    """Return the settings that a ``ByteTransformer`` is made with."""
    shape = {name: getattr(config, name) for name in ("width", "heads", "layers", "hidden", "context")}
    return shape | {"attn_k": config.attn_k or None, "ff_k": config.ff_k or None}


def optimiser_and_schedule(model: ByteTransformer, config: Config) -> tuple[Any, Any]:
    """Return AdamW and the schedule of its learning rate."""
    optimiser = torch.optim.AdamW(model.parameters(), config.learning_rate, betas=(0.9, 0.95), weight_decay=0.01)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmed_cosine(step, config.steps))


def warmed_cosine(step: int, steps: int) -> float:
    """Return the share of the learning rate at ``step``: a straight rise, then half a cosine to 0."""
    warm = max(1, round(WARM_UP * steps))
    return (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def held_out(text: UInt8[Tensor, " n"], context: int) -> Int[Tensor, "windows context+1"]:
    """Return the pieces that models are compared on."""
    return windows(split(text)[1], context, VALIDATION)


@torch.no_grad()
def bits_per_byte(model: ByteTransformer, pieces: Int[Tensor, "windows context+1"]) -> float:
    """Return the cross-entropy of the next byte in bits."""
    total = 0.0
    for piece in pieces.split(16):
        total += float(F.cross_entropy(model(piece[:, :-1]).flatten(0, 1), piece[:, 1:].flatten(), reduction="sum"))
    return total / pieces[:, 1:].numel() / math.log(2)


def check_config(config: Config) -> None:
    """Refuse settings that no training can have."""
    limits = {"attn_k": (0, 10**6), "ff_k": (0, 10**6), "context": (8, 10**6), "steps": (1, 10**8), "batch": (1, 4096)}
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise BadInput(f"{name} can be {low} to {high}, not {value}: change --{name.replace('_', '-')}.")
    if not 0 < config.learning_rate <= 1:
        raise BadInput(
            f"The learning rate is above 0 and at most 1, not {config.learning_rate}: change --learning-rate."
        )
