"""SinIR's claims: each function measures the method and its baseline at equal budget, for every seed of the run.

Photographs are scikit-image's. An edit is a block of the photograph that is copied, mirrored and pasted elsewhere; the
measure of an edit is how far the patches (7 x 7) of the pasted block are from the photograph's after the cascade.
"""

import contextlib
import dataclasses
import math
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.metrics import NaturalModel, fit_natural_model, niqe, psnr, sharpness, ssim
from hotpapers.papers.sinir.clock import Clock
from hotpapers.papers.sinir.experiment import (
    edit,
    edit_distance,
    every_start,
    photo,
    rank_correlation,
    save_sheet,
    train,
)
from hotpapers.papers.sinir.losses import reconstruction_loss
from hotpapers.papers.sinir.model import ScaleNet
from hotpapers.papers.sinir.pyramid import image_pyramid, pyramid_sizes, resize
from hotpapers.papers.sinir.shuffle import shuffle_pixels
from hotpapers.papers.sinir.singan import SinGANConfig, train_singan
from hotpapers.papers.sinir.train import BETAS, PRESETS, Config, fit, published
from hotpapers.papers.sinir.transfer import enlarge
from hotpapers.run import Run

PHOTOGRAPHS = ("coffee", "astronaut", "chelsea")
NATURAL = ("rocket", "hubble")  # what NIQE takes for natural: none of those that are measured
PUBLISHED_STEPS, PUBLISHED_EPOCHS = 500, 2000  # a scale: SinIR, SinGAN


@dataclasses.dataclass(frozen=True)
class Budget:
    """How large a claim about manipulation is measured at each scale."""

    photographs: int
    config: Config


# Below paper scale by our schedule, which in 100 steps comes to the loss of the published 500
BUDGETS: dict[Scale, Budget] = {
    "smoke": Budget(1, dataclasses.replace(PRESETS["edit"], min_size=16, max_size=32, channels=8, steps=6)),
    "laptop": Budget(3, dataclasses.replace(PRESETS["edit"], min_size=16, max_size=80, channels=48)),
    "paper": Budget(3, published("edit")),
}


def faster_than_singan(scale: Scale, run: Run) -> Measurement:
    """Measure SinGAN's training time over SinIR's: the published schedules, projected from steps timed at every scale.

    Both follow their authors' procedure. On a CPU the unit is CPU seconds, which other work on the machine disturbs
    little; on a GPU, seconds. In ``extras``: both trained to the same reconstruction error on a small photograph, and
    at paper scale our faster training, which keeps a bank of the frozen networks' outputs.
    """
    size, steps, epochs = {"smoke": (24, 2, 1), "laptop": (250, 2, 1), "paper": (500, 20, 6)}[scale]
    image = photo("coffee", size).to(run.device)
    sinir_config = dataclasses.replace(PRESETS["paper"], max_size=size, steps=steps)
    singan_config = SinGANConfig(max_size=size, epochs=epochs)
    if scale == "smoke":
        sinir_config = dataclasses.replace(sinir_config, channels=16, min_size=14)
        singan_config = dataclasses.replace(singan_config, channels=8, min_size=14)
    clocks: dict[str, dict[int, Clock]] = {}
    for seed in run.seeds:
        with _timed(clocks, "sinir", run, seed) as watched:
            fit(image, sinir_config, watched)
        with _timed(clocks, "singan", run, seed) as watched:
            train_singan(image, singan_config, watched)
        if scale == "paper":
            with _timed(clocks, "sinir, bank", run, seed) as watched:
                fit(image, dataclasses.replace(sinir_config, faithful=False), watched)
    totals = {
        way: {
            seed: clock.projected(PUBLISHED_EPOCHS if way == "singan" else PUBLISHED_STEPS)
            for seed, clock in found.items()
        }
        for way, found in clocks.items()
    }
    return Measurement(
        values={seed: totals["singan"][seed] / totals["sinir"][seed] for seed in run.seeds},
        method=totals["sinir"],
        baseline=totals["singan"],
        unit="s" if run.device.type == "cuda" else "CPU s",
        extras={
            "size": list(image.shape[-2:]),
            "seconds_per_step": {
                way: {str(seed): clock.per_step() for seed, clock in found.items()} for way, found in clocks.items()
            },
            "projected": {way: {str(seed): total for seed, total in found.items()} for way, found in totals.items()},
            "to_equal_error": _time_to_equal_error(scale, run),
        },
    )


