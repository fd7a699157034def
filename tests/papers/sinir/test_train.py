import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from hotpapers.errors import BadInput
from hotpapers.papers.sinir.model import SinIR
from hotpapers.papers.sinir.train import PRESETS, Config, Prefix, fit, published, train, training_sizes
from hotpapers.run import Run

TINY = Config(max_size=40, min_size=14, channels=4, steps=4)


def photograph(height: int = 30, width: int = 40) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def trained(tmp_path: Path, config: Config = TINY, seed: int = 0) -> SinIR:
    with Run(tmp_path, seed=seed, device="cpu") as run:
        return fit(photograph(), config, run)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(path)
    return path


def test_the_presets_have_the_published_settings():
    edit, art, photo, sr = (published(name) for name in ("edit", "style-art", "style-photo", "super-resolve"))
    assert (edit.max_size, edit.min_size, edit.factor, edit.channels) == (250, 25, 0.75, 128)
    assert (edit.learning_rate, edit.steps, edit.shuffle, edit.resampler) == (1e-4, 500, 0.005, "torch")
    assert (art.max_size, art.min_size) == (500, 25)
    assert training_sizes(photo, 500, 400) == ([(250, 200), (250, 200)], 1.0)
    assert training_sizes(sr, 60, 120) == ([(30, 60), (60, 120)], 0.5)
    assert (sr.channels, sr.learning_rate, sr.steps, sr.shuffle, sr.resampler) == (256, 1e-3, 1000, 0.0005, "matlab")
    assert all(each.optimiser == "adam" and each.faithful for each in (edit, art, photo, sr, PRESETS["paper"]))


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "quick"])
def test_our_schedule_changes_nothing_else(preset):
    schedule = {"optimiser", "learning_rate", "steps", "faithful"}
    ours, theirs = (dataclasses.asdict(each) for each in (PRESETS[preset], published(preset)))
    assert {key for key in ours if ours[key] != theirs[key]} == (set() if preset == "paper" else schedule)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    first, again, other = (trained(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_training_lowers_the_reconstruction_loss(tmp_path):
    few, many = (trained(tmp_path / str(n), dataclasses.replace(TINY, channels=8, steps=n)) for n in (1, 80))
    target = few.image[None].float() / 127.5 - 1
    coarsest = torch.nn.functional.interpolate(target, few.sizes[0], mode="bicubic", align_corners=True).clamp(-1, 1)
    with torch.no_grad():
        before, after = ((model(coarsest) - target).square().mean() for model in (few, many))
    assert after < before


def test_each_network_starts_as_a_copy_of_the_one_below(tmp_path):
    frozen = trained(tmp_path, dataclasses.replace(TINY, steps=1, learning_rate=1e-12))
    for below, above in zip(frozen.nets[:-1], frozen.nets[1:], strict=True):
        for a, b in zip(below.parameters(), above.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-9, rtol=0)


def test_what_is_below_a_scale_is_frozen(tmp_path, monkeypatch):
    seen = []

    def record(prefix: Prefix, scale: int) -> None:
        assert not any(each.requires_grad for each in prefix.model.nets[scale].parameters())
        seen.append([each.clone() for each in prefix.model.nets[scale].parameters()])
        original(prefix, scale)

    original = Prefix.grow
    monkeypatch.setattr(Prefix, "grow", record)
    model = trained(tmp_path)
    for net, kept in zip(model.nets, seen, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(net.parameters(), kept, strict=True))


def test_without_shuffling_the_bank_and_the_authors_procedure_train_the_same(tmp_path):
    bank, faithful = (
        trained(tmp_path / str(way), dataclasses.replace(TINY, shuffle=0.0, bank=1, faithful=way))
        for way in (False, True)
    )
    for a, b in zip(bank.parameters(), faithful.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_the_coarsest_level_is_never_shuffled(tmp_path):
    model = SinIR([[12, 16], [20, 26]], channels=4)
    coarsest = photograph(12, 16)
    for way in (True, False):
        prefix = Prefix(coarsest, model, dataclasses.replace(TINY, shuffle=1.0, faithful=way))
        assert prefix.draw(0) is coarsest


def test_a_training_killed_in_the_middle_and_resumed_ends_with_the_same_weights(tmp_path, photo):
    def command(out: Path, *more: str) -> list[str]:
        settings = ["--max-size", "40", "--min-size", "14", "--channels", "4", "--steps", "60", "--device", "cpu"]
        return [sys.executable, "-m", "hotpapers", "sinir", "train", str(photo), "--out", str(out), *settings, *more]

    environment = os.environ | {"HOTPAPERS_PROGRESS": "plain", "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen(command(tmp_path / "killed"), env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("checkpoints/*scale-1*")) and time.monotonic() < deadline:
        assert killed.poll() is None, killed.stderr.read().decode()
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    subprocess.run(command(tmp_path / "killed", "--resume"), env=environment, check=True, capture_output=True)
    settings = {"max_size": 40, "min_size": 14, "channels": 4, "steps": 60, "device": "cpu"}
    train(photo, out=tmp_path / "unbroken", **settings)
    a, b = (load_file(tmp_path / name / "model.safetensors") for name in ("killed", "unbroken"))
    assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_size": 5}, "--max-size"),
        ({"min_size": 2}, "--min-size"),
        ({"min_size": 200}, "--min-size"),
        ({"channels": 3}, "--channels"),
        ({"steps": 0}, "--steps"),
        ({"shuffle": float("nan")}, "--shuffle"),
        ({"shuffle": 1.5}, "--shuffle"),
        ({"learning_rate": -1.0}, "--learning-rate"),
    ],
)
def test_settings_that_cannot_train_are_refused_before_anything_is_written(photo, tmp_path, changes, words):
    with pytest.raises(BadInput, match=words):
        train(photo, out=tmp_path / "model", device="cpu", **changes)
    assert not (tmp_path / "model").exists()


def test_a_second_training_in_the_same_place_says_what_to_do(photo, tmp_path):
    settings = {"max_size": 40, "min_size": 14, "channels": 4, "steps": 2, "device": "cpu"}
    train(photo, out=tmp_path / "model", **settings)
    with pytest.raises(BadInput, match=r"resume|fresh"):
        train(photo, out=tmp_path / "model", **settings)
    train(photo, out=tmp_path / "model", fresh=True, **settings)
