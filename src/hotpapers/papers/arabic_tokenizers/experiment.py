"""The paper's supervised comparison: every tokenizer on every task, one classifier, equal settings."""

import dataclasses
from functools import cache, lru_cache

from hotpapers.cards import Scale
from hotpapers.papers.arabic_tokenizers.fit import Score, Settings, fit_and_score
from hotpapers.papers.arabic_tokenizers.learn import learn
from hotpapers.papers.arabic_tokenizers.measures import describe
from hotpapers.papers.arabic_tokenizers.tasks import CORPORA, TASKS, Split, TaskName, corpus, load
from hotpapers.papers.arabic_tokenizers.tokenizer import ALGOS, Algo
from hotpapers.papers.arabic_tokenizers.words import find_words
from hotpapers.progress import track

SETTINGS: dict[Scale, Settings] = {
    "smoke": Settings(vocab=400, width=8, layers=1, epochs=1, batch=32, learning_rate=1e-2, length=48),
    "laptop": Settings(vocab=10_000, width=64, layers=1, epochs=8, batch=32, learning_rate=3e-3, length=96),
    "paper": Settings(),
}
"""By scale; ``paper`` is the authors' harness. With fewer steps than these nothing was learnt of the metres."""

METRES = dataclasses.replace(SETTINGS["laptop"], layers=2, epochs=5, batch=64, learning_rate=4e-3)
"""At laptop scale the metres, of which there are fourteen, get two layers: one learns its verses by heart (33 % of held
out ones after 12,000 verses eight times, where two layers have 55 % after four)."""

PUBLISHED: tuple[Algo, ...] = ("word", "char", "bpe", "disjoint", "stochastic", "morph")
"""The paper's six."""

Measures = dict[tuple[str, int, int], dict[Algo, dict[str, float]]]


@cache
def compressions(scale: Scale, seeds: tuple[int, ...]) -> tuple[tuple[int, ...], Measures]:
    """Return the sizes of vocabulary, and by corpus, size and seed what the six tokenizers measure on its text."""
    sizes = (200, 400) if scale == "smoke" else (1000, 5000, 10_000)
    found: Measures = {}
    names = CORPORA[:1] if scale == "smoke" else CORPORA
    for name, seed in track([(name, seed) for name in names for seed in seeds], "corpora"):
        words = find_words(corpus(name, scale, seed))
        largest = {algo: learn(words, algo, vocab=sizes[-1], seed=seed) for algo in PUBLISHED}
        for size in sizes:
            found[name, size, seed] = {algo: describe(each.shrunk(size), words) for algo, each in largest.items()}
    return sizes, found


def supervised(scale: Scale, seeds: tuple[int, ...]) -> dict[tuple[TaskName, Algo, int], Score]:
    """Return the score of each task, tokenizer and seed; claims that look at the same runs share them."""
    names = TASKS[-2:] if scale == "smoke" else TASKS
    jobs = [(name, algo, seed) for seed in seeds for name in names for algo in ALGOS]
    return {(name, algo, seed): one(scale, name, algo, seed) for name, algo, seed in track(jobs, "classifiers trained")}


@cache
def one(
    scale: Scale, name: TaskName, algo: Algo, seed: int, vocab: int | None = None, texts: int | None = None
) -> Score:
    """Return the score of one run, perhaps with another vocabulary, or with fewer texts to learn from."""
    split = _split(name, scale, seed)
    if texts is not None:
        split = Split(split.train[:texts], split.train_labels[:texts], split.test, split.test_labels, split.classes)
    settings = METRES if scale == "laptop" and name == "metres" else SETTINGS[scale]
    settings = settings if vocab is None else dataclasses.replace(settings, vocab=vocab)
    return fit_and_score(split, algo, settings, seed)


@lru_cache(maxsize=2)
def _split(name: TaskName, scale: Scale, seed: int) -> Split:
    return load(name, scale, seed)
