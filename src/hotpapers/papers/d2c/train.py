"""Training, in two stages: the autoencoder with its contrast, then the diffusion model of its latents.

``L = -log p(x | z) / dimensions + w L_C``, then ``|eps - eps(sqrt(a) z + sqrt(1 - a) eps, a)|^2`` on frozen latents;
in one stage, with all three, where that is asked.
"""

import dataclasses
import shlex
import time
from pathlib import Path

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from hotpapers.blocks.diffusion import antithetic_times, denoising_loss, moving_average
from hotpapers.blocks.diffusion.levels import Eps, Level
from hotpapers.errors import BadInput
from hotpapers.media import contact_sheet, to_pixels, write_image
from hotpapers.papers.d2c.contrast import Contrast
from hotpapers.papers.d2c.logistics import quantise
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.pictures import Pictures, in_bytes, read_folder, unit
from hotpapers.papers.d2c.presets import PRESETS, Config, Preset, check_config
from hotpapers.papers.d2c.sampling import draw
from hotpapers.papers.d2c.views import mirror
from hotpapers.run import Run, check_seed, save_model
from hotpapers.verbs import Device, Folder, Outcome, resume_command

ENCODED = 256  # images at once when latents are computed
SHOWN = 8


def train(
    folder: Folder,
    *,
    preset: Preset = "small",
    out: Path | None = None,
    steps: int | None = None,
    diffusion_steps: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    contrast: float | None = None,
    joint: bool = False,
    clean_view: bool = False,
    accumulate: int = 1,
    half: bool = False,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Learn the images of a folder, without labels: to make more, and to learn attributes from a hundred labels later.

    Writes the model, and a picture of images beside their reconstructions and of images that it makes.

    Parameters
    ----------
    folder
        Images of any kind and size, in sub-folders or not, or a ZIP archive of them; each is cut to its middle square
        and scaled.
    preset
        The settings to start from: small (grey, 28 pixels, about half an hour on two cores); colour (32 pixels, for a
        night, or a GPU); cifar (32), celeba64 (64) and ffhq (256), networks of the published size, for days of a GPU.
    out
        The directory to write the model to; beside the folder when left out.
    steps
        Training steps of the autoencoder.
    diffusion_steps
        Training steps of the diffusion model.
    batch
        Images a step of the autoencoder.
    learning_rate
        Of the autoencoder.
    contrast
        Weight of the contrast beside the reconstruction in nats a dimension; 0 learns without.
    joint
        Learn all in one stage, as the paper writes it; it needs more memory.
    clean_view
        Reconstruct images as they are, instead of a view of them with crop and colours changed.
    accumulate
        Add up the gradients of so many batches for a step.
    half
        Compute in bfloat16 where that is safe.
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
    names = ("steps", "diffusion_steps", "batch", "learning_rate", "contrast", "joint", "clean_view", "accumulate")
    changes = {name: asked[name] for name in names if asked[name] is not None and asked[name] is not False}
    config = dataclasses.replace(PRESETS[preset], **changes)
    check_config(config)
    check_seed(seed)
    pictures = read_folder(Path(folder), config.size, config.channels)
    if len(pictures) < 2:
        raise BadInput(f"{folder} has a single image; D2C learns from many, thousands where it is to go well.")
    whole = Path(folder).resolve()  # "." has no name of its own
    out = Path(out) if out else whole.parent / f"{whole.name.removesuffix('.zip') or 'images'}.d2c"
    again = resume_command("d2c train", train, asked | {"out": out})
    started = time.perf_counter()
    with Run(out, seed=seed, config=config, device=device, precision="bf16-mixed" if half else "32-true", resume=resume,
             fresh=fresh, resume_command=again) as run:  # fmt: skip
        model = fit(pictures.images, config, run)
        if run.rank == 0:
            save_model(model, out)
    return _report(model, pictures, out, seed, time.perf_counter() - started)


def fit(images: UInt8[Tensor, "n C H W"], config: Config, run: Run) -> D2C:
    """Train a model on ``images`` and return it with averaged weights of the diffusion model.

    ``autoencoder`` and ``diffusion`` are stages of ``run``; a joint training has the first alone.
    """
    model = D2C(**config.network())
    images = images.to(run.device)
    with run.stage("autoencoder"):
        fit_autoencoder(model, images, config, run)
    model.eval()
    z = all_latents(model, torch.cat([images, images.flip(-1)]) if config.mirrored else images)
    model.mean.copy_(z.mean((0, 2, 3))[:, None, None])
    model.std.copy_(z.std((0, 2, 3))[:, None, None].clamp(min=1e-6))
    if not config.joint:
        with run.stage("diffusion"):
            fit_diffusion(model, model.normal(z), config, run)
    return model.eval()


class Lesson(nn.Module):
    """The losses of the autoencoder on a batch, as one module, so that devices and precisions see one call."""

    def __init__(self, model: D2C, contrast: Contrast | None, joint: bool) -> None:
        super().__init__()
        self.model, self.contrast, self.joint = model, contrast, joint

    def forward(self, view: UInt8[Tensor, "B C H W"], other: UInt8[Tensor, "B C H W"]) -> dict[str, Tensor]:
        """Return what there is of ``reconstruction`` (nats a dimension), ``contrast``, ``denoising``, and the keys.

        Views come as bytes: half precision is for the network's features, not for the values that it is to predict.
        """
        model = self.model
        seen = quantise(unit(view), model.bits)
        z = model.encoder(2 * seen - 1)
        losses = {"reconstruction": -model.distribution(z).log_prob(seen).mean() / seen[0].numel()}
        if self.contrast is not None:
            keys = self.contrast.key(2 * quantise(unit(other), model.bits) - 1)
            losses |= {"contrast": self.contrast.loss(self.contrast.query(z), keys), "keys": keys}
        if self.joint:
            z = z.float()
            mean, std = z.mean((0, 2, 3), keepdim=True), z.std((0, 2, 3), keepdim=True)
            losses["denoising"] = diffusion_loss(model, model.eps, (z - mean) / (std + 1e-6))
        return losses


def fit_autoencoder(model: D2C, images: Tensor, config: Config, run: Run) -> None:
    """Train encoder and decoder; the first view of each image is reconstructed, both are contrasted."""
    contrast = (
        Contrast(model.encoder, images.new_empty(model.shape).numel(), **config.head()) if config.contrast else None
    )
    lesson = Lesson(model, contrast, config.joint).to(memory_format=torch.channels_last)  # twice as fast on a CPU
    parts = [
        model.encoder,
        model.decoder,
        *([contrast.head] if contrast else []),
        *([model.unet] if config.joint else []),
    ]
    weights = [each for part in parts for each in part.parameters()]
    optimiser = torch.optim.AdamW(weights, config.learning_rate, weight_decay=config.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, config.rate_at)
    learn, optimiser = run.setup(lesson, optimiser)
    average = moving_average(model.unet, config.average) if config.joint else None
    run.setup(*([scheduler] if average is None else [scheduler, average]))
    views = config.views()
    for _ in run.steps(config.steps):
        optimiser.zero_grad()
        for _ in range(config.accumulate):
            x = unit(images[torch.randint(len(images), (config.batch,), device=images.device)])
            x = mirror(x, config.mirrored) if config.mirrored else x
            losses = learn(in_bytes(x if config.clean_view else views(x)), in_bytes(views(x)))
            loss = losses["reconstruction"] + config.contrast * losses.get("contrast", 0) + losses.get("denoising", 0)
            run.backward(loss / config.accumulate)
            if contrast:
                contrast.enqueue(losses.pop("keys"))
        norm = nn.utils.clip_grad_norm_(weights, config.clip)
        optimiser.step()
        scheduler.step()
        if contrast:
            contrast.follow(model.encoder)
        if average:
            average.update_parameters(model.unet)
        run.log(**{name: value.detach() for name, value in losses.items()}, gradient=norm)
    if average:
        model.unet.load_state_dict(average.module.state_dict())
    model.to(memory_format=torch.contiguous_format)  # as files have it


def fit_diffusion(model: D2C, z: Float[Tensor, "n c s s"], config: Config, run: Run) -> None:
    """Train the network that takes noise from normal latents; it ends with averaged weights."""
    optimiser = torch.optim.Adam(model.unet.parameters(), config.diffusion_rate)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, config.diffusion_rate_at)
    net, optimiser = run.setup(Denoiser(model), optimiser)
    average = moving_average(model.unet, config.average)
    run.setup(average, scheduler)
    net.train()

    def eps(x: Tensor, level: Level) -> Tensor:
        return model.noise_of(net(x, level.t), x, level.t)

    for _ in run.steps(config.diffusion_steps):
        optimiser.zero_grad()
        for _ in range(config.accumulate):
            x = z[torch.randint(len(z), (config.diffusion_batch,), device=z.device)]
            loss = diffusion_loss(model, eps, x)
            run.backward(loss * x[0].numel() / config.accumulate)  # summed over a latent, as the gradient is clipped
        norm = nn.utils.clip_grad_norm_(model.unet.parameters(), 1.0)
        optimiser.step()
        scheduler.step()
        average.update_parameters(model.unet)
        run.log(loss=loss.detach(), gradient=norm)
    model.unet.load_state_dict(average.module.state_dict())


