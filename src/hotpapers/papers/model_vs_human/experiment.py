"""The experiments behind the claims: networks' shape bias, accuracy curves, people measured twice."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers import datasets, progress
from hotpapers.cards import Scale
from hotpapers.media import contact_sheet, write_image
from hotpapers.papers.model_vs_human import figures, sheets
from hotpapers.papers.model_vs_human.categories import CATEGORIES
from hotpapers.papers.model_vs_human.distortions import (
    DISTORTIONS,
    adjust_contrast,
    at_levels,
    distorted,
    grey,
    levels,
    low_pass,
    uniform_noise,
)
from hotpapers.papers.model_vs_human.eidolon import blurred, partially_coherent_disarray, planes
from hotpapers.papers.model_vs_human.evaluate import Stimulus, find_stimuli, read_square, run_classifier
from hotpapers.papers.model_vs_human.opponent import FLIP, opponent
from hotpapers.papers.model_vs_human.public import public_sheets
from hotpapers.papers.model_vs_human.scoring import models_of, score_all, shape_decisions
from hotpapers.papers.model_vs_human.simulate import simulate
from hotpapers.papers.model_vs_human.spectra import scramble_phases
from hotpapers.papers.model_vs_human.trials import joined, read_trials
from hotpapers.run import Run

Curves = dict[str, dict[str, float]]
"""Distortion → level, in its spelling → accuracy."""

EIGHT = (
    "contrast",
    "high-pass",
    "low-pass",
    "phase-scrambling",
    "eidolonI",
    "eidolonII",
    "eidolonIII",
    "uniform-noise",
)
LOSSES = {"low-pass": ("0", "10"), "uniform-noise": ("0", "0.35")}
SMALL = ("mobilenet-v2", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


@cache
def recorded_shape_bias(scale: Scale) -> dict[str, float]:
    """Return the shape bias of each network of the trials of 2020, by name."""
    if scale == "smoke":
        found = sheets.sheets_of(simulate(("cue-conflict",), images=160))
    else:
        folder = datasets.fetch("error-consistency")
        found = sheets.sheets_of(
            [joined([t for f in sorted(folder.glob("cue-conflict_*.csv"))
                      for t in read_trials(f, dataset="cue-conflict")])]
        )  # fmt: skip
    machines = set(models_of(found[0]))
    return {each.observer: each.bias for each in shape_decisions(found[0]) if each.observer in machines}


@dataclasses.dataclass(frozen=True)
class SmallNetworks:
    """What small networks did on shapes and textures."""

    bias: dict[str, float]
    extras: dict[str, Any]


def small_networks(scale: Scale, run: Run) -> SmallNetworks:
    """Run small networks on cue conflicts, edges and silhouettes, and score them beside people."""
    if scale == "smoke":
        return SmallNetworks({"made up": 0.2}, {})
    sets = {"cue-conflict": "texture-shape-cue-conflicts", "edge": "texture-shape-edges",
            "silhouette": "texture-shape-silhouettes"}  # fmt: skip
    crowd = {sheet.dataset: sheet for sheet in public_sheets()}
    bias: dict[str, float] = {}
    rows: dict[str, Any] = {}
    for name in SMALL:
        classify = network(name, str(run.device))
        for dataset, place in sets.items():
            stimuli = find_stimuli(datasets.fetch(place), dataset=dataset)
            trials = run_classifier(classify, stimuli, name=name, dataset=dataset)
            sheet = sheets.join([crowd[dataset]], sheets.sheets_of([trials]))[0]
            scored = {score.observer: score.values for score in score_all([sheet])}
            rows[f"{name}, {dataset}"] = dict(
                zip(("accuracy", "difference", "observed", "κ"), scored[name], strict=True)
            )
            if dataset == "cue-conflict":
                bias[name] = {each.observer: each.bias for each in shape_decisions(sheet)}[name]
    return SmallNetworks(bias, {"shape bias": bias, "scores beside people": rows})


@cache
def network(name: str, device: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a small network as a function from N x H x W x 3 images to N x 1000 probabilities."""
    import torch

    from hotpapers.papers.model_vs_human.networks import load_network

    net = load_network(name).to(device)

    def classify(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).permute(0, 3, 1, 2).to(device)
            return net(batch).softmax(1).cpu().numpy()

    return classify


