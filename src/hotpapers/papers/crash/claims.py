"""The claims of CRASH: sizes; schedules, on data whose best denoiser is known and trained on drums; a GAN; controls."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from hotpapers.blocks.diffusion import guided
from hotpapers.blocks.diffusion.levels import Eps, Level
from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.media import sound_sheet, write_image, write_sound
from hotpapers.papers.crash import controls, experiment, sampling
from hotpapers.papers.crash.exact import COSINES, errors_of_spread
from hotpapers.papers.crash.experiment import SETTINGS, fd_drum, made, sounds_of
from hotpapers.papers.crash.judge import precision_and_recall
from hotpapers.papers.crash.model import Crash
from hotpapers.papers.crash.sampling import Sampler
from hotpapers.run import Run

SIGMAS = (0.1, 0.3, 0.5, 0.7)  # of variations
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of kick in mixtures with snare
SCHEDULES = ("vp-exp", *COSINES)


def published_sizes(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of the U-Net."""
    with torch.device("meta"):
        unet = Crash().unet
    count = sum(each.numel() for each in unet.parameters()) + unet.embedding.frequencies.numel()
    return Measurement(values={0: count}, method={0: count}, unit="parameters")


def cosine_beats_linear_exactly(scale: Scale, run: Run) -> Measurement:
    """Measure the worst cosine against the linear beta at every budget."""
    found = {(steps, eta): errors_of_spread(steps, eta) for steps in (20, 50, 100, 200, 400) for eta in (0.0, 1.0)}
    ratios = {at: errors["vp-exp"] / max(errors[name] for name in COSINES) for at, errors in found.items()}
    at = min(ratios, key=lambda each: ratios[each])
    method, baseline = {0: max(found[at][name] for name in COSINES)}, {0: found[at]["vp-exp"]}
    return Measurement(values={0: ratios[at]}, method=method, baseline=baseline, unit="error", extras=_told(found))


def vp_cosine_is_best_at_few_steps(scale: Scale, run: Run) -> Measurement:
    """Measure the VP cosine against the better of the sub-VP ones."""
    found = {(steps, eta): errors_of_spread(steps, eta) for steps in (10, 20, 50) for eta in (0.0, 1.0)}
    ratios = {at: min(errors[name] for name in COSINES[1:]) / errors["vp-cos"] for at, errors in found.items()}
    at = min(ratios, key=lambda each: ratios[each])
    method, baseline = {0: found[at]["vp-cos"]}, {0: min(found[at][name] for name in COSINES[1:])}
    return Measurement(values={0: ratios[at]}, method=method, baseline=baseline, unit="error", extras=_told(found))


def cosine_beats_linear(scale: Scale, run: Run) -> Measurement:
    """Train with every schedule; measure the worst cosine against the linear beta, by the sampler it does worst in."""
    tables = {seed: _table(scale, seed, run) for seed in run.seeds}
    values, method, baseline = {}, {}, {}
    for seed, table in tables.items():
        rows = [(row["vp-exp"] / max(row[name] for name in COSINES), row) for row in table.values()]
        values[seed], worst = min(rows, key=lambda each: each[0])
        method[seed], baseline[seed] = max(worst[name] for name in COSINES), worst["vp-exp"]
    return Measurement(values=values, method=method, baseline=baseline, unit="fd_drum", extras=_by_seed(tables))


def vp_cosine_is_best_with_few_ddim_steps(scale: Scale, run: Run) -> Measurement:
    """Measure the better of the sub-VP cosines against the VP one at few steps of DDIM."""
    tables = {seed: _table(scale, seed, run) for seed in run.seeds}
    rows = {seed: table[f"ddim {SETTINGS[scale].few}"] for seed, table in tables.items()}
    method = {seed: row["vp-cos"] for seed, row in rows.items()}
    baseline = {seed: min(row[name] for name in COSINES[1:]) for seed, row in rows.items()}
    values = {seed: baseline[seed] / method[seed] for seed in rows}
    return Measurement(values=values, method=method, baseline=baseline, unit="fd_drum", extras=_by_seed(tables))