def diffusion_loss(model: D2C, eps: Eps, z: Float[Tensor, "B c s s"]) -> Float[Tensor, ""]:
    """Return ``l_diff`` of normal latents, averaged over their numbers.

    ``w(alpha)`` is 1, or ``1 / alpha`` where the network gives v: the error of v, then.
    """
    level = model.schedule.batch(antithetic_times(len(z), len(model.schedule), z.device))
    losses = denoising_loss(eps, z, level)
    return (losses / level.m**2 if model.velocity else losses).mean()


class Denoiser(nn.Module):
    """The diffusion network alone, as what devices and precisions are set for."""

    def __init__(self, model: D2C) -> None:
        super().__init__()
        self.unet = model.unet
        self._guess = model.guess

    def forward(self, z: Float[Tensor, "B c s s"], t: Int[Tensor, " B"]) -> Float[Tensor, "B c s s"]:
        """Return eps or v; times are whole, as half precision would make 1000 of 999."""
        return self._guess(z, t.float())


@torch.no_grad()
def all_latents(model: D2C, images: UInt8[Tensor, "n C H W"]) -> Float[Tensor, "n c s s"]:
    """Return the latents of images; the encoder should be in ``eval``: batches must not see each other."""
    return torch.cat([model.encode(unit(each)) for each in images.split(ENCODED)])


