import copy
import os
import signal
import sys

import numpy as np
import pytest
import torch

from hotpapers.errors import BadInput, HotpapersError, Interrupted
from hotpapers.media import read_sound, write_sound
from hotpapers.papers.crash import Classifier, Crash, verbs
from hotpapers.papers.crash.drums import read_drum, read_drums
from hotpapers.papers.crash.model import SCHEDULES
from hotpapers.papers.crash.sampling import denoise, draw, mixed
from hotpapers.papers.crash.train import PRESETS, Config, train
from hotpapers.papers.crash.verbs import decode, encode, inpaint, interpolate, sample, vary
from hotpapers.run import load_model, save_model

SAMPLERS = ["dpm-solver", "deis", "heun", "ddim", "ddpm", "sde", "reparametrised-sde", "ode", "rk45"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Crash(2, "vp-cos", 11_025, 1_500, ("hat", "kick"), classifier_width=2).eval()


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    save_model(model, place)
    return place


def test_the_published_networks_have_the_published_sizes():
    paper = PRESETS["paper"]
    with torch.device("meta"):
        model = Crash(paper.width, paper.schedule, paper.rate, paper.length, ("cymbal", "kick", "snare"), 32)
    count = lambda net: sum(each.numel() for each in net.parameters()) + net.embedding.frequencies.numel()  # noqa: E731
    assert count(model.unet) == 15_754_849
    assert count(model.classifier) == 11_034_339


def test_the_classifier_brings_21000_samples_to_one_frame():
    classifier = Classifier(3, 2)
    seen = {}
    classifier.blocks[-1].register_forward_hook(lambda _, __, out: seen.update(frames=out.shape[-1]))
    assert classifier(torch.randn(2, 21_000), torch.rand(2)).shape == (2, 3)
    assert seen["frames"] == 1


def test_a_model_comes_back_with_its_schedule_and_classes(model, saved):
    again = load_model(Crash, saved, name="CRASH", make="train").eval()
    x = torch.randn(1, 1_500)
    level = model.schedule.level(0.4)
    assert torch.equal(again.eps(x, level), model.eps(x, level))
    assert (again.classes, again.rate, again.schedule.gamma) == (("hat", "kick"), 11_025, 2)


@pytest.mark.parametrize(
    "settings",
    [{"length": 1_000}, {"length": 0}, {"length": -300}, {"length": 300.0}, {"length": 300_000_000}, {"rate": 0},
     {"rate": 11_025.5}, {"rate": 10**12}, {"spread": float("nan")}, {"spread": -0.1}, {"classes": (1, 2)}],
)  # fmt: skip
def test_settings_that_no_sounds_can_have_make_no_model(settings):
    with pytest.raises(ValueError, match=r"multiple of 300|rate|spread|classes"):
        Crash(2, **settings)


def test_a_model_that_was_damaged_is_refused_before_anything_is_made(model, tmp_path):
    broken = copy.deepcopy(model)
    broken.unet.first.weight.data[0] = float("nan")
    save_model(broken, tmp_path / "broken")
    with pytest.raises(BadInput, match="holds NaN or infinity"):
        sample(tmp_path / "broken", out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_drums_are_cut_padded_and_brought_to_full_level(folder, tmp_path):
    drums = read_drums(folder, 11_025, 1_500)
    assert drums.sounds.shape == (12, 1_500)
    assert torch.equal(drums.sounds.abs().amax(1), torch.ones(12))
    assert drums.classes == ("hat", "kick")
    assert drums.labels.tolist() == [0] * 6 + [1] * 6
    assert [path.name for path in drums.left_out] == ["broken.wav"]
    assert read_drums(folder, 11_025, 1_500, ("kick",)).labels.tolist() == [0] * 6
    padded = read_drum(folder / "kick" / "0.wav", 11_025, 3_000)
    assert not padded[2_000:].any()
    write_sound(tmp_path / "silence.wav", np.zeros(100), 11_025)
    with pytest.raises(BadInput, match="is silent"):
        read_drum(tmp_path / "silence.wav", 11_025, 300)


def test_a_sound_beside_the_sub_folders_is_left_out_and_named(tmp_path):
    for name in ("kick/0.wav", "stray.wav"):
        write_sound(tmp_path / name, np.hanning(300), 11_025)
    drums = read_drums(tmp_path, 11_025, 300)
    assert [path.name for path in drums.files] == ["0.wav"]
    assert {path.name: "in no class" in reason for path, reason in drums.left_out.items()} == {"stray.wav": True}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder, empty: read_drums(empty, 11_025, 300), "There is no sound"),
        (lambda folder, empty: read_drums(empty / "nothing", 11_025, 300), "there is no such file"),
        (lambda folder, empty: read_drums(folder, 11_025, 300, ("tom",)), "no sounds in tom; its sub-folders are hat"),
    ],
)
def test_folders_without_drums_are_refused(folder, tmp_path, make, words):
    with pytest.raises(BadInput, match=words):
        make(folder, tmp_path)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_makes_finite_sounds_the_same_for_the_same_seed(model, sampler):
    if sampler == "rk45":  # hundreds of evaluations of a network that has learned nothing, so let it say little
        model = Crash(2, "vp-cos", 11_025, 300).eval()
        model.unet.last.weight.data *= 0.1
    made = [draw(model, 2, steps=3, sampler=sampler, generator=torch.Generator().manual_seed(5)) for _ in range(2)]
    assert made[0].shape == (2, model.length)
    assert made[0].isfinite().all()
    assert torch.equal(*made)


