"""The networks have the paper's sizes, the cache changes nothing, and search is search."""

import itertools

import pytest
import torch

from hotpapers.papers.bifi.decoding import LONGER, write
from hotpapers.papers.bifi.edits import apply, start, stop
from hotpapers.papers.bifi.judging import Snippet
from hotpapers.papers.bifi.model import END, START, EditModel, Transformer, sine_positions
from hotpapers.papers.bifi.players import inverse_root, paper_optimiser
from hotpapers.papers.bifi.repair import Asked, propose, rank, sample, tensors
from hotpapers.papers.bifi.vocabulary import python_vocabulary

V = python_vocabulary()


def size(module):
    return sum(each.numel() for each in module.parameters())


def test_the_transformer_has_the_papers_parameters_exactly():
    for types in (100, 10_000):
        with torch.device("meta"):
            assert size(Transformer([f"t{n}" for n in range(types)])) == 7_373_824 + 256 * types
    model = Transformer([f"t{n}" for n in range(10)])
    assert size(model.encoder[0]) == 789_760
    assert size(model.decoder[0]) == 1_053_440
    assert model.dropout.p == 0.4
    assert model.encoder[0].attention.dropout == 0.2
    assert model.encoder[0].feed.dropout.p == 0.2


@pytest.fixture
def small():
    torch.manual_seed(0)
    model = Transformer([f"t{n}" for n in range(9)], width=32, hidden=64, heads=4, layers=2).eval()
    with torch.no_grad():
        model.embedding.weight.mul_(4)
    return model


def test_decoding_step_by_step_with_a_cache_is_decoding_at_once(small):
    source, target = torch.tensor([[4, 5, 6, END], [7, END, 0, 0]]), torch.tensor([[START, 4, 8, 5], [START, 6, 6, 7]])
    whole = small(source, target)
    memory, there = small.encode(source)
    past, steps = None, []
    for n in range(4):
        logits, past = small.decode(target[:, n : n + 1], small.sources(memory), there, past)
        steps.append(logits)
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=1e-5, rtol=1e-4)


def test_padding_changes_nothing(small):
    alone = small(torch.tensor([[4, 5, END]]), torch.tensor([[START, 4]]))
    padded = small(torch.tensor([[4, 5, END, 0, 0]]), torch.tensor([[START, 4]]))
    torch.testing.assert_close(alone, padded, atol=1e-5, rtol=1e-4)


def test_beam_search_is_the_same_with_and_without_the_cache(small):
    sources = [[4, 5, 6], [7], [8, 8, 4, 5, 5]]
    cached, plain = (write(small, sources, beam=3, n=3, cached=flag) for flag in (True, False))
    assert [[ids for ids, _ in some] for some in cached] == [[ids for ids, _ in some] for some in plain]


def test_a_beam_of_one_is_greedy(small):
    [[(ids, score)]] = write(small, [[4, 5, 6]], beam=1, n=1)
    written, total = [START], 0.0
    memory, there = small.encode(torch.tensor([[4, 5, 6, END]]))
    while written[-1] != END and len(written) < 3 + LONGER + 2:
        with torch.no_grad():
            found = small.decode(torch.tensor([written]), small.sources(memory), there)[0]
        logps = found[0, -1].log_softmax(-1)
        best = int(logps[END:].argmax()) + END  # never padding, nor another start
        written.append(best if len(written) <= 3 + LONGER else END)
        total += float(logps[written[-1]])
    assert list(ids) == written[1:-1]
    assert score == pytest.approx(total / (len(written) - 1), abs=1e-4)


def test_positions_are_sines_then_cosines():
    code = sine_positions(3, 8)
    assert code.shape == (3, 8)
    torch.testing.assert_close(code[1, 0], torch.tensor(1.0).sin())
    torch.testing.assert_close(code[2, 4], torch.tensor(2.0).cos())


def test_the_rate_rises_for_400_updates_and_falls_with_the_root(small):
    assert inverse_root(0) == pytest.approx(0.1)
    assert inverse_root(400) == 1.0
    assert inverse_root(1600) == 0.5
    optimiser, _ = paper_optimiser(small)
    group = optimiser.param_groups[0]
    assert (group["betas"], group["weight_decay"], group["initial_lr"]) == ((0.9, 0.98), 1e-4, 1e-3)


@pytest.fixture
def editor():
    torch.manual_seed(0)
    return EditModel(V.types[:20], width=16, layers=2).eval()


def test_the_probabilities_of_all_edits_sum_to_one_and_none_is_of_padding(editor):
    asked = [Asked(start([5, 6, 7]), 1, 3), Asked(start([5]))]
    ranked = rank(editor, asked, 10_000)
    for each, actions in zip(asked, ranked, strict=True):
        total = sum(torch.tensor([logp for logp, _ in actions]).double().exp())
        assert float(total) == pytest.approx(1, abs=1e-4)
        likely = [action for logp, action in actions if logp > -100]
        assert max(likely) == stop(len(each.state.ids), 20)


def test_an_edit_models_batch_changes_nothing(editor):
    asked = [Asked(start([5, 6, 7, 8]), 2, 1), Asked(start([9]), 0, 2)]
    together = editor(**tensors(asked, editor))
    alone = editor(**tensors(asked[1:], editor))
    torch.testing.assert_close(together[1, : alone.shape[1]], alone[0], atol=1e-5, rtol=1e-4)


def test_a_beam_that_is_wide_enough_finds_the_likeliest_sequence_of_edits(editor):
    types, ids = 20, (5, 6)
    done = stop(len(ids), types)

    def logps(state):
        return {action: logp for logp, action in rank(editor, [Asked(state)], 10_000)[0]}

    first = logps(start(ids))
    best = {ids: first[done]}
    for action in itertools.islice(sorted(first, key=first.get, reverse=True), 400):
        state = apply(start(ids), action, types)
        if state is not None and first[action] > -100:
            score = first[action] + logps(state)[stop(len(state.ids), types)]
            best[state.ids] = max(best.get(state.ids, -1e9), score)
    found = propose(editor, [Snippet(ids)], None, n=1, beam=300, edits=1, verified=False)[0][0]
    assert found.score == pytest.approx(max(best.values()), abs=1e-4)


def test_samples_are_the_same_for_the_same_seed(editor):
    sources = [Snippet((5, 6, 7))] * 8
    first, again = (sample(editor, sources, torch.Generator().manual_seed(3)) for _ in range(2))
    assert first == again
    assert len({state.ids for state in first}) > 1
