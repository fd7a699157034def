"""The tasks: sentiment of tweets and reviews, the domain of a text (for want of news), and the metre of a verse.

At smoke scale texts are made up: words of roots and patterns, with a class that some of the roots carry.
"""

import dataclasses
import random
from collections.abc import Callable
from typing import Literal

from hotpapers.cards import Scale
from hotpapers.papers.arabic_tokenizers.cleaning import Rules, clean_text

TaskName = Literal["ajgt", "reviews", "restaurants", "tweets", "domain", "metres"]
CorpusName = Literal["metres", "subtitles", "tweets"]
CORPORA: tuple[CorpusName, ...] = ("metres", "subtitles", "tweets")
TASKS: tuple[TaskName, ...] = ("ajgt", "reviews", "restaurants", "tweets", "domain", "metres")
RULES = Rules(diacritics=True, tatweel=True, letters=True, space_out=True, repeated=True)
"""How every text is cleaned before anything else; the ``#`` between a verse's halves stays."""

_ROOT_LETTERS = "بتثجحخدذرزسشصضطظعغفقكلمنهوي"
_PATTERNS = ("{0}ا{1}{2}", "م{0}{1}و{2}", "{0}{1}ي{2}", "ت{0}{1}ي{2}", "است{0}{1}ا{2}", "{0}{1}{2}", "م{0}ا{1}{2}ة",
             "ي{0}{1}{2}", "أ{0}{1}{2}")  # fmt: skip
_BEFORE, _AFTER = ("", "", "", "ال", "و", "وال", "ب", "لل", "ف"), ("", "", "", "ها", "هم", "نا", "ون", "ات", "ه")


@dataclasses.dataclass(frozen=True)
class Split:
    """Texts to learn from and texts to test with.

    Attributes
    ----------
    train, test
        Texts.
    train_labels, test_labels
        Their classes.
    classes
        How many classes there are.
    """

    train: list[str]
    train_labels: list[int]
    test: list[str]
    test_labels: list[int]
    classes: int


def load(name: TaskName, scale: Scale, seed: int) -> Split:
    """Return a task's texts, cleaned and split by ``seed``; of MetRec the split is its authors'."""
    if scale == "smoke":
        return invented(seed)
    limits = LIMITS[scale]
    texts, labels, classes, test = _READERS[name]()
    chance = random.Random(seed)
    order = list(range(len(texts)))
    chance.shuffle(order)
    if name in ("restaurants", "domain"):
        order = _balanced(order, labels)
    if test is None:
        bound = round(0.8 * len(order))
        learn, held = [(texts[i], labels[i]) for i in order[:bound]], [(texts[i], labels[i]) for i in order[bound:]]
    else:
        others = list(zip(*test, strict=True))
        chance.shuffle(others)
        learn, held = [(texts[i], labels[i]) for i in order], others
    learn = learn[: limits[name][0]]
    seen = {text for text, _ in learn}
    held = [pair for pair in held if pair[0] not in seen][: limits[name][1]]  # a text told twice is no test
    return Split([_clean(t) for t, _ in learn], [k for _, k in learn], [_clean(t) for t, _ in held],
                 [k for _, k in held], classes)  # fmt: skip


LIMITS: dict[str, dict[TaskName, tuple[int, int]]] = {
    "laptop": {"ajgt": (1440, 360), "reviews": (800, 200), "restaurants": (1200, 800), "tweets": (2000, 1500),
               "domain": (1000, 800), "metres": (12_000, 2000)},
    "paper": dict.fromkeys(TASKS, (10 ** 9, 10 ** 9)),
}  # fmt: skip
"""How many texts to learn from and to test with."""


def corpus(name: CorpusName, scale: Scale, seed: int) -> str:
    """Return running text of one kind, for the measures that need no labels; at laptop scale a sixth of it by seed."""
    if scale == "smoke":
        return "\n".join(invented(seed, texts=120).train)
    from hotpapers.datasets import arabic_tweets, metrec, subtitles

    readers: dict[str, Callable[[], list[str]]] = {
        "metres": lambda: metrec("train").texts, "subtitles": subtitles, "tweets": lambda: arabic_tweets("train").texts,
    }  # fmt: skip
    lines = readers[name]()
    if scale == "laptop":
        random.Random(seed).shuffle(lines)
        lines = lines[: len(lines) // 6]
    return clean_text("\n".join(lines), RULES)


def invented(seed: int, texts: int = 160, classes: int = 2) -> Split:
    """Return made-up texts: each has ten words, of which three have a root of its class."""
    chance = random.Random(seed)
    roots = ["".join(chance.sample(_ROOT_LETTERS, 3)) for _ in range(20 * (classes + 1))]

    def word(group: int) -> str:
        root = roots[20 * group + chance.randrange(20)]
        return chance.choice(_BEFORE) + chance.choice(_PATTERNS).format(*root) + chance.choice(_AFTER)

    made, labels = [], []
    for number in range(texts):
        label = number % classes
        words = [word(label + 1) for _ in range(3)] + [word(0) for _ in range(7)]
        chance.shuffle(words)
        made.append(" ".join(words))
        labels.append(label)
    bound = round(0.75 * texts)
    return Split(made[:bound], labels[:bound], made[bound:], labels[bound:], classes)


Read = tuple[list[str], list[int], int, tuple[list[str], list[int]] | None]


def _ajgt() -> Read:
    from hotpapers.datasets import ajgt

    return (*ajgt()[:2], 2, None)


def _reviews() -> Read:
    from hotpapers.datasets import tkseem_reviews

    return (*tkseem_reviews()[:2], 2, None)


def _restaurants() -> Read:
    from hotpapers.datasets import arabic_reviews

    return (*arabic_reviews("restaurants")[:2], 2, None)


def _tweets() -> Read:
    from hotpapers.datasets import arabic_tweets

    test = arabic_tweets("test")
    return (*arabic_tweets("train")[:2], 2, (test.texts, test.labels))


def _metres() -> Read:
    from hotpapers.datasets import metrec

    test = metrec("test")
    return (*metrec("train")[:2], 14, (test.texts, test.labels))


def _domain() -> Read:
    """Six domains, the first twelve words of each text, so that its length does not tell."""
    from hotpapers.datasets import arabic_reviews, arabic_tweets, metrec, subtitles

    kinds = [arabic_reviews("restaurants").texts, arabic_reviews("attractions").texts, arabic_reviews("products").texts,
             arabic_tweets("test").texts, [verse.replace("#", " ") for verse in metrec("test").texts],
             subtitles()[:20_000]]  # fmt: skip
    texts, labels = [], []
    for label, kind in enumerate(kinds):
        chosen = [" ".join(text.split()[:12]) for text in kind if len(text.split()) >= 4]
        texts += chosen
        labels += [label] * len(chosen)
    return texts, labels, len(kinds), None


_READERS: dict[TaskName, Callable[[], Read]] = {
    "ajgt": _ajgt, "reviews": _reviews, "restaurants": _restaurants, "tweets": _tweets, "domain": _domain,
    "metres": _metres,
}  # fmt: skip


def _balanced(order: list[int], labels: list[int]) -> list[int]:
    """Keep as many of each class as the smallest has."""
    sizes = [labels.count(label) for label in set(labels)]
    left = dict.fromkeys(set(labels), min(sizes))
    kept = []
    for index in order:
        if left[labels[index]]:
            left[labels[index]] -= 1
            kept.append(index)
    return kept


def _clean(text: str) -> str:
    return " ".join(clean_text(text, RULES).split())
