"""The pairs, the mixtures and the rounds keep the paper's equations."""

import dataclasses

import pytest
import torch

from hotpapers.papers.bifi.corpora import library_snippets
from hotpapers.papers.bifi.corruption import Corruption
from hotpapers.papers.bifi.critics import critic
from hotpapers.papers.bifi.edits import State, distance, start
from hotpapers.papers.bifi.judging import Judge, Snippet, bracket_states
from hotpapers.papers.bifi.learning import edit_example
from hotpapers.papers.bifi.pairs import (
    Pair,
    breaker_mixture,
    by_class,
    fixer_mixture,
    mix,
    translation_mixture,
    unverified,
    verified_breaks,
    verified_fixes,
)
from hotpapers.papers.bifi.players import PRESETS, Settings, player
from hotpapers.papers.bifi.rounds import Game, play, repairs, round_zero, synthetic_pairs
from hotpapers.papers.bifi.rules import balance, one_token_fixes
from hotpapers.papers.bifi.vocabulary import learned_vocabulary, python_vocabulary
from hotpapers.run import Run

V = python_vocabulary()
JUDGE = Judge(critic("python"), V)
TINY = Settings(rounds=1, width=16, layers=2, first_steps=3, fixer_steps=2, breaker_steps=2, batch=8, synthetic=30,
                breaks=20, n=2, beam=2)  # fmt: skip


def read(code):
    return JUDGE.read(code)


@pytest.fixture(scope="module")
def game():
    good = [s for s in map(read, library_snippets(40, seed=0)) if len(s.ids) <= 60 and JUDGE.snippet(s).ok]
    corrupt = Corruption(V, 5)
    bad = [Snippet(state.ids) for s in good for state in [corrupt(s.ids)] if state.ids and not JUDGE(state).ok]
    return Game(good, bad, JUDGE, player(TINY, JUDGE, V), TINY, seed=0)


def test_synthetic_pairs_are_broken_and_good_and_at_most_four_edits_apart(game):
    pairs = synthetic_pairs(game)
    assert len(pairs) == TINY.synthetic
    assert pairs == synthetic_pairs(game)
    for pair in pairs:
        assert not JUDGE.snippet(pair.bad).ok
        assert JUDGE.snippet(pair.good).ok
        assert 1 <= distance(pair.bad.ids, pair.good.ids) <= 4


def test_only_what_the_critic_accepts_and_is_near_becomes_a_fix():
    x = read("print a\n")
    right, wrong, far, same = read("print(a)\n"), read("print(a\n"), read("x = 1\ny = 2\nz = [3]\n"), x
    found = [[start(s.ids) for s in (right, wrong, far, same)]]
    assert verified_fixes([x], found, JUDGE) == [Pair(x, right)]
    assert len(unverified([x], found, JUDGE, fixes=True)) == 4


def test_only_what_the_critic_refuses_and_is_near_becomes_a_break():
    y = read("print(a)\n")
    broken, fine, nothing = read("print a\n"), read("print[a]\n"), Snippet(())
    found = [[start(s.ids) for s in (broken, fine, nothing)]]
    assert verified_breaks([y], found, JUDGE) == [Pair(broken, y)]


def test_mixtures_have_the_papers_shares():
    zero, fixes = [f"0 {n}" for n in range(100)], [f"f {n}" for n in range(10)]
    breaks = {name: [f"{name} {n}" for n in range(k)] for name, k in (("a", 2), ("b", 50), ("c", 7))}

    def share(mixed, name):
        return sum(each.startswith(name) for each in mixed) / len(mixed)

    mixed = fixer_mixture(zero, fixes, breaks, 1200, 0)
    assert [share(mixed, name) for name in "0fabc"] == pytest.approx([1 / 4, 1 / 2, 1 / 12, 1 / 12, 1 / 12])
    assert [share(breaker_mixture(zero, fixes, 900, 0), name) for name in "0f"] == pytest.approx([1 / 3, 2 / 3])
    assert [share(translation_mixture(zero, fixes, 900, 0), name) for name in "0f"] == pytest.approx([1 / 2, 1 / 2])
    assert [share(fixer_mixture(zero, fixes, {}, 900, 0), name) for name in "0f"] == pytest.approx([1 / 3, 2 / 3])


