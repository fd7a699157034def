"""Speech: a folder of recordings, training a vocoder on them, and saying again what a spectrogram says."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn import functional as F

from hotpapers.blocks.diffusion import ddim, denoising_loss, moving_average
from hotpapers.blocks.diffusion.levels import Eps, Level
from hotpapers.blocks.muon import muon_beside_adam
from hotpapers.errors import BadInput
from hotpapers.media import SOUND_SUFFIXES, files_in, read_sound
from hotpapers.media.readable import named
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.learning import Loss, check_training
from hotpapers.papers.gamma_diffusion.mels import log_mel
from hotpapers.papers.gamma_diffusion.sampling import first_noise
from hotpapers.papers.gamma_diffusion.vocoder import Vocoder, WaveGrad, plan
from hotpapers.progress import track
from hotpapers.run import Run

LONGEST = 600 * 192_000  # samples of one file
LARGEST = 4 << 30  # bytes of all sounds together


@dataclasses.dataclass(frozen=True)
class SpeechConfig:
    """The settings of a vocoder's training.

    Attributes
    ----------
    preset
        What the settings are for.
    rate, mels, width, factors
        As in ``Vocoder``.
    table
        How many steps of noise there are.
    law
        The noise.
    loss
        l1, as WaveGrad's, or sum-mse.
    optimiser
        adam, as WaveGrad's, or for short trainings muon, with rates that fall to 0.
    steps, batch, learning_rate
        Of the optimiser.
    frames
        Of the spectrogram in each crop.
    clip, average, warm_up
        As for images.
    """

    preset: str = "speech"
    rate: int = 22_050
    mels: int = 128
    width: int = 32
    factors: tuple[int, ...] = (5, 5, 3, 2, 2)
    table: int = 1000
    law: Law = dataclasses.field(default_factory=lambda: Law("gamma"))
    loss: Loss = "l1"
    optimiser: Literal["adam", "muon"] = "adam"
    steps: int = 1_000_000
    batch: int = 32
    learning_rate: float = 2e-4
    frames: int = 24
    clip: float = 1.0
    average: float = 0.9999
    warm_up: bool = False


SPEECH_PRESETS: dict[str, SpeechConfig] = {
    "speech": SpeechConfig(),
    "speech-tiny": SpeechConfig(preset="speech-tiny", rate=8_000, mels=64, width=4, factors=(5, 2, 2, 2, 2),
                                optimiser="muon", steps=4_000, batch=8, learning_rate=0.02, average=0.99,
                                warm_up=True),
}  # fmt: skip
"""``speech`` is WaveGrad's base model and training on 22.05 kHz."""


@dataclasses.dataclass(frozen=True)
class Speech:
    """Recordings, one after another, each padded to whole frames.

    Attributes
    ----------
    waves
        Each a whole number of frames long, at least as long as a crop.
    left_out
        Files that could not be used, with the reason.
    """

    waves: list[Float[Tensor, " length"]]
    left_out: dict[Path, str] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.waves)


def read_speech(folder: Path, config: SpeechConfig) -> Speech:
    """Read every sound under ``folder``, or in a ZIP archive.

    Raises
    ------
    BadInput
        If there is none that can be used, or more than memory is meant for.
    """
    sounds, left_out, total = [], {}, 0
    with files_in(Path(folder), SOUND_SUFFIXES, "recordings") as found:
        for name, path in track(found, "reading sounds"):
            try:
                sounds.append(read_sound(path, rate=config.rate, mono=True, max_samples=LONGEST).samples[0])
            except BadInput as error:
                left_out[Path(folder) / name] = str(error).replace(named(path), named(Path(folder) / name))
                continue
            total += sounds[-1].nbytes
            if total > LARGEST:
                raise BadInput(f"{folder} has more sound than fits, {len(found):,} files; take a part of them.")
    if not sounds:
        reason = next(iter(left_out.values()), f"none ends in {', '.join(SOUND_SUFFIXES)}")
        raise BadInput(f"There is no sound in {folder} that can be used ({reason}).")
    return Speech(as_waves(sounds, config), left_out)


