"""The classifier and the statistics are what they say they are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, kendalltau

from hotpapers.papers.arabic_tokenizers.fit import Settings, batches, fit_and_score, macro_f1, predict
from hotpapers.papers.arabic_tokenizers.model import BiGRU, parameters
from hotpapers.papers.arabic_tokenizers.statistics import clear_winner, friedman, kendall, ranks
from hotpapers.papers.arabic_tokenizers.tasks import _balanced, invented, load


def test_the_authors_net_has_the_published_number_of_parameters():
    assert sum(each.numel() for each in BiGRU(10_000, 14).parameters()) == 2_074_638 == parameters()
    assert parameters() == 1_280_000 + 198_144 + 2 * 296_448 + 3_598


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_skipping_the_unseen_steps_changes_nothing(layers):
    torch.manual_seed(0)
    net = BiGRU(30, 4, width=8, layers=layers)
    whole = torch.nn.GRU(8, 8, layers, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for layer in range(layers):
            for gru, suffix in ((net.forwards[layer], ""), (net.backwards[layer], "_reverse")):
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                    getattr(whole, f"{kind}_l{layer}{suffix}").copy_(getattr(gru, f"{kind}_l0"))
        ids = torch.randint(0, 30, (5, 7))
        expected = net.answer(whole(net.embedding(ids))[0][:, 0])
        torch.testing.assert_close(net(ids), expected, atol=1e-6, rtol=1e-5)


def test_batches_hold_every_text_once_and_like_lengths():
    import random

    lengths = torch.randint(1, 50, (300,))
    made = batches(range(300), lengths, 16, random.Random(0))
    assert sorted(index for batch in made for index in batch) == list(range(300))
    spread = np.mean([float(lengths[batch].max() - lengths[batch].min()) for batch in made])
    assert spread < 10


def test_the_order_of_prediction_is_the_order_of_the_texts():
    torch.manual_seed(0)
    net = BiGRU(20, 3, width=8, layers=1)
    ids, lengths = torch.randint(2, 20, (40, 9)), torch.randint(1, 10, (40,))
    ids[torch.arange(9) >= lengths[:, None]] = 1
    alone = [int(net.eval()(row[None, : int(length)]).argmax()) for row, length in zip(ids, lengths, strict=True)]
    assert predict(net, ids, lengths, size=1).tolist() == alone


def test_a_seed_decides_everything():
    split = invented(3, texts=80)
    quick = Settings(vocab=400, width=16, layers=1, epochs=2, batch=16, learning_rate=1e-2, length=64)
    first, second = (fit_and_score(split, "stochastic", quick, seed=0) for _ in range(2))
    assert (first.right == second.right).all()
    assert first.unknown == second.unknown < 0.2


def test_macro_f1_is_the_mean_over_classes():
    truth, found = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    assert macro_f1(truth, found, 3) == pytest.approx((0.5 + 0.8 + 0.0) / 3)
    assert macro_f1(truth, truth, 3) == 1.0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_friedman_and_kendall_agree_with_scipy(seed):
    scores = np.random.default_rng(seed).random((6, 5))
    statistic, p = friedman(scores)
    theirs = friedmanchisquare(*scores.T)
    assert (statistic, p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert kendall(scores[0], scores[1]) == pytest.approx(kendalltau(scores[0], scores[1]).statistic)


def test_equals_share_their_ranks_and_decide_nothing():
    assert ranks(np.array([[3.0, 1.0, 3.0]])).tolist() == [[1.5, 3.0, 1.5]]
    assert friedman(np.ones((4, 3))) == (0.0, 1.0)


def test_a_winner_must_be_ahead_of_every_other_beyond_chance():
    right = np.arange(200) < 160
    assert clear_winner({"a": right, "b": np.arange(200) < 100}) == "a"
    assert clear_winner({"a": right, "b": np.arange(200) < 157}) is None
    assert clear_winner({"a": right, "b": np.arange(200) < 100, "c": right.copy()}) is None


def test_made_up_texts_carry_their_class_in_a_few_roots():
    split = invented(0)
    assert set(split.train_labels) == {0, 1}
    assert all(len(text.split()) == 10 for text in split.train)
    assert load("metres", "smoke", 0) == split


def test_classes_are_balanced_to_the_smallest():
    labels = [0] * 10 + [1] * 3
    kept = _balanced(list(range(13)), labels)
    assert [labels[index] for index in kept].count(0) == [labels[index] for index in kept].count(1) == 3
