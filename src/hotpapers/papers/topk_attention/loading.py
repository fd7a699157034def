"""Models from a directory: those that ``train-lm`` makes, and transformers' BERT, GPT-2 and T5. Safetensors only."""

import contextlib
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.topk_attention.language import ByteTransformer
from hotpapers.papers.topk_attention.patching import patch, unpatch

FAMILIES = {"bert": "BertModel", "gpt2": "GPT2LMHeadModel", "t5": "T5Model"}
SETTINGS = "topk.json"
KEPT = (".json", ".safetensors", ".txt", ".model", ".md")


@dataclasses.dataclass
class Loaded:
    """A model with what is needed to feed it.

    ``predicts`` says whether its output is logits of the next token.
    """

    model: nn.Module
    predicts: bool
    context: int
    tokenizer: Any = None

    def encode(self, text: Tensor) -> Tensor:
        """Return the tokens of a text given as bytes."""
        if self.tokenizer is None:
            return text
        return torch.tensor(self.tokenizer.encode(bytes(text.tolist()).decode("utf-8", "ignore")).ids)

    def __call__(self, ids: Tensor) -> Tensor:
        """Return logits of the next token, or else the last hidden states, for tokens (B, L)."""
        if isinstance(self.model, ByteTransformer):
            return self.model(ids)
        if self.model.config.is_encoder_decoder:  # type: ignore[union-attr]
            return self.model(input_ids=ids, decoder_input_ids=ids).last_hidden_state
        found = self.model(input_ids=ids)
        return found.logits if self.predicts else found.last_hidden_state


def load_model(path: Path) -> Loaded:
    """Read a model's directory, patched as its ``topk.json`` says where it has one.

    Raises
    ------
    BadInput
        If there is none, it is of another kind, or it cannot be read.
    """
    path = Path(path)
    config = _read_json(path / "config.json", path)
    if not any(path.glob("*.safetensors")):
        raise BadInput(f"{path} has no weights in safetensors; save the model with save_pretrained.")
    try:
        with contextlib.redirect_stdout(None):  # the readers print remarks among a verb's answer
            loaded = _load_ours(path) if "model_type" not in config else _load_transformers(path, config)
        if (path / SETTINGS).is_file():
            patch(loaded.model, **_read_json(path / SETTINGS, path))
    except BadInput:
        raise
    except Exception as error:  # whatever a damaged or a foreign file makes the readers raise
        said = " ".join(str(error).split())[:120]
        raise BadInput(f"The model in {path} cannot be read ({said}): save or train it again.") from error
    loaded.model.eval()
    return loaded


def save_patched(source: Path, out: Path, settings: dict[str, Any] | None) -> None:
    """Copy a model's directory to ``out``, with the settings of its patch or without."""
    if out.resolve() == source.resolve():
        raise BadInput(f"{out} is the model itself: name another directory with --out.")
    if out.exists():
        raise BadInput(f"{out} exists already: name another directory with --out.")
    with written_whole(out) as temporary:
        temporary.mkdir()
        for each in sorted(source.iterdir()):
            if each.is_file() and each.suffix in KEPT and each.name != SETTINGS:
                shutil.copy2(each, temporary / each.name)
        if settings:
            (temporary / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def restored(loaded: Loaded) -> Loaded:
    """Return the model without its patch."""
    unpatch(loaded.model)
    return loaded


def _load_ours(path: Path) -> Loaded:
    model = ByteTransformer.from_pretrained(str(path), local_files_only=True, strict=True)
    return Loaded(model, not model.classes, model.context)


def _load_transformers(path: Path, config: dict[str, Any]) -> Loaded:
    family = config["model_type"]
    if family not in FAMILIES:
        raise BadInput(f"{path} holds a model of the kind {str(family)[:40]!r}; {', '.join(FAMILIES)} can be patched.")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    kind = getattr(transformers, FAMILIES[family])
    model, said = kind.from_pretrained(path, local_files_only=True, use_safetensors=True, output_loading_info=True)
    if missing := sorted(name for name in said["missing_keys"] if not name.startswith("pooler.")):  # it feeds nothing
        raise BadInput(f"{path} lacks weights of the model ({missing[0][:80]} and {len(missing) - 1} more).")
    tokenizer = None
    if (path / "tokenizer.json").is_file():
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    elif model.config.vocab_size < 256:
        raise BadInput(f"{path} has no tokenizer.json, and {model.config.vocab_size} tokens are too few for bytes.")
    context = getattr(model.config, "max_position_embeddings", None) or 512
    return Loaded(model, family == "gpt2", context, tokenizer)


def _read_json(path: Path, folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise BadInput(f"{folder} is no directory of a model: make one with 'hotpapers topk_attention train-lm'.")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"There is no model in {folder}: {path.name} is missing.") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} is not a JSON file that can be read: save the model again.") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path} does not hold a model's settings: save the model again.")
    return found
