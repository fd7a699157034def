"""The claims: each function measures the tokenizers on the same texts with equal settings, for each seed of the run."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.papers.arabic_tokenizers.experiment import PUBLISHED, SETTINGS, compressions, one, supervised
from hotpapers.papers.arabic_tokenizers.fit import Score
from hotpapers.papers.arabic_tokenizers.model import BiGRU
from hotpapers.papers.arabic_tokenizers.model import parameters as by_formula
from hotpapers.papers.arabic_tokenizers.plots import plot_bars, plot_curves
from hotpapers.papers.arabic_tokenizers.statistics import clear_winner, friedman, kendall, ranks
from hotpapers.papers.arabic_tokenizers.stochastic import as_words, count_stochastic, piece_counts
from hotpapers.papers.arabic_tokenizers.tasks import TASKS, TaskName, invented
from hotpapers.papers.arabic_tokenizers.tokenizer import ALGOS, Algo
from hotpapers.run import Run


def parameters(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of the authors' classifier with 10,000 pieces and 14 classes."""
    counted = sum(each.numel() for each in BiGRU(10_000, 14).parameters())
    return Measurement(values=dict.fromkeys(run.seeds, float(counted)), extras={"by the formula": by_formula()})


def stochastic_in_closed_form(scale: Scale, run: Run) -> Measurement:
    """Compare the closed form with all splits written out, for words of up to 12 letters, some of them repetitive."""
    words = {word for text in invented(0).train for word in text.split() if len(word) <= 12} | {
        "لالالالا",
        "ههههه",
        "ا",
    }
    worst = 0.0
    for word in sorted(words)[: 40 if scale == "smoke" else None]:
        counted = count_stochastic(as_words([word] * 3), 10**6)
        written = piece_counts(word)
        found = dict(zip(counted.strings, counted.counts, strict=True))
        worst = max(
            [worst, *(abs(found.get(piece, 0.0) - 3 * count) / (3 * count) for piece, count in written.items())]
        )
        worst = worst if set(found) == set(written) else float("inf")
    return Measurement(values=dict.fromkeys(run.seeds, worst), extras={"words": len(words)})


def bpe_compresses_best(scale: Scale, run: Run) -> Measurement:
    """Compare BPE's compression with the best of the paper's others, at 1,000, 5,000 and 10,000 pieces."""
    return _compression(scale, run, "bpe")


def morphs_compress_best(scale: Scale, run: Run) -> Measurement:
    """Compare the compression of learnt morphs with the best of the paper's others, BPE left out."""
    return _compression(scale, run, "morph")


def no_tokenizer_is_best(scale: Scale, run: Run) -> Measurement:
    """Count the tasks that one tokenizer wins beyond chance against every other, on the same test texts."""
    scores = supervised(scale, tuple(run.seeds))
    names = _tasks(scores)
    values, winners = {}, {}
    for seed in run.seeds:
        won = {name: clear_winner({algo: scores[name, algo, seed].right for algo in ALGOS}) for name in names}
        counts = [list(won.values()).count(algo) for algo in ALGOS]
        values[seed], winners[str(seed)] = max(counts) / len(names), won
    extras = {
        "clear winners": winners,
        "accuracy": _accuracies(scores),
        "settings": dataclasses.asdict(SETTINGS[scale]),
    }
    return Measurement(values=values, extras=extras, files=[_bars(run, scores)])


def some_are_better_on_average(scale: Scale, run: Run) -> Measurement:
    """Test the tokenizers' ranks over the tasks by Friedman's test, of each seed by itself."""
    scores = supervised(scale, tuple(run.seeds))
    names = _tasks(scores)
    values, extras = {}, {}
    for seed in run.seeds:
        table = np.array([[scores[name, algo, seed].accuracy for algo in ALGOS] for name in names])
        statistic, values[seed] = friedman(table)
        mean = ranks(table).mean(0)
        extras[str(seed)] = {"statistic": statistic, "mean ranks": dict(zip(ALGOS, mean.tolist(), strict=True))}
    return Measurement(values=values, extras={"ranks": extras, "accuracy": _accuracies(scores)})


def ranking_depends_on_the_task(scale: Scale, run: Run) -> Measurement:
    """Compare the order of the tokenizers on the metres with their order on each other task, by Kendall's tau."""
    scores = supervised(scale, tuple(run.seeds))
    names = _tasks(scores)
    values, extras = {}, {}
    for seed in run.seeds:
        lists = {name: [scores[name, algo, seed].accuracy for algo in ALGOS] for name in names}
        taus = {name: kendall(lists["metres"], lists[name]) for name in names if name != "metres"}
        pairs = {f"{a}, {b}": kendall(lists[a], lists[b]) for a, b in itertools.combinations(names, 2)}
        values[seed], extras[str(seed)] = float(np.mean(list(taus.values()))), pairs
    return Measurement(values=values, extras={"tau": extras})