def network_curves(scale: Scale, run: Run, seed: int, kinds: tuple[str, ...] = EIGHT) -> dict[str, Curves]:
    """Return each network's accuracy under each distortion, on photographs of the 16 categories that ``seed`` picks.

    Where only the ends of two curves are asked for, twice the photographs are taken.
    """
    if scale == "smoke":
        return {"made up": {kind: {c: 1 - k / 16 for k, c in enumerate(levels(kind))} for kind in kinds}}
    ends = kinds == tuple(LOSSES)
    names = SMALL if scale == "paper" else SMALL[:2]
    most = {"laptop": 2 if ends else 1}.get(scale, 200)
    photographs, labels = _photographs(most, seed)
    found: dict[str, Curves] = {name: {kind: {} for kind in kinds} for name in names}
    for kind in kinds:
        wanted = {c: v for c, v in levels(kind).items() if not ends or c in LOSSES[kind]}
        piles = _piles(kind, wanted, photographs, seed)
        for condition, pile in progress.track(list(piles.items()), f"networks under {kind}"):
            for name in names:
                answers = _answers(network(name, str(run.device)), pile)
                found[name][kind][condition] = float((answers == labels).mean())
    return found


def trained_curves(scale: Scale, run: Run, seed: int) -> Curves:
    """Train a small network on Tiny ImageNet's categories and return its accuracy at the ends of two curves.

    Its photographs have 64 pixels and people's had 224: blur is scaled to that.
    """
    from hotpapers.papers.model_vs_human.train import tiny_imagenet, train_small

    if scale == "smoke":
        rng = np.random.default_rng(seed)
        x, y = rng.integers(0, 256, (40, 64, 64, 3), dtype=np.uint8), np.arange(40) % 11
        test, truth = x[:11], y[:11]
    else:
        x, y, test, truth = tiny_imagenet({"laptop": 150, "paper": 450}[scale])
    with run.inner(seed) as inner:
        model = train_small(inner, x, y, 11, steps={"smoke": 2, "laptop": 300, "paper": 20_000}[scale])
    classify = _as_function(model, str(run.device))
    rng = np.random.default_rng(seed)
    curves: Curves = {kind: {} for kind in LOSSES}
    for kind, change in (
        ("low-pass", lambda image, level: low_pass(image, level * 64 / 224)),
        ("uniform-noise", lambda image, level: uniform_noise(image, level, rng)),
    ):
        for condition, level in levels(kind).items():
            pile = np.stack([_colour(change(image / 255, level)) for image in test])
            curves[kind][condition] = float((classify(pile).argmax(1) == truth).mean())
    return curves


@cache
def people_curves(scale: Scale) -> Curves:
    """Return people's accuracy in each condition of the eight distortions, all people pooled."""
    found = public_sheets() if scale != "smoke" else sheets.sheets_of(simulate(EIGHT, images=64))
    curves: Curves = {}
    for sheet in found:
        if sheet.dataset in EIGHT:
            right = sheet.right[sheet.human]
            curves[sheet.dataset] = {
                name: float(right[:, sheet.images_of(k)].sum() / sheet.shown[sheet.human][:, sheet.images_of(k)].sum())
                for k, name in enumerate(sheet.conditions)
            }
    return curves


def loss(curves: Curves, choices: int = 16) -> float:
    """Return the share of the accuracy above chance that is lost under blur and noise, the mean of both."""
    lost = []
    for kind, (least, most) in LOSSES.items():
        before, after = curves[kind][least], curves[kind][most]
        lost.append((before - after) / max(before - 1 / choices, 1e-9))
    return float(np.mean(lost))


def mean_rank_correlation(found: Mapping[str, Curves]) -> float:
    """Return Spearman's correlation of level and error, the mean over networks and distortions."""
    from scipy.stats import spearmanr

    values = []
    for curves in found.values():
        for curve in curves.values():
            errors = [1 - accuracy for accuracy in curve.values()]
            values.append(float(spearmanr(range(len(errors)), errors).statistic) if len(set(errors)) > 1 else 0.0)
    return float(np.mean(values))


