import math
import sys
import types

import numpy as np
import pytest
import torch

from hotpapers.errors import MissingExtra
from hotpapers.papers.gamma_diffusion import hearing, mels, utterances
from hotpapers.papers.gamma_diffusion.hearing import intelligibility, log_mel_distance, mel_cepstral_distance, quality
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.utterances import Heard


def speech(seconds=2.0, rate=8_000):
    """Noise that comes and goes four times a second, loud and quiet bands in it: P.862 takes it for speech."""
    random, t = np.random.default_rng(0), np.arange(int(seconds * rate)) / rate
    noise = np.convolve(random.standard_normal(len(t)), np.hanning(8), "same")
    return torch.from_numpy((np.abs(np.sin(2 * np.pi * 2 * t)) * noise / 8).astype(np.float32))


@pytest.fixture
def levels(monkeypatch):
    """Let the spectrograms be what a test puts here, in decibels, by the first sample of the wave."""
    known = {}
    monkeypatch.setattr(hearing, "log_mel", lambda waves, rate, hop, bands: (known[float(waves[0, 0])] + 80) / 100)
    return known


@pytest.mark.parametrize("order", range(15))
def test_a_cosine_between_two_spectra_is_as_far_as_its_root_mean_square_for_the_13_orders_that_count(levels, order):
    cosine = torch.cos(math.pi * order * (torch.arange(40) + 0.5) / 40)[:, None].expand(40, 7)
    levels[0.0], levels[1.0] = torch.full((1, 40, 7), -30.0), -30.0 + 6 * cosine[None]
    far = mel_cepstral_distance(torch.zeros(1, 560), torch.ones(1, 560), 8_000)
    assert far == pytest.approx(6 / math.sqrt(2) if 1 <= order <= 13 else 0, abs=1e-4)


def test_the_mel_cepstral_distance_is_kubicheks_formula_frame_by_frame(levels):
    from scipy.fft import dct

    random = np.random.default_rng(0)
    a, b = random.uniform(-60, 0, (2, 40, 5))
    levels[0.0], levels[1.0] = torch.from_numpy(a)[None].float(), torch.from_numpy(b)[None].float()
    cepstra = [dct(each * np.log(10) / 10, type=2, axis=0)[1:14] / 80 for each in (a, b)]  # SciPy's has a factor of 2
    frames = 10 / np.log(10) * np.sqrt(2 * np.square(cepstra[0] - cepstra[1]).sum(0))
    far = mel_cepstral_distance(torch.zeros(1, 400), torch.ones(1, 400), 8_000)
    assert far == pytest.approx(frames.mean(), rel=1e-4)


def test_loudness_moves_the_log_mel_distance_by_its_decibels_and_the_mel_cepstral_one_not_at_all():
    loud = 0.5 * torch.randn(1, 8_000, generator=torch.Generator().manual_seed(0))
    soft = loud / 10 ** (6 / 20)
    assert float(mels.log_mel(soft, 8_000, 80, 40).min()) > 0  # nothing is cut off below
    assert float(mels.log_mel(loud, 8_000, 80, 40).max()) < 1
    assert log_mel_distance(loud, soft, 8_000) == pytest.approx(6, abs=1e-3)
    assert mel_cepstral_distance(loud, soft, 8_000) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("measure", [log_mel_distance, mel_cepstral_distance])
def test_a_sound_shorter_than_a_frame_has_a_distance(measure):
    assert measure(torch.ones(1, 20) / 2, torch.ones(1, 20) / 2, 48_000) == 0


def test_measures_of_speech_fall_with_the_noise_in_it():
    pytest.importorskip("pystoi")
    clean = speech()
    noise = torch.randn(len(clean), generator=torch.Generator().manual_seed(1))
    near, far = clean + 0.01 * noise, clean + 0.15 * noise
    stoi = [intelligibility(clean, each, 8_000) for each in (clean, near, far)]
    assert stoi[0] == pytest.approx(1, abs=1e-3)
    assert stoi[0] > stoi[1] > stoi[2]
    for measure in (log_mel_distance, mel_cepstral_distance):
        distance = [measure(clean[None], each[None], 8_000) for each in (clean, near, far)]
        assert distance[0] == 0
        assert distance[1] < distance[2]


