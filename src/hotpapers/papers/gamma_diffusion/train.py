"""The verb ``train``: a diffusion model of a folder's images, or a vocoder of a folder's recordings."""

import dataclasses
import shlex
import time
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from jaxtyping import Float

from hotpapers.errors import BadInput
from hotpapers.media import contact_sheet, sound_sheet, write_image, write_sound
from hotpapers.papers.gamma_diffusion.laws import Law, LawName
from hotpapers.papers.gamma_diffusion.learning import PRESETS, Config, Loss, check_config, fit
from hotpapers.papers.gamma_diffusion.mels import log_mel
from hotpapers.papers.gamma_diffusion.pictures import Pictures, as_pixels, from_bytes, read_pictures
from hotpapers.papers.gamma_diffusion.sampling import draw
from hotpapers.papers.gamma_diffusion.speech import (
    SPEECH_PRESETS,
    Speech,
    SpeechConfig,
    check_speech,
    fit_vocoder,
    read_speech,
    say,
)
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder
from hotpapers.run import Run, check_seed, save_model
from hotpapers.verbs import AnyFile, Device, Outcome, resume_command

ImagePreset = Literal["small", "grey", "tiny", "celeba", "church", "cifar"]
Preset = Literal["small", "grey", "tiny", "celeba", "church", "cifar", "speech-tiny", "speech"]
PREVIEW = 24
SECONDS = 2  # of sound to say again

Settings = TypeVar("Settings", Config, SpeechConfig)


def train(
    folder: AnyFile,
    *,
    preset: Preset = "small",
    noise: LawName = "gamma",
    theta0: float = 0.001,
    sigma_start: float = 0.9,
    sigma_end: float = 0.5,
    loss: Loss | None = None,
    steps: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a diffusion model with Gaussian, Gamma or mixture noise on a folder of images, or of speech.

    Parameters
    ----------
    folder
        A folder or ZIP archive of images; with the presets of speech, of recordings.
    preset
        The settings to start from: small (32 x 32 in colour), grey (28 x 28), tiny (14 x 14, some minutes on a
        laptop); celeba, church and cifar, the published networks, for a GPU; speech-tiny (a vocoder at 8 kHz) and
        speech (WaveGrad at 22.05 kHz).
    noise
        The law of the noise: gaussian, gamma, or mog, a mixture of two Gaussians.
    theta0
        The Gamma's scale at the clean end; inspect says from where on it can be told from a Gaussian.
    sigma_start, sigma_end
        The widths of the mixture's halves at the clean and at the noisy end.
    loss
        sum-mse, squares summed over pixels, or l1; left out, what the preset's authors take.
    steps
        Training steps.
    batch
        Images or crops a step.
    learning_rate
        Of Adam; in speech-tiny of Muon (0.02).
    out
        The directory to write the model to; beside the folder when left out.
    seed
        The seed of everything random.
    device
        Where to compute.
    resume
        Go on with the training that was interrupted in the directory.
    fresh
        Replace the training in the directory.
    """
    asked = dict(locals())
    check_seed(seed)
    law = Law(noise, theta0, sigma_start, sigma_end)
    changes = {"law": law, "loss": loss, "steps": steps, "batch": batch, "learning_rate": learning_rate}
    folder = Path(folder)
    out = Path(out) if out else folder.with_name(f"{folder.resolve().stem}.gamma-diffusion")
    again = resume_command("gamma-diffusion train", train, asked | {"out": out})
    started = time.perf_counter()
    options: dict[str, Any] = {"seed": seed, "device": device, "resume": resume, "fresh": fresh}
    if preset in SPEECH_PRESETS:
        speech_config = changed(SPEECH_PRESETS[preset], changes)
        check_speech(speech_config)
        speech = read_speech(folder, speech_config)
        with Run(out, config=speech_config, resume_command=again, **options) as run:
            vocoder = fit_vocoder(speech, speech_config, run)
            if run.rank == 0:
                save_model(vocoder, out)
        clean, said = _said_again(vocoder, speech)
        sound = write_sound(out / "said.wav", said, vocoder.rate)
        sheet = sound_sheet([clean, said], ["learned", "said again"], vocoder.rate)
        picture = write_image(out / "sounds.png", sheet)
        numbers = _numbers(vocoder.network, len(speech), len(speech.left_out), started)
        note = f"Say a sound again: hotpapers gamma-diffusion vocode SOUND {shlex.quote(str(out))}"
        return Outcome({"model": out, "sound": sound, "picture": picture}, numbers, note)
    config = changed(preset_of(preset), changes)
    check_config(config)
    pictures = read_pictures(folder, config.size, config.channels, crop=config.crop)
    with Run(out, config=config, resume_command=again, **options) as run:
        model = fit(pictures, config, run)
        if run.rank == 0:
            save_model(model, out)
    made = draw(model, PREVIEW, steps=min(50, config.table), eta=1.0, clip=True,
                generator=torch.Generator(model.device).manual_seed(seed))  # fmt: skip
    picture = write_image(out / "images.png", sheet_of(pictures, made))
    numbers = _numbers(model.unet, len(pictures), len(pictures.left_out), started)
    note = f"Make some: hotpapers gamma-diffusion sample --model {shlex.quote(str(out))}"
    return Outcome({"model": out, "images": picture}, numbers, note)


def preset_of(name: str) -> Config:
    """Return the settings of that name, or raise ``BadInput`` with those there are."""
    if name not in PRESETS:
        raise BadInput(f"There is no preset {name[:40]!r} of images; take one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def changed(config: Settings, changes: dict[str, Any]) -> Settings:
    """Return settings with what was asked for in place of the preset's."""
    return dataclasses.replace(config, **{name: value for name, value in changes.items() if value is not None})


def sheet_of(
    pictures: Pictures, made: Float[torch.Tensor, "n channels size size"]
) -> Float[np.ndarray, "height width 3"]:
    """Return a picture of images that were learned, above images that were made."""
    learned = from_bytes(pictures.pixels[:: max(1, len(pictures) // 8)][:8])
    return contact_sheet(as_pixels((*learned, *made)), ["learned"] * len(learned) + ["made"] * len(made), 8)


def _said_again(model: Vocoder, speech: Speech) -> tuple[Float[np.ndarray, " length"], Float[np.ndarray, " length"]]:
    """Return the first two seconds that were learned, and what the vocoder makes of their spectrogram."""
    wave = speech.waves[0][: SECONDS * model.rate // model.hop * model.hop][None]
    mel = log_mel(wave, model.rate, model.hop, model.mels).to(model.device)
    said = say(model, mel, steps=6, generator=torch.Generator(model.device).manual_seed(0)).cpu()
    return wave[0].numpy(), said[0].numpy()


def _numbers(network: torch.nn.Module, count: int, left_out: int, started: float) -> dict[str, float | int | str]:
    return {
        "files": count,
        "files left out": left_out,
        "parameters": sum(each.numel() for each in network.parameters()),
        "seconds": round(time.perf_counter() - started, 1),
    }
