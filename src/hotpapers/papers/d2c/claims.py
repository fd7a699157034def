"""The claims: each function measures the method and its baseline at equal budget, for every seed of the run."""

import math
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from hotpapers.blocks.diffusion import Table, UNet2d, linear_betas
from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.media import contact_sheet, write_image
from hotpapers.papers.d2c import experiment as x
from hotpapers.papers.d2c.attributes import Attribute
from hotpapers.papers.d2c.conditional import manipulate, reject
from hotpapers.papers.d2c.contrast import Contrast
from hotpapers.papers.d2c.measuring import linear_accuracy
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.presets import PRESETS
from hotpapers.papers.d2c.sampling import draw, index_of, pictured
from hotpapers.papers.d2c.verbs import pixels
from hotpapers.run import Run

ALPHAS = (1.0, 0.97, 0.9, 0.8, 0.65, 0.4)
STABLE = (0.9, 0.8, 0.65)
STEP = 3.0
INVERSION = {"smoke": 3, "laptop": 200, "paper": 200}
HELD = 0.51  # of the mass of each cell is kept: the hole has 0.49


def cifar_autoencoder_size(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of the autoencoder, and of all that goes with it."""
    return _sizes("cifar")


def ffhq_autoencoder_size(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of the autoencoder, and of all that goes with it."""
    return _sizes("ffhq")


def _sizes(preset: str) -> Measurement:
    config = PRESETS[preset]
    with torch.device("meta"):
        model = D2C(**config.network())
        features = model.std.new_empty(model.shape).numel()
        head = Contrast(model.encoder, features, **config.head()).head
    parts = {"encoder": model.encoder, "decoder": model.decoder, "head": head, "latent U-Net": model.unet}
    counts = {name: sum(each.numel() for each in part.parameters()) for name, part in parts.items()}
    total = counts["encoder"] + counts["decoder"]
    return Measurement(values={0: total}, method={0: total}, unit="parameters", extras={"parameters": counts})


def latents_make_diffusion_cheap(scale: Scale, run: Run) -> Measurement:
    """Count multiplications of a step; the pixel U-Net is DDIM's for CIFAR."""
    with torch.device("meta"):
        latent, pixel = (
            _multiplications(UNet2d(channels, size=size).eval(), channels, size)
            for channels, size in ((10, 16), (3, 32))
        )
    return Measurement(values={0: pixel / latent}, method={0: latent}, baseline={0: pixel}, unit="GMAC a step")


def _multiplications(net: UNet2d, channels: int, size: int) -> float:
    with FlopCounterMode(display=False) as counted:
        net(torch.zeros(1, channels, size, size), torch.zeros(1))
    by_kind = counted.get_flop_counts()["Global"]  # of layers with weights, as such counts are published
    return sum(count for kind, count in by_kind.items() if str(kind) in ("aten.convolution", "aten.addmm")) / 2e9


def signal_levels(scale: Scale, run: Run) -> Measurement:
    """Compare the table's alphas with the published ones."""
    table = Table(linear_betas())
    published = {0: 0.99990, 50: 0.96995, 100: 0.89514, 200: 0.65635}
    found = {t: float(table.alpha_bar[t]) for t in published}
    gap = -math.log1p(-float(table.alpha_bar[-1])) / 2
    return Measurement(values={0: max(abs(found[t] - published[t]) for t in published)},
                       extras={"alpha": {str(t): value for t, value in found.items()},
                               "nats a dimension between q(0) and N(0, I)": gap})  # fmt: skip


def prior_holes_escape_kl(scale: Scale, run: Run) -> Measurement:
    """Keep 51 % of each cell's mass of N(0, 1): the divergence, for cells of any width."""
    found = {width: hole(width) for width in (1.0, 0.25, 1 / 16, 1 / 64)}
    return Measurement(values={0: max(kl for kl, _ in found.values())}, extras=_holes(found))


def prior_holes_escape_wasserstein(scale: Scale, run: Run) -> Measurement:
    """Keep 51 % of each cell's mass of N(0, 1): the distance goes with the cells' width."""
    found = {width: hole(width) for width in (1.0, 0.25, 1 / 16, 1 / 64)}
    return Measurement(values={0: found[1 / 64][1] / found[1.0][1]}, method={0: found[1 / 64][1]},
                       baseline={0: found[1.0][1]}, unit="Wasserstein-2", extras=_holes(found))  # fmt: skip


def hole(width: float, points: int = 400_001) -> tuple[float, float]:
    """Return KL(q || p) and W2(q, p) where q keeps the lower 51 % of the mass of each cell of p = N(0, 1).

    A cell holds as much of q as of p: in it ``Q_q(u) = Q_p(F_a + 0.51 (u - F_a))``, F_a being p's mass below it.
    """
    normal = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))
    u = (torch.arange(points, dtype=torch.float64) + 0.5) / points
    of_p = normal.icdf(u)
    below = normal.cdf((of_p / width).floor() * width)
    kept = below + HELD * (u - below)
    of_q = normal.icdf(kept.clamp(min=1e-300))
    # dQ_q/du = 0.51 / p(Q_q), so q / p = 1 / 0.51 wherever q is: measured, as the ratio of differences
    ratio = (u[1:] - u[:-1]) / (kept[1:] - kept[:-1])
    inside = below[1:] == below[:-1]
    return float(ratio[inside].log().mean()), float((of_p - of_q).square().mean().sqrt())


