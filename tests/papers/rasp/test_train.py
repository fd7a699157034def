"""Training: data is labelled by the program, the loss is the paper's, a run resumes, supervision teaches attention."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from hotpapers.errors import BadInput, Interrupted
from hotpapers.papers.rasp.experiment import chosen_share, guessed, uniform_share
from hotpapers.papers.rasp.model import PADDING, Encoder, sinusoids
from hotpapers.papers.rasp.models import read_model
from hotpapers.papers.rasp.tasks import IGNORED, TASKS, make_data
from hotpapers.papers.rasp.train import (
    PRESETS,
    Config,
    accuracy,
    attention_loss,
    fit,
    make_model,
    make_test_data,
    paper_configs,
    sequence_loss,
    train,
)
from hotpapers.run import Run, save_model

SMALL = Config(task="reverse", width=16, letters=3, max_length=4, samples=400, epochs=6, learning_rate=1e-2)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_labels_its_strings_with_its_programs_values(name: str) -> None:
    task = TASKS[name]
    data = make_data(task, 20, letters=4, max_length=6, seed=1, with_selectors=True)
    vocabulary, outputs = task.vocabulary(4), task.outputs(4, 6)
    for tokens, targets in zip(data.tokens, data.targets, strict=True):
        n = int((tokens != PADDING).sum())
        string = [vocabulary[each - 1] for each in tokens[:n]]
        assert [outputs[each] for each in targets[:n]] == task.sop(string)
        assert (targets[n:] == IGNORED).all()
    sums = data.selectors[0].sum(dim=-1)
    assert ((sums - 1).abs().lt(1e-5) | (sums == 0)).all()


def test_brackets_are_of_all_three_kinds() -> None:
    data = make_data(TASKS["dyck-2"], 300, letters=4, max_length=12, seed=0)
    last = [row[row != IGNORED][-1].item() for row in data.targets]
    assert {last.count(each) > 30 for each in range(3)} == {True}


def test_the_paper_preset_is_the_papers_setting() -> None:
    paper = PRESETS["paper"]
    assert (paper.width, paper.samples, paper.max_length, paper.batch, paper.epochs) == (256, 50_000, 100, 50, 100)
    pairs = [(each.learning_rate, each.factor) for each in paper_configs(paper)]
    assert pairs == [(3e-4, 0.98), (3e-4, 0.99), (1e-4, 0.98), (1e-4, 0.99)]
    model = make_model(dataclasses.replace(PRESETS["paper"], task="double-hist"))
    assert tuple(model.sublayers[1].parts[0].weight.shape) == (512, 256)
    assert model.order == "afaf"


def test_the_loss_is_a_mean_over_strings_of_means_over_positions() -> None:
    logits = torch.zeros(2, 3, 4)
    logits[0, 0, 1] = 5.0
    targets = torch.tensor([[1, IGNORED, IGNORED], [0, 1, 2]])
    first = -torch.log_softmax(logits[0, 0], dim=0)[1]
    assert torch.isclose(sequence_loss(logits, targets), (first + torch.log(torch.tensor(4.0))) / 2)


def test_the_attention_loss_is_zero_on_the_selectors_themselves() -> None:
    data = make_data(TASKS["double-hist"], 5, letters=3, max_length=4, seed=0, with_selectors=True)
    assert attention_loss(data.selectors, data.selectors) == 0
    assert attention_loss([each + 1 for each in data.selectors], data.selectors) == 1


def test_positions_are_sines_and_cosines() -> None:
    expected = [math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03)]
    assert torch.allclose(sinusoids(5, 4)[3], torch.tensor(expected))


def test_padding_changes_nothing_of_what_is_answered() -> None:
    torch.manual_seed(0)
    model = Encoder("ab", [0, 1], 8, "af", [2], [16], 6)
    short, long = torch.tensor([[1, 2, 1]]), torch.tensor([[1, 2, 1, 0, 0]])
    assert torch.allclose(model(short)[0], model(long)[0][:, :3], atol=1e-6)


def test_training_learns_and_the_kept_model_answers_alike(tmp_path: Path) -> None:
    with Run(tmp_path / "run", seed=0, device="cpu", tensorboard=False) as run:
        model = fit(SMALL, run)
    test = make_test_data(SMALL, 0)
    assert accuracy(model, test) > guessed(SMALL, 0) + 0.2
    save_model(model, tmp_path / "model")
    assert read_model(tmp_path / "model")("abca") == model("abca")


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = dataclasses.replace(SMALL, epochs=3)

    def trained(folder: str, **options: bool) -> Encoder:
        with Run(tmp_path / folder, seed=1, config=config, device="cpu", tensorboard=False, **options) as run:
            return fit(config, run)

    whole = trained("whole")
    steps = Run.steps

    def cut(self: Run, total: int):
        for step in steps(self, total):
            yield step
            if step == 6:
                self._stage.loop.interrupt.raised = True

    monkeypatch.setattr(Run, "steps", cut)
    with pytest.raises(Interrupted):
        trained("cut")
    monkeypatch.setattr(Run, "steps", steps)
    again = trained("cut", resume=True)
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))


def test_taught_attention_lies_nearer_to_the_selectors(tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, task="hist-bos", epochs=8)
    test = make_test_data(config, 0, 100, with_selectors=True)
    shares = {}
    for taught in (True, False):
        with Run(tmp_path / str(taught), seed=0, device="cpu", tensorboard=False) as run:
            shares[taught] = chosen_share(fit(dataclasses.replace(config, supervised=taught), run), test)[0][0]
    assert shares[True] > shares[False]
    assert shares[True] > uniform_share(test)[0][0] + 0.15


def test_the_verb_leaves_a_model_and_a_picture(tmp_path: Path) -> None:
    found = train("hist-bos", out=tmp_path / "m", letters=3, max_length=4, width=8, samples=50, epochs=1, device="cpu")
    assert found.files["attention"].read_bytes().startswith(b"\x89PNG")
    assert len(read_model(found.files["model"])("§ab")) == 3


@pytest.mark.parametrize("wrong", [{"width": 3}, {"letters": 0}, {"epochs": 0}, {"learning_rate": -1.0}])
def test_settings_that_cannot_train_are_refused(wrong: dict, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be"):
        train("hist", out=tmp_path / "m", **wrong)