def as_waves(sounds: Sequence[Float[np.ndarray, " length"]], config: SpeechConfig) -> list[Float[Tensor, " length"]]:
    """Return sounds padded to whole frames and to the length of a crop."""
    hop = int(np.prod(config.factors))
    waves = []
    for sound in sounds:
        length = max(config.frames * hop, -(-len(sound) // hop) * hop)
        waves.append(F.pad(torch.from_numpy(np.ascontiguousarray(sound, dtype=np.float32)), (0, length - len(sound))))
    return waves


def fit_vocoder(speech: Speech, config: SpeechConfig, run: Run) -> Vocoder:
    """Train a vocoder and return it with averaged weights; crops, levels and start depend on the seed alone."""
    model = Vocoder(config.rate, config.mels, config.width, config.factors, config.table,
                    **dataclasses.asdict(config.law))  # fmt: skip
    order = Generator().manual_seed(run.seed)
    long = torch.cat(speech.waves).to(run.device)
    frames = long_mel(speech.waves, model).to(run.device)
    starts = crop_starts(speech.waves, model.hop, config.frames)
    optimisers, schedules = _moved_by(model.network, config)
    net, *moving = run.setup(model.network, *optimisers, *schedules)
    average = moving_average(model.network, config.average, warm_up=config.warm_up)
    run.setup(average, order)
    noise, length, last = model.noise, config.frames * model.hop, len(model.schedule) - 1
    for _ in run.steps(config.steps):
        at = starts[torch.randint(len(starts), (config.batch,), generator=order)].tolist()
        y = torch.stack([long[frame * model.hop :][:length] for frame in at])
        mel = torch.stack([frames[:, frame : frame + config.frames] for frame in at])
        half = torch.rand(config.batch // 2 + 1, generator=order)
        t = last * torch.cat([half, 1 - half])[: config.batch].to(run.device)

        def eps(x: Tensor, level: Level, mel: Tensor = mel) -> Tensor:
            return net(x, mel, level.m)

        losses = denoising_loss(eps, y, model.between(t), noise=noise, power=1 if config.loss == "l1" else 2)
        loss = losses.mean() * (1 if config.loss == "l1" else length)
        model.network.zero_grad()
        run.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(model.network.parameters(), config.clip)
        for each in moving:
            each.step()
        average.update_parameters(model.network)
        run.log(loss=losses.detach().mean(), gradient=norm)
    model.network.load_state_dict(average.module.state_dict())
    return model.eval()


def _moved_by(
    network: WaveGrad, config: SpeechConfig
) -> tuple[list[torch.optim.Optimizer], list[torch.optim.lr_scheduler.LRScheduler]]:
    if config.optimiser == "adam":
        return [torch.optim.Adam(network.parameters(), config.learning_rate, fused=True)], []
    hidden = [network.down, network.film, network.mel, network.up]
    return muon_beside_adam(network, hidden, config.learning_rate, config.steps)


def long_mel(waves: Sequence[Float[Tensor, " length"]], model: Vocoder) -> Float[Tensor, "mels frames"]:
    """Return the spectrograms of all waves, one after another."""
    return torch.cat([log_mel(wave[None], model.rate, model.hop, model.mels)[0] for wave in waves], dim=1)


def crop_starts(
    waves: Sequence[Float[Tensor, " length"]], hop: int, frames: int, *, every: int = 1
) -> Int[Tensor, " crops"]:
    """Return the frames at which a crop can begin without running into the next recording, every so many."""
    starts, first = [], 0
    for wave in waves:
        count = len(wave) // hop
        starts.append(torch.arange(first, first + count - frames + 1, every))
        first += count
    return torch.cat(starts)


def say(
    model: Vocoder,
    mel: Float[Tensor, "batch mels frames"],
    *,
    steps: int = 6,
    eta: float = 1.0,
    law: Law | None = None,
    generator: Generator | None = None,
) -> Float[Tensor, "batch length"]:
    """Return waves that sound like spectrograms, within [-1, 1].

    Parameters
    ----------
    steps
        6, 25, 100 and 1000 are the paper's.
    eta
        1 for DDPM, WaveGrad's own; 0 for DDIM.
    law
        Another law than the model was trained with.
    """
    noise = law.at(len(model.schedule) - 1) if law else model.noise
    levels = plan(model, steps)
    like = torch.empty(len(mel), mel.shape[-1] * model.hop, device=mel.device)
    start = first_noise(like, levels[0], noise, generator)
    return ddim(within(model.eps(mel)), start, levels, eta=eta, noise=noise, generator=generator).clamp(-1, 1)


def within(eps: Eps) -> Eps:
    """Return the noise that leaves a wave within [-1, 1]: FiLM multiplies, and what grows beyond would grow on."""

    def bounded(y: Tensor, level: Level) -> Tensor:
        wave = ((y - level.sigma * eps(y, level)) / level.m).clamp(-1, 1)
        return (y - level.m * wave) / level.sigma

    return bounded


def check_speech(config: SpeechConfig, *, option: str = "--steps") -> None:
    """Refuse settings that no training on speech can have."""
    check_training(config.law, config.steps, config.batch, config.learning_rate, option=option)