def _holes(found: dict[float, tuple[float, float]]) -> dict[str, Any]:
    return {
        f"cells {width:g} wide": {"KL": kl, "W2": w2, "mass of the hole": 1 - HELD} for width, (kl, w2) in found.items()
    }


def contrast_begins_at_chance(scale: Scale, run: Run) -> Measurement:
    """Take the loss where every key is the same."""
    config = PRESETS["cifar"]
    contrast = Contrast(torch.nn.Identity(), 4, hidden=4, dim=2, queue=config.queue, temperature=config.temperature)
    contrast.queue.copy_(F.normalize(torch.ones(1, 2), dim=1).expand(config.queue, -1))
    key = F.normalize(torch.ones(8, 2), dim=1)
    loss = float(contrast.loss(key, key))
    return Measurement(values={0: loss}, baseline={0: math.log1p(config.queue)}, unit="nats")


def rejection_draws_the_conditional(scale: Scale, run: Run) -> Measurement:
    """Accept latents of three classes with known r, and compare frequencies with ``E[r 1_c] / E[r]``."""
    prior, r = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.05, 0.3, 0.9])
    expected = prior * r / (prior * r).sum()
    values, extras = {}, {}
    for seed in run.seeds:
        generator = torch.Generator().manual_seed(seed)

        def drawn(count: int, generator: torch.Generator = generator) -> Tensor:
            return torch.multinomial(prior, count, replacement=True, generator=generator)

        found = reject(drawn, lambda z: r[z], 4_000, most=200_000, generator=generator)
        frequency = torch.bincount(found.latents, minlength=3) / len(found.latents)
        values[seed] = float((frequency - expected).abs().max())
        extras[str(seed)] = {"drawn": found.drawn, "accepted, %": 100 * found.accepted / found.drawn,
                             "expected, %": 100 * float((prior * r).sum())}  # fmt: skip
    return Measurement(values=values, extras=extras)


def contrast_helps_the_probe(scale: Scale, run: Run) -> Measurement:
    """Measure the probe on latents of held-out images, with and without the contrast, and on pixels."""
    d, size = x.data(scale), x.SIZES[scale]
    found: dict[str, dict[int, float]] = {"with": {}, "without": {}}
    extras: dict[str, Any] = {}
    for seed in run.seeds:
        for name in found:
            arm = x.arm(scale, run, seed, contrast=name == "with")
            device = arm.latents.device
            held_out = torch.cat([arm.model.encode(each.to(device)) for each in d.held_out.split(256)])
            for labels in (x.LABELS, size.probed):
                accuracy = 100 * linear_accuracy(arm.latents[:labels], d.labels[:labels].to(device), held_out,
                                                 d.held_out_labels.to(device))  # fmt: skip
                extras.setdefault(f"{labels} labels", {}).setdefault(name, {})[str(seed)] = accuracy
            found[name][seed] = accuracy
            back = pictured(arm.model, held_out[:200]).cpu()
            error = (back - d.held_out[:200]).square().mean()
            extras.setdefault("PSNR of reconstructions, dB", {}).setdefault(name, {})[str(seed)] = float(
                -10 * error.log10()
            )
    n = size.probed
    extras["on pixels"] = 100 * linear_accuracy(d.images[:n].float() / 255, d.labels[:n], d.held_out, d.held_out_labels)
    return Measurement(values={seed: found["with"][seed] - found["without"][seed] for seed in run.seeds},
                       method=found["with"], baseline=found["without"], unit="% right", extras=extras)  # fmt: skip


_unconditional: dict[tuple[Scale, int], dict[str, float]] = {}


