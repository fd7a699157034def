"""The verb ``classify``: which tokenizer serves a classification of the user's own texts best, with intervals."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.arabic_tokenizers.compare import read_algos
from hotpapers.papers.arabic_tokenizers.fit import Score, Settings, fit_and_score
from hotpapers.papers.arabic_tokenizers.plots import interval, plot_bars
from hotpapers.papers.arabic_tokenizers.statistics import clear_winner
from hotpapers.papers.arabic_tokenizers.tasks import Split
from hotpapers.papers.arabic_tokenizers.tokenizer import Algo
from hotpapers.papers.arabic_tokenizers.words import beside, read_text
from hotpapers.progress import track
from hotpapers.verbs import Outcome, TableFile

PRESETS: dict[str, Settings] = {
    "quick": Settings(width=32, layers=1, epochs=6, batch=32, learning_rate=5e-3, length=64),
    "laptop": Settings(width=64, layers=1, epochs=5, batch=64, learning_rate=3e-3, length=96),
    "paper": Settings(),
}


def classify(
    train: TableFile,
    test: TableFile,
    out: Path | None = None,
    *,
    algos: str = "all",
    preset: Literal["quick", "laptop", "paper"] = "quick",
    vocab: int = 10_000,
    epochs: int = 0,
    seeds: int = 3,
) -> Outcome:
    """Train a classifier on each tokenizer's pieces of your texts, and compare accuracy and F1.

    Parameters
    ----------
    train
        Texts to learn from: a line for each, its class, a tab, its text.
    test
        Texts to test with, in the same form.
    out
        The picture to write, with a table of the same name; beside the training texts when left out.
    algos
        ``all``, or names apart by commas: word, char, bpe, unigram, disjoint, stochastic, morph.
    preset
        ``quick`` and ``laptop`` are small nets; ``paper`` is the authors': three layers of 128, 20 epochs.
    vocab
        Size of the vocabulary at most.
    epochs
        Passes over the texts; 0 leaves them to the preset.
    seeds
        How many times, each with other weights.
    """
    if not 3 <= vocab <= 1_000_000 or not 0 <= epochs <= 1000 or not 1 <= seeds <= 100:
        raise BadInput("Take a vocabulary of 3 to 1,000,000, 0 to 1,000 epochs and 1 to 100 seeds.")
    chosen = read_algos(algos)
    split, names = read_split(Path(train), Path(test))
    settings = dataclasses.replace(PRESETS[preset], vocab=vocab)
    settings = dataclasses.replace(settings, epochs=epochs) if epochs else settings
    out = Path(out) if out else beside(Path(train), "-classified.png")
    scores: dict[Algo, list[Score]] = {algo: [] for algo in chosen}
    for algo, seed in track([(algo, seed) for algo in chosen for seed in range(seeds)], "classifiers trained"):
        scores[algo].append(fit_and_score(split, algo, settings, seed))
    groups = {"accuracy": {algo: [each.accuracy for each in found] for algo, found in scores.items()},
              "macro F1": {algo: [each.macro_f1 for each in found] for algo, found in scores.items()}}  # fmt: skip
    plot_bars(out, groups, "score")
    table = out.with_suffix(".csv")
    with written_whole(table) as temporary:
        temporary.write_text(_as_csv(scores), encoding="utf-8")
    majority = Counter(split.test_labels).most_common(1)[0][1] / len(split.test_labels)
    numbers: dict[str, float | int | str] = {
        "texts to learn from": len(split.train), "texts to test with": len(split.test), "classes": len(names),
        "accuracy of the largest class": majority,
        **{f"accuracy, {algo}": float(np.mean([each.accuracy for each in found])) for algo, found in scores.items()},
    }  # fmt: skip
    return Outcome({"picture": out, "table": table}, numbers, _verdict(scores))


def read_split(train: Path, test: Path) -> tuple[Split, list[str]]:
    """Return the texts of two files of ``class<TAB>text`` lines, and the names of the classes.

    Raises
    ------
    BadInput
        Naming the file and the line that is wrong.
    """
    learn, held = _read_rows(train), _read_rows(test)
    names = sorted({label for label, _ in learn})
    if len(names) < 2:
        raise BadInput(f"{train.name} has one class only; two at least are needed.")
    if len(learn) < 4:
        raise BadInput(f"{train.name} has {len(learn)} texts; give some more to learn from.")
    if len(names) > 1000:
        raise BadInput(f"{train.name} has {len(names)} classes; a line is its class, a tab, its text.")
    if strange := next((label for label, _ in held if label not in names), None):
        raise BadInput(f"{test.name} has the class {strange[:40]!r}, which {train.name} has not.")
    numbers = {name: number for number, name in enumerate(names)}
    return Split([text for _, text in learn], [numbers[label] for label, _ in learn], [text for _, text in held],
                 [numbers[label] for label, _ in held], len(names)), names  # fmt: skip


def _read_rows(path: Path) -> list[tuple[str, str]]:
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        label, tab, text = line.rstrip("\r").partition("\t")
        if not line.strip():
            continue
        if not tab or not label.strip() or not text.strip():
            raise BadInput(f"{path.name} has no class, tab and text in line {number}: write both with a tab between.")
        rows.append((label.strip(), text.strip()))
    return rows


def _as_csv(scores: dict[Algo, list[Score]]) -> str:
    lines = ["algo,accuracy,low,high,macro_f1,unknown,pieces_a_word"]
    for algo, found in scores.items():
        accuracy = [each.accuracy for each in found]
        f1, unknown, pieces = (np.mean([getattr(each, name) for each in found])
                               for name in ("macro_f1", "unknown", "pieces"))  # fmt: skip
        low, high = interval(accuracy)
        lines.append(f"{algo},{np.mean(accuracy):.6g},{low:.6g},{high:.6g},{f1:.6g},{unknown:.6g},{pieces:.6g}")
    return "\n".join(lines) + "\n"


def _verdict(scores: dict[Algo, list[Score]]) -> str:
    if len(scores) < 2:
        return ""
    winner = clear_winner({algo: np.concatenate([each.right for each in found]) for algo, found in scores.items()})
    if winner:
        return f"{winner} is ahead of every other beyond chance (McNemar's test, 5 %)."
    return "None is ahead of every other beyond chance (McNemar's test, 5 %)."
