import csv
import json
import zipfile

import numpy as np
import pytest
import torch

from hotpapers.errors import BadInput, MissingExtra
from hotpapers.metrics import frechet_of
from hotpapers.papers.crash import Crash, exporting
from hotpapers.papers.crash.drums import read_drums
from hotpapers.papers.crash.evaluation import evaluate
from hotpapers.papers.crash.experiment import data, made_up
from hotpapers.papers.crash.exporting import export
from hotpapers.papers.crash.gan import Critic, WaveGan, critic_loss, fit_gan, latents, matching_width, shuffled
from hotpapers.papers.crash.judge import fit_judge, precision_and_recall
from hotpapers.papers.crash.model import SCHEDULES, estimate, left_to_tell
from hotpapers.papers.crash.shelf import FOLDER, open_judge, open_model
from hotpapers.papers.crash.shipping import CLASSES, read_samples
from hotpapers.papers.crash.verbs import sample
from hotpapers.run import save_model


@pytest.fixture(scope="module")
def judged():
    drums = made_up(11_025, 600)
    return drums, fit_judge(drums.sounds, drums.labels, drums.classes, 11_025, steps=30)


def test_a_judge_tells_made_up_drums_apart_and_level_tells_it_nothing(judged):
    drums, judge = judged
    assert (judge.hear(drums.sounds) == drums.labels).float().mean() > 0.95
    assert torch.allclose(judge.described(drums.sounds[:5] * 0.1), judge.described(drums.sounds[:5]), atol=1e-4)


def test_sounds_are_no_distance_from_themselves_and_far_from_noise(judged):
    drums, judge = judged
    heard = judge.described(drums.sounds)
    noise = judge.described(torch.randn(100, 600))
    assert frechet_of(heard, heard) < 1e-6 * float(heard.var(0).sum())
    assert frechet_of(noise, heard) > 5 * frechet_of(heard[::2], heard[1::2])


def test_precision_and_recall_see_what_is_missing_and_what_is_too_much():
    line = torch.linspace(0, 1, 50)[:, None]
    assert precision_and_recall(line, line) == (1, 1)
    assert precision_and_recall(line[:25], line)[0] == 1
    assert precision_and_recall(line[:25], line)[1] < 0.6
    assert precision_and_recall(line + 10, line) == (0, 0)


def test_held_out_sounds_are_a_part_that_depends_on_the_sounds_alone():
    found = data("smoke")
    assert len(found.learned.sounds) + len(found.held_out.sounds) == 120
    assert 5 < len(found.held_out.sounds) < 50
    rows = {sound.numpy().tobytes() for sound in found.learned.sounds}
    assert not rows & {sound.numpy().tobytes() for sound in found.held_out.sounds}


@pytest.mark.parametrize("length", [600, 2_700, 5_400])
def test_the_rival_has_no_fewer_parameters_and_makes_sounds_of_the_length(length):
    width = matching_width(590_297, length)
    count = lambda width: sum(each.numel() for each in WaveGan(width, length).parameters())  # noqa: E731
    assert count(width - 1) < 590_297 <= count(width)
    assert WaveGan(1, length).draw(2).shape == (2, length)


def test_phase_shuffle_shifts_and_never_changes_the_length():
    h = torch.arange(10.0).reshape(1, 1, 10)
    seen = {tuple(shuffled(h)[0, 0, 3:7].tolist()) for _ in range(100)}
    assert seen == {tuple(float(at + by) for at in range(3, 7)) for by in range(-2, 3)}


def test_a_critics_penalty_is_nothing_only_where_its_gradient_has_norm_one():
    class Slope(Critic):
        def __init__(self, norm):
            torch.nn.Module.__init__(self)
            self.norm = norm

        def forward(self, x):
            return self.norm * x[:, 0]

    real, made = torch.zeros(4, 8), torch.zeros(4, 8)
    assert float(critic_loss(Slope(1.0), real, made)) == 0
    assert float(critic_loss(Slope(3.0), real, made)) == pytest.approx(40)


def test_a_gan_is_trained_for_its_time_and_drawn_from_by_seed():
    gan = fit_gan(torch.randn(8, 600), 20_000, 0.0, 2, 0, 1e-4)
    assert torch.equal(gan.draw(2, torch.Generator().manual_seed(1)), gan.draw(2, torch.Generator().manual_seed(1)))
    assert latents(1_000).abs().max() <= 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_network_that_says_nothing_gives_the_best_linear_estimate(name):
    x = torch.randn(4, 300)
    level = SCHEDULES[name].batch(torch.tensor([0.1, 0.3, 0.6, 0.9]))
    _, m, sigma = (each[:, None] for each in level)
    guess = estimate(lambda x, told: torch.zeros_like(x), x, level, 0.2)
    assert torch.allclose(guess, sigma * x / (m**2 * 0.04 + sigma**2), atol=1e-5)
    whole = estimate(lambda x, told: x + told[:, None, None], x, level, 0.0)
    assert torch.equal(whole, x + level.sigma[:, None])


