"""The claims: what follows from the definitions, images with every law at equal budget, Figure 1, and a vocoder.

Networks are trained once for a law and a seed and serve all the claims of a process.
"""

import functools
import itertools
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from hotpapers.blocks.diffusion import GammaNoise, Table, linear_betas
from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.media import contact_sheet, sound_sheet, write_image, write_sound
from hotpapers.papers.gamma_diffusion import trials, utterances
from hotpapers.papers.gamma_diffusion.contest import Way, made
from hotpapers.papers.gamma_diffusion.laws import Law, gamma_divergence, scales, shapes, skewness, step_shapes
from hotpapers.papers.gamma_diffusion.learning import PRESETS, untrained
from hotpapers.papers.gamma_diffusion.pictures import as_pixels
from hotpapers.run import Run

PUBLISHED = {"celeba": 78_700_803, "church": 113_673_219, "cifar": 35_746_307}


def published_sizes(scale: Scale, run: Run) -> Measurement:
    """Count the presets whose U-Net has the published number of parameters."""
    counts = {}
    with torch.device("meta"):
        for name in PUBLISHED:
            counts[name] = sum(each.numel() for each in untrained(PRESETS[name]).unet.parameters())
    return Measurement(values={0: sum(counts[name] == PUBLISHED[name] for name in PUBLISHED)},
                       extras={"parameters": counts})  # fmt: skip


def sums_stay_gamma(scale: Scale, run: Run) -> Measurement:
    """Hold the closed form of the summed shape, and its variance, against sums over the steps."""
    schedule = Table(linear_betas())
    worst, errors = 0.0, {}
    for theta_0 in (0.001, 0.01, 0.1, 1.0):
        summed, closed = step_shapes(schedule, theta_0).cumsum(0), shapes(schedule, theta_0)
        variance = closed * scales(schedule, theta_0) ** 2
        of_shape = float(((summed - closed) / closed).abs().max())
        of_variance = float((variance / (1 - schedule.alpha_bar) - 1).abs().max())
        errors[str(theta_0)] = {"shape": of_shape, "variance": of_variance}
        worst = max(worst, of_shape, of_variance)
    return Measurement(values={0: worst}, extras={"largest relative error": errors})


def published_law_is_all_but_gaussian(scale: Scale, run: Run) -> Measurement:
    """Work out the divergence of the published law from a Gaussian after 20 steps; skewness and more in the extras."""
    schedule = Table(linear_betas())
    table: dict[str, Any] = {}
    for theta_0 in (0.001, 0.01, 0.1):
        k = shapes(schedule, theta_0)
        skew, nats = skewness(Law("gamma", theta_0), schedule), gamma_divergence(k)
        table[f"theta_0 {theta_0:g}"] = {
            f"t {t}": {"shape": float(k[t - 1]), "skewness": float(skew[t - 1]), "nats": float(nats[t - 1])}
            for t in (1, 10, 20, 100, 1000)
        }
    return Measurement(values={0: float(gamma_divergence(shapes(schedule, 0.001))[19])}, extras=table)


