import dataclasses
import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from hotpapers.blocks.diffusion import ddim
from hotpapers.errors import BadInput
from hotpapers.media import read_sound
from hotpapers.papers.gamma_diffusion import verbs
from hotpapers.papers.gamma_diffusion.fitting import fit_noise
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.mels import filters, log_mel
from hotpapers.papers.gamma_diffusion.opening import open_either, open_model
from hotpapers.papers.gamma_diffusion.residuals import residuals_of_speech
from hotpapers.papers.gamma_diffusion.speech import (
    SPEECH_PRESETS,
    as_waves,
    crop_starts,
    fit_vocoder,
    read_speech,
    say,
    within,
)
from hotpapers.papers.gamma_diffusion.train import train
from hotpapers.papers.gamma_diffusion.verbs import vocode
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder, WaveGrad, plan
from hotpapers.run import Run, save_model

sys.path.insert(0, str(Path(__file__).parent))
from make_wavegrad_golden import filled, inputs

SMALL = dataclasses.replace(SPEECH_PRESETS["speech-tiny"], mels=16, width=2, steps=2, batch=2, frames=6)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    place = tmp_path_factory.mktemp("vocoder")
    torch.manual_seed(0)
    save_model(Vocoder(8_000, 16, 2, (5, 2, 2, 2, 2)), place)
    return place


def test_the_published_network_has_wavegrads_size_and_with_its_weights_its_output():
    network = WaveGrad(spread=1.0)
    assert sum(each.numel() for each in network.parameters()) == 15_920_993
    network.load_state_dict(filled(network))
    with torch.no_grad():
        out = network(*inputs())[0]
    with np.load(Path(__file__).with_name("wavegrad.npz")) as golden:
        expected = torch.from_numpy(golden["out"])
    assert float((out - expected).abs().max()) < 1e-5 * float(expected.abs().max())


@pytest.mark.parametrize("steps", [1, 2, 6, 25, 100, 1000])
def test_a_plan_of_any_length_begins_where_the_training_ends(steps):
    model = Vocoder(8_000, 4, 1, (5, 2, 2, 2, 2))
    levels = plan(model, steps)
    assert len(levels) == steps + 1
    assert levels[0].m == pytest.approx(float(model.schedule.alpha_bar[-1].sqrt()), rel=1e-6)
    assert all(a.m < b.m and a.sigma > b.sigma for a, b in pairwise(levels))
    assert all(0 <= each.t <= 999 for each in levels)


def test_levels_between_the_tables_own_keep_the_variance():
    model = Vocoder(8_000, 4, 1, (5, 2, 2, 2, 2))
    level = model.between(torch.tensor([0.0, 3.5, 999.0]))
    assert torch.allclose(level.m**2 + level.sigma**2, torch.ones(3))
    table = model.schedule.alpha_bar.sqrt().float()
    assert torch.allclose(level.m, torch.stack([table[0], (table[3] + table[4]) / 2, table[999]]))


def test_a_wave_stays_within_bounds_whatever_the_network_hears():
    model = Vocoder(8_000, 4, 1, (5, 2, 2, 2, 2))
    model.eps = lambda mel: lambda y, level: -10 * y**3  # grows for ever if it is let
    said = say(model, torch.zeros(1, 4, 3), steps=100)
    assert said.isfinite().all()
    assert said.abs().max() <= 1


def test_a_tone_is_loudest_in_the_band_around_it():
    t = torch.arange(8_000) / 8_000
    mel = log_mel(torch.sin(2 * torch.pi * 1_000 * t)[None], 8_000, 80, 40)[0]
    assert mel.shape == (40, 100)
    bins = torch.linspace(0, 4_000, 257)
    loudest = filters(8_000, 512, 40)[int(mel[:, 50].argmax())]
    assert float(loudest[(bins - 1_000).abs().argmin()]) > 0.3
    assert float(mel.min()) >= 0
    assert float(mel.max()) <= 1


def test_crops_lie_within_one_recording(voices):
    speech = read_speech(voices, SMALL)
    assert [path.name for path in speech.left_out] == ["empty.wav"]
    assert all(len(wave) % 80 == 0 for wave in speech.waves)
    short = as_waves([np.ones(10, np.float32), np.ones(801, np.float32)], SMALL)
    assert [len(each) for each in short] == [480, 880]
    assert crop_starts(short, 80, 6).tolist() == [0, 6, 7, 8, 9, 10, 11]
    assert crop_starts(short, 80, 5, every=5).tolist() == [0, 6, 11]


def test_training_gives_the_same_vocoder_for_the_same_seed(voices, tmp_path):
    speech, config, made = read_speech(voices, SMALL), dataclasses.replace(SMALL, law=Law("mog")), []
    for number in range(2):
        with Run(tmp_path / str(number), seed=3, device="cpu", tensorboard=False) as run:
            made.append(fit_vocoder(speech, config, run).network.first.weight.detach())
    assert torch.equal(*made)


