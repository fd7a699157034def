"""The verb ``compare``: every noise law on one's own images, at equal budget, with seeds and intervals."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import torch

from hotpapers.claims.judge import bootstrap_interval
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media import contact_sheet, write_image
from hotpapers.papers.gamma_diffusion.contest import Way, contenders, made, real, seen
from hotpapers.papers.gamma_diffusion.inspecting import figure_of, pixels_of
from hotpapers.papers.gamma_diffusion.laws import Law, check_law
from hotpapers.papers.gamma_diffusion.learning import check_config
from hotpapers.papers.gamma_diffusion.pictures import Pictures, as_pixels, read_pictures
from hotpapers.papers.gamma_diffusion.train import ImagePreset, changed, preset_of
from hotpapers.run import Run
from hotpapers.verbs import AnyFile, Device, Outcome

HELD = 5  # every fifth image is not learned from
SHOWN = 8

Distances = dict[tuple[str, Way], list[float]]


def compare(
    folder: AnyFile,
    *,
    laws: str = "gaussian, gamma 0.001, gamma 0.1, mog",
    preset: ImagePreset = "tiny",
    train_steps: int | None = None,
    batch: int | None = None,
    seeds: int = 3,
    steps: str = "10, 20",
    count: int = 200,
    out: Path | None = None,
    device: Device = "auto",
) -> Outcome:
    """Train every noise law on one's images at equal budget, and say which makes images most like them.

    A fifth of the images is not learned from; what is made is measured against them, by a Fréchet distance in the eyes
    of a small frozen classifier (of clothes: it orders laws on the same images and says nothing beyond).

    Parameters
    ----------
    folder
        A folder or ZIP archive of images, 350 or more.
    laws
        What to compare: gaussian; gamma with its theta_0; mog, or mog with its widths: mog 0.9 0.5. The first is what
        the others are held against.
    preset
        The settings of the trainings.
    train_steps
        Steps of each training, where not the preset's.
    batch
        Images a step.
    seeds
        How often each law is trained.
    steps
        Steps of sampling, each with eta 0 and 1.
    count
        How many images are made each way.
    out
        The folder for the table and the pictures.
    device
        Where to compute.
    """
    chosen, ways = read_laws(laws), read_ways(steps)
    if not 1 <= seeds <= 20:
        raise BadInput(f"--seeds can be 1 to 20, not {seeds}.")
    if not 70 <= count <= 50_000:
        raise BadInput(f"--count can be 70 to 50,000, not {count}: fewer images have no distance in 64 features.")
    config = changed(preset_of(preset), {"steps": train_steps, "batch": batch})
    check_config(config, option="--train-steps")
    pictures = read_pictures(Path(folder), config.size, config.channels, crop=config.crop)
    if len(pictures) < 70 * HELD:
        raise BadInput(f"{len(pictures)} images are too few to compare by: {70 * HELD} or more are needed.")
    held = torch.arange(len(pictures)) % HELD == 0
    target = Path(out) if out else Path(folder).with_name(f"{Path(folder).resolve().stem}.laws")
    judged = seen(real(Pictures(pictures.pixels[held]), 10_000))
    distances: Distances = {}
    shown: dict[str, torch.Tensor] = {}
    with Run(target, seeds=range(seeds), device=device, fresh=True, tensorboard=False,
             config=dataclasses.asdict(config) | {"laws": [str(law) for law in chosen]}) as run:  # fmt: skip
        for law, seed, net in contenders(Pictures(pictures.pixels[~held]), config, chosen, range(seeds), run):
            for way in ways:
                images = made(net, way, count, seed)
                distances.setdefault((str(law), way), []).append(seen(images).distance(judged))
            shown.setdefault(str(law), images[:SHOWN].cpu())
    return told(distances, shown, chosen, target)


def read_laws(words: str) -> list[Law]:
    """Return the laws that ``gaussian, gamma 0.001, mog 0.9 0.5`` names."""
    laws = []
    for part in filter(None, (each.split() for each in words.split(","))):
        name, *numbers = part
        try:
            values = [float(each) for each in numbers]
        except ValueError:
            values = [-1.0] * 9
        if name == "gaussian" and not values:
            laws.append(Law("gaussian"))
        elif name == "gamma" and len(values) <= 1:
            laws.append(Law("gamma", *values))
        elif name == "mog" and len(values) in (0, 2):
            laws.append(Law("mog", 0.001, *values))
        else:
            raise BadInput(f"{' '.join(part)[:60]!r} is no law; write gaussian, gamma 0.001, mog or mog 0.9 0.5.")
        check_law(laws[-1])
    if not 2 <= len({str(law) for law in laws}) == len(laws) <= 12:
        raise BadInput("--laws names two to twelve laws, none twice: gaussian, gamma 0.001, mog.")
    return laws


def read_ways(words: str) -> list[Way]:
    """Return the ways of sampling that ``10, 20`` names, each with eta 0 and 1."""
    try:
        steps = sorted({int(each) for each in words.split(",") if each.strip()})
    except ValueError as error:
        raise BadInput(f"--steps {words[:40]!r}: write numbers of steps, as 10, 20.") from error
    if not steps or not 1 <= steps[0] <= steps[-1] <= 1000 or len(steps) > 8:
        raise BadInput("--steps are one to eight numbers from 1 to 1,000.")
    return [Way(each, eta) for each in steps for eta in (0.0, 1.0)]


def told(distances: Distances, shown: dict[str, torch.Tensor], laws: list[Law], target: Path) -> Outcome:
    """Write table, plot and images of a comparison into a folder; one seed has no interval."""
    first, alone = str(laws[0]), all(len(each) == 1 for each in distances.values())
    table, plot, sheet = target / "distances.csv", target / "distances.png", target / "images.png"
    numbers: dict[str, float | int | str] = {}
    with written_whole(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["law", "steps", "eta", "mean distance", f"ratio to {first}", "low", "high", "distances"])
        for (law, way), found in distances.items():
            ratios = [mine / theirs for mine, theirs in zip(found, distances[first, way], strict=True)]
            mean, (low, high) = float(np.mean(ratios)), bootstrap_interval(ratios)
            ends = ["", ""] if alone else [f"{low:.4f}", f"{high:.4f}"]
            writer.writerow([law, way.steps, way.eta, f"{np.mean(found):.4f}", f"{mean:.4f}", *ends,
                             " ".join(f"{each:.4f}" for each in found)])  # fmt: skip
            if law != first:
                numbers[f"{law} / {first}, {way}"] = f"{mean:.3f}" if alone else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
    write_image(plot, _plot(distances, laws))
    images = as_pixels(each for law in laws for each in shown[str(law)])
    labels = [str(law) for law in laws for _ in shown[str(law)]]
    write_image(sheet, contact_sheet(images, labels, SHOWN))
    interval = "of one seed, without an interval" if alone else "with the 95 % interval over the seeds"
    note = f"Ratios of distances {interval}; below 1 the law makes more likely images."
    return Outcome({"plot": plot, "images": sheet, "table": table}, numbers, note)


def _plot(distances: Distances, laws: list[Law]) -> np.ndarray:
    figure, axes = figure_of(2)
    for axis, eta in zip(axes, (0.0, 1.0), strict=True):
        for law in laws:
            found = {way.steps: each for (name, way), each in distances.items() if name == str(law) and way.eta == eta}
            steps = sorted(found)
            means = np.array([np.mean(found[each]) for each in steps])
            ends = np.array([bootstrap_interval(found[each]) for each in steps])
            errors = np.abs(ends.T - means)
            axis.errorbar(steps, means, errors, marker="o", capsize=3, label=str(law))
        axis.set(xscale="log", xlabel="steps", title=f"Fréchet distance, eta {eta:g}", xticks=steps, xticklabels=steps)
        axis.minorticks_off()
    axes[0].legend()
    return pixels_of(figure)
