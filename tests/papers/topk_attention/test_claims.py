"""The claims run at smoke scale, and costs are measured in a process of their own."""

import inspect
import math

import pytest

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.papers.topk_attention import claims
from hotpapers.papers.topk_attention.bench import bench
from hotpapers.papers.topk_attention.footprint import cost, exponent
from hotpapers.papers.topk_attention.wins import compare, where_topk_wins
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


def pretend_cost(layer, way, *, size, k, **shape):
    """Seconds and bytes by simple laws, without a process."""
    inspect.signature(cost).bind(layer, way, size=size, k=k, **shape)
    if way == "vanilla" and size > 64:
        raise HotpapersError("there is no room")
    return {"seconds": size * (k / 32 if way == "topk" else size / 64), "bytes": 2.0**20 * size}


def test_a_bench_writes_its_table_and_curves(tmp_path, monkeypatch):
    monkeypatch.setattr("hotpapers.papers.topk_attention.bench.cost", pretend_cost)
    found = bench(sizes="64,128", ks="8,128", out=tmp_path / "b.csv")
    rows = [line.split(",") for line in found.files["table"].read_text().splitlines()[1:]]
    ways = [(way, size) for way in ("vanilla", "chunks", "sdpa") for size in ("64", "128")]
    assert [tuple(row[:2]) for row in rows] == [*ways, ("top-8", "64"), ("top-8", "128"), ("top-128", "128")]
    assert rows[1][2:] == ["", ""]  # what could not be measured
    assert found.numbers["least time at 128"] == "top-8"
    assert found.numbers["memory of sdpa grows as"] == "size^1.00"
    assert found.files["picture"].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("layer", "other"), [("attention", "sdpa"), ("feed-forward", "vanilla")])
def test_a_map_says_how_many_times_as_much_the_other_way_takes(tmp_path, monkeypatch, layer, other):
    monkeypatch.setattr("hotpapers.papers.topk_attention.bench.cost", pretend_cost)
    found = bench(chart="map", layer=layer, sizes="32,64", ks="8,64", out=tmp_path / "m.csv")
    head, *rows = [line.split(",") for line in found.files["table"].read_text().splitlines()]
    assert head[4] == f"{other}/topk_time"
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("32", "8", "2.000"),
        ("64", "8", "4.000"),
        ("64", "64", "0.500"),
    ]
    assert found.files["picture"].read_bytes().startswith(b"\x89PNG")


def test_a_k_wins_from_the_size_on_after_which_it_never_loses():
    def row(way, size, k, seconds):
        return {"way": way, "size": size, "k": k, "seconds": seconds, "bytes": 1.0}

    rows = [row("sdpa", size, 0, 2.0) for size in (1, 2, 3, 4)]
    rows += [row("top-5", size, 5, seconds) for size, seconds in ((1, 1.0), (2, 3.0), (3, 1.0), (4, 0.5))]
    rows += [{"way": "top-6", "size": 4, "k": 6, "error": "killed"}]
    wins = compare(rows, "sdpa")
    assert [win.time for win in wins] == [2, pytest.approx(2 / 3), 2, 4]
    said = where_topk_wins(wins, "attention")
    assert said == {"top-5 is faster from": "n = 3", "top-5 is smaller from": "no size measured"}


@pytest.mark.parametrize(
    "settings",
    [{"sizes": "1e3"}, {"ks": ""}, {"ks": "0"}, {"sizes": "64", "ks": "65"}, {"heads": 0}, {"tokens": 1 << 30},
     {"rounds": 0}, {"out": "b.png"}],
)  # fmt: skip
def test_a_bench_of_nothing_is_refused_in_one_line(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as refused:
        bench(**settings)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())
