"""The claims run at smoke scale, and costs are measured in a process of their own."""

import math

import pytest

from hotpapers.papers.topk_attention import claims
from hotpapers.papers.topk_attention.bench import bench
from hotpapers.papers.topk_attention.footprint import cost, exponent
from hotpapers.run import Run

TRAINED = [
    claims.exact_when_nothing_is_dropped,
    claims.attention_drops_in,
    claims.feed_forward_drops_in,
    claims.from_scratch_is_as_good,
    claims.training_with_few_keys_beats_swapping,
    claims.listops_from_scratch,
]


@pytest.mark.parametrize("claim", TRAINED, ids=lambda claim: claim.__name__)
def test_a_claim_measures_a_number_the_same_each_time_and_leaves_nothing(claim, tmp_path):
    found = []
    for name in ("a", "b"):
        claims._dense.clear()
        with Run(tmp_path / name, seeds=(3,), device="cpu", tensorboard=False) as run:
            found.append(claim("smoke", run))
        assert not list(tmp_path.glob(f"{name}/training-*"))
    assert found[0].values == found[1].values
    assert math.isfinite(found[0].values[3])


def test_vanilla_attention_needs_the_scores_memory_and_top_k_does_not():
    plain, ours = (cost("attention", way, size=1024, k=16, heads=2, width=16)["bytes"] for way in ("vanilla", "topk"))
    assert plain >= 2 * 4 * 2 * 1024**2  # two tensors of scores at the least
    assert ours < plain


def test_the_exponent_is_that_of_a_power_law():
    assert exponent([1, 2, 8], [3.0, 12.0, 192.0]) == pytest.approx(2)


def test_a_bench_writes_its_table_and_curves(tmp_path):
    found = bench(sizes="128", ks="8", heads=1, width=8, forward_only=True, out=tmp_path / "b.csv")
    lines = found.files["table"].read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["vanilla", "chunks", "sdpa", "top-8"]
    assert all(path.is_file() for path in found.files.values())