def identity_errors(size: int) -> dict[str, float]:
    """Return how far the distortions miss their identities, on a made-up photograph."""
    rng = np.random.default_rng(0)
    image = np.clip(np.cumsum(np.cumsum(rng.normal(size=(size, size, 3)), 0), 1) / size / 6 + 0.5, 0, 1)
    plain, colours, greys = grey(image), rng.random((1000, 3)), np.linspace(0, 1, 50)[:, None] * np.ones(3)

    def off(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(np.asarray(a, dtype=float) - b).max())

    still = partially_coherent_disarray(image, 0.0, 0.3, rng=np.random.default_rng(0))
    blur = np.asarray(blurred(image), dtype=float)
    canvas = rng.random((64, 64)) * 255
    finest = sum(planes(canvas)) - planes(canvas)[-1]
    spread = adjust_contrast(adjust_contrast(plain, 0.3), 1 / 0.3)
    return {
        "contrast 1 is the grey image": off(distorted(image, "contrast", 100), plain),
        "contrast 1/c undoes contrast c": off(spread, plain),
        "σ 0 is the grey image": off(distorted(image, "low-pass", 0), plain),
        "phase noise 0 is the grey image": off(scramble_phases(plain, 0, rng), plain),
        "four quarter turns are none": off(np.rot90(distorted(image, "rotation", 90), 3), plain),
        "false colour undoes itself": off(opponent(opponent(colours)), colours),
        "false colour's matrix squared is one": off(FLIP @ FLIP, np.eye(3)),
        "false colour leaves greys": off(opponent(greys), greys),
        "an eidolon of reach 0 is the blurred image": off(still, _resized(blur, image.shape[:2])),
        "an eidolon's scales sum to the finest blur": off(finest + planes(canvas)[-1], sum(planes(canvas))),
    }


def draw_sheet(path: Path, size: int, kinds: Sequence[str] = tuple(DISTORTIONS)) -> Path:
    """Draw distortions at every level of the experiment, on a photograph of a cat."""
    photo = read_square(datasets.photograph("chelsea"), size)
    pictures, labels = [], []
    for kind in kinds:
        conditions = levels(kind)
        pictures += at_levels(photo, kind, list(conditions.values()), 0)
        labels += [f"{kind} {name}" for name in conditions]
        blank = np.full((size, size), 0.98)
        pictures += [blank] * (8 - len(conditions))
        labels += [""] * (8 - len(conditions))
    return write_image(path, contact_sheet(pictures, labels, columns=8))


def plot_shape_bias(path: Path, bias: Mapping[str, float]) -> Path:
    """Draw shape biases as bars."""
    return figures.write(path, figures.bars(bias, "shape bias", line=0.9587, line_label="people"))


def plot_curves(path: Path, found: Mapping[str, Curves], people: Curves) -> Path:
    """Draw accuracy against level, a panel a distortion, networks and people."""
    return figures.write(path, figures.curves({"people": people, **found}))


def _photographs(most: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    by_category: dict[str, list[Stimulus]] = {}
    for stimulus in find_stimuli(datasets.fetch("imagenet-samples"), dataset="photographs"):
        by_category.setdefault(stimulus.category, []).append(stimulus)
    chosen = [each for name in CATEGORIES for each in rng.permutation(np.array(by_category[name], dtype=object))[:most]]
    images = [each.read(224) for each in chosen]
    return images, np.array([CATEGORIES.index(each.category) for each in chosen])


def _piles(kind: str, wanted: dict[str, float], photographs: list[np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Return for each level the distorted photographs; each photograph has the same chance at all levels."""
    wanted_levels = list(wanted.values())
    series = [
        at_levels(image, kind, wanted_levels, [seed, k]) for k, image in enumerate(progress.track(photographs, kind))
    ]
    return {condition: np.stack([_colour(each[number]) for each in series]) for number, condition in enumerate(wanted)}


def _answers(classify: Callable[[np.ndarray], np.ndarray], pile: np.ndarray) -> np.ndarray:
    from hotpapers.papers.model_vs_human.categories import decide

    return np.concatenate([decide(classify(pile[k : k + 16])) for k in range(0, len(pile), 16)])


def _as_function(model: Any, device: str) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    def classify(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2).to(device)
            return torch.cat([model(part) for part in batch.split(128)]).cpu().numpy()

    return classify


def _colour(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


def _resized(pixels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(pixels.astype(np.uint8)).resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(picture, dtype=float) / 255