def parameters_per_scale(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of one scale's network at the published 128 channels."""
    count = sum(parameter.numel() for parameter in ScaleNet(128).parameters())
    return Measurement(values={seed: float(count) for seed in run.seeds}, unit="parameters")


def shuffling_repairs_manipulation(scale: Scale, run: Run) -> Measurement:
    """Measure the patch distance of pasted blocks without shuffling over that with the published 0.5 % of pixels.

    The mean over photographs and all start scales; the first seed's first photograph also gets other probabilities.
    """
    others = {} if scale == "smoke" else {f"p = {p}": {"shuffle": p} for p in (0.0005, 0.05, 0.3)}
    return _compare_edits(scale, run, {"p = 0": {"shuffle": 0.0}, "p = 0.005": {"shuffle": 0.005}}, others)


def ssim_beats_mse_alone(scale: Scale, run: Run) -> Measurement:
    """Measure the patch distance of pasted blocks with MSE as the only loss over that with SSIM + MSE."""
    return _compare_edits(scale, run, {"MSE": {"ssim_weight": 0.0}, "SSIM + MSE": {}})


def start_scale_is_a_dial(scale: Scale, run: Run) -> Measurement:
    """Measure how strictly a coarser start changes an edited photograph more.

    The value is Spearman's rank correlation between how coarse the start is and the RMSE from the input, in the mean
    over photographs. The baseline is the same of the patch distance: negative where a coarser start also means more of
    the photograph's own texture.
    """
    budget = BUDGETS[scale]
    method, baseline, curves = {}, {}, {}
    for seed in run.seeds:
        changes, textures = [], []
        for name in PHOTOGRAPHS[: budget.photographs]:
            image = photo(name, budget.config.max_size).to(run.device)
            edited, mask = edit(image, seed)
            outputs = every_start(train(image, budget.config, run, seed), edited)
            change = [_rmse(each, edited) for each in outputs]
            texture = [edit_distance(each, image, mask) for each in outputs]
            coarseness = range(len(outputs), 0, -1)
            changes.append(rank_correlation(coarseness, change))
            textures.append(rank_correlation(coarseness, texture))
            curves[f"{name}, seed {seed}"] = {"rmse_to_input": change, "patch_distance": texture}
        method[seed], baseline[seed] = statistics.mean(changes), statistics.mean(textures)
    sheet = save_sheet(run, "starts.png", [edited, *outputs], ["input", *(f"start {k}" for k in range(len(outputs)))])
    return Measurement(values=method, method=method, baseline=baseline, extras={"curves": curves}, files=[sheet])


def copied_weights_start_better(scale: Scale, run: Run) -> Measurement:
    """Measure the loss of a network that starts afresh over that of one that starts as a copy of the scale below.

    Both take the same steps of the authors' Adam on the same inputs, at paper scale at the published rate. Losses are
    means over the last tenth of 100 steps; the value is the mean over all scales but the coarsest.
    """
    config = BUDGETS[scale].config
    steps = {"smoke": 8, "laptop": 100, "paper": 100}[scale]
    rate = published("edit").learning_rate if scale == "paper" else 1e-3
    method, baseline, curves = {}, {}, {}
    for seed in run.seeds:
        torch.manual_seed(seed)
        image = photo("coffee", config.max_size).to(run.device)
        sizes, _ = pyramid_sizes(*image.shape[-2:], config.max_size, config.min_size, config.factor)
        targets = image_pyramid(image, sizes, "torch")
        below = ScaleNet(config.channels).to(run.device)
        _learn(below, targets[0], targets[0], rate, steps)
        source, copied, fresh = targets[0], [], []
        for target in targets[1:]:
            with torch.no_grad():
                source = resize(shuffle_pixels(below(source), config.shuffle), target.shape[-2:], "torch")
            copy, new = ScaleNet(config.channels).to(run.device), ScaleNet(config.channels).to(run.device)
            copy.load_state_dict(below.state_dict())
            copied.append(_learn(copy, source, target, rate, steps))
            fresh.append(_learn(new, source, target, rate, steps))
            below = copy
        last = max(1, steps // 10)
        method[seed], baseline[seed] = (
            statistics.mean(statistics.mean(losses[-last:]) for losses in each) for each in (copied, fresh)
        )
        curves[str(seed)] = {"copied": copied[-1], "fresh": fresh[-1]}
    values = {seed: baseline[seed] / method[seed] for seed in run.seeds}
    return Measurement(values=values, method=method, baseline=baseline, unit="loss", extras={"finest": curves})


def super_resolution_is_sharper(scale: Scale, run: Run) -> Measurement:
    """Measure the mean gradient of a photograph enlarged four times by SinIR over that of the sharper resampler.

    The resamplers are bicubic and Lanczos. PSNR, SSIM and a NIQE whose model knows other photographs are in ``extras``.
    """
    return _enlarge(scale, run, "sharpness", lambda ours, best: ours / best)


def super_resolution_keeps_fidelity(scale: Scale, run: Run) -> Measurement:
    """Measure the PSNR of a photograph enlarged four times by SinIR, less that of the better of two resamplers."""
    return _enlarge(scale, run, "psnr", lambda ours, best: ours - best)


def _compare_edits(
    scale: Scale, run: Run, ways: dict[str, dict[str, Any]], others: dict[str, dict[str, Any]] | None = None
) -> Measurement:
    """Train in two ways, the baseline's first, and compare how far pasted blocks stay from the photograph's texture.

    ``others`` are trained on the first photograph with the first seed only, for the record.
    """
    budget = BUDGETS[scale]
    distances: dict[str, dict[int, list[float]]] = {way: {seed: [] for seed in run.seeds} for way in ways}
    curves: dict[str, Any] = {}
    shown: dict[str, Tensor] = {}
    for seed in run.seeds:
        for name in PHOTOGRAPHS[: budget.photographs]:
            image = photo(name, budget.config.max_size).to(run.device)
            edited, mask = edit(image, seed)
            first = seed == run.seeds[0] and name == PHOTOGRAPHS[0]
            for way, changes in (ways | (others or {}) if first else ways).items():
                model = train(image, dataclasses.replace(budget.config, **changes), run, seed)
                outputs = every_start(model, edited)
                curve = [edit_distance(each, image, mask) for each in outputs]
                if way in ways:
                    distances[way][seed].append(statistics.mean(curve))
                rebuilt = every_start(model, image)[0]
                curves[f"{way}, {name}, seed {seed}"] = {
                    "patch_distance_by_start": curve,
                    "naive_patch_distance": edit_distance(edited, image, mask),
                    "reconstruction_psnr": psnr(rebuilt, image, data_range=2.0),
                    "reconstruction_ssim": float(ssim((rebuilt + 1) / 2, (image + 1) / 2)),
                }
                if first:
                    shown |= {"input": edited, way: outputs[len(outputs) // 3]}
    baseline, method = ({s: statistics.mean(found) for s, found in distances[way].items()} for way in ways)
    sheet = save_sheet(run, "edits.png", list(shown.values()), list(shown))
    values = {seed: baseline[seed] / method[seed] for seed in run.seeds}
    return Measurement(
        values=values, method=method, baseline=baseline, unit="patch distance", extras=curves, files=[sheet]
    )


def _learn(net: ScaleNet, source: Tensor, target: Tensor, learning_rate: float, steps: int) -> list[float]:
    """Train one scale's network on one input with Adam and return the loss of each step."""
    optimiser = torch.optim.Adam(net.parameters(), learning_rate, BETAS)
    losses = []
    for _ in range(steps):
        loss = reconstruction_loss(net(source), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def _enlarge(scale: Scale, run: Run, judged: str, compare: Callable[[float, float], float]) -> Measurement:
    """Enlarge photographs four times from their reduction, by SinIR and by two resamplers, and compare one number."""
    longer, count, changes = {
        "smoke": (192, 1, {"channels": 8, "steps": 4}),
        "laptop": (480, 2, {"channels": 64, "steps": 100}),
        "paper": (480, 3, {}),
    }[scale]
    config = dataclasses.replace(PRESETS["super-resolve"], max_size=longer // 4, **changes)
    natural = fit_natural_model([(photo(name, 500) + 1) / 2 for name in NATURAL], block=48)
    method, baseline, rows = {}, {}, {}
    for seed in run.seeds:
        ours, best = [], []
        for name in PHOTOGRAPHS[0:count]:
            large = photo(name, longer).to(run.device)
            height, width = (length // 4 * 4 for length in large.shape[-2:])
            large = large[..., :height, :width]
            small = resize(large, (height // 4, width // 4), "matlab").clamp(-1, 1)
            enlarged = {
                "bicubic": resize(small, (height, width), "matlab"),
                "lanczos": _lanczos(small, (height, width)),
                "SinIR": enlarge(train(small, config, run, seed), small, (height, width)),
            }
            found = {way: _judge(image, large, natural) for way, image in enlarged.items()}
            rows[f"{name}, seed {seed}"] = found
            ours.append(found["SinIR"][judged])
            best.append(max(found["bicubic"][judged], found["lanczos"][judged]))
        method[seed], baseline[seed] = statistics.mean(ours), statistics.mean(best)
    sheet = save_sheet(run, "enlarged.png", [*enlarged.values(), large], [*enlarged, "photograph"], 2)
    values = {seed: compare(method[seed], baseline[seed]) for seed in run.seeds}
    return Measurement(values=values, method=method, baseline=baseline, extras=rows, files=[sheet])


def _judge(image: Tensor, truth: Tensor, natural: NaturalModel) -> dict[str, float]:
    image, truth = ((each.clamp(-1, 1) + 1) / 2 for each in (image, truth))
    return {
        "psnr": psnr(image, truth),
        "ssim": float(ssim(image, truth)),
        "niqe": niqe(image, natural),
        "sharpness": sharpness(image),
    }


def _lanczos(image: Float[Tensor, "1 3 h w"], size: tuple[int, int]) -> Float[Tensor, "1 3 H W"]:
    """Enlarge with Pillow's Lanczos filter, channel by channel in floating point."""
    from PIL import Image

    channels = [Image.fromarray(channel.cpu().numpy(), mode="F") for channel in image[0]]
    resized = [np.asarray(channel.resize(size[::-1], Image.Resampling.LANCZOS)) for channel in channels]
    return torch.from_numpy(np.stack(resized))[None].to(image.device)


def _rmse(a: Tensor, b: Tensor) -> float:
    """RMSE of values in [0, 1], of images with values in [-1, 1]."""
    return float((a - b).square().mean().sqrt()) / 2


def _time_to_equal_error(scale: Scale, run: Run) -> dict[str, Any]:
    """Double both schedules on a small photograph until the reconstruction's RMSE is low enough; time the last ones."""
    size, goal, longest = {"smoke": (24, 1.0, 1), "laptop": (48, 0.06, 160), "paper": (128, 0.03, 2000)}[scale]
    image = photo("coffee", size).to(run.device)
    narrow = {"channels": 8} if scale == "smoke" else {}
    settings = {"max_size": size, "min_size": 14 if scale == "smoke" else 16} | narrow
    seed = run.seeds[0]

    def rebuild_by_sinir(steps: int, watched: Run) -> Tensor:
        model = fit(image, dataclasses.replace(PRESETS["paper"], **settings, steps=steps), watched)
        return every_start(model, image)[0]

    def rebuild_by_singan(epochs: int, watched: Run) -> Tensor:
        return train_singan(image, SinGANConfig(**settings, epochs=epochs), watched).reconstruct()

    found: dict[str, Any] = {"size": list(image.shape[-2:]), "goal_rmse": goal, "seed": seed}
    for way, rebuild in (("sinir", rebuild_by_sinir), ("singan", rebuild_by_singan)):
        steps, error = min(5, longest), math.inf
        while error > goal and steps <= longest:
            clocks: dict[str, dict[int, Clock]] = {}
            with _timed(clocks, way, run, seed) as watched:
                rebuilt = rebuild(steps, watched)
            error = _rmse(rebuilt, resize(image, rebuilt.shape[-2:], "torch"))
            seconds = clocks[way][seed].total()
            found[way] = {"steps": steps, "rmse": error, "seconds": seconds, "reached": error <= goal}
            steps *= 2
    found["ratio"] = found["singan"]["seconds"] / found["sinir"]["seconds"]
    return found


@contextlib.contextmanager
def _timed(clocks: dict[str, dict[int, Clock]], way: str, run: Run, seed: int) -> Iterator[Any]:
    """Yield a run of its own under a clock that is kept as ``clocks[way][seed]``."""
    clock = clocks.setdefault(way, {})[seed] = Clock(run.device)
    with run.inner(seed) as inner:
        yield clock.watch(inner)
