"""Utterances: the vocoders that the claims share, trained on spoken digits, and what they say of digits not heard."""

import dataclasses
import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.cards import Scale
from hotpapers.datasets import Spoken, spoken_digits
from hotpapers.errors import MissingExtra
from hotpapers.papers.gamma_diffusion.hearing import (
    intelligibility,
    log_mel_distance,
    mel_cepstral_distance,
    quality,
)
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.mels import log_mel
from hotpapers.papers.gamma_diffusion.speech import SPEECH_PRESETS, Speech, SpeechConfig, as_waves, fit_vocoder, say
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder
from hotpapers.run import Run, generator_on


class Budget(NamedTuple):
    """The training of each vocoder, how many digits make an utterance, and how many each speaker has of them."""

    config: SpeechConfig
    digits: int
    utterances: int


_TINY = SPEECH_PRESETS["speech-tiny"]
BUDGETS: dict[Scale, Budget] = {
    "smoke": Budget(dataclasses.replace(_TINY, steps=2, batch=2, frames=12), 3, 1),
    "laptop": Budget(dataclasses.replace(_TINY, steps=1_000), 3, 3),
    "paper": Budget(dataclasses.replace(_TINY, width=32, optimiser="adam", steps=200_000, batch=32, learning_rate=2e-4,
                                        average=0.9999), 5, 10),
}  # fmt: skip


class Heard(NamedTuple):
    """How utterances came out, the mean over them.

    Attributes
    ----------
    stoi
        Some 0 to 1.
    distance, cepstral
        Of log-mel spectrograms, and of mel cepstra, in decibels.
    pesq
        The narrow band's, 1 to 4.6; NaN where its package is not installed.
    """

    stoi: float
    distance: float
    cepstral: float
    pesq: float


_MODELS: dict[tuple[Scale, Law, int], Vocoder] = {}
_HEARD: dict[tuple[Scale, Law, int, int], Heard] = {}


def recordings(scale: Scale, split: Literal["train", "test"]) -> list[Spoken]:
    """Return spoken digits; for the smoke test noise that comes and goes."""
    if scale != "smoke":
        return spoken_digits(split)
    random, t = np.random.default_rng(split == "test"), np.arange(4_000) / 8_000
    loudness = np.abs(np.sin(2 * np.pi * 4 * t)) / 5
    return [
        Spoken((loudness * random.standard_normal(len(t))).astype(np.float32), number % 10, "nobody")
        for number in range(22)
    ]


def utterances(scale: Scale) -> Float[Tensor, "n length"]:
    """Return digits of the test set, said one after another by one speaker, each cut to the shortest's length."""
    digits, count = BUDGETS[scale].digits, BUDGETS[scale].utterances
    of: dict[str, list[np.ndarray]] = {}
    for spoken in recordings(scale, "test"):
        of.setdefault(spoken.speaker, []).append(spoken.samples)
    said = [
        np.concatenate(sounds[number : number + 7 * digits : 7][:digits])  # seven on: other digits
        for sounds in of.values()
        for number in range(count)
    ]
    length = min(map(len, said)) // 80 * 80
    return torch.from_numpy(np.stack([each[:length] / np.abs(each).max() for each in said]).astype(np.float32))


def vocoder_of(scale: Scale, law: Law, seed: int, run: Run) -> Vocoder:
    """Return the vocoder that was trained with a law from a seed."""
    if (scale, law, seed) not in _MODELS:
        config = dataclasses.replace(BUDGETS[scale].config, law=law)
        sounds = [each.samples / max(np.abs(each.samples).max(), 1e-3) for each in recordings(scale, "train")]
        with run.inner(seed) as inner:
            _MODELS[scale, law, seed] = fit_vocoder(Speech(as_waves(sounds, config)), config, inner)
    return _MODELS[scale, law, seed]


def said(
    scale: Scale, law: Law, seed: int, steps: int, run: Run, count: int | None = None
) -> Float[Tensor, "n length"]:
    """Return the first ``count`` test utterances, or all, as a vocoder says them."""
    model = vocoder_of(scale, law, seed, run)
    mel = log_mel(utterances(scale)[:count], model.rate, model.hop, model.mels).to(model.device)
    return say(model, mel, steps=steps, generator=generator_on(model.device, seed + 30_000)).cpu()


def heard(scale: Scale, law: Law, seed: int, steps: int, run: Run) -> Heard:
    """Return how the test utterances come out."""
    key = (scale, law, seed, steps)
    if key not in _HEARD:
        rate, clean = BUDGETS[scale].config.rate, utterances(scale)
        waves = said(scale, law, seed, steps, run)
        pairs = list(zip(clean, waves, strict=True))
        stoi = _mean([intelligibility(a, b, rate) for a, b in pairs])
        try:
            pesq = _mean([quality(a, b, rate) for a, b in pairs])
        except MissingExtra:
            pesq = math.nan
        distance, cepstral = (each(clean, waves, rate) for each in (log_mel_distance, mel_cepstral_distance))
        _HEARD[key] = Heard(stoi, distance, cepstral, pesq)
    return _HEARD[key]


def table(scale: Scale) -> dict[str, dict[str, dict[str, float]]]:
    """Return all that has been heard so far, by law and seed, and by steps."""
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for (known, law, seed, steps), each in _HEARD.items():
        if known == scale:
            rows.setdefault(f"{law}, seed {seed}", {})[f"{steps} steps"] = {
                name: value for name, value in each._asdict().items() if not math.isnan(value)
            }
    return rows


def _mean(values: list[float | None]) -> float:
    """Return the mean of what could be measured; NaN where nothing could."""
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else math.nan