def sub_vp_needs_steps(scale: Scale, run: Run) -> Measurement:
    """Measure the sub-VP cosine against the VP one at many steps of the ODE, over the same at few."""
    tables = {seed: _table(scale, seed, run) for seed in run.seeds}
    few, many = f"ddim {SETTINGS[scale].few}", "ode 400" if scale == "paper" else f"ddim {SETTINGS[scale].many}"
    standing = {
        at: {seed: table[at]["vp-cos"] / table[at]["sub-vp-cos"] for seed, table in tables.items()}
        for at in (few, many)
    }
    values = {seed: standing[many][seed] / standing[few][seed] for seed in tables}
    return Measurement(values=values, method=standing[many], baseline=standing[few], extras=_by_seed(tables))


def closes_the_gap_with_gans(scale: Scale, run: Run) -> Measurement:
    """Measure a WaveGAN of equal size and equal CPU time against CRASH; draw both."""
    of_both = {seed: _against_gan(scale, seed, run) for seed in run.seeds}
    method = {seed: fd_drum(scale, ours) for seed, (ours, _) in of_both.items()}
    baseline = {seed: fd_drum(scale, theirs) for seed, (_, theirs) in of_both.items()}
    values = {seed: baseline[seed] / method[seed] for seed in of_both}
    ours, theirs = of_both[run.seeds[0]]
    labels = [f"{name} {number}" for name in ("CRASH", "GAN") for number in (1, 2, 3, 4)]
    rate = SETTINGS[scale].config.rate
    sheet = write_image(run.out / "made.png", sound_sheet([*_full(ours[:4]), *_full(theirs[:4])], labels, rate))
    return Measurement(values=values, method=method, baseline=baseline, unit="fd_drum", files=[sheet])


def covers_more_than_a_gan(scale: Scale, run: Run) -> Measurement:
    """Measure which share of the held-out sounds lies among those of CRASH, and of the GAN."""
    found = experiment.data(scale)
    real = found.judge.described(found.held_out.sounds)
    shares = {
        seed: [precision_and_recall(found.judge.described(sounds), real) for sounds in _against_gan(scale, seed, run)]
        for seed in run.seeds
    }
    method, baseline = ({seed: 100 * both[which][1] for seed, both in shares.items()} for which in (0, 1))
    values = {seed: method[seed] - baseline[seed] for seed in shares}
    extras = {"precision and recall, CRASH, then GAN": {str(seed): both for seed, both in shares.items()}}
    return Measurement(values=values, method=method, baseline=baseline, unit="%", extras=extras)


def classes_can_be_asked_for(scale: Scale, run: Run) -> Measurement:
    """Guide to each class and let the judge, which had no part in it, say what it hears; the baseline lacks sigma."""
    method, baseline = (
        {seed: _heard_as_asked(scale, seed, factor, run) for seed in run.seeds} for factor in (True, False)
    )
    return Measurement(values=method, method=method, baseline=baseline, unit="%")


def mixtures_are_gradual(scale: Scale, run: Run) -> Measurement:
    """Mix kick into snare; measure how the judge's certainty of a kick follows the share of it that is asked for."""
    curves = {seed: _mixtures(scale, seed, run) for seed in run.seeds}
    wanted = torch.tensor(SHARES)
    values = {seed: float(torch.corrcoef(torch.stack([wanted, curve]))[0, 1]) for seed, curve in curves.items()}
    extras = {"certainty of a kick": {str(seed): curve.tolist() for seed, curve in curves.items()}}
    return Measurement(values=values, method=values, extras=extras)


def few_evaluations_suffice(scale: Scale, run: Run) -> Measurement:
    """Measure DDIM in 50 steps against DPM-Solver++ at 20 evaluations of the network, and Heun at 19."""
    ddim, solver, heun = (50, 19, 9) if scale != "smoke" else (3, 2, 1)
    asked: dict[str, tuple[Sampler, int]] = {
        "ddim": ("ddim", ddim), "dpm-solver": ("dpm-solver", solver), "heun": ("heun", heun)
    }  # fmt: skip
    found = {
        name: {
            seed: fd_drum(scale, sounds_of(scale, "vp-cos", seed, sampler, steps, run, longer=True))
            for seed in run.seeds
        }
        for name, (sampler, steps) in asked.items()
    }
    values = {seed: found["ddim"][seed] / found["dpm-solver"][seed] for seed in run.seeds}
    extras = {"heun": {str(seed): distance for seed, distance in found["heun"].items()}}
    return Measurement(values=values, method=found["dpm-solver"], baseline=found["ddim"], unit="fd_drum", extras=extras)


