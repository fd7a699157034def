"""The verbs ``patch`` and ``unpatch``: a copy of a model's directory that computes by top-k, and one that does not."""

from pathlib import Path
from typing import Any

import torch

from hotpapers.errors import BadInput
from hotpapers.papers.topk_attention.check import measure_quality
from hotpapers.papers.topk_attention.corpus import Corpus, read_text
from hotpapers.papers.topk_attention.loading import SETTINGS, load_model, restored, save_patched
from hotpapers.papers.topk_attention.patching import patch, sites
from hotpapers.verbs import Model, Outcome, TextFile


def patch_model(
    model: Model,
    text: TextFile | None = None,
    *,
    corpus: Corpus = "python",
    attn_k: int = 64,
    ff_k: int = 0,
    chunk: int = 0,
    out: Model | None = None,
) -> Outcome:
    """Let a trained model's layers keep only their largest scores, without retraining.

    Writes a copy of the model whose ``topk.json`` says what to keep; the verbs here apply it on loading, in Python
    ``patch(model, ...)`` does. Weights are the same.

    Parameters
    ----------
    model
        A directory that ``train-lm`` made, or a BERT, GPT-2 or T5 that transformers saved.
    text
        Text to compare the model before and after on.
    corpus
        What to compare on where no text is given: Python's standard library, or enwik8 (downloaded once).
    attn_k
        Keys that a query keeps; 0 leaves attention as it is.
    ff_k
        Hidden units that a token keeps; 0 leaves the feed-forward layers as they are.
    chunk
        Queries in work at once; 0 lets memory decide.
    out
        The directory of the patched model; beside the model when left out.
    """
    wishes: dict[str, Any] = {"attn_k": attn_k, "ff_k": ff_k, "chunk": chunk}
    if min(attn_k, ff_k, chunk) < 0:
        raise BadInput("--attn-k, --ff-k and --chunk are 0 or more.")
    settings = {name: value for name, value in wishes.items() if value}
    if not {"attn_k", "ff_k"} & set(settings):
        raise BadInput("Nothing would change: give --attn-k or --ff-k.")
    out = Path(out) if out else Path(model).with_name(f"{Path(model).name}-topk")
    content = read_text(text, at_least=64, corpus=corpus)
    loaded = restored(load_model(model))
    before = measure_quality(loaded, content)
    try:
        made = patch(loaded.model, **settings)
    except ValueError as error:
        raise BadInput(f"{model} cannot be patched: {error}.") from error
    after = measure_quality(loaded, content, like=before.output)
    save_patched(Path(model), out, settings)
    numbers: dict[str, float | int | str] = {
        "layers patched": len(made),
        "layers that can be": len(sites(loaded.model)),
    }
    if before.bits is not None and after.bits is not None:
        numbers |= {"bits per token before": before.bits, "bits per token after": after.bits}
    numbers["relative change of the output"] = after.change
    return Outcome({"model": out}, numbers, "The weights are the same: unpatch undoes it.")


def unpatch_model(model: Model, *, out: Model | None = None) -> Outcome:
    """Write a copy of a patched model that computes as it did before.

    Parameters
    ----------
    model
        A directory that ``patch`` made.
    out
        The directory to write; beside the model when left out.
    """
    source = Path(model)
    if not (source / SETTINGS).is_file():
        raise BadInput(f"{source} is not a patched model: it has no {SETTINGS}.")
    with torch.no_grad():
        load_model(source)  # refuse what cannot be read before copying it
    out = Path(out) if out else source.with_name(f"{source.name}-dense")
    save_patched(source, out, None)
    return Outcome({"model": out}, {}, "It computes as before; the weights were never changed.")