def _priors(scale: Scale, run: Run, seed: int) -> dict[str, float]:
    """Return the distance of each prior's images, by name; one decoder for all."""
    if (scale, seed) not in _unconditional:
        arm, count = x.arm(scale, run, seed), x.SIZES[scale].samples
        found = {f"diffusion, {steps} steps": x.distance(scale, arm.model, draw(
            arm.model, count, steps=steps, generator=x.chance(arm.model, seed, 5)))
            for steps in (10, 50, 100)}  # fmt: skip
        found["fitted Gaussian"] = x.distance(scale, arm.model, x.gaussian_latents(arm, count, seed, fitted=True))
        found["N(0, I)"] = x.distance(scale, arm.model, x.gaussian_latents(arm, count, seed, fitted=False))
        found["latents of images"] = x.distance(scale, arm.model, arm.latents[:count])
        _unconditional[scale, seed] = found
    return _unconditional[scale, seed]


def diffusion_prior_beats_gaussians(scale: Scale, run: Run) -> Measurement:
    """Measure the diffusion prior at 100 steps against a Gaussian that is fitted to all latents."""
    return _against_gaussian(scale, run, "diffusion, 100 steps")


def ten_steps_come_close(scale: Scale, run: Run) -> Measurement:
    """Measure the diffusion prior at 10 steps against a Gaussian that is fitted to all latents."""
    return _against_gaussian(scale, run, "diffusion, 10 steps")