@torch.no_grad()
def _report(model: D2C, pictures: Pictures, out: Path, seed: int, seconds: float) -> Outcome:
    device = model.mean.device
    shown = unit(pictures.images[:: max(1, len(pictures) // SHOWN)][:SHOWN].to(device))
    back = model.distribution(model.encode(shown)).mean()
    made = draw(model, SHOWN, steps=50, generator=torch.Generator(device).manual_seed(seed))
    rows = [*shown, *back, *model.distribution(made).mean()]
    labels = [*["learned"] * len(shown), *["decoded"] * len(shown), *["made"] * SHOWN]
    sheet = contact_sheet([to_pixels(each).clip(0, 1) for each in rows], labels, columns=len(shown))
    error = (back - shown).square().mean()
    numbers: dict[str, float | int | str] = {
        "images": len(pictures),
        "files left out": pictures.left_out,
        "latent": " x ".join(map(str, model.shape)),
        "reconstruction PSNR of the images shown, dB": round(float(-10 * error.log10()), 2),
        "parameters": sum(each.numel() for each in model.parameters()),
        "seconds": round(seconds, 1),
    }
    files = {"model": out, "picture": write_image(out / "images.png", sheet)}
    return Outcome(files, numbers, f"Make some: hotpapers d2c sample --model {shlex.quote(str(out))}")