def test_a_recording_and_its_spectrogram_are_said_alike(voices, saved, tmp_path):
    pytest.importorskip("pystoi")
    outcome = vocode(voices / "0.wav", saved, steps=2, out=tmp_path / "said.wav", device="cpu")
    assert outcome.numbers["log-mel distance, dB"] > outcome.numbers["mel-cepstral distance, dB"] > 0
    assert -1 <= outcome.numbers["STOI"] < 1
    clean = torch.from_numpy(read_sound(voices / "0.wav").samples[0][:4_960])
    np.save(tmp_path / "mel.npy", log_mel(clean[None], 8_000, 80, 16)[0].numpy())
    vocode(tmp_path / "mel.npy", saved, steps=2, out=tmp_path / "again.wav", device="cpu")
    assert np.array_equal(read_sound(tmp_path / "said.wav").samples, read_sound(tmp_path / "again.wav").samples)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((15, 4)), "takes 16 bands x frames"),
        (np.zeros(16), "takes 16 bands"),
        (np.full((16, 4), np.nan), "not all from 0 to 1"),
        (np.full((16, 4), "x"), "not all from 0 to 1"),
        (None, "no array of NumPy's"),
    ],
)
def test_what_is_no_spectrogram_is_refused(saved, tmp_path, array, words):
    path = tmp_path / "mel.npy"
    path.write_bytes(b"\xff\xfe") if array is None else np.save(path, array)
    with pytest.raises(BadInput, match=words):
        vocode(path, saved, device="cpu")
    assert not (tmp_path / "mel.said.wav").exists()


def test_an_array_that_claims_more_than_it_holds_takes_no_memory_and_an_archive_is_no_spectrogram(saved, tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (16, 100000000000), }".ljust(117) + b"\n"
    (tmp_path / "claims.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(BadInput, match="no array of NumPy's"):
        vocode(tmp_path / "claims.npy", saved, device="cpu")
    np.savez(tmp_path / "archive.npz", mel=np.zeros((16, 4)))
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    with pytest.raises(BadInput, match="no array of NumPy"):
        vocode(tmp_path / "archive.npy", saved, device="cpu")


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 0},
        {"rate": 10**12},
        {"steps": 1},
        {"steps": 10**9},
        {"factors": (5, 2, 2, 2, 10**6)},
        {"theta_0": float("nan")},
        {"noise": "poisson"},
    ],
)
def test_settings_that_no_vocoder_has_are_damage(saved, tmp_path, settings):
    shutil.copytree(saved, tmp_path / "spoilt")
    config = tmp_path / "spoilt" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | settings))
    with pytest.raises(BadInput, match="cannot be read, or is none of WaveGrad"):
        open_either(tmp_path / "spoilt", "cpu")


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    model = Vocoder(8_000, 16, 2, (5, 2, 2, 2, 2))
    torch.nn.init.constant_(model.network.first.bias, torch.nan)
    save_model(model, tmp_path)
    with pytest.raises(BadInput, match="holds NaN or infinity"):
        open_model(Vocoder, tmp_path, "cpu")


@pytest.mark.parametrize(("score", "shown"), [(2.34567, {"PESQ, narrow band": 2.346}), (None, {})])
def test_pesq_is_reported_where_it_can_be_measured(voices, saved, tmp_path, monkeypatch, score, shown):
    pytest.importorskip("pystoi")
    monkeypatch.setattr(verbs, "quality", lambda clean, said, rate: score)
    numbers = vocode(voices / "0.wav", saved, steps=1, out=tmp_path / "said.wav", device="cpu").numbers
    assert {name: value for name, value in numbers.items() if "PESQ" in name} == shown


def test_noise_is_fitted_to_speech_with_a_vocoder_that_there_is(voices, saved, tmp_path):
    outcome = fit_noise(voices, model=saved, steps=4, count=6, out=tmp_path / "fits", device="cpu")
    assert sum(value for name, value in outcome.numbers.items() if name.startswith("steps that")) == 4
    rows = [line.split(",")[:2] for line in (tmp_path / "fits" / "fits.csv").read_text().splitlines()[1:]]
    assert [law for _, law in rows] == ["gaussian", "gamma", "mixture"] * 4
    times = [int(t) for t, _ in rows[::3]]
    assert times == sorted(times, reverse=True)
    assert not (tmp_path / "fits" / "model").exists()


def test_a_trained_vocoder_can_be_heard(voices, tmp_path):
    outcome = train(voices, preset="speech-tiny", steps=1, batch=1, out=tmp_path / "model", device="cpu")
    said, learned = read_sound(outcome.files["sound"]), read_sound(voices / "0.wav")
    assert (said.rate, said.samples.shape[1]) == (8_000, -(-learned.samples.shape[1] // 80) * 80)


def test_a_gaussian_vocoder_is_trained_where_none_is_given(voices, tmp_path):
    fit_noise(voices, preset="speech-tiny", train_steps=1, steps=2, count=4, out=tmp_path / "fits", device="cpu")
    assert open_either(tmp_path / "fits" / "model", "cpu").law == Law("gaussian")


def test_residuals_of_speech_are_what_is_left_to_the_wave_that_is_said():
    torch.manual_seed(0)
    model = Vocoder(8_000, 16, 2, (5, 2, 2, 2, 2), noise="gamma", theta_0=0.1)
    mel, start, levels = torch.rand(2, 16, 3), torch.randn(2, 240), plan(model, 3)
    times, values = residuals_of_speech(model, start, mel, 3, seed=1)
    said = ddim(within(model.eps(mel)), start, levels, eta=1.0, noise=model.noise,
                generator=torch.Generator().manual_seed(1))  # fmt: skip
    assert said.abs().max() <= 1
    assert np.allclose(values[0], start - said, atol=1e-6)
    assert times == [int(level.t) for level in levels[:3]]
