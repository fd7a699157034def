"""What can be measured of tokenizers without labels: compression, speed, unknowns, lengths."""

import time
from collections import Counter

import numpy as np
import pyarrow.compute as pc

from hotpapers.papers.arabic_tokenizers.learn import learn
from hotpapers.papers.arabic_tokenizers.tokenizer import UNK, Algo, Tokenizer
from hotpapers.papers.arabic_tokenizers.words import Words, find_words


def compression_factor(tokenizer: Tokenizer, text: str | Words) -> float:
    """Return the sum over words of their pieces, over the sum of their letters with a space each; lower is better.

    A word with an unknown in it counts as many pieces as letters and one, as if nothing had been saved. (BPE's pieces
    of a word are counted as they are; tkseem's measure does the same.)
    """
    words = text if isinstance(text, Words) else find_words(text)
    if not len(words.codes):
        return 0.0
    ids, offsets, _ = tokenizer.cut(words.distinct)
    letters = pc.utf8_length(words.distinct).to_numpy().astype(np.int64) + 1
    pieces = np.diff(offsets)
    unknown = np.add.reduceat(ids == UNK, offsets[:-1]) > 0
    counts = words.counts
    return float((np.where(unknown, letters, pieces) * counts).sum() / (letters * counts).sum())


def describe(tokenizer: Tokenizer, words: Words) -> dict[str, float]:
    """Return compression, pieces a word and the share of unknowns among pieces."""
    ids, offsets, _ = tokenizer.cut(words.distinct)
    counts = words.counts
    pieces = float((np.diff(offsets) * counts).sum())
    unknown = float((np.add.reduceat(ids == UNK, offsets[:-1]) * counts).sum()) if len(ids) else 0.0
    return {"compression": compression_factor(tokenizer, words), "pieces a word": pieces / len(words.codes),
            "unknown": unknown / pieces}  # fmt: skip


def timed(text: str, algo: Algo, vocab: int, seed: int = 0) -> tuple[Tokenizer, dict[str, float]]:
    """Train on a text and encode it; return the tokenizer and all measures, times in CPU seconds."""
    began = time.process_time()
    tokenizer = learn(text, algo, vocab=vocab, seed=seed)
    trained = time.process_time()
    tokenizer.encode_array(text)
    encoded = max(time.process_time() - trained, 1e-9)
    words = find_words(text)
    return tokenizer, {"vocabulary": float(len(tokenizer.pieces)), "training s": trained - began,
                       "words/s": len(words.codes) / encoded, **describe(tokenizer, words)}  # fmt: skip


def piece_lengths(tokenizer: Tokenizer) -> dict[int, int]:
    """Return how many pieces of the vocabulary have how many letters."""
    pieces = tokenizer.pieces[2 + len(tokenizer.specials) :]
    return dict(sorted(Counter(len(piece.removeprefix("##").removeprefix("▁")) for piece in pieces).items()))


def piece_frequencies(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return how often the pieces come in a text, the most frequent first."""
    counts = np.bincount(tokenizer.encode_array(text), minlength=len(tokenizer.pieces))
    return sorted((int(each) for each in counts if each), reverse=True)
