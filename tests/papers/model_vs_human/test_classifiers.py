"""Classifiers come from ONNX, TorchScript and tables, and the small networks are the published ones.

``golden/pooled.onnx`` was made with onnx 1.23: a global average pool, then a fixed matrix from 3 to 1,000.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human.classifiers import MEAN, STD, Source, load, read_probabilities
from hotpapers.papers.model_vs_human.evaluate import decisions, read_square
from hotpapers.papers.model_vs_human.networks import SHAPES, Network

GOLDEN = Path(__file__).parent / "golden" / "pooled.onnx"


def weights():
    return np.random.default_rng(0).normal(size=(3, 1000)).astype(np.float32) * 5


def wanted(images):
    logits = ((images - MEAN) / STD).mean((1, 2)) @ weights()
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.fixture
def images():
    return np.random.default_rng(1).random((3, 16, 16, 3)).astype(np.float32)


def test_an_onnx_model_gets_what_it_wants_and_gives_probabilities(images):
    pytest.importorskip("onnxruntime")
    np.testing.assert_allclose(load(Source(GOLDEN, size=16))(images), wanted(images), rtol=1e-4, atol=1e-7)


def test_a_torchscript_model_gets_what_it_wants_and_gives_probabilities(images, tmp_path):
    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = torch.nn.Parameter(torch.from_numpy(weights()))

        def forward(self, x):
            return x.mean((2, 3)) @ self.matrix

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Pooled(), torch.zeros(1, 3, 16, 16)).save(str(tmp_path / "pooled.pt"))
    np.testing.assert_allclose(
        load(Source(tmp_path / "pooled.pt", size=16))(images), wanted(images), rtol=1e-4, atol=1e-7
    )


def test_a_pickle_in_the_place_of_torchscript_is_refused_and_not_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    torch.save(Hostile(), tmp_path / "hostile.pt")
    with pytest.raises(BadInput, match="no TorchScript"):
        load(Source(tmp_path / "hostile.pt"))
    assert not (tmp_path / "touched").exists()


def test_logits_in_a_table_get_a_softmax_and_probabilities_do_not(tmp_path):
    logits = np.random.default_rng(0).normal(size=(2, 1000))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    for name, values in (("logits", logits), ("probabilities", probabilities)):
        lines = ["image," + ",".join(map(str, range(1000)))]
        lines += [f"{k}," + ",".join(f"{v:.9g}" for v in row) for k, row in enumerate(values)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
        names, found = read_probabilities(tmp_path / f"{name}.csv")
        assert names == ["0", "1"]
        np.testing.assert_allclose(found, probabilities, rtol=1e-5)
    with pytest.raises(BadInput, match="--kind logits"):
        read_probabilities(tmp_path / "logits.csv", "probabilities")


def test_a_classifier_that_gives_nonsense_is_refused():
    for values in (np.zeros((2, 10)), np.full((2, 1000), np.nan), np.zeros(16)):
        with pytest.raises(BadInput, match="classifier gives"):
            decisions(values)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("mobilenet-v2", 3_504_872), ("efficientnet-lite0", 4_652_008), ("efficientnet-lite1", 5_416_680),
     ("efficientnet-lite2", 6_092_072)],
)  # fmt: skip
def test_small_networks_have_the_published_parameters(name, parameters):
    with torch.device("meta"):
        assert sum(each.numel() for each in Network(SHAPES[name]).parameters()) == parameters


def test_a_stimulus_of_the_right_size_is_left_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_square(pixels, 32), pixels / np.float32(255))
    assert read_square(np.zeros((40, 90, 3), np.uint8), 32).shape == (32, 32, 3)
