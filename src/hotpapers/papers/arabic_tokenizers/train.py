"""The verb ``train``: a tokenizer from a text file, or from all text files of a folder."""

import shlex
from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.media.readable import is_folder
from hotpapers.papers.arabic_tokenizers.learn import VOCAB, learn, read_words
from hotpapers.papers.arabic_tokenizers.measures import describe
from hotpapers.papers.arabic_tokenizers.morphology import TYPES, WEIGHT
from hotpapers.papers.arabic_tokenizers.tokenizer import Algo
from hotpapers.papers.arabic_tokenizers.words import beside
from hotpapers.verbs import Model, Outcome, TextFile

LARGEST_VOCAB = 1_000_000


def train(
    text: TextFile,
    out: Model | None = None,
    *,
    algo: Algo = "bpe",
    vocab: int = VOCAB,
    specials: str = "",
    sample: bool = False,
    types: int = TYPES,
    weight: float = WEIGHT,
    seed: int = 0,
) -> Outcome:
    """Train a tokenizer: words, characters, BPE, unigram, disjoint letters, stochastic pieces, or morphs.

    Parameters
    ----------
    text
        A text file in UTF-8, or a folder whose .txt files are all read.
    out
        The folder for the model, one JSON file; beside the input when left out.
    algo
        How the vocabulary is chosen and words are cut.
    vocab
        Size of the vocabulary at most, the unknown and the padding included.
    specials
        Tokens of your own, apart by spaces, such as ``<s> </s>``.
    sample
        Of stochastic: draw the numbers of parts, as published, and do not count what is expected.
    types
        Of morph: how many word types the lexicon is learnt from, the most frequent.
    weight
        Of morph: how much the corpus weighs against the lexicon; less makes smaller morphs.
    seed
        Of the drawing, and of the order in which morph goes through the words.
    """
    if not 3 <= vocab <= LARGEST_VOCAB:
        raise BadInput(f"A vocabulary has 3 to {LARGEST_VOCAB:,} pieces, not {vocab}: change --vocab.")
    if not 1 <= types <= 10_000_000:
        raise BadInput(f"Morphs are learnt from 1 to 10,000,000 word types, not {types}: change --types.")
    if not 0.01 <= weight <= 1000:
        raise BadInput(f"The corpus weighs 0.01 to 1,000 times the lexicon, not {weight}: change --weight.")
    text = Path(text)
    words = read_words(text_files(text))
    tokenizer = learn(
        words, algo, vocab=vocab, specials=specials.split(), sample=sample, types=types, weight=weight, seed=seed
    )
    out = Path(out) if out else beside(text, f".{algo}")
    tokenizer.save(out)
    facts = describe(tokenizer, words)
    return Outcome(
        {"model": out},
        {
            "words": len(words.codes),
            "distinct words": len(words.distinct),
            "vocabulary": len(tokenizer.pieces),
            **facts,
        },
        f"Now cut by it: hotpapers arabic-tokenizers tokenize {shlex.quote(text.name)} {shlex.quote(out.name)}",
    )


def text_files(path: Path) -> list[Path]:
    """Return the file, or the .txt files of a folder in the order of their names.

    Raises
    ------
    BadInput
        If there is none.
    """
    path = Path(path)
    if not is_folder(path):
        return [path]
    found = sorted(each for each in path.glob("*.txt") if each.is_file())
    if not found:
        raise BadInput(f"{path} has no .txt files; name a text file or a folder of them.")
    return found
