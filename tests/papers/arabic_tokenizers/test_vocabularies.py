"""How vocabularies are chosen: stochastic pieces in closed form, and morphs by description length."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.papers.arabic_tokenizers.learn import learn
from hotpapers.papers.arabic_tokenizers.morphology import Lexicon, count_morphs
from hotpapers.papers.arabic_tokenizers.stochastic import as_words, count_stochastic, piece_counts
from hotpapers.papers.arabic_tokenizers.words import find_words


def counted(words, **kwargs):
    found = count_stochastic(as_words(words), 10**6, **kwargs)
    return dict(zip(found.strings, found.counts, strict=True))


@settings(deadline=None, max_examples=40)
@given(st.text(st.sampled_from("ابت"), min_size=1, max_size=9))
def test_the_closed_form_is_all_splits_written_out(word):
    assert counted([word]) == pytest.approx(piece_counts(word))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text(st.sampled_from("ابت"), min_size=1, max_size=6), min_size=1, max_size=6))
def test_the_counts_of_words_add_up(words):
    expected: dict[str, float] = {}
    for word in words:
        for piece, count in piece_counts(word).items():
            expected[piece] = expected.get(piece, 0.0) + count
    assert counted(words) == pytest.approx(expected)


@pytest.mark.parametrize("length", [1, 2, 5, 12, 19])
def test_pieces_expected_of_a_word_are_the_mean_over_k_of_k_times_its_splits(length):
    word = "ابتثجحخدذرزسشصضطظعغف"[:length]
    expected = sum(k * math.comb(length - 1, k - 1) for k in range(1, length + 1)) / length
    assert sum(counted([word]).values()) == pytest.approx(expected)


def test_words_of_twenty_letters_teach_no_stochastic_pieces():
    assert counted(["ب" * 20]) == {}
    assert counted(["ب" * 20, "ا"]) == {"ا": 1.0}


def test_drawn_counts_come_to_the_expected_ones():
    words = ["مكتبة"] * 4000 + ["كتب"] * 4000
    drawn, expected = counted(words, sample=np.random.default_rng(0)), counted(words)
    assert set(drawn) == set(expected)
    assert all(drawn[piece] == pytest.approx(expected[piece], rel=0.15) for piece in expected)
    assert counted(words, sample=np.random.default_rng(0)) == drawn


def test_learning_stochastic_pieces_is_the_same_every_time(text):
    assert learn(text, "stochastic", vocab=99) == learn(text, "stochastic", vocab=99)
    assert learn(text, "stochastic", vocab=99, sample=True, seed=1) == learn(
        text, "stochastic", vocab=99, sample=True, seed=1
    )
    assert learn(text, "stochastic", vocab=99, sample=True, seed=1) != learn(
        text, "stochastic", vocab=99, sample=True, seed=2
    )


ROOTS = ("كتاب", "مدرس", "حديق", "مطار", "قصيد", "جميل", "صديق", "رسال")
WORDS = [
    before + root + after for root in ROOTS for before in ("", "ال", "وال", "بال") for after in ("", "ها", "نا", "ون")
]


def test_the_cost_kept_along_the_way_is_the_cost_counted_anew():
    lexicon = Lexicon(WORDS)
    lexicon.learn()
    counts: dict[str, int] = {}
    for word in WORDS:
        assert "".join(lexicon.morphs(word)) == word
        for morph in lexicon.morphs(word):
            counts[morph] = counts.get(morph, 0) + 1
    assert counts == lexicon.counts
    tokens = sum(counts.values())
    spelling = sum(lexicon._spell(morph) for morph in counts)
    entropy = sum(count * math.log(count) for count in counts.values())
    assert lexicon.cost() == pytest.approx(lexicon._cost(tokens, len(counts), entropy, spelling))


def test_learning_never_lengthens_the_description():
    lexicon = Lexicon(WORDS)
    before = lexicon.cost()
    lexicon.learn()
    assert lexicon.cost() < before


def test_the_article_and_the_suffixes_come_out_as_morphs():
    lexicon = Lexicon(WORDS)
    lexicon.learn()
    assert lexicon.morphs("والمطارها")[-1] == "ها"
    found = count_morphs(find_words(" ".join(WORDS)), 100)
    assert {"ال", "وال"} & set(found.strings)
    assert {"##ها", "##ون", "##نا"} <= set(found.strings)
    assert sum(string in ROOTS or string.removeprefix("##") in ROOTS for string in found.strings) >= 6
