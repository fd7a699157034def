"""What the claims share: the data, the arms of the comparison, each trained once for a seed, and what they repair."""

import dataclasses
import hashlib
import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from hotpapers.cards import Scale
from hotpapers.datasets import Repair, stackoverflow_repairs
from hotpapers.papers.bifi.corpora import library_snippets
from hotpapers.papers.bifi.corruption import Corruption
from hotpapers.papers.bifi.critics import CLASSES, critic
from hotpapers.papers.bifi.edits import State, start
from hotpapers.papers.bifi.judging import Judge, Snippet
from hotpapers.papers.bifi.layout import Writer, plain
from hotpapers.papers.bifi.pairs import Pair, verified_breaks
from hotpapers.papers.bifi.players import PRESETS, Settings, player
from hotpapers.papers.bifi.repair import propose
from hotpapers.papers.bifi.rounds import Game, play, repairs, round_zero, synthetic_pairs, train_on
from hotpapers.papers.bifi.tokens import same_code
from hotpapers.papers.bifi.vocabulary import python_vocabulary
from hotpapers.run import Run

SETTINGS: dict[Scale, Settings] = {
    "smoke": Settings(rounds=1, width=16, layers=2, first_steps=4, fixer_steps=2, breaker_steps=2, batch=16,
                      synthetic=60, breaks=60, n=1, beam=2),
    "laptop": Settings(rounds=1, width=48, first_steps=200, fixer_steps=70, breaker_steps=60, rate=3e-3,
                       synthetic=7_000, breaks=3_000, n=1),
    "paper": dataclasses.replace(PRESETS["edit"], keep_words=False, bracket_pairs=False, width=256, layers=8,
                                 first_steps=20_000, fixer_steps=10_000, breaker_steps=10_000, synthetic=1_000_000,
                                 breaks=300_000, n=10, beam=10),
}  # fmt: skip
LIBRARY: dict[Scale, int] = {"smoke": 50, "laptop": 4_000, "paper": 100_000}
SCARCE = 10
"""One in so many of the broken snippets is left in the arms of scarcity."""
ARMS = ("round 0", "longer", "fixer-only", "bifi", "back-translation", "fixer-only, a tenth", "bifi, a tenth")


class Data(NamedTuple):
    """Good and bad snippets, between which no pairs are left, and pairs to test on with their texts."""

    good: list[Snippet]
    bad: list[Snippet]
    test: list[tuple[Snippet, Repair]]


class Arm(NamedTuple):
    """A trained fixer with what it repairs: shares in percent, in all and of each class, and of exact matches."""

    fixer: Any
    accuracy: float
    exact: float
    classes: dict[str, float]


class Trained(NamedTuple):
    """The arms of a seed with their game, the synthetic pairs, the breaker's pairs, and round 0's CPU seconds."""

    game: Game
    data: Data
    arms: dict[str, Arm]
    synthetic: list[Pair]
    breaks: list[Pair]
    seconds: float


_trained: dict[tuple[Scale, int], Trained] = {}


def trained(scale: Scale, run: Run, seed: int) -> Trained:
    """Return the arms of a seed; claims that are measured by one process share them."""
    if (scale, seed) not in _trained:
        _trained[scale, seed] = _train(scale, run, seed)
    return _trained[scale, seed]


def read_data(scale: Scale, judge: Judge, longest: int) -> Data:
    """Return the data: at smoke scale broken by program, else StackOverflow's and the standard library's."""
    library = library_snippets(LIBRARY[scale], 0)
    if scale == "smoke":
        corrupt = Corruption(judge.vocabulary, 1234)
        codes = [code for code in library if judge.read(code).ids]
        broken = [(plain(corrupt(judge.read(code).ids), judge.vocabulary), code) for code in codes]
        learn, test, good = (
            [Repair(*pair) for pair in broken[:20]],
            [Repair(*pair) for pair in broken[20:30]],
            codes[30:],
        )
    else:
        everything = sorted(
            set(stackoverflow_repairs("train")), key=lambda r: hashlib.sha256(r.broken.encode()).digest()
        )
        chunk = len(everything) // 5 + 1
        learn = everything[: 3 * chunk]
        good = [repair.fixed for repair in everything[3 * chunk :]] + library
        known = {repair.broken for repair in everything}
        test = [repair for repair in dict.fromkeys(stackoverflow_repairs("test")) if repair.broken not in known]
    return Data(
        [s for s in map(judge.read, good) if 4 <= len(s.ids) <= longest and judge.snippet(s).ok],
        [s for r in learn if 4 <= len((s := judge.read(r.broken)).ids) <= longest and not judge.snippet(s).ok],
        [(s, r) for r in test if (s := judge.read(r.broken)).ids and not judge.snippet(s).ok],
    )