def noise_is_cheap(scale: Scale, run: Run) -> Measurement:
    """Time ours beside PyTorch's Gamma and normal draws, one thread, least of seven rounds."""
    count = 20_000 if scale == "smoke" else 1_000_000
    schedule = Table(linear_betas())
    found: dict[str, dict[int, float]] = {"ours": {}, "torch's Gamma": {}, "normal": {}}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for seed in run.seeds:
        torch.manual_seed(seed)
        level = schedule.batch(torch.randint(len(schedule), (count // 500,)).float())
        like, noise = torch.empty(count // 500, 500), GammaNoise(0.001)
        k = noise.shape(level)[:, None].float().expand_as(like)
        ways = {
            "ours": functools.partial(noise, like, level),
            "torch's Gamma": functools.partial(_torch_gamma, k),
            "normal": functools.partial(torch.randn_like, like),
        }
        rounds = [{name: _cpu_seconds(way) for name, way in ways.items()} for _ in range(7)]
        for name in ways:
            found[name][seed] = min(each[name] for each in rounds)
    torch.set_num_threads(threads)
    values = {seed: found["torch's Gamma"][seed] / found["ours"][seed] for seed in run.seeds}
    over_normal = {str(seed): found["ours"][seed] / found["normal"][seed] for seed in run.seeds}
    return Measurement(values=values, method=found["ours"], baseline=found["torch's Gamma"],
                       unit=f"CPU s for {count:,}", extras={"ours / torch.randn": over_normal})  # fmt: skip


def _torch_gamma(k: Tensor) -> Tensor:
    return (torch.distributions.Gamma(k, torch.ones(())).sample() - k) / k.sqrt()


def _cpu_seconds(work: Any) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def gamma_improves_ddim(scale: Scale, run: Run) -> Measurement:
    """Measure the published Gamma against the Gaussian, 10 steps of DDIM."""
    return _against_gaussian(scale, run, trials.GAMMAS[0], Way(10, 0.0))


def gamma_improves_ddpm(scale: Scale, run: Run) -> Measurement:
    """Measure the published Gamma against the Gaussian, 10 steps of DDPM."""
    return _against_gaussian(scale, run, trials.GAMMAS[0], Way(10, 1.0))


def chance_changes_little(scale: Scale, run: Run) -> Measurement:
    """Measure a Gamma law that is a Gaussian in all but name, and so differs from it by its random numbers alone."""
    return _against_gaussian(scale, run, trials.CONTROL, Way(10, 0.0))


def chosen_gamma_improves_ddim(scale: Scale, run: Run) -> Measurement:
    """Choose each seed's theta_0 by the distance to the training images, and measure that to the test images."""
    way, chosen = Way(10, 0.0), {}
    for seed in run.seeds:
        of = {law: trials.distance(scale, law, seed, way, run, "train") for law in trials.GAMMAS}
        chosen[seed] = min(of, key=lambda law: of[law])
    method = {seed: trials.distance(scale, law, seed, way, run) for seed, law in chosen.items()}
    baseline = {seed: trials.distance(scale, trials.GAUSSIAN, seed, way, run) for seed in run.seeds}
    return _ratio(scale, run, method, baseline, {"theta_0": {str(seed): law.theta_0 for seed, law in chosen.items()}})


def mixture_improves_ddim(scale: Scale, run: Run) -> Measurement:
    """Measure the mixture against the Gaussian, 10 steps of DDIM."""
    return _against_gaussian(scale, run, trials.MIXTURE, Way(10, 0.0))


def law_belongs_to_training(scale: Scale, run: Run) -> Measurement:
    """Sample the Gaussian network with strong Gamma noise; the extras have the table of all laws and ways."""
    strong = trials.GAMMAS[-1]
    ways = Way(10, 1.0, strong), Way(10, 1.0)
    method, baseline = (
        {seed: trials.distance(scale, trials.GAUSSIAN, seed, way, run) for seed in run.seeds} for way in ways
    )
    swapped = {seed: trials.distance(scale, strong, seed, Way(10, 1.0, trials.GAUSSIAN), run) for seed in run.seeds}
    own = {seed: trials.distance(scale, strong, seed, Way(10, 1.0), run) for seed in run.seeds}
    for law, seed, steps, eta in itertools.product(trials.LAWS, run.seeds, (10, 20), (0.0, 1.0)):
        trials.distance(scale, law, seed, Way(steps, eta), run)
    for law, steps in itertools.product((trials.GAUSSIAN, trials.GAMMAS[0], trials.MIXTURE),
                                        trials.BUDGETS[scale].further):  # fmt: skip
        trials.distance(scale, law, run.seeds[0], Way(steps, 0.0), run)
    extras = {"gamma 0.1 network sampled with Gaussian noise / with its own":
              {str(seed): swapped[seed] / own[seed] for seed in run.seeds}}  # fmt: skip
    measured = _ratio(scale, run, baseline, method, extras)
    return msgspec.structs.replace(measured, method=method, baseline=baseline)


def residuals_are_not_gaussian(scale: Scale, run: Run) -> Measurement:
    """Fit the three laws to the residuals of the Gaussian networks at 50 steps."""
    gaussian, better, rows = {}, {}, {}
    for seed in run.seeds:
        errors = {t: {fit.law: fit.error for fit in each} for t, each in trials.fits(scale, seed, run).items()}
        rows[str(seed)] = {f"t {t}": row for t, row in errors.items()}
        gaussian[seed] = _geometric_mean([row["gaussian"] for row in errors.values()])
        better[seed] = _geometric_mean([min(row["gamma"], row["mixture"]) for row in errors.values()])
    values = {seed: gaussian[seed] / better[seed] for seed in run.seeds}
    return Measurement(values=values, method=better, baseline=gaussian, unit="mean square error of bins",
                       extras={"error of each fit": rows})  # fmt: skip


def _geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(max(each, 1e-12)) for each in values) / len(values))


def _against_gaussian(scale: Scale, run: Run, law: Law, way: Way) -> Measurement:
    for seed in run.seeds:  # 20 steps, and the other laws, are for the table
        trials.distance(scale, law, seed, way._replace(steps=20), run)
        trials.distance(scale, trials.GAUSSIAN, seed, way._replace(steps=20), run)
    method, baseline = (
        {seed: trials.distance(scale, each, seed, way, run) for seed in run.seeds} for each in (law, trials.GAUSSIAN)
    )
    models = {str(each): trials.model_of(scale, each, run.seeds[0], run) for each in (trials.GAUSSIAN, law)}
    made_of = {name: made(model, way, 16, run.seeds[0]) for name, model in models.items()}
    shown = as_pixels(each for of in made_of.values() for each in of)
    labels = [name for name, of in made_of.items() for _ in of]
    sheet = write_image(run.out / "images.png", contact_sheet(shown, labels, 8))
    return _ratio(scale, run, method, baseline, {}, [sheet])


def _ratio(
    scale: Scale,
    run: Run,
    method: dict[int, float],
    baseline: dict[int, float],
    extras: dict[str, Any],
    files: Sequence[Path] = (),
) -> Measurement:
    """Return baseline over method with the table of all that this process has measured."""
    budget = trials.BUDGETS[scale]
    settings = {"training steps": budget.config.steps, "batch": budget.config.batch, "images": budget.images,
                "size": budget.config.size, "width": budget.config.width}  # fmt: skip
    return Measurement(
        values={seed: baseline[seed] / method[seed] for seed in run.seeds},
        method=method,
        baseline=baseline,
        unit="Fréchet distance",
        extras=extras | {"settings": settings, "Fréchet distance to the test images": trials.table(scale, run)},
        files=list(files),
    )


def gamma_improves_vocoder(scale: Scale, run: Run) -> Measurement:
    """Train vocoders with Gamma and with Gaussian noise on spoken digits, and take STOI at 6 steps."""
    return _vocoders(scale, run, trials.GAMMAS[0])


def mixture_improves_vocoder(scale: Scale, run: Run) -> Measurement:
    """Train vocoders with the mixture and with Gaussian noise on spoken digits, and take the distance at 100 steps."""
    return _vocoders(scale, run, trials.MIXTURE)


def _vocoders(scale: Scale, run: Run, law: Law) -> Measurement:
    few = (2, 3, 4) if scale == "smoke" else (6, 25, 100)
    for seed, each, steps in itertools.product(run.seeds, (trials.GAUSSIAN, law), few):
        utterances.heard(scale, each, seed, steps, run)
    at = few[0] if law.noise == "gamma" else few[-1]
    ours, theirs = (
        {seed: utterances.heard(scale, each, seed, at, run) for seed in run.seeds} for each in (law, trials.GAUSSIAN)
    )
    settings = {"training steps": utterances.BUDGETS[scale].config.steps}
    extras = {"settings": settings, "STOI, PESQ, and log-mel and mel-cepstral distances in dB": utterances.table(scale)}
    files = _listen(scale, run, law, at)
    if law.noise == "gamma":
        method, baseline = ({s: each.stoi for s, each in of.items()} for of in (ours, theirs))
        values = {seed: method[seed] - baseline[seed] for seed in run.seeds}
        return Measurement(values=values, method=method, baseline=baseline, unit="STOI", extras=extras, files=files)
    method, baseline = ({s: each.distance for s, each in of.items()} for of in (ours, theirs))
    values = {seed: baseline[seed] / method[seed] for seed in run.seeds}
    return Measurement(values=values, method=method, baseline=baseline, unit="dB", extras=extras, files=files)


def _listen(scale: Scale, run: Run, law: Law, steps: int) -> list[Path]:
    """Write an utterance as recorded and as the vocoders of the first seed say it, and a picture of the three."""
    rate, seed = utterances.BUDGETS[scale].config.rate, run.seeds[0]
    sounds = {"recorded": utterances.utterances(scale)[0]}
    for each in (trials.GAUSSIAN, law):
        sounds[each.noise] = utterances.said(scale, each, seed, steps, run, 1)[0]
    sheet = sound_sheet([wave.numpy() for wave in sounds.values()], list(sounds), rate)
    files = [write_sound(run.out / f"{name}.flac", wave.numpy(), rate) for name, wave in sounds.items()]
    return [write_image(run.out / "sheet.png", sheet), *files]