def test_too_little_speech_has_no_intelligibility():
    pytest.importorskip("pystoi")
    assert intelligibility(speech(0.2), speech(0.2), 8_000) is None


@pytest.mark.parametrize(("rate", "best"), [(8_000, 4.549), (16_000, 4.644), (22_050, 4.644)])
def test_pesq_of_a_sound_with_itself_is_the_best_of_its_band(rate, best):
    pytest.importorskip("pesq")
    clean = speech(2.0, rate)
    assert quality(clean, clean, rate) == pytest.approx(best, abs=0.001)
    noise = torch.randn(len(clean), generator=torch.Generator().manual_seed(1))
    assert 1 <= quality(clean, clean + 0.15 * noise, rate) < best - 1


def test_pesq_of_a_long_sound_is_the_mean_over_its_stretches():
    pytest.importorskip("pesq")
    clean = torch.cat([speech(15), speech(3)])
    noisy = clean + 0.05 * torch.randn(len(clean), generator=torch.Generator().manual_seed(1))
    parts = [quality(*pair, 8_000) for pair in zip(clean.split(120_000), noisy.split(120_000), strict=True)]
    assert parts[0] != parts[1]
    assert quality(clean, noisy, 8_000) == pytest.approx(np.mean(parts))


def test_silence_and_a_click_have_no_pesq():
    pytest.importorskip("pesq")
    silence, click = torch.zeros(8_000), speech(0.1)
    assert quality(silence, silence, 8_000) is None
    assert quality(click, click, 8_000) is None
    assert quality(speech(), torch.zeros(16_000), 8_000) is None


def test_more_utterances_than_pesqs_code_has_room_for_are_judged():
    pytest.importorskip("pesq")
    t = np.arange(60 * 8_000) / 8_000  # 133 bursts; given at once they end the process
    bursts = ((t % 0.45) < 0.22) * np.random.default_rng(0).standard_normal(len(t)) / 10
    clean = torch.from_numpy(bursts.astype(np.float32))
    noise = torch.randn(len(clean), generator=torch.Generator().manual_seed(1))
    assert 1 <= quality(clean, clean + 0.01 * noise, 8_000) < 4.5


@pytest.fixture
def listener(monkeypatch):
    """A package ``pesq`` that notes what it is given, and finds no speech in what is shorter than a second."""
    package, heard = types.ModuleType("pesq"), []
    package.PesqError = types.SimpleNamespace(RETURN_VALUES=1)

    def pesq(rate, clean, said, band, on_error):
        assert on_error == 1
        heard.append((rate, band, len(clean), len(said)))
        if not said.any():
            return math.nan
        return -7 if len(clean) < rate else len(heard)

    package.pesq = pesq
    monkeypatch.setitem(sys.modules, "pesq", package)
    return heard


def test_every_rate_is_judged_in_its_band_and_in_stretches(listener):
    assert quality(speech(30.5), speech(30.5), 8_000) == 1.5  # of 1 and 2: there is no speech in the last
    assert quality(speech(1, 22_050), speech(1, 22_050), 22_050) == 4
    assert quality(torch.zeros(16_000), torch.ones(16_000), 16_000) is None
    assert quality(torch.ones(8_000), torch.zeros(8_000), 8_000) is None
    narrow = [(8_000, "nb", n, n) for n in (120_000, 120_000, 4_000, 8_000)]
    assert listener == [*narrow[:3], (16_000, "wb", 16_000, 16_000), narrow[3]]


def test_pesq_says_which_extra_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pesq", None)
    with pytest.raises(MissingExtra, match=r"hotpapers\[pesq\]"):
        quality(speech(), speech(), 8_000)


def test_the_claims_table_leaves_out_what_could_not_be_measured(monkeypatch):
    known = {("smoke", Law(), 0, 6): Heard(0.9, 5.0, 3.0, math.nan), ("laptop", Law(), 0, 6): Heard(0.8, 6.0, 4.0, 2.0)}
    monkeypatch.setattr(utterances, "_HEARD", known)
    assert utterances.table("smoke") == {
        "gaussian, seed 0": {"6 steps": {"stoi": 0.9, "distance": 5.0, "cepstral": 3.0}}
    }
    assert utterances.table("laptop")["gaussian, seed 0"]["6 steps"]["pesq"] == 2.0