def inpainting_keeps_the_rest(scale: Scale, run: Run) -> Measurement:
    """Make the middle third of sounds anew with the shipped model and measure what changed, outside and inside."""
    model, _, sounds = controls.shipped()
    outside, inside = {}, {}
    first: list[Tensor] = []
    for seed in run.seeds:
        again, anew = controls.mended(model, sounds, 3 if scale == "smoke" else 50, seed)
        outside[seed], inside[seed] = (
            float((again - sounds)[:, where].square().mean() / sounds.square().mean()) ** 0.5 for where in (~anew, anew)
        )
        first = first or [again]
    files = _listen(run, model.rate, {"source": sounds, "mended": first[0]})
    return Measurement(values=outside, method=outside, baseline=inside, unit="RMS of the sound", files=files)


def variations_go_as_far_as_asked(scale: Scale, run: Run) -> Measurement:
    """Vary sounds with the shipped model, with more and more noise, and count how often more noise led further away."""
    model, _, sounds = controls.shipped()
    steps = 2 if scale == "smoke" else 30
    values, curves = {}, {}
    first: dict[str, Tensor] = {}
    for seed in run.seeds:
        made_of = {sigma: controls.varied(model, sounds, sigma, steps, seed) for sigma in SIGMAS}
        distances = torch.stack([(each - sounds).square().mean(1).sqrt() for each in made_of.values()])
        values[seed] = 100 * float((distances.diff(dim=0) > 0).float().mean())
        curves[str(seed)] = distances.mean(1).tolist()
        first = first or {f"sigma {sigma:g}": each for sigma, each in made_of.items()}
    files = _listen(run, model.rate, {"source": sounds, **first})
    return Measurement(values=values, method=values, extras={"mean distance by sigma": curves}, files=files)


def inversion_sharpens_with_steps(scale: Scale, run: Run) -> Measurement:
    """Encode and decode sounds with the shipped model in more and more steps; measure the least gain of a doubling."""
    model, _, sounds = controls.shipped()
    found = {steps: controls.signal_to_noise(model, sounds, steps) for steps in SETTINGS[scale].inversion}
    ratios = list(found.values())
    gain = min(b - a for a, b in itertools.pairwise(ratios))
    extras = {"signal to noise by steps, dB": {str(steps): ratio for steps, ratio in found.items()}}
    return Measurement(values={0: gain}, method={0: ratios[-1]}, baseline={0: ratios[0]}, unit="dB", extras=extras)


def shipped_model_makes_each_class(scale: Scale, run: Run) -> Measurement:
    """Ask the shipped model for each class and let its judge say what it hears; these are the sounds to listen to."""
    model, judge, _ = controls.shipped()
    count, steps = (1, 2) if scale == "smoke" else (6, 20)
    values = {}
    first: dict[str, Tensor] = {}
    for seed in run.seeds:
        sounds = {name: made(model, count, seed, steps=steps, classes={name: 1.0}) for name in model.classes}
        heard = [(judge.hear(each) == judge.classes.index(name)).float() for name, each in sounds.items()]
        values[seed] = 100 * float(torch.cat(heard).mean())
        first = first or sounds
    hybrid = made(model, 3, run.seeds[0], steps=steps, classes={"kick": 0.5, "snare": 0.5})
    files = _listen(run, model.rate, {**first, "kick and snare": hybrid})
    return Measurement(values=values, method=values, unit="%", files=files)


