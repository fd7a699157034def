"""The verb ``convert``: a vocabulary that tkseem kept, as a model of this package.

tkseem keeps BPE as SentencePiece's protocol buffer and all else, its dictionary of morphs too, as pickles.
"""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.learn import VOCAB, from_counts
from hotpapers.papers.arabic_tokenizers.pickles import read_counts
from hotpapers.papers.arabic_tokenizers.pieces import GOES_ON, Counted
from hotpapers.papers.arabic_tokenizers.sentencepieces import looks_like_one, read_model
from hotpapers.papers.arabic_tokenizers.tokenizer import PADDING, UNKNOWN, Algo, Tokenizer
from hotpapers.papers.arabic_tokenizers.words import beside
from hotpapers.progress import track
from hotpapers.verbs import AnyFile, Model, Outcome


def convert(
    vocabulary: AnyFile,
    out: Model | None = None,
    *,
    algo: Literal["word", "char", "disjoint", "stochastic", "morph"] = "morph",
    vocab: int = VOCAB,
) -> Outcome:
    """Convert a vocabulary that tkseem saved, without unpickling it: nothing in the file is ever run.

    Parameters
    ----------
    vocabulary
        A file of ``save_model``: a pickle, or SentencePiece's ``m.model``; or the dictionary of morphs ``vocab.pl`` in
        tkseem's wheel.
    out
        The folder for the model; beside the input when left out.
    algo
        Which tokenizer a pickle is of; random is stochastic here. SentencePiece's models say it themselves.
    vocab
        How many pieces of a pickle to keep, the most frequent: of the dictionary the paper keeps 10,000.
    """
    if not 3 <= vocab <= 5_000_000:
        raise BadInput(f"A vocabulary has 3 to 5,000,000 pieces, not {vocab}: change --vocab.")
    vocabulary = Path(vocabulary)
    if looks_like_one(vocabulary):
        tokenizer = read_model(vocabulary)
        total = len(tokenizer.pieces)
    else:
        tokenizer, total = _from_pickle(vocabulary, algo, vocab)
    out = Path(out) if out else beside(vocabulary, f".{tokenizer.algo}")
    tokenizer.save(out)
    numbers = {"algo": tokenizer.algo, "pieces read": total, "pieces kept": len(tokenizer.pieces)}
    return Outcome({"model": out}, numbers)


def _from_pickle(path: Path, algo: Algo, vocab: int) -> tuple[Tokenizer, int]:
    """Return the tokenizer of a pickled vocabulary, and how many pieces that has."""
    total = 0

    def pairs() -> Iterator[tuple[str, int]]:
        nonlocal total
        for piece, count in track(read_counts(path), "read the dictionary"):
            total += 1
            if piece and piece not in (UNKNOWN, PADDING) and (algo != "char" or len(piece.removeprefix(GOES_ON)) == 1):
                yield piece, count

    kept = heapq.nlargest(vocab, pairs(), key=lambda pair: pair[1])
    if not kept:
        raise BadInput(f"{path.name} holds no pieces.")
    counted = Counted([piece for piece, _ in kept], [float(count) for _, count in kept])
    return from_counts(algo, counted, vocab), total
