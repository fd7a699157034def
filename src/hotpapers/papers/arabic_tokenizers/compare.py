"""The verb ``compare``: every tokenizer at every size of vocabulary on the user's own text, measured without labels."""

from pathlib import Path
from typing import get_args

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.arabic_tokenizers.measures import piece_frequencies, piece_lengths, timed
from hotpapers.papers.arabic_tokenizers.plots import plot_distributions
from hotpapers.papers.arabic_tokenizers.tokenizer import ALGOS, Algo
from hotpapers.papers.arabic_tokenizers.train import LARGEST_VOCAB, text_files
from hotpapers.papers.arabic_tokenizers.words import beside, read_text
from hotpapers.progress import track
from hotpapers.verbs import Outcome, TextFile

_COLUMNS = ("vocabulary", "training s", "words/s", "compression", "pieces a word", "unknown")


def compare(
    text: TextFile,
    out: Path | None = None,
    *,
    algos: str = "all",
    vocab: str = "1000,5000,10000",
    seed: int = 0,
) -> Outcome:
    """Compare tokenizers on your text: time, speed, compression, pieces a word, unknowns, distributions.

    Parameters
    ----------
    text
        A text file in UTF-8, or a folder whose .txt files are compared one by one.
    out
        The picture to write, with a table of the same name; beside the input when left out.
    algos
        ``all``, or names apart by commas: word, char, bpe, unigram, disjoint, stochastic, morph.
    vocab
        Sizes of the vocabulary apart by commas.
    seed
        The seed of everything random.
    """
    text, chosen, sizes = Path(text), read_algos(algos), read_sizes(vocab)
    out = Path(out) if out else beside(text, "-compared.png")
    files = text_files(text)
    rows: list[tuple[str, Algo, int, dict[str, float]]] = []
    lengths: dict[str, dict[int, int]] = {}
    frequencies: dict[str, list[int]] = {}
    factors: dict[str, dict[int, float]] = {}
    for file, algo, size in track([(f, a, v) for f in files for a in chosen for v in sizes], "tokenizers compared"):
        content = read_text(file)
        tokenizer, measures = timed(content, algo, size, seed)
        rows.append((file.name, algo, size, measures))
        name = algo if len(files) == 1 else f"{file.stem} {algo}"
        factors.setdefault(name, {})[size] = measures["compression"]
        if size == sizes[-1]:
            lengths[name], frequencies[name] = piece_lengths(tokenizer), piece_frequencies(tokenizer, content)
    plot_distributions(out, lengths, frequencies, factors)
    table = out.with_suffix(".csv")
    with written_whole(table) as temporary:
        lines = [",".join(["file", "algo", "size", *_COLUMNS])]
        lines += [",".join([f'"{name}"' if "," in name else name, algo, str(size), *(f"{m[c]:.6g}" for c in _COLUMNS)])
                  for name, algo, size, m in rows]  # fmt: skip
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    numbers: dict[str, float | int | str] = {
        f"compression of {algo}, {size}" + (f", {name}" if len(files) > 1 else ""): measures["compression"]
        for name, algo, size, measures in rows if size == sizes[-1]
    }  # fmt: skip
    note = "Compression: pieces over letters, lower is better; a word with an unknown saves nothing."
    return Outcome({"picture": out, "table": table}, numbers, note)


def read_algos(text: str) -> list[Algo]:
    """Return the tokenizers that are named."""
    names = list(ALGOS) if text.strip() == "all" else [each.strip() for each in text.split(",")]
    if wrong := [each for each in names if each not in get_args(Algo)]:
        raise BadInput(f"There is no tokenizer {wrong[0][:40]!r}; take all, or some of {', '.join(ALGOS)}.")
    return list(dict.fromkeys(names))


def read_sizes(text: str) -> list[int]:
    """Return the sizes of a vocabulary that are named, the smallest first."""
    parts = [each.strip() for each in text.split(",")]
    if not all(each.isascii() and each.isdigit() and 3 <= int(each[:12]) <= LARGEST_VOCAB for each in parts):
        raise BadInput(
            f"A vocabulary has 3 to {LARGEST_VOCAB:,} pieces: give sizes such as 1000,5000, not {text[:40]!r}."
        )
    return sorted({int(each) for each in parts})