def test_what_is_left_to_tell_has_unit_variance_and_is_not_correlated_with_the_sound():
    torch.manual_seed(0)
    sounds, noise, level = 0.2 * torch.randn(1, 200_000), torch.randn(1, 200_000), SCHEDULES["vp-cos"].level(0.5)
    x = level.m * sounds + level.sigma * noise
    linear = estimate(lambda x, told: torch.zeros_like(x), x, level, 0.2)
    unit = estimate(lambda x, told: torch.ones_like(x), x, level, 0.2) - linear
    left = (noise - linear) / unit
    told = SCHEDULES["vp-cos"].batch(torch.tensor([0.5]))
    assert float(left_to_tell(told, 0.2)) == pytest.approx(float(unit.mean()) ** 2, rel=1e-5)
    assert float(left_to_tell(told, 0.0)) == 1
    assert float(left.std()) == pytest.approx(1, abs=0.01)
    assert float((left * x).mean()) == pytest.approx(0, abs=0.01)


def test_the_shipped_model_makes_sounds_where_none_is_named(tmp_path):
    outcome = sample(count=2, classes="kick", steps=2, out=tmp_path / "drums")
    assert sorted(path.name for path in (tmp_path / "drums").iterdir()) == ["001.wav", "002.wav", "sounds.png"]
    assert outcome.numbers["sounds"] == 2
    assert open_model().classes == open_judge().classes == tuple(CLASSES) == ("cymbal", "kick", "snare")
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 10e6


def test_a_folder_that_lacks_one_of_sonic_pis_sounds_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"lacks drum_cymbal_closed\.flac"):
        read_samples(tmp_path, 11_025, 600)


def test_evaluation_tells_a_folder_from_itself_by_nothing_and_counts_what_is_heard(folder, tmp_path):
    outcome = evaluate(folder, folder, out=tmp_path / "heard.csv")
    assert outcome.numbers["Fréchet distance"] < 1e-3
    assert outcome.numbers["precision"] == outcome.numbers["recall"] == 1
    rows = list(csv.reader((tmp_path / "heard.csv").open(encoding="utf-8")))
    assert rows[0] == ["folder", "class", "heard as cymbal", "heard as kick", "heard as snare"]
    assert [row[:2] for row in rows[1:]] == [["made", "hat"], ["made", "kick"], ["real", "hat"], ["real", "kick"]]
    assert all(sum(map(int, row[2:])) == 6 for row in rows[1:])


def test_a_zip_of_sounds_is_read_as_its_folder(folder, tmp_path):
    archive = tmp_path / "drums.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*.*")):
            opened.write(path, path.relative_to(folder))
    packed, plain = (read_drums(each, 11_025, 600) for each in (archive, folder))
    assert torch.equal(packed.sounds, plain.sounds)
    assert packed.classes == plain.classes


def test_names_of_a_zip_that_lead_out_of_it_make_no_class(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as opened:
        opened.write(folder / "kick" / "0.wav", "kick/0.wav")
        opened.write(folder / "kick" / "1.wav", "../kick/1.wav")
        opened.writestr("/kick/2.wav", b"RIFF")
    drums = read_drums(tmp_path / "bad.zip", 11_025, 600)
    assert (len(drums.sounds), drums.classes, list(drums.left_out)) == (2, ("kick",), [tmp_path / "bad.zip/kick/2.wav"])


def test_too_few_sounds_cannot_be_evaluated(folder, tmp_path):
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "0.wav").write_bytes((folder / "kick" / "0.wav").read_bytes())
    with pytest.raises(BadInput, match="has 1 sounds that can be used; 4 are needed"):
        evaluate(tmp_path / "few", folder, out=tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_the_network_says_the_same_in_onnx(tmp_path, spread):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = Crash(2, "sub-vp-cos", 11_025, 600, spread=spread).eval()
    save_model(model, tmp_path / "model")
    outcome = export(tmp_path / "model", steps=3, out=tmp_path / "net.onnx")
    assert outcome.numbers["largest difference from PyTorch"] < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    level, x = model.schedule.level(0.4), torch.randn(5, 600)  # another batch than it was traced with
    given = {"x": x.numpy(), "m": np.full(5, level.m, np.float32), "sigma": np.full(5, level.sigma, np.float32)}
    with torch.no_grad():
        assert np.abs(session.run(None, given)[0] - model.eps(x, level).numpy()).max() < 1e-4
    told = json.loads((tmp_path / "net.json").read_text())
    assert (told["rate"], told["length"], len(told["levels"])) == (11_025, 600, 5)
    assert told["levels"][-1] == {"m": 1.0, "sigma": 0.0}


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"out": "net.json"}, r"ends in \.onnx"), ({"out": "net.onnx", "steps": 0}, "--steps can be 1"),
     ({"out": "net.onnx", "steps": 10**9}, "--steps can be 1")],
)  # fmt: skip
def test_exports_that_cannot_be_are_refused_before_anything_is_written(tmp_path, asked, words):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    with pytest.raises(BadInput, match=words):
        export(**(asked | {"out": tmp_path / asked["out"]}))
    assert not list(tmp_path.iterdir())


def test_exporting_without_its_libraries_names_the_extra(monkeypatch):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="onnx"):
        export()