def test_mixing_one_class_alone_is_guidance_to_it_and_no_strength_is_none(model):
    x, level = torch.randn(2, 1_500), model.schedule.level(0.5)
    alone = mixed(model, {"kick": 0.3}, 2.0)(x, level)
    assert torch.allclose(mixed(model, {"kick": 1.0, "hat": 0.0}, 2.0)(x, level), alone)
    assert torch.equal(mixed(model, {"kick": 1.0}, 0.0)(x, level), model.eps(x, level))
    leaf = x.clone().requires_grad_()
    score = torch.log_softmax(model.classifier(leaf, torch.full((2,), level.sigma)), 1)[:, 1].sum()
    (gradient,) = torch.autograd.grad(score, leaf)
    assert torch.allclose(alone, model.eps(x, level) - 2 * level.sigma * gradient, atol=1e-6)


@pytest.mark.parametrize("weights", [{"tom": 1.0}, {"kick": 0.0}, {"kick": 1.0, "hat": -0.5}])
def test_classes_that_cannot_be_mixed_are_refused(model, weights):
    with pytest.raises(BadInput):
        mixed(model, weights, 1.0)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_variation_starts_at_the_noise_that_was_asked_for(name):
    net = Crash(2, name, length=300)
    assert net.schedule.level(net.schedule.time_of(0.35)).sigma == pytest.approx(0.35, abs=1e-9)


def test_almost_no_noise_gives_almost_the_same_sound(model):
    x = torch.randn(1, 1_500).clamp(-1, 1)
    start = model.schedule.time_of(0.002)
    assert float((denoise(model, x, start=start, steps=2, sampler="ddim") - x).abs().max()) < 0.05


def test_training_killed_in_the_middle_ends_with_the_same_weights(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", Config("tiny", 2, 2, 11_025, 1_500, "vp-cos", 10, 3, 2, 1e-3))
    module = sys.modules[train.__module__]
    monkeypatch.setattr(module, "PREVIEW", 2)
    train(folder, preset="tiny", out=tmp_path / "whole", seed=3)
    real, calls = module.denoising_loss, []

    def cut_off(*args, **options):
        calls.append(0)
        if len(calls) == 8:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*args, **options)

    monkeypatch.setattr(module, "denoising_loss", cut_off)
    with pytest.raises(Interrupted, match="hotpapers crash train"):
        train(folder, preset="tiny", out=tmp_path / "cut", seed=3)
    train(folder, preset="tiny", out=tmp_path / "cut", seed=3, resume=True)
    whole, cut = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut"))
    assert whole == cut
    assert (tmp_path / "whole" / "sounds.png").stat().st_size > 10_000


