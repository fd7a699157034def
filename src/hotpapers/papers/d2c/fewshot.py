"""Few-shot verbs: learn an attribute from some labels, make images that have it, and give it to an image."""

import shlex
import time
from pathlib import Path

import torch

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.media import contact_sheet, write_image
from hotpapers.media.readable import named
from hotpapers.papers.d2c.attributes import Attribute, learn, load_attribute, save_attribute
from hotpapers.papers.d2c.conditional import check_edit, langevin, manipulate, reject, touched
from hotpapers.papers.d2c.model import D2C, STEPS
from hotpapers.papers.d2c.pictures import Pictures, read_folder, read_labels
from hotpapers.papers.d2c.sampling import Decoding, Sampler, check_steps, draw, pictured
from hotpapers.papers.d2c.shelf import BAG, generator_of, open_model
from hotpapers.papers.d2c.train import all_latents
from hotpapers.papers.d2c.verbs import check_count, decibels, folder_for, keep, pixels, read_unit, with_model
from hotpapers.progress import bar
from hotpapers.verbs import AnyFile, Device, Folder, ImageFile, Model, Outcome, TableFile

DRAW_STEPS = 10  # of the quick sampler, where latents are only measured


def learn_attribute(
    labels: TableFile,
    *,
    model: Model | None = None,
    unlabelled: Folder | None = None,
    share: float = 0.5,
    draws: int = 256,
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Learn an attribute from about a hundred labelled images, to make images that have it, or to give it to one.

    Writes a file of a few kB. With one label alone in the table, it is learned from examples of it and from images that
    may be anything.

    Parameters
    ----------
    labels
        A CSV table with the columns image (a path beside the table, or a PNG as a data URI) and label; two labels or
        more, or one alone.
    model
        A trained model; the one that comes with the package when left out.
    unlabelled
        Images that may be anything, or a ZIP archive of them: how far latents spread is measured on them, and one label
        alone is told from them; the model's own when left out.
    share
        How much of what there is has the attribute, where there is one label alone; as far as it is known.
    draws
        Latents that the model draws to measure how far they spread.
    out
        The file for the attribute; beside the table when left out.
    seed
        The seed of the draws.
    device
        Where to compute.
    """
    if not 0 < share < 1:
        raise BadInput(f"--share lies between 0 and 1, not at {share}.")
    if not 16 <= draws <= 100_000:
        raise BadInput(f"--draws can be 16 to 100,000, not {draws}.")
    net = open_model(model, device)
    pictures = read_labels(Path(labels), net.size, net.channels)
    _check_labels(pictures)
    normal = net.normal(all_latents(net, pictures.images.to(net.mean.device)))
    if unlabelled:
        others = read_folder(Path(unlabelled), net.size, net.channels).images
        if len(others) < 2:
            raise BadInput(f"{named(Path(unlabelled))} has a single image; give many that may be anything.")
        background = net.normal(all_latents(net, others.to(net.mean.device)))
    else:
        background = net.normal(
            draw(net, draws, steps=DRAW_STEPS, sampler="dpm-solver", generator=generator_of(net, seed))
        )
    attribute = learn(net, normal, pictures.targets, pictures.classes, background, share=share)
    target = Path(out) if out else Path(labels).with_suffix(".attribute")
    save_attribute(attribute, target)
    numbers: dict[str, float | int | str] = {"labels": len(pictures), "kB": round(target.stat().st_size / 1000, 1)}
    r = attribute.probabilities(normal)
    mean = attribute.probabilities(background).mean(0).tolist()
    if len(pictures.classes) > 1:
        numbers["right on its own labels, %"] = round(
            100 * float((r.argmax(1).cpu() == pictures.targets).float().mean()), 1
        )
    numbers |= {f"share of {name}, %": round(100 * each, 1) for name, each in zip(attribute.classes, mean, strict=True)}
    use = f"hotpapers d2c generate --attribute {shlex.quote(str(target))}{with_model(model)}"
    return Outcome({"attribute": target}, numbers, f"Use it: {use}")


def generate(
    *,
    attribute: AnyFile | None = None,
    want: str = "",
    model: Model | None = None,
    count: int = 16,
    steps: int = 20,
    sampler: Sampler = "dpm-solver",
    least: float = 0.0,
    most: int = 20_000,
    refine: int = 0,
    decoding: Decoding = "mean",
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Make images that have an attribute: latents are drawn and accepted with probability r(c | z).

    Parameters
    ----------
    attribute
        What ``learn-attribute`` wrote; when left out, the bags that come with the package's model.
    want
        Which of its labels; may be left out where there are two, for the last.
    model
        The model that the attribute was learned with; the one that comes with the package when left out.
    count
        How many images.
    steps
        Steps from noise to latent; a latent is drawn for each image that is made and for each that is refused.
    sampler
        How to step.
    least
        Refuse also what is less likely than this to have it; 0 is the paper's rule, 0.5 gives fewer doubtful ones.
    most
        Stop after so many draws, with what there is.
    refine
        Langevin steps towards the attribute, after acceptance; about 10 make the images more typical of it.
    decoding
        Which image of those that a latent allows.
    out
        The folder for the images.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    check_count(count)
    check_steps(steps)
    if not 1 <= most <= 10**7 or not 0 <= refine <= 1_000:
        raise BadInput("--most can be 1 to 10,000,000 draws, and --refine 0 to 1,000 steps.")
    if not 0 <= least < 1:
        raise BadInput(f"--least is a probability from 0 to below 1, not {least}.")
    target = folder_for(out, Path("generated"))
    net = open_model(model, device)
    learned = load_attribute(Path(attribute) if attribute else BAG, net)
    wanted = learned.index(want)
    chance = generator_of(net, seed)

    def likelihood(z: torch.Tensor) -> torch.Tensor:
        r = learned.probabilities(net.normal(z))[:, wanted]
        return torch.where(r >= least, r, torch.zeros_like(r))

    with bar("accepted", count) as shown:
        found = reject(
            lambda number: draw(net, number, steps=steps, sampler=sampler, generator=chance),
            likelihood,
            count, most=most, generator=chance, told=shown.update,
        )  # fmt: skip
    if not len(found.latents):
        raise HotpapersError(
            f"None of {found.drawn:,} draws was accepted as {learned.classes[wanted]} (expected share "
            f"{found.mean_r:.2g}): raise --most, or give the attribute more labels."
        )
    z = found.latents
    if refine:
        z = langevin(net, z, learned, wanted, steps=refine, generator=chance)
    numbers: dict[str, float | int | str] = {
        "images": len(z),
        "draws": found.drawn,
        "accepted, %": round(100 * found.accepted / found.drawn, 2),
        "expected, %": round(100 * found.mean_r, 2),
        "mean r of the images": round(float(learned.probabilities(net.normal(z))[:, wanted].mean()), 3),
    }
    short = "" if len(z) == count else f"Only {len(z)} of {count} after {found.drawn:,} draws: raise --most for more."
    return keep(pictured(net, z, decoding, chance), target, numbers, note=short)


def edit(
    image: ImageFile,
    *,
    attribute: AnyFile | None = None,
    want: str = "",
    step: float = 3.0,
    noise: int = 50,
    steps: int = 2,
    keep_detail: bool = False,
    model: Model | None = None,
    decoding: Decoding = "mean",
    out: Path | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> Outcome:
    """Give an image an attribute, in one encoding, two steps of the diffusion model, and one decoding.

    Writes the image, and a picture of what it was, of its reconstruction, of the edit, and of where it differs.

    Parameters
    ----------
    image
        The image; its middle square is taken and scaled.
    attribute
        What ``learn-attribute`` wrote; when left out, the bags that come with the package's model.
    want
        Which of its labels; may be left out where there are two, for the last.
    step
        How far, in standard deviations of latents along the attribute; 0 reconstructs, below 0 takes it away.
    noise
        How much noise brings the edit back to plausible latents: an index of the table of 1,000. 50 is the authors'
        choice, alpha 0.970; 100 to 200 is the range that the paper calls stable; 0 leaves it as it was moved.
    steps
        Evaluations of the network on the way down.
    keep_detail
        Change the image by what the edit changes in its reconstruction, so that what the decoder loses stays.
    model
        The model that the attribute was learned with; the one that comes with the package when left out.
    decoding
        Which image of those that a latent allows.
    out
        The file for the image.
    seed
        The seed of the noise.
    device
        Where to compute.
    """
    check_edit(step, noise)
    if not 2 <= steps <= STEPS:
        raise BadInput(f"--steps can be 2 to {STEPS:,}, not {steps}.")
    net = open_model(model, device)
    learned = load_attribute(Path(attribute) if attribute else BAG, net)
    wanted = learned.index(want)
    x = read_unit(net, image)
    started = time.perf_counter()
    with torch.no_grad():
        before = net.encode(x)
        chance = generator_of(net, seed)
        after = manipulate(net, before, learned, wanted, step=step, noise=noise, steps=steps, generator=chance)
        back, edited = pictured(net, torch.cat([before, after]), decoding, chance).split(1)
    if keep_detail:
        edited = (x + edited - back).clamp(0, 1)
    seconds = time.perf_counter() - started
    change = (edited - (x if keep_detail else back)).abs()
    numbers: dict[str, float | int | str] = {
        "r before": _likelihood(net, learned, before, wanted),
        "r after": _likelihood(net, learned, after, wanted),
        "PSNR against the image, dB": decibels(edited, x),
        "PSNR against its reconstruction, dB": decibels(edited, back),
        "pixels changed by over a tenth, %": round(100 * float(touched(change).float().mean()), 1),
        "network evaluations": min(steps, noise + 1) if noise else 0,  # no index twice
        "milliseconds": round(1000 * seconds, 1),
    }
    target = Path(out) if out else Path(image).with_suffix(".edited.png")
    labels = ["image", "reconstruction", f"{step:+g} {learned.classes[wanted]}", "difference"]
    sheet = contact_sheet([pixels(each) for each in (x, back, edited, change)], labels, columns=4)
    files = {
        "image": write_image(target, pixels(edited)),
        "picture": write_image(target.with_suffix(".sheet.png"), sheet),
    }
    return Outcome(files, numbers)


def _likelihood(net: D2C, learned: Attribute, z: torch.Tensor, wanted: int) -> float:
    return round(float(learned.probabilities(net.normal(z))[0, wanted]), 4)


def _check_labels(pictures: Pictures) -> None:
    counts = {name: pictures.labels.count(name) for name in pictures.classes}
    if scarce := [name for name, number in counts.items() if number < 2]:
        raise BadInput(f"Each label needs two images or more; there is one alone of {', '.join(scarce[:5])}.")
    if len(counts) > 1_000:
        raise BadInput(f"{len(counts):,} labels are too many for an attribute; 1,000 at most.")
