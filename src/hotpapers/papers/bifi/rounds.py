"""The rounds of the game: the fixer's verified fixes teach the breaker, whose verified breaks teach the fixer."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hotpapers import console
from hotpapers.files import written_whole
from hotpapers.papers.bifi.corruption import Corruption
from hotpapers.papers.bifi.edits import LIMIT, distance
from hotpapers.papers.bifi.judging import Judge, Snippet
from hotpapers.papers.bifi.pairs import (
    Pair,
    breaker_mixture,
    by_class,
    fixer_mixture,
    mix,
    near,
    translation_mixture,
    unverified,
    verified_breaks,
    verified_fixes,
)
from hotpapers.papers.bifi.players import Player, Settings
from hotpapers.run import Run

Algorithm = Literal["bifi", "fixer-only", "back-translation"]


class Game(NamedTuple):
    """What the rounds are played with: good and bad snippets, the critic, the form of the models, and the seed."""

    good: Sequence[Snippet]
    bad: Sequence[Snippet]
    judge: Judge
    player: Player
    settings: Settings
    seed: int = 0


class Played(NamedTuple):
    """What a game leaves: the last fixer and breaker, and for each round how many pairs there were."""

    fixer: Any
    breaker: Any
    report: list[dict[str, Any]]


def synthetic_pairs(game: Game) -> list[Pair]:
    """Return round 0's pairs: good snippets with errors at random that the critic finds, within the bound on edits."""
    corrupt = Corruption(game.judge.vocabulary, game.seed, bracket_pairs=game.settings.bracket_pairs)
    chance = random.Random(f"round 0 {game.seed}")
    pairs: list[Pair] = []
    tries = 0
    while len(pairs) < game.settings.synthetic and tries < 3 * game.settings.synthetic:
        tries += 1
        good = game.good[chance.randrange(len(game.good))]
        state = corrupt.broken(good.ids, lambda state, text=good.text: not game.judge(state, text).ok)  # type: ignore[misc]
        if state is not None:
            pair = Pair(game.judge.settle(state, good.text), good)
            if near(pair):
                pairs.append(pair)
    return pairs


def round_zero(game: Game, synthetic: Sequence[Pair], run: Run, name: str = "round-0-fixer") -> Any:
    """Return f_0, trained on synthetic pairs."""
    return game.player.teach(game.player.new(), synthetic, run, name, fixer=True, steps=game.settings.first_steps,
                             seed=game.seed)  # fmt: skip


def play(
    game: Game, algorithm: Algorithm, synthetic: Sequence[Pair], fixer: Any, run: Run, *, prefix: str = "",
    keep: Callable[[str, Callable[[], list[Pair]]], list[Pair]] | None = None,
) -> Played:  # fmt: skip
    """Play the rounds after round 0, from ``fixer`` = f_0.

    Parameters
    ----------
    prefix
        What the run's stages are called before their own names.
    keep
        Makes pairs, or reads those that an interrupted training had made.
    """
    keep = keep or (lambda _, make: make())
    settings, player = game.settings, game.player
    breaker: Any = None
    report = []
    for k in range(1, settings.rounds + 1):
        seed = game.seed + k
        fixes = keep(f"{prefix}round-{k}-fixes", lambda fixer=fixer: _fixes(game, algorithm, fixer))  # type: ignore[misc]
        breaks: list[Pair] = []
        if algorithm != "fixer-only":
            data = breaker_mixture(synthetic, fixes, settings.breaker_steps * settings.batch, seed)
            breaker = player.teach(breaker or player.new(), data, run, f"{prefix}round-{k}-breaker", fixer=False,
                                   steps=settings.breaker_steps, seed=seed, gently=k > 1)  # fmt: skip
            breaks = keep(f"{prefix}round-{k}-breaks",
                          lambda breaker=breaker, seed=seed: _breaks(game, algorithm, breaker, seed))  # type: ignore[misc]  # fmt: skip
        data = _fixer_data(game, algorithm, synthetic, fixes, breaks, seed)
        fixer = player.teach(fixer, data, run, f"{prefix}round-{k}-fixer", fixer=True, steps=settings.fixer_steps,
                             seed=seed, gently=True)  # fmt: skip
        classes = {name: len(some) for name, some in by_class(breaks, game.judge).items()}
        report.append({"round": k, "fixes": len(fixes), "breaks": classes})
    return Played(fixer, breaker, report)


def train_on(game: Game, synthetic: Sequence[Pair], fixer: Any, run: Run, *, prefix: str) -> Any:
    """Return f_0 trained on synthetic pairs for as many steps as the rounds give a fixer."""
    for k in range(1, game.settings.rounds + 1):
        fixer = game.player.teach(fixer, synthetic, run, f"{prefix}round-{k}-fixer", fixer=True,
                                  steps=game.settings.fixer_steps, seed=game.seed + k, gently=True)  # fmt: skip
    return fixer


def repairs(game: Game, fixer: Any, sources: Sequence[Snippet], *, beam: int = 3) -> list[Snippet | None]:
    """Return the fixer's best hypothesis for each source where it counts as a repair: accepted, at most four edits."""
    found: list[Snippet | None] = []
    for source, states in zip(sources, game.player.fix(fixer, sources, n=1, beam=beam, checked=False), strict=True):
        fixed = None
        for state in states[:1]:
            if 0 < distance(source.ids, state.ids, LIMIT) <= LIMIT and game.judge(state, source.text).ok:
                fixed = game.judge.settle(state, source.text)
        found.append(fixed)
    return found


def kept_in(folder: Path) -> Callable[[str, Callable[[], list[Pair]]], list[Pair]]:
    """Return a ``keep`` for ``play`` that has each round's pairs in a file of ``folder``."""

    def keep(name: str, make: Callable[[], list[Pair]]) -> list[Pair]:
        path = folder / f"{name}.jsonl"
        if path.is_file():
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            return [Pair(*(Snippet(tuple(row[side]), row[f"{side} text"]) for side in ("bad", "good"))) for row in rows]
        pairs = make()
        console.say(f"{name}: {len(pairs)} pairs")
        with written_whole(path) as temporary:
            temporary.write_text("".join(
                json.dumps({f"{side}{what}": value for side, snippet in p._asdict().items()
                            for what, value in (("", snippet.ids), (" text", snippet.text))}) + "\n"
                for p in pairs), encoding="utf-8")  # fmt: skip
        return pairs

    return keep


def _fixes(game: Game, algorithm: Algorithm, fixer: Any) -> list[Pair]:
    checked = algorithm != "back-translation"
    found = game.player.fix(fixer, game.bad, n=game.settings.n, beam=game.settings.beam, checked=checked)
    return (
        verified_fixes(game.bad, found, game.judge) if checked else unverified(game.bad, found, game.judge, fixes=True)
    )


def _breaks(game: Game, algorithm: Algorithm, breaker: Any, seed: int) -> list[Pair]:
    good = mix([(1.0, game.good)], game.settings.breaks, seed)
    found = game.player.break_(breaker, good, seed)
    if algorithm == "back-translation":
        return unverified(good, found, game.judge, fixes=False)
    return verified_breaks(good, found, game.judge)


def _fixer_data(
    game: Game, algorithm: Algorithm, synthetic: Sequence[Pair], fixes: list[Pair], breaks: list[Pair], seed: int
) -> list[Pair]:
    total = game.settings.fixer_steps * game.settings.batch
    if algorithm == "back-translation":
        return translation_mixture(synthetic, breaks, total, seed)
    return fixer_mixture(synthetic, fixes, by_class(breaks, game.judge), total, seed)