def _table(scale: Scale, seed: int, run: Run) -> dict[str, dict[str, float]]:
    """Return the Fréchet distance by sampler and schedule."""
    settings = SETTINGS[scale]
    asked: list[tuple[Sampler, int]] = [("ddpm", settings.many), ("ddim", settings.many), ("ddim", settings.few)]
    if scale == "paper":
        asked += [("sde", 400), ("ode", 400)]
    return {
        f"{sampler} {steps}": {
            name: fd_drum(scale, sounds_of(scale, name, seed, sampler, steps, run)) for name in SCHEDULES
        }
        for sampler, steps in asked
    }


def _against_gan(scale: Scale, seed: int, run: Run) -> tuple[Tensor, Tensor]:
    settings = SETTINGS[scale]
    ours = sounds_of(scale, "vp-cos", seed, "ddpm", settings.many, run, longer=True)
    return ours, experiment.gan(scale, seed, run).draw(settings.count, torch.Generator().manual_seed(seed))


def _heard_as_asked(scale: Scale, seed: int, factor: bool, run: Run) -> float:
    """Return the percentage of guided sounds that the judge hears as asked, with or without the factor sigma."""
    model, judge = experiment.guided_model(scale, seed, run), experiment.data(scale).judge
    count, right = max(2, SETTINGS[scale].count // 2), []
    for label, name in enumerate(model.classes):
        x = torch.randn(count, model.length, generator=torch.Generator().manual_seed(seed))
        eps = sampling.mixed(model, {name: 1.0}, 1.0) if factor else _without_sigma(model, name)
        levels = model.schedule.levels(2 * SETTINGS[scale].few)
        sounds = sampling.ddim(eps, x, levels, eta=1.0, generator=torch.Generator().manual_seed(seed + 1))
        right.append((judge.hear(sounds.nan_to_num()) == label).float())
    return 100 * float(torch.cat(right).mean())


def _without_sigma(model: Crash, name: str) -> Eps:
    """Return the guided noise as the authors' code has it: the gradient is not multiplied by sigma."""
    label = model.classes.index(name)

    def log_likelihood(x: Tensor, level: Level) -> Tensor:
        return torch.log_softmax(model.class_scores(x, level), -1)[:, label] / level.sigma

    return guided(model.eps, log_likelihood)


def _mixtures(scale: Scale, seed: int, run: Run) -> Tensor:
    """Return the judge's mean probability of a kick for each share of kick in a mixture with snare."""
    model, judge = experiment.guided_model(scale, seed, run), experiment.data(scale).judge
    count, curve = max(2, SETTINGS[scale].count // 2), []
    for share in SHARES:
        asked = {"kick": share, "snare": 1 - share}
        sounds = made(model, count, seed, steps=2 * SETTINGS[scale].few, sampler="ddpm", classes=asked)
        curve.append(judge(sounds.nan_to_num()).softmax(-1)[:, model.classes.index("kick")].mean())
    return torch.stack(curve)


def _listen(run: Run, rate: int, sounds: dict[str, Tensor]) -> list[Path]:
    """Write three sounds of each name one after the other as FLAC, and a picture of them all."""
    files = []
    for name, several in sounds.items():
        joined = torch.cat([torch.nn.functional.pad(each, (0, rate // 8)) for each in _tensor(several[:3])])
        files.append(write_sound(run.out / f"{name.replace(' ', '-').replace('.', '')}.flac", joined.numpy(), rate))
    labels = [f"{name} {number}" for name, several in sounds.items() for number in range(1, min(3, len(several)) + 1)]
    shown = [each for several in sounds.values() for each in _full(several[:3])]
    columns = 3 if min(map(len, sounds.values())) >= 3 else None
    return [write_image(run.out / "sheet.png", sound_sheet(shown, labels, rate, columns=columns)), *files]


def _tensor(sounds: Tensor) -> Tensor:
    return sounds / sounds.abs().amax(1, keepdim=True).clamp(min=1)


def _full(sounds: Tensor) -> Sequence[Tensor]:
    return list(_tensor(sounds).numpy())


def _told(found: dict[tuple[int, float], dict[str, float]]) -> dict[str, dict[str, float]]:
    return {f"{steps} steps, eta {eta:g}": errors for (steps, eta), errors in found.items()}


def _by_seed(tables: dict[int, dict[str, dict[str, float]]]) -> dict[str, object]:
    return {str(seed): table for seed, table in tables.items()}