def test_the_verbs_write_sounds_of_the_models_rate_and_length(saved, folder, tmp_path):
    kick, hat = folder / "kick" / "0.wav", folder / "hat" / "0.wav"
    results = [
        sample(saved, count=3, classes="kick=0.8, hat=0.2", steps=2, out=tmp_path / "a"),
        interpolate(kick, hat, saved, count=3, steps=3, out=tmp_path / "b"),
        inpaint(kick, saved, start=0.05, count=3, steps=2, out=tmp_path / "c"),
        vary(kick, saved, sigma=0.2, count=3, steps=2, out=tmp_path / "d"),
    ]
    for outcome, name in zip(results, "abcd", strict=True):
        wavs = sorted((tmp_path / name).glob("*.wav"))
        assert len(wavs) == 3
        assert all(read_sound(path).samples.shape == (1, 1_500) and read_sound(path).rate == 11_025 for path in wavs)
        assert outcome.files["picture"].is_file()
        assert sum(value for key, value in outcome.numbers.items() if key.startswith("heard as")) == 3


def test_sounds_take_the_place_of_sounds_and_never_of_anything_else(saved, tmp_path):
    out = tmp_path / "mine"
    sample(saved, count=2, steps=1, out=out)
    sample(saved, count=1, steps=1, out=out)
    assert sorted(each.name for each in out.iterdir()) == ["001.wav", "sounds.png"]
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match=r"holds what was not made here, such as 'thesis\.txt'"):
        sample(saved, count=1, steps=1, out=out)
    assert (out / "thesis.txt").read_text() == "years of work"