def _train(scale: Scale, run: Run, seed: int) -> Trained:
    settings = SETTINGS[scale]
    vocabulary = python_vocabulary()
    judge = Judge(critic("python"), vocabulary)
    data = read_data(scale, judge, settings.longest)
    game = Game(data.good, data.bad, judge, player(settings, judge, vocabulary), settings, seed)
    scarce = game._replace(bad=data.bad[seed % SCARCE :: SCARCE])
    synthetic = synthetic_pairs(game)
    arms: dict[str, Arm] = {}
    with run.inner(seed) as inner:
        begun = time.process_time()
        first = round_zero(game, synthetic, inner)
        seconds = time.process_time() - begun
        arms["round 0"] = _arm(game, first, data)
        arms["longer"] = _arm(game, train_on(game, synthetic, first, inner, prefix="longer-"), data)
        breaker: Any = None
        for name, each in (("fixer-only", game), ("bifi", game), ("back-translation", game),
                           ("fixer-only, a tenth", scarce), ("bifi, a tenth", scarce)):  # fmt: skip
            algorithm: Any = name.partition(",")[0]
            played = play(
                each, algorithm, synthetic, first, inner, prefix=name.replace(", ", "-").replace(" ", "-") + "-"
            )
            arms[name] = _arm(game, played.fixer, data)
            breaker = played.breaker if name == "bifi" else breaker
    some = data.good[: settings.breaks // 2]
    breaks = verified_breaks(some, game.player.break_(breaker, some, seed + 99), judge)
    return Trained(game, data, arms, synthetic, breaks, seconds)


def _arm(game: Game, fixer: Any, data: Data) -> Arm:
    fixed = repairs(game, fixer, [source for source, _ in data.test])
    wanted = [game.judge.read(repair.fixed).ids for _, repair in data.test]
    right = [f is not None for f in fixed]
    exact = [f is not None and f.ids == ids for f, ids in zip(fixed, wanted, strict=True)]
    errors = [game.judge.snippet(source).verdict.error_class for source, _ in data.test]
    classes = {name: percent([r for r, error in zip(right, errors, strict=True) if error == name]) for name in CLASSES}
    return Arm(fixer, percent(right), percent(exact), classes)


def percent(hits: Sequence[bool]) -> float:
    """Return the share of true values in percent; 0 of none."""
    return 100 * sum(hits) / len(hits) if hits else 0.0


def same_fix(state: State | None, source: str, fixed: str, judge: Judge) -> bool:
    """Whether a state, written out, is what the person made of ``source`` but for names, comments and spacing."""
    if state is None:
        return False
    vocabulary = judge.vocabulary
    return same_code(Writer(source, vocabulary.tokens(source), vocabulary).write(state), fixed)


def first_verified(model: Any, data: Data, judge: Judge) -> list[State | None]:
    """Return our default's first fix for every test snippet: candidates ranked by the model, verified by the critic."""
    found = propose(model, [source for source, _ in data.test], judge, n=1, beam=4, verified=True, checks=100)
    return [some[0].state if some else None for some in found]


def message_divergence(real: Sequence[Snippet], made: Sequence[Snippet], judge: Judge) -> float:
    """Return KL(real ‖ made) of the critic's messages, in nats; half a count is added to each message of either."""
    counts = [Counter(judge(start(s.ids), s.text).verdict.kind for s in some) for some in (real, made)]
    kinds = set(counts[0]) | set(counts[1])
    totals = [sum(each.values()) + len(kinds) / 2 for each in counts]
    shares = [{kind: (each[kind] + 0.5) / total for kind in kinds} for each, total in zip(counts, totals, strict=True)]
    return sum(p * math.log(p / shares[1][kind]) for kind, p in shares[0].items())