def test_a_mixture_repeats_each_part_evenly_and_is_the_same_for_the_same_seed():
    mixed = mix([(1, list(range(10)))], 35, seed=1)
    assert all(3 <= mixed.count(n) <= 4 for n in range(10))
    assert mixed == mix([(1, list(range(10)))], 35, seed=1) != mix([(1, list(range(10)))], 35, seed=2)


def test_bifi_without_breaks_learns_from_what_fixer_only_learns_from():
    zero, fixes = list(range(50)), list(range(50, 60))
    assert fixer_mixture(zero, fixes, by_class([], JUDGE), 300, 3) == fixer_mixture(zero, fixes, {}, 300, 3)


def test_a_fixer_that_copies_repairs_nothing(game):
    class Copies:
        def fix(self, model, sources, **_):
            return [[start(source.ids)] for source in sources]

    assert repairs(game._replace(player=Copies()), None, game.bad) == [None] * len(game.bad)


@pytest.fixture(scope="module")
def twice(game, tmp_path_factory):
    """Round 0 played twice, each time by itself."""
    zeros = []
    for name in ("first", "second"):
        with Run(tmp_path_factory.mktemp(name), seed=0, device="cpu", tensorboard=False) as run:
            pairs = synthetic_pairs(game)
            zeros.append((pairs, round_zero(game, pairs, run)))
    return zeros


@pytest.mark.parametrize("algorithm", ["bifi", "fixer-only", "back-translation"])
def test_the_rounds_are_the_same_for_the_same_seed(game, algorithm, twice, tmp_path):
    fixers = []
    for number, (pairs, first) in enumerate(twice):
        with Run(tmp_path / str(number), seed=0, device="cpu", tensorboard=False) as run:
            played = play(game, algorithm, pairs, first, run)
        fixers.append(played.fixer)
        assert (played.breaker is None) == (algorithm == "fixer-only")
    for one, other in zip(*(fixer.parameters() for fixer in fixers), strict=True):
        assert one.equal(other)


def test_the_papers_model_plays_the_same_rounds(game, tmp_path):
    settings = dataclasses.replace(TINY, preset="seq2seq", breaks=6)
    small = game._replace(bad=game.bad[:4], settings=settings, player=player(settings, JUDGE, V))
    with Run(tmp_path, seed=0, device="cpu", tensorboard=False) as run:
        pairs = synthetic_pairs(small)
        played = play(small, "bifi", pairs, round_zero(small, pairs, run), run)
    assert played.report[0]["round"] == 1


def test_the_paper_preset_has_the_papers_sizes():
    settings = PRESETS["paper"]
    vocabulary = learned_vocabulary(["x = y\n"], "python", "raw", 10_000)
    with torch.device("meta"):
        model = player(settings, JUDGE, vocabulary).new()
    assert sum(each.numel() for each in model.parameters()) == 7_373_824 + 256 * len(vocabulary)
    assert (settings.rounds, settings.beam, settings.n) == (2, 10, 10)


def test_an_example_is_the_next_edit_told_where_the_critic_objects():
    import random

    pair = Pair(read("print a\n"), read("print(a)\n"))
    seen = set()
    for seed in range(40):
        example = edit_example(pair, JUDGE, len(V), random.Random(seed))
        seen.add((example.asked.state.ids, example.action))
        if example.asked.place >= 0:
            assert not JUDGE(example.asked.state).ok
    assert len(seen) == 3  # the first bracket, the second, being done


def test_states_of_brackets_tell_what_is_open():
    states = bracket_states(tuple(V.encode(V.tokens("f(a[0], {)\n"))), V)
    names = [V.types[n] for n in V.encode(V.tokens("f(a[0], {)\n"))] + ["end"]
    assert dict(zip(names, states, strict=True))["{"] == 5
    assert states[names.index("(")] == 5
    assert states[names.index("[")] == 4
    assert states[names.index(")")] == 7
    assert states[-1] == 3


def test_the_bracket_balancer_balances():
    for code in ("f(a[0\n", "f(a))\n", "x = ]1[\n"):
        ids = balance(read(code), V)
        assert not {5, 7} & set(bracket_states(ids, V))


def test_exhaustive_search_finds_every_one_token_fix():
    fixes = {state.ids for state in one_token_fixes(read("f(a\n"), JUDGE)}
    assert read("f(a)\n").ids in fixes
    assert read("f = a\n").ids in fixes
    assert read("a = a\n").ids not in {read("f(a\n").ids}
    assert all(JUDGE(State(ids, ())).ok for ids in fixes)