def _against_gaussian(scale: Scale, run: Run, name: str) -> Measurement:
    found = {seed: _priors(scale, run, seed) for seed in run.seeds}
    method = {seed: each[name] for seed, each in found.items()}
    baseline = {seed: each["fitted Gaussian"] for seed, each in found.items()}
    arm = x.arm(scale, run, run.seeds[0])
    z = torch.cat([arm.latents[:10], arm.pool[:10], x.gaussian_latents(arm, 10, 0, fitted=True)])
    picture = _sheet(run, "priors.png", arm, z, ["an image's"] * 10 + ["diffusion"] * 10 + ["Gaussian"] * 10)
    extras = {str(seed): each for seed, each in found.items()}
    return Measurement(values={seed: baseline[seed] / method[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="Fréchet distance", extras=extras, files=[picture])  # fmt: skip


_shots: dict[tuple[Scale, int], dict[str, dict[str, float]]] = {}


def _few_shot(scale: Scale, run: Run, seed: int) -> dict[str, dict[str, float]]:
    """Return, for each class, the distances of every way to make it, and how often the judge agrees."""
    if (scale, seed) not in _shots:
        size, table = x.SIZES[scale], {}
        with_contrast, without = (x.arm(scale, run, seed, contrast=flag) for flag in (True, False))
        plain = x.Arm(without.model, without.latents, x.gaussian_latents(without, size.pool, seed, fitted=True))
        for name, among in x.CLASSES.items():
            row: dict[str, float] = {}
            for way, arm in (("D2C", with_contrast), ("no contrast", without), ("no diffusion either", plain)):
                z, percent = x.accepted(scale, arm, x.learned(scale, arm, seed, among), seed)
                row |= {way: x.distance(scale, arm.model, z, among), f"{way}, accepted %": percent,
                        f"{way}, % of the class": x.share_in(scale, arm.model, z, among)}  # fmt: skip
            row["unconditional"] = x.distance(scale, with_contrast.model, with_contrast.pool[: size.few], among)
            table[name] = row
        _shots[scale, seed] = table
    return _shots[scale, seed]


def few_labels_find_rare_classes(scale: Scale, run: Run) -> Measurement:
    """Measure D2C against unconditional samples on the rare class."""
    return _ratio(scale, run, "rare", "D2C", "unconditional")


def contrast_helps_few_shot(scale: Scale, run: Run) -> Measurement:
    """Measure D2C against the same without the contrast on the rare class."""
    return _ratio(scale, run, "rare", "D2C", "no contrast")


def majority_needs_no_labels(scale: Scale, run: Run) -> Measurement:
    """Measure unconditional samples against D2C on the majority."""
    return _ratio(scale, run, "majority", "unconditional", "D2C")


def _ratio(scale: Scale, run: Run, name: str, method: str, baseline: str) -> Measurement:
    found = {seed: _few_shot(scale, run, seed) for seed in run.seeds}
    ours, theirs = ({seed: each[name][way] for seed, each in found.items()} for way in (method, baseline))
    files = []
    if name == "rare":
        arm = x.arm(scale, run, run.seeds[0])
        rows = [x.accepted(scale, arm, x.learned(scale, arm, run.seeds[0], among), run.seeds[0])[0][:10]
                for among in x.CLASSES.values()]  # fmt: skip
        files = [_sheet(run, "few-shot.png", arm, torch.cat(rows), [each for each in x.CLASSES for _ in range(10)])]
    extras = {str(seed): each for seed, each in found.items()}
    return Measurement(values={seed: theirs[seed] / ours[seed] for seed in run.seeds}, method=ours, baseline=theirs,
                       unit="Fréchet distance", extras=extras, files=files)  # fmt: skip


def edits_without_inversion(scale: Scale, run: Run) -> Measurement:
    """Time an edit against gradient descent on the latent whose image is nearest, followed by the same edit."""
    method, baseline, extras = {}, {}, {}
    for seed in run.seeds:
        arm = x.arm(scale, run, seed)
        attribute = x.learned(scale, arm, seed, x.CLASSES["half"])
        images = _outside(scale, "half", 8).to(arm.latents.device)
        ours, theirs, found = [], [], []
        for number, image in enumerate(images.split(1)):
            started = time.process_time()
            _edited(arm, arm.model.encode(image), attribute)
            ours.append(time.process_time() - started)
            if number < 2:
                started = time.process_time()
                found.append(_inverted(arm.model, image, INVERSION[scale]))
                _edited(arm, found[-1], attribute)
                theirs.append(time.process_time() - started)
        method[seed] = statistics.median(ours[1:])  # the first call is the slowest
        baseline[seed] = statistics.median(theirs)
        extras[str(seed)] = {
            f"PSNR of {name}, dB": float(-10 * (pictured(arm.model, z) - images[:2]).square().mean().log10())
            for name, z in (("the encoder's latents", arm.model.encode(images[:2])), ("inversion's", torch.cat(found)))
        }
    return Measurement(values={seed: baseline[seed] / method[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="CPU seconds", extras=extras)  # fmt: skip


def denoising_mends_edits(scale: Scale, run: Run) -> Measurement:
    """Move images into the class that half have, and sweep alpha; at 1 they are left as they were moved."""
    method, baseline, extras, files = {}, {}, {}, []
    among, count = x.CLASSES["half"], x.SIZES[scale].few
    for seed in run.seeds:
        arm = x.arm(scale, run, seed)
        attribute = x.learned(scale, arm, seed, among)
        images = _outside(scale, "half", count).to(arm.latents.device)
        z = torch.cat([arm.model.encode(each) for each in images.split(64)])
        sweep, shown = {}, [z[:10]]
        for step in (1.0, STEP):
            for alpha in ALPHAS:
                noise = index_of(arm.model, alpha) if alpha < 1 else 0
                moved = manipulate(arm.model, z, attribute, 1, step=step, noise=noise, steps=5,
                                   generator=x.chance(arm.model, seed, 6))  # fmt: skip
                error = (pictured(arm.model, moved) - images).square().mean((1, 2, 3))
                sweep[f"step {step:g}, alpha {alpha:g}"] = {
                    "Fréchet distance": x.distance(scale, arm.model, moved, among),
                    "% of the class": x.share_in(scale, arm.model, moved, among),
                    "PSNR, dB": float((-10 * error.log10()).mean()),
                }
                if step == STEP:
                    shown.append(moved[:10])
        at = {alpha: sweep[f"step {STEP:g}, alpha {alpha:g}"]["Fréchet distance"] for alpha in ALPHAS}
        method[seed], baseline[seed] = statistics.mean(at[alpha] for alpha in STABLE), at[1.0]
        extras[str(seed)] = sweep
        if seed == run.seeds[0]:
            names = ["image's own", *(f"alpha {alpha:g}" for alpha in ALPHAS)]
            files = [_sheet(run, "edits.png", arm, torch.cat(shown), [name for name in names for _ in range(10)])]
    return Measurement(values={seed: baseline[seed] / method[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="Fréchet distance", extras=extras, files=files)  # fmt: skip


def _outside(scale: Scale, name: str, count: int) -> Tensor:
    """Return held-out images that are not of a class."""
    d = x.data(scale)
    return d.held_out[~torch.isin(d.held_out_labels, torch.tensor(x.CLASSES[name]))][:count]


@torch.no_grad()
def _edited(arm: x.Arm, z: Tensor, attribute: Attribute) -> Tensor:
    return pictured(arm.model, manipulate(arm.model, z, attribute, 1, step=STEP))


def _inverted(model: D2C, image: Tensor, steps: int) -> Tensor:
    """Return the latent that Adam finds for an image, from the mean latent on, as StyleGAN's is found."""
    z = model.mean.expand(1, *model.shape).clone().requires_grad_()
    optimiser = torch.optim.Adam([z], 0.1)
    with torch.enable_grad():
        for _ in range(steps):
            optimiser.zero_grad()
            (model.distribution(z).mean() - image).square().mean().backward()
            optimiser.step()
    return z.detach()


def _sheet(run: Run, name: str, arm: x.Arm, z: Tensor, labels: list[str]) -> Path:
    sheet = contact_sheet([pixels(image) for image in pictured(arm.model, z)], labels, columns=10)
    return write_image(run.out / name, sheet)
