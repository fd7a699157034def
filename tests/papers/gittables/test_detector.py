import csv

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.gittables.experiment import EXAMPLES
from hotpapers.papers.gittables.features import GROUPS, SIZE, column_features
from hotpapers.papers.gittables.model import ColumnNet
from hotpapers.papers.gittables.train import Columns, predict, score, train


def test_a_column_has_1588_features_as_sherlocks_has():
    assert GROUPS == {"characters": 960, "words": 201, "text": 400, "whole": 27}
    assert SIZE == 1588
    assert column_features(["a", "b"]).shape == (1588,)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=20))
def test_features_of_any_column_are_finite(values):
    assert np.isfinite(column_features(values)).all()


def test_the_order_of_a_short_columns_values_does_not_matter():
    values = ["Paris", "Rome", "12.5", "", "x@y.org"]
    np.testing.assert_allclose(column_features(values)[:960], column_features(values[::-1])[:960], rtol=1e-5, atol=1e-6)


def test_counts_of_characters_are_what_they_say():
    features = column_features(["aa", "a", "b"])
    a = ord("a") - 32
    names = ("any", "all", "mean", "variance", "least", "most", "median", "sum")
    told = dict(zip(names, (features[at * 96 + a] for at in range(8)), strict=True))
    assert told == pytest.approx(
        {"any": 1, "all": 0, "mean": 1, "variance": 2 / 3, "least": 0, "most": 2, "median": 1, "sum": 3}
    )


def test_the_full_network_has_the_published_layers():
    net = ColumnNet([f"t{at}" for at in range(78)])
    sizes = {
        name: [each.out_features for each in part if isinstance(each, torch.nn.Linear)]
        for name, part in net.parts.items()
    }
    assert sizes == {"characters": [300, 300], "words": [200, 200], "text": [400, 400]}
    assert net.head[0][1].in_features == 300 + 200 + 400 + 27
    assert net(torch.randn(4, SIZE)).shape == (4, 78)


def test_probabilities_add_up_to_one_and_do_not_depend_on_the_batch():
    net = ColumnNet(["a", "b", "c"], shrink=10).eval()
    features = torch.randn(5, SIZE)
    together = net.probabilities(features)
    assert together.sum(1) == pytest.approx(torch.ones(5))
    torch.testing.assert_close(together[2:3], net.probabilities(features[2:3]))


def test_no_table_is_on_both_sides_of_a_split():
    columns = Columns(np.zeros((40, 1)), ["x"] * 40, [at // 4 for at in range(40)])
    inside, held = columns.split(0.2, 0)
    assert not set(inside.tables) & set(held.tables)
    assert (len(inside.labels), len(held.labels)) == (32, 8)


def test_macro_f1_weighs_all_types_alike():
    assert score(["a"] * 9 + ["b"], ["a"] * 10)["macro F1"] == pytest.approx((18 / 19 + 0) / 2)
    assert score(["a", "b"], ["a", "b"])["macro F1"] == 1
    assert score(["a"] * 9 + ["b"], ["a"] * 10)["most frequent type"] == 0.9


def test_a_trained_detector_names_columns_by_their_values_alone(tmp_path):
    done = train(EXAMPLES / "corpus.zip", out=tmp_path / "m", min_columns=5, most_types=8, epochs=40, shrink=8)
    assert done.numbers["macro F1"] > 0.5 > done.numbers["most frequent type"]
    (tmp_path / "t.csv").write_text("q,r\n" + "".join(f"{at},20{at}-0{at % 9 + 1}-11\n" for at in range(10, 22)))
    found = predict(tmp_path / "m", tmp_path / "t.csv", top=2)
    with found.files["types"].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["column"], row["rank"]) for row in rows] == [("q", "1"), ("q", "2"), ("r", "1"), ("r", "2")]
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)
    with pytest.raises(BadInput):
        predict(tmp_path, tmp_path / "t.csv")


@pytest.mark.parametrize("given", [{"min_columns": 1000}, {"epochs": 0}, {"learning_rate": -1.0}])
def test_what_cannot_be_learned_is_one_line(given, tmp_path):
    with pytest.raises(BadInput) as caught:
        train(EXAMPLES / "corpus.zip", out=tmp_path / "m", **given)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()