def test_more_sounds_than_fit_a_batch_are_made_in_batches(saved, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(verbs, "BATCH", 2)
    monkeypatch.setattr(verbs, "SHOWN", 1)
    kick = folder / "kick" / "0.wav"
    for name, make, ask in (("vary", vary, {"sigma": 0.5}), ("inpaint", inpaint, {"start": 0.05})):
        make(kick, saved, count=3, steps=1, out=tmp_path / name, **ask)
        sounds = {each.read_bytes() for each in (tmp_path / name).glob("*.wav")}
        assert len(sounds) == 3  # and no two alike


def test_what_is_no_number_any_more_is_not_written(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(verbs, "draw", lambda net, count, **_: torch.full((count, net.length), float("nan")))
    with pytest.raises(HotpapersError, match="more --steps"):
        sample(saved, out=tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_inpainting_leaves_what_was_to_be_kept(saved, folder, tmp_path):
    kick = folder / "kick" / "0.wav"
    inpaint(kick, saved, start=0.05, end=0.1, count=1, steps=3, out=tmp_path / "c")
    made, known = read_sound(tmp_path / "c" / "001.wav").samples[0], read_drum(kick, 11_025, 1_500)
    kept = np.r_[: int(0.05 * 11_025), int(0.1 * 11_025) + 1 : 1_500]
    ratio = (made[kept] @ known[kept]) / (known[kept] @ known[kept])
    assert 0 < ratio <= 1  # the whole is brought down to full level where what was made is louder
    assert np.abs(made[kept] - ratio * known[kept]).max() < 1e-3


def test_a_latent_goes_to_a_file_and_back_to_a_sound(saved, folder, tmp_path):
    outcome = encode(folder / "kick" / "0.wav", saved, steps=3, out=tmp_path / "x.npy")
    assert outcome.note.endswith(f"decode {tmp_path / 'x.npy'} {saved}")
    assert np.load(tmp_path / "x.npy").shape == (1_500,)
    decode(tmp_path / "x.npy", saved, steps=3)
    assert read_sound(tmp_path / "x.decoded.wav").samples.shape == (1, 1_500)


@pytest.mark.parametrize(
    "array",
    [np.zeros(3), np.full(1_500, np.nan), np.full(1_500, 1e30), np.zeros(1_500, complex), np.zeros(1_500, bool),
     np.array(["a"] * 1_500), np.zeros(1_500, "datetime64[s]"), np.zeros(1_500, [("a", "f4")])],
    ids=["short", "nan", "far", "complex", "bool", "words", "dates", "records"],
)  # fmt: skip
def test_an_array_that_is_no_latent_of_the_model_is_refused(saved, tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(BadInput, match="has 1,500 numbers, none of them NaN"):
        decode(tmp_path / "x.npy", saved, out=tmp_path / "x.wav")
    assert not (tmp_path / "x.wav").exists()


@pytest.mark.parametrize("kind", ["text", "archive", "vast", "pipe", "folder"])
def test_a_file_that_holds_no_array_is_refused_without_memory_or_patience(saved, tmp_path, kind):
    path = tmp_path / "x.npy"
    if kind == "text":
        path.write_text("hello")
    elif kind == "archive":
        with path.open("wb") as stream:
            np.savez(stream, a=np.zeros(1_500))
    elif kind == "vast":
        with path.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**14,)})
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(BadInput, match=r"x\.npy is (no array of NumPy's|a pipe|a folder)"):
        decode(path, saved, out=tmp_path / "x.wav")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda model, tmp: sample(model, count=0, out=tmp / "x"), "--count can be 1 to"),
        (lambda model, tmp: sample(model, classes="tom", out=tmp / "x"), "knows hat, kick, not tom"),
        (lambda model, tmp: sample(model, classes="kick=much", out=tmp / "x"), "is no class with a weight"),
        (lambda model, tmp: sample(model, classes="kick=1, kick=2", out=tmp / "x"), "is named twice"),
        (lambda model, tmp: sample(model, classes=", ,", out=tmp / "x"), "is no class with a weight"),
        (lambda model, tmp: sample(model, classes="kick=inf", out=tmp / "x"), "are finite numbers"),
        (lambda model, tmp: sample(model, strength=float("nan"), out=tmp / "x"), "--strength can be 0 to 1,000"),
        (lambda model, tmp: sample(model, seed=-1, out=tmp / "x"), "--seed can be 0 to"),
        (lambda model, tmp: sample(model, seed=2**64, out=tmp / "x"), "--seed can be 0 to"),
        (lambda model, tmp: sample(tmp, out=tmp / "x"), "There is no CRASH model"),
        (lambda model, tmp: sample(tmp / "no", out=tmp / "x"), "There is no CRASH model"),
        (lambda model, tmp: vary(tmp / "no.wav", model, out=tmp / "x"), "no such file"),
        (lambda model, tmp: vary(tmp / "kick.wav", model, count=10**9, out=tmp / "x"), "--count can be 1 to 1,000"),
        (lambda model, tmp: inpaint(tmp / "kick.wav", model, start=0, count=10**9, out=tmp / "x"), "--count can be 1"),
        (lambda model, tmp: interpolate(*[tmp / "kick.wav"] * 2, model, count=1, out=tmp / "x"), "--count can be 2"),
        (lambda model, tmp: train(tmp / "awkward", seed=-1, out=tmp / "x"), "--seed can be 0 to"),
        (lambda model, tmp: train(tmp / "awkward", out=tmp / "x"), "'a,b=1' cannot be asked for"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(saved, tmp_path, ask, words):
    for name in ("kick.wav", "awkward/a,b=1/kick.wav"):
        write_sound(tmp_path / name, np.hanning(1_500), 11_025)
    with pytest.raises(BadInput, match=words) as refusal:
        ask(saved, tmp_path)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "x").exists()
