"""Measuring verbs: what a line through the latents tells, and how good reconstructions, samples and edits are."""

import math
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hotpapers.errors import BadInput
from hotpapers.media.readable import named
from hotpapers.metrics import frechet_of
from hotpapers.papers.d2c.attributes import load_attribute
from hotpapers.papers.d2c.conditional import check_edit, manipulate, touched
from hotpapers.papers.d2c.logistics import quantise
from hotpapers.papers.d2c.pictures import read_folder, read_labels, unit
from hotpapers.papers.d2c.sampling import BATCH, check_steps, draw, pictured
from hotpapers.papers.d2c.shelf import generator_of, open_model
from hotpapers.papers.d2c.train import all_latents
from hotpapers.papers.d2c.verbs import decibels
from hotpapers.verbs import AnyFile, Device, Folder, Model, Outcome

PENALTY = 1e-3


def probe(
    labels: AnyFile,
    *,
    model: Model | None = None,
    folds: int = 5,
    device: Device = "auto",
) -> Outcome:
    """Measure how well a line through the latents tells labels apart, by cross-validation.

    Parameters
    ----------
    labels
        A CSV table with the columns image and label; or a folder, or a ZIP archive, with a sub-folder for each label.
    model
        A trained model; the one that comes with the package when left out.
    folds
        Parts that are left out in turn.
    device
        Where to compute.
    """
    if not 2 <= folds <= 100:
        raise BadInput(f"--folds can be 2 to 100, not {folds}.")
    net = open_model(model, device)
    pictures = read_labels(Path(labels), net.size, net.channels)
    classes = pictures.classes
    if len(classes) < 2 or len(pictures) < 2 * folds:
        raise BadInput(f"A probe needs two labels or more, and {2 * folds} images or more for {folds} folds.")
    z, targets = net.normal(all_latents(net, pictures.images.to(net.mean.device))), pictures.targets.to(net.mean.device)
    part = torch.randperm(len(z), generator=torch.Generator().manual_seed(0)).to(z.device) % folds
    right = sum(
        float(linear_accuracy(z[part != k], targets[part != k], z[part == k], targets[part == k]))
        * int((part == k).sum())
        for k in range(folds)
    )
    most = int(torch.bincount(targets).max())
    numbers: dict[str, float | int | str] = {
        "images": len(pictures),
        "labels": len(classes),
        "linear accuracy, %": round(100 * right / len(z), 2),
        "always the commonest, %": round(100 * most / len(z), 2),
    }
    return Outcome({}, numbers)


def evaluate(
    folder: Folder,
    *,
    model: Model | None = None,
    count: int = 256,
    steps: int = 50,
    attribute: AnyFile | None = None,
    want: str = "",
    step: float = 3.0,
    noise: int = 50,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Measure reconstructions of images, how far samples lie from them in Fréchet distances, and what edits keep.

    Parameters
    ----------
    folder
        Images that the model has not seen, or a ZIP archive of them.
    model
        A trained model; the one that comes with the package when left out.
    count
        How many samples to draw.
    steps
        Steps from noise to latent.
    attribute
        What ``learn-attribute`` wrote: every image is edited towards it, to see how much of the image stays.
    want
        Which of its labels; may be left out where there are two, for the last.
    step, noise
        Of the edits; see ``edit``.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    check_steps(steps)
    check_edit(step, noise)
    if not 2 <= count <= 100_000:
        raise BadInput(f"--count can be 2 to 100,000, not {count}.")
    net = open_model(model, device)
    learned = load_attribute(Path(attribute), net) if attribute else None
    wanted = learned.index(want) if learned else 0
    pictures = read_folder(Path(folder), net.size, net.channels)
    if len(pictures) < 2:
        raise BadInput(f"{named(Path(folder))} has a single image; give some more.")
    x = unit(pictures.images.to(net.mean.device))
    chance = generator_of(net, seed)
    latents, decoded, nats = [], [], []
    with torch.no_grad():
        for each in x.split(BATCH):
            z = net.encode(each)
            mixture = net.distribution(z)
            latents.append(z)
            decoded.append(mixture.mean())
            nats.append(-mixture.log_prob(quantise(each, net.bits)))
    encoded, back = torch.cat(latents), torch.cat(decoded)
    drawn = draw(net, count, steps=steps, generator=chance)
    numbers: dict[str, float | int | str] = {
        "images": len(x),
        "reconstruction MSE": round(float((back - x).square().mean()), 6),
        "reconstruction PSNR, dB": decibels(back, x),
        "bits a dimension": round(float(torch.cat(nats).mean()) / (x[0].numel() * math.log(2)), 3),
        "Fréchet distance of pooled latents": round(_latent_distance(net.normal(drawn), net.normal(encoded)), 4),
    }
    if (net.size, net.channels) == (28, 1) and min(count, len(x)) > 64:
        from hotpapers.metrics.judge import fashion_judge, frechet_between

        made = pictured(net, drawn)
        numbers["Fréchet distance by the judge of clothes"] = round(
            frechet_between(fashion_judge(), made.cpu(), x.cpu()), 3
        )
    if learned:
        moved = manipulate(net, encoded, learned, wanted, step=step, noise=noise, generator=chance)
        numbers |= edit_fidelity(x, back, pictured(net, moved))
        for when, z in (("before", encoded), ("after", moved)):
            r = learned.probabilities(net.normal(z))[:, wanted]
            numbers[f"mean r of {learned.classes[wanted]} {when} the edits"] = round(float(r.mean()), 4)
    return Outcome({}, numbers)


def edit_fidelity(
    x: Float[Tensor, "n C H W"], back: Float[Tensor, "n C H W"], edited: Float[Tensor, "n C H W"]
) -> dict[str, float | int | str]:
    """Return how much of images their edits keep: of the whole, and of the pixels that they do not touch.

    Parameters
    ----------
    x, back, edited
        The images, their reconstructions and their edits, in [0, 1].
    """
    untouched = ~touched(edited - back)
    found: dict[str, float | int | str] = {"edits' PSNR against the images, dB": decibels(edited, x)}
    if untouched.any():
        there = (each.movedim(1, -1)[untouched] for each in (edited, x))
        found["edits' PSNR where they touch nothing, dB"] = decibels(*there)
    return found | {
        "edits' PSNR against reconstructions, dB": decibels(edited, back),
        "pixels that edits touch, %": round(100 * float((~untouched).float().mean()), 1),
    }


def _latent_distance(a: Float[Tensor, "n c s s"], b: Float[Tensor, "m c s s"]) -> float:
    """Return the Fréchet distance of latents' means and spreads over places, which few images are enough for."""
    return frechet_of(*(torch.cat([each.mean((2, 3)), each.std((2, 3))], 1).cpu() for each in (a, b)))


def linear_accuracy(
    z: Float[Tensor, "n c s s"],
    targets: Int[Tensor, " n"],
    held_out: Float[Tensor, "m c s s"],
    held_out_targets: Int[Tensor, " m"],
) -> float:
    """Return the accuracy on held-out latents of a logistic regression, each number scaled to unit spread."""
    x = z.flatten(1)
    mean, std = x.mean(0), x.std(0).clamp(min=1e-6)
    x = (x - mean) / std
    classes = int(max(targets.max(), held_out_targets.max())) + 1
    weights = torch.zeros(x.shape[1], classes, device=x.device, requires_grad=True)
    bias = torch.zeros(classes, device=x.device, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(x @ weights + bias, targets) + PENALTY * weights.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimiser.step(closure)
    scores = (held_out.flatten(1) - mean) / std @ weights.detach() + bias.detach()
    return float((scores.argmax(1) == held_out_targets).float().mean())
