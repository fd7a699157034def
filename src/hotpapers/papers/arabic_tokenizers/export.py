"""The verb ``export``: a tokenizer as a JSON file of Hugging Face's ``tokenizers``, which cuts as this package does."""

import json
from pathlib import Path
from typing import Any, Literal

from hotpapers.files import written_whole
from hotpapers.papers.arabic_tokenizers.encode import BUNDLED
from hotpapers.papers.arabic_tokenizers.merges import BEGINS
from hotpapers.papers.arabic_tokenizers.pieces import GOES_ON
from hotpapers.papers.arabic_tokenizers.tokenizer import LONGEST_WORD, PADDING, UNKNOWN, Tokenizer
from hotpapers.papers.arabic_tokenizers.words import beside
from hotpapers.verbs import Model, Outcome


def export(model: Model | None = None, out: Path | None = None, *, to: Literal["hf"] = "hf") -> Outcome:
    """Write a tokenizer for Hugging Face's libraries, tokenizers and transformers.

    Parameters
    ----------
    model
        A tokenizer; left out, a little one that comes along.
    out
        The JSON file; ``MODEL-hf.json`` beside the model when left out.
    to
        The format.
    """
    path = Path(model) if model else BUNDLED
    tokenizer = Tokenizer.load(path)
    out = Path(out) if out else (beside(path, "-hf.json") if model else Path("bpe-hf.json"))
    with written_whole(out) as temporary:
        temporary.write_text(json.dumps(hugging_face(tokenizer), ensure_ascii=False) + "\n", encoding="utf-8")
    note = f'Read it in Python by tokenizers.Tokenizer.from_file("{out.name}").'
    return Outcome({"tokenizer": out}, {"vocabulary": len(tokenizer.pieces), "algo": tokenizer.algo}, note)


def hugging_face(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return what ``tokenizers.Tokenizer.from_str`` reads as JSON."""
    marked = tokenizer.algo in ("bpe", "unigram")
    squeeze = [{"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}, {"type": "Strip", "strip_left": True,
                                                                                 "strip_right": True}]  # fmt: skip
    metaspace = {"type": "Metaspace", "replacement": BEGINS, "prepend_scheme": "always", "split": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": number, "content": piece, "single_word": number > 1, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True}
                         for number, piece in enumerate([UNKNOWN, PADDING, *tokenizer.specials])],
        "normalizer": {"type": "Sequence", "normalizers": squeeze} if marked else None,
        "pre_tokenizer": metaspace if marked else {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": metaspace if marked else _decoder(tokenizer),
        "model": _model(tokenizer),
    }  # fmt: skip


def _decoder(tokenizer: Tokenizer) -> dict[str, Any] | None:
    return None if tokenizer.algo == "word" else {"type": "WordPiece", "prefix": GOES_ON, "cleanup": False}


def _model(tokenizer: Tokenizer) -> dict[str, Any]:
    vocab = {piece: number for number, piece in enumerate(tokenizer.pieces)}
    if tokenizer.algo == "word":
        return {"type": "WordLevel", "vocab": vocab, "unk_token": UNKNOWN}
    if tokenizer.algo == "unigram":
        pairs = [[piece, score] for piece, score in zip(tokenizer.pieces, tokenizer.counts, strict=True)]
        return {"type": "Unigram", "unk_id": 0, "vocab": pairs, "byte_fallback": False}
    if tokenizer.algo in ("bpe", "char"):
        pieces = tokenizer.pieces
        return {
            "type": "BPE", "dropout": None, "unk_token": UNKNOWN, "end_of_word_suffix": None,
            "continuing_subword_prefix": GOES_ON if tokenizer.algo == "char" else None,
            "fuse_unk": tokenizer.algo == "bpe", "byte_fallback": False, "ignore_merges": False, "vocab": vocab,
            "merges": [[pieces[left], pieces[right]] for left, right in tokenizer.merges],
        }  # fmt: skip
    return {"type": "WordPiece", "unk_token": UNKNOWN, "continuing_subword_prefix": GOES_ON,
            "max_input_chars_per_word": LONGEST_WORD, "vocab": vocab}  # fmt: skip
