import json

import pytest
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from hotpapers.errors import BadInput
from hotpapers.run import Run, load_model, save_model


class Line(nn.Module, PyTorchModelHubMixin):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(float(width)))


class Other(Line):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.bias = nn.Parameter(torch.zeros(1))


def load(kind, folder):
    return load_model(kind, folder, name="Line", make="hotpapers line train TABLE")


def test_a_saved_model_comes_back_and_what_lay_in_the_folder_stays(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    save_model(Line(3), tmp_path)
    save_model(Line(4), tmp_path)
    assert load(Line, tmp_path).weight.tolist() == [0, 1, 2, 3]
    assert {path.name for path in tmp_path.iterdir()} >= {"config.json", "model.safetensors", "notes.txt"}
    assert not (tmp_path / "saved").exists()
    assert capsys.readouterr().out == ""


def test_a_folder_without_a_model_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(BadInput, match=r"There is no Line model in .*: make one with 'hotpapers line train TABLE'\."):
        load(Line, tmp_path)


@pytest.mark.parametrize("damage", ["truncate", "settings", "kind"])
def test_a_model_that_cannot_be_read_is_refused_in_one_line(tmp_path, damage):
    save_model(Line(3), tmp_path)
    if damage == "truncate":
        (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0")
    elif damage == "settings":
        (tmp_path / "config.json").write_text(json.dumps({"width": "wide"}))
    with pytest.raises(BadInput, match="cannot be read, or is none of Line: make it again with"):
        load(Other if damage == "kind" else Line, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    model = Line(3)
    nn.init.constant_(model.weight, value)
    save_model(model, tmp_path)
    with pytest.raises(BadInput, match="holds NaN or infinity: make it again with 'hotpapers line train TABLE'"):
        load(Line, tmp_path)


def test_a_model_without_its_settings_is_refused_in_one_line(tmp_path, capsys):
    save_model(Line(3), tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(BadInput, match=r"has lost its config\.json"):
        load(Line, tmp_path)
    assert capsys.readouterr() == ("", "")


def test_settings_that_ask_for_more_than_the_weights_hold_take_no_memory(tmp_path):
    save_model(Line(3), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"width": 10**13}))
    with pytest.raises(BadInput, match="has another model's settings, or it is damaged"):
        load(Line, tmp_path)


def test_a_run_inside_a_run_has_its_own_seed_and_leaves_nothing(tmp_path):
    with Run(tmp_path / "claim", seed=0) as run:
        draws = []
        for seed in (5, 6, 5):
            with run.inner(seed) as inner:
                model = inner.setup(nn.Linear(2, 2))
                for _ in inner.steps(1):
                    draws.append(torch.rand(()).item())
                assert inner.out.parent == run.out
                assert model.weight.shape == (2, 2)
        assert draws[0] == draws[2] != draws[1]
        assert not list(run.out.iterdir())
