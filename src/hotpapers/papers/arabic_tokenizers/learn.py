"""From the words of a text to a tokenizer: each of the paper's six ways to choose a vocabulary, and unigram."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.merges import learn_merges
from hotpapers.papers.arabic_tokenizers.morphology import TYPES, WEIGHT, count_morphs
from hotpapers.papers.arabic_tokenizers.pieces import Counted, count_disjoint, count_letters, count_words
from hotpapers.papers.arabic_tokenizers.stochastic import count_stochastic
from hotpapers.papers.arabic_tokenizers.tokenizer import PADDING, UNKNOWN, Algo, Tokenizer
from hotpapers.papers.arabic_tokenizers.words import POOL, Words, chunks, find_words, split, tell_apart

VOCAB = 10_000
"""The paper's vocabulary."""


def learn(
    text: Words | str | bytes,
    algo: Algo,
    *,
    vocab: int = VOCAB,
    specials: Sequence[str] = (),
    sample: bool = False,
    types: int = TYPES,
    weight: float = WEIGHT,
    seed: int = 0,
) -> Tokenizer:
    """Return a tokenizer trained on a text.

    Parameters
    ----------
    text
        The text, or its words.
    algo
        How it chooses and cuts.
    vocab
        Size of the vocabulary: the unknown, the padding and the special tokens count too.
    specials
        Tokens of your own.
    sample
        Of stochastic: draw the numbers of parts, as published, and do not count what is expected.
    types
        Of morph: how many word types the lexicon is learnt from.
    weight
        Of morph: how much the corpus weighs against the lexicon; less makes smaller morphs.
    seed
        Of the drawing, and of the order in which morph goes through the words.
    """
    specials = tuple(specials)
    reserved = 2 + len(specials)
    if vocab <= reserved:
        raise BadInput(f"A vocabulary of {vocab} holds no piece beside its {reserved} reserved tokens; take more.")
    if any(each.split() != [each] for each in specials) or len({*specials, UNKNOWN, PADDING}) < reserved:
        raise BadInput("Special tokens must be words of their own: without spaces, and each once.")
    words = text if isinstance(text, Words) else find_words(text)
    head = [UNKNOWN, PADDING, *specials]
    if algo == "unigram":
        pieces, scores = _learn_unigram(words, vocab, head)
        return Tokenizer(algo, pieces, scores, specials=specials)
    if algo == "bpe":
        pieces, merges = learn_merges(words, vocab, reserved)
        return Tokenizer(algo, [*head, *pieces], [0.0] * (reserved + len(pieces)), merges, specials)
    if algo == "word":
        counted = count_words(words, vocab)
    elif algo == "char":
        counted = count_letters(words, vocab)
    elif algo == "disjoint":
        counted = count_disjoint(words, vocab)
    elif algo == "stochastic":
        chance = np.random.default_rng(seed) if sample else None
        counted = count_stochastic(words, vocab, sample=chance)
    else:
        counted = count_morphs(words, vocab, types=types, seed=seed, weight=weight)
    return from_counts(algo, counted, vocab, specials)


def from_counts(algo: Algo, counted: Counted, vocab: int, specials: tuple[str, ...] = ()) -> Tokenizer:
    """Return the tokenizer of counted pieces, the most frequent first; what is reserved is left out of them."""
    head = [UNKNOWN, PADDING, *specials]
    kept = [(piece, count) for piece, count in zip(counted.strings, counted.counts, strict=True) if piece not in head]
    kept = kept[: vocab - len(head)]
    pieces = head + [piece for piece, _ in kept]
    return Tokenizer(algo, pieces, [0.0] * len(head) + [float(count) for _, count in kept], specials=specials)


def read_words(paths: Iterable[Path]) -> Words:
    """Return the words of files, read in pieces: what is kept are the distinct words and the text as numbers."""
    parts = [tell_apart(split(block)) for path in paths for block in chunks(path)]
    if not sum(map(len, parts)):
        raise BadInput("There are no words in the text; name a file with words in it.")
    if len(parts) == 1:
        return Words(parts[0].dictionary, parts[0].indices.to_numpy())
    merged = pa.chunked_array(parts, parts[0].type).unify_dictionaries(memory_pool=POOL)
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in merged.chunks])
    return Words(merged.chunk(0).dictionary, codes)


def _learn_unigram(words: Words, vocab: int, head: list[str]) -> tuple[list[str], list[float]]:
    """Let Hugging Face's trainer find the pieces and their log probabilities (Kudo, 2018)."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, trainers

    made = tokenizers.Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab, special_tokens=head, unk_token=UNKNOWN, show_progress=False, initial_alphabet=[]
    )
    names = words.distinct.to_pylist()
    lines = (" ".join(names[code] for code in words.codes[at : at + 1000]) for at in range(0, len(words.codes), 1000))
    try:
        made.train_from_iterator(lines, trainer)
    except Exception as error:  # the trainer panics where it has too little to go by
        raise BadInput(
            "There is too little text for a unigram vocabulary; give more, or take another --algo."
        ) from error
    pairs = json.loads(made.to_str())["model"]["vocab"][:vocab]
    return [piece for piece, _ in pairs], [float(score) for _, score in pairs]