def characters_suit_metres(scale: Scale, run: Run) -> Measurement:
    """Compare the accuracy of characters and of words on MetRec's metres."""
    accuracy = {algo: {seed: one(scale, "metres", algo, seed).accuracy for seed in run.seeds}
                for algo in ("char", "word")}  # fmt: skip
    method, baseline = accuracy["char"], accuracy["word"]
    return Measurement(values={seed: method[seed] - baseline[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="accuracy")  # fmt: skip


def words_suffer_most_from_little_data(scale: Scale, run: Run) -> Measurement:
    """Compare how far words are behind BPE with a tenth of the tweets and with all of them."""
    whole = {"smoke": 120, "laptop": 2000, "paper": 47_000}[scale]
    gaps: dict[int, dict[int, float]] = {whole // 10: {}, whole: {}}
    for texts, kept in gaps.items():
        for seed in run.seeds:
            found = {algo: one(scale, "tweets", algo, seed, texts=texts).accuracy for algo in ("word", "bpe")}
            kept[seed] = found["bpe"] - found["word"]
    few, many = gaps[whole // 10], gaps[whole]
    return Measurement(values={seed: few[seed] - many[seed] for seed in run.seeds}, method=few, baseline=many,
                       unit="accuracy of BPE less that of words", extras={"texts": [whole // 10, whole]})  # fmt: skip


def words_need_a_large_vocabulary(scale: Scale, run: Run) -> Measurement:
    """Compare what words gain from 10,000 pieces over 1,000 with what BPE gains, on AJGT."""
    sizes = (100, 400) if scale == "smoke" else (1000, 10_000)
    accuracy = {algo: {size: {seed: one(scale, "ajgt", algo, seed, size).accuracy for seed in run.seeds}
                       for size in sizes} for algo in ("word", "bpe")}  # fmt: skip
    gain = {algo: {seed: by_size[sizes[-1]][seed] - by_size[sizes[0]][seed] for seed in run.seeds}
            for algo, by_size in accuracy.items()}  # fmt: skip
    picture = run.out / "vocabulary.png"
    curves = {algo: [list(by_size[size].values()) for size in sizes] for algo, by_size in accuracy.items()}
    plot_curves(picture, sizes, curves, ("vocabulary", "accuracy on AJGT"))
    table = {algo: {str(size): list(v.values()) for size, v in by_size.items()} for algo, by_size in accuracy.items()}
    return Measurement(
        values={seed: gain["word"][seed] - gain["bpe"][seed] for seed in run.seeds}, method=gain["word"],
        baseline=gain["bpe"], unit="accuracy gained", extras={"accuracy": table}, files=[picture],
    )  # fmt: skip


def _compression(scale: Scale, run: Run, method: Algo) -> Measurement:
    """Hold a method against the best of the paper's tokenizers that are neither BPE nor morphs."""
    sizes, table = compressions(scale, tuple(run.seeds))
    others = [algo for algo in PUBLISHED if algo not in ("bpe", "morph")]
    values, ours, theirs = {}, {}, {}
    for seed in run.seeds:
        facts = [row for (_, _, each), row in table.items() if each == seed]
        mine = [row[method]["compression"] for row in facts]
        best = [min(row[algo]["compression"] for algo in others) for row in facts]
        values[seed] = min(other / own for other, own in zip(best, mine, strict=True))
        ours[seed], theirs[seed] = float(np.mean(mine)), float(np.mean(best))
    picture = run.out / f"{method}-compression.png"
    curves = {algo: [[row[algo]["compression"] for (_, vocab, _), row in table.items() if vocab == size]
                     for size in sizes] for algo in PUBLISHED}  # fmt: skip
    plot_curves(picture, sizes, curves, ("vocabulary", "compression factor (lower is better)"))
    extras = {f"{name}, {vocab}, seed {seed}": row for (name, vocab, seed), row in table.items()}
    return Measurement(values=values, method=ours, baseline=theirs, unit="compression factor, mean",
                       extras={"measures": extras}, files=[picture])  # fmt: skip


def _tasks(scores: dict[tuple[TaskName, Algo, int], Score]) -> list[TaskName]:
    return [name for name in TASKS if (name, ALGOS[0]) in {key[:2] for key in scores}]


def _accuracies(scores: dict[tuple[TaskName, Algo, int], Score]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for (name, algo, seed), score in scores.items():
        row = table.setdefault(name, {}).setdefault(algo, {})
        row[str(seed)] = {"accuracy": score.accuracy, "macro F1": score.macro_f1, "unknown": score.unknown,
                          "pieces a word": score.pieces}  # fmt: skip
    return table


def _bars(run: Run, scores: dict[tuple[TaskName, Algo, int], Score]) -> Path:
    picture = run.out / "accuracy.png"
    groups = {name: {algo: [scores[name, algo, seed].accuracy for seed in run.seeds] for algo in ALGOS}
              for name in _tasks(scores)}  # fmt: skip
    plot_bars(picture, groups, "accuracy")
    return picture
