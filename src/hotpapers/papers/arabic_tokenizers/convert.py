"""The verb ``convert``: a vocabulary that tkseem kept, or its dictionary of morphs, as a model of this package."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.learn import VOCAB, from_counts
from hotpapers.papers.arabic_tokenizers.pickles import read_counts
from hotpapers.papers.arabic_tokenizers.pieces import GOES_ON, Counted
from hotpapers.papers.arabic_tokenizers.tokenizer import PADDING, UNKNOWN
from hotpapers.progress import track
from hotpapers.verbs import AnyFile, Model, Outcome


def convert(
    pickle: AnyFile,
    out: Model | None = None,
    *,
    algo: Literal["word", "char", "disjoint", "stochastic", "morph"] = "morph",
    vocab: int = VOCAB,
) -> Outcome:
    """Convert a vocabulary that tkseem saved, without unpickling it: nothing in the file is ever run.

    Parameters
    ----------
    pickle
        A file of ``save_model``, or the dictionary of morphs ``vocab.pl`` in tkseem's wheel.
    out
        The folder for the model; beside the input when left out.
    algo
        Which tokenizer the vocabulary is of; random is stochastic here.
    vocab
        How many pieces to keep, the most frequent: of the dictionary the paper keeps 10,000.
    """
    if not 3 <= vocab <= 5_000_000:
        raise BadInput(f"A vocabulary has 3 to 5,000,000 pieces, not {vocab}: change --vocab.")
    pickle = Path(pickle)
    out = Path(out) if out else pickle.with_suffix("").with_name(f"{pickle.stem}.{algo}")
    total = 0

    def pairs() -> Iterator[tuple[str, int]]:
        nonlocal total
        for piece, count in track(read_counts(pickle), "read the dictionary"):
            total += 1
            if piece and piece not in (UNKNOWN, PADDING) and (algo != "char" or len(piece.removeprefix(GOES_ON)) == 1):
                yield piece, count

    kept = heapq.nlargest(vocab, pairs(), key=lambda pair: pair[1])
    if not kept:
        raise BadInput(f"{pickle.name} holds no pieces.")
    counted = Counted([piece for piece, _ in kept], [float(count) for _, count in kept])
    tokenizer = from_counts(algo, counted, vocab)
    tokenizer.save(out)
    return Outcome({"model": out}, {"pieces read": total, "pieces kept": len(tokenizer.pieces)})
