"""SinGAN (Shaham, Dekel and Michaeli 2019), which SinIR measures its speed against: a pyramid of GANs, one photograph.

Each level has a generator that adds detail to the upsampled output of the coarser levels, and a patch discriminator.
The schedule is that of the published code. What differs: z* stays fixed, as the paper has it (the code redraws it
at the coarsest level); between levels nothing is rounded to 8 bits, and all borders are mirrored; every generator step
sees a fresh fake, which current PyTorch requires; the discriminator takes no gradients while the generator learns.
"""

import dataclasses
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.papers.sinir.pyramid import matlab_matrix
from hotpapers.run import Run

PADDING = 5  # five unpadded 3x3 convolutions take 5 pixels off each side, so inputs are padded by as many zeros


@dataclasses.dataclass(frozen=True)
class SinGANConfig:
    """The published settings."""

    max_size: int = 250
    min_size: int = 25
    factor: float = 0.75
    channels: int = 32
    max_channels: int = 128
    double_every: int = 4
    """Levels after which the channels double."""
    epochs: int = 2000
    """For each level; every epoch is ``discriminator_steps`` followed by ``generator_steps``."""
    discriminator_steps: int = 3
    generator_steps: int = 3
    learning_rate: float = 5e-4
    drop_at: float = 0.8
    """Share of the epochs after which the learning rate falls to a tenth: 1600 of 2000."""
    gradient_penalty: float = 0.1
    reconstruction_weight: float = 10.0
    noise: float = 0.1
    """Noise of a level, as a share of the RMSE that the coarser levels leave."""

    def width(self, level: int) -> int:
        """Return the channels of the networks at ``level``: 32, doubled every 4 levels, up to 128."""
        return min(self.channels * 2 ** (level // self.double_every), self.max_channels)


class Generator(nn.Module):
    """Five convolutions that look at noise plus image and predict what the image lacks."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_trunk(channels), nn.Conv2d(channels, 3, 3), nn.Tanh())
        self.apply(_initialise)

    def forward(
        self, noise: Float[Tensor, "1 3 H+10 W+10"], image: Float[Tensor, "1 3 H+10 W+10"]
    ) -> Float[Tensor, "1 3 H W"]:
        """Return ``image`` plus the residual; ``noise`` is the level's noise already added to it. Both are padded."""
        return self.layers(noise) + image[..., PADDING:-PADDING, PADDING:-PADDING]


class Discriminator(nn.Module):
    """The same five convolutions with one score for each patch of 11 x 11 pixels."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_trunk(channels), nn.Conv2d(channels, 1, 3))
        self.apply(_initialise)

    def forward(self, image: Float[Tensor, "1 3 H W"]) -> Float[Tensor, "1 1 H-10 W-10"]:
        """Score every patch; higher is more like the photograph."""
        return self.layers(image)


class SinGAN(nn.Module):
    """The trained levels, coarse to fine, with what is needed to run them.

    Attributes
    ----------
    sizes : list of (int, int)
        Height and width of each level.
    factor : float
        Ratio between the sizes of neighbouring levels.
    amplitudes : list of float
        Standard deviation of the noise at each level trained so far.
    """

    z_star: Tensor

    def __init__(self, sizes: list[tuple[int, int]], factor: float) -> None:
        super().__init__()
        self.sizes, self.factor = sizes, factor
        self.generators = nn.ModuleList()
        self.amplitudes: list[float] = []
        self.register_buffer("z_star", torch.zeros(1, 1, *sizes[0]))

    def before(self, level: int, *, random: bool) -> Float[Tensor, "1 3 H W"]:
        """Return what the levels below ``level`` give it, upsampled to its size; black at the coarsest.

        With ``random`` every level gets fresh noise; without, they reconstruct the photograph from z*.
        """
        image = self.z_star.new_zeros(1, 3, *self.sizes[0])
        for k in range(level):
            image = upsample(self._run_level(k, image, random=random), self.factor, self.sizes[k + 1])
        return image

    @torch.no_grad()
    def sample(self) -> Float[Tensor, "1 3 H W"]:
        """Draw a new image at the finest trained level, with values in [-1, 1]."""
        last = len(self.generators) - 1
        return self._run_level(last, self.before(last, random=True), random=True).clamp(-1, 1)

    @torch.no_grad()
    def reconstruct(self) -> Float[Tensor, "1 3 H W"]:
        """Return the photograph at the finest trained level as the generators rebuild it from z*."""
        last = len(self.generators) - 1
        return self._run_level(last, self.before(last, random=False), random=False).clamp(-1, 1)

    @torch.no_grad()
    def refine(self, image: Float[Tensor, "1 3 h w"], level: int) -> Float[Tensor, "1 3 H W"]:
        """Run the levels from ``level`` up on an image of that level's size: SinGAN's editing and harmonisation."""
        for k in range(level, len(self.generators)):
            image = self._run_level(k, image, random=True)
            if k + 1 < len(self.generators):
                image = upsample(image, self.factor, self.sizes[k + 1])
        return image.clamp(-1, 1)

    def noise(self, level: int, *, random: bool = True) -> Float[Tensor, "1 3 H W"]:
        """Draw a level's noise: grey at the coarsest, in colour above it. Not random, it is z* and then nothing."""
        if not random:
            return self.z_star.expand(1, 3, -1, -1) if level == 0 else self.z_star.new_zeros(1, 3, *self.sizes[level])
        channels = 1 if level == 0 else 3
        return torch.randn(1, channels, *self.sizes[level], device=self.z_star.device).expand(1, 3, -1, -1)

    def _run_level(self, level: int, image: Tensor, *, random: bool) -> Tensor:
        padded = _pad(image)
        noise = self.amplitudes[level] * _pad(self.noise(level, random=random))
        return self.generators[level](noise + padded, padded)


def train_singan(image: Float[Tensor, "1 3 H W"], config: SinGANConfig, run: Run) -> SinGAN:
    """Train SinGAN on one photograph.

    Parameters
    ----------
    image
        The photograph, with values in [-1, 1].
    config
        The settings; ``SinGANConfig()`` are the published ones.
    run
        Where it runs; every level is a stage and every epoch a step of it.
    """
    sizes, factor = singan_sizes(image.shape[-2], image.shape[-1], config.max_size, config.min_size, config.factor)
    targets = [each.to(run.device) for each in singan_pyramid(image, sizes, factor)]
    model = SinGAN(sizes, factor).to(run.device)
    model.z_star = torch.randn(1, 1, *sizes[0], generator=torch.Generator().manual_seed(run.seed)).to(run.device)
    discriminator: Discriminator | None = None
    for level, target in enumerate(targets):
        with run.stage(f"level-{level}"):
            training = LevelTraining(model, target, discriminator, config, run)
            for _ in run.steps(config.epochs):
                run.log(**training.epoch())
            discriminator = training.finish()
    return model


class LevelTraining:
    """One level under training: its two networks, what they learn from, and one epoch of the published schedule.

    Networks start as a copy of the level below where that is as wide, else afresh.
    """

    def __init__(
        self, model: SinGAN, target: Tensor, below: Discriminator | None, config: SinGANConfig, run: Run
    ) -> None:
        self.model, self.target, self.config, self.run = model, target, config, run
        self.level = level = len(model.generators)
        self.plain_generator, self.plain_discriminator = (
            Generator(config.width(level)),
            Discriminator(config.width(level)),
        )
        if below is not None and config.width(level) == config.width(level - 1):
            self.plain_generator.load_state_dict(model.generators[-1].state_dict())
            self.plain_discriminator.load_state_dict(below.state_dict())
        optimisers, schedules = [], []
        for network in (self.plain_generator, self.plain_discriminator):
            optimisers.append(torch.optim.Adam(network.parameters(), config.learning_rate, (0.5, 0.999)))
            drop = max(1, round(config.drop_at * config.epochs))
            schedules.append(torch.optim.lr_scheduler.MultiStepLR(optimisers[-1], [drop], gamma=0.1))
        self.generator, self.discriminator, *rest = run.setup(
            self.plain_generator, self.plain_discriminator, *optimisers, *schedules
        )
        self.generator_optimiser, self.discriminator_optimiser, *self.schedules = rest
        with torch.no_grad():
            rebuilt = model.before(level, random=False)
        self.rebuilt = _pad(rebuilt)
        error = float((target - rebuilt).square().mean().sqrt())
        self.amplitude = config.noise * error if level else 1.0
        self.fixed = self.amplitude * _pad(model.noise(level, random=False)) + self.rebuilt

    def epoch(self) -> dict[str, Tensor]:
        """Take three steps of the discriminator, each against a new fake, then three of the generator."""
        noise = self.amplitude * _pad(self.model.noise(self.level))
        for _ in range(self.config.discriminator_steps):
            with torch.no_grad():
                drawn = _pad(self.model.before(self.level, random=True))
                fake = self.generator(noise + drawn, drawn)
            critic_loss = self._step_discriminator(fake)
        self.plain_discriminator.requires_grad_(False)
        for _ in range(self.config.generator_steps):
            generator_loss, reconstruction = self._step_generator(noise + drawn, drawn)
        self.plain_discriminator.requires_grad_(True)
        for schedule in self.schedules:
            schedule.step()
        return {"discriminator": critic_loss, "generator": generator_loss, "reconstruction": reconstruction}

    def _step_discriminator(self, fake: Tensor) -> Tensor:
        self.discriminator_optimiser.zero_grad()
        loss = self.discriminator(fake).mean() - self.discriminator(self.target).mean()
        loss = loss + self.config.gradient_penalty * gradient_penalty(self.discriminator, self.target, fake)
        self.run.backward(loss)
        self.discriminator_optimiser.step()
        return loss.detach()

    def _step_generator(self, noise: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        self.generator_optimiser.zero_grad()
        # The published code reuses one fake for all steps; its gradients would belong to weights that are gone
        adversarial = -self.discriminator(self.generator(noise, drawn)).mean()
        reconstruction = F.mse_loss(self.generator(self.fixed, self.rebuilt), self.target)
        self.run.backward(adversarial + self.config.reconstruction_weight * reconstruction)
        self.generator_optimiser.step()
        return adversarial.detach(), reconstruction.detach()

    def finish(self) -> Discriminator:
        """Freeze the level, hand its generator to the model and return its discriminator."""
        self.model.generators.append(self.plain_generator.requires_grad_(False).eval())
        self.model.amplitudes.append(self.amplitude)
        return self.plain_discriminator


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Float[Tensor, ""]:
    """Return the mean of (|∇D| - 1)² at a random mixture of two images, with |∇D| taken over colours at each pixel."""
    share = torch.rand(1, device=real.device)
    mixed = (share * real + (1 - share) * fake).requires_grad_()
    scores = discriminator(mixed)
    (slope,) = torch.autograd.grad(scores, mixed, torch.ones_like(scores), create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


def singan_sizes(
    height: int, width: int, max_size: int = 250, min_size: int = 25, factor: float = 0.75
) -> tuple[list[tuple[int, int]], float]:
    """Return the sizes of SinGAN's pyramid, coarse to fine, and the factor between them.

    The number of levels comes from the photograph as it is given, before it is made smaller to ``max_size``, so that it
    can differ by one from SinIR's, whose formula rounds elsewhere.
    """
    longer, shorter = max(height, width), min(height, width)
    levels = math.ceil(math.log(min_size / shorter, factor)) + 1
    skipped = math.ceil(math.log(min(max_size, longer) / longer, factor))
    steps = levels - skipped
    reduction = min(max_size / longer, 1)
    height, width = (math.ceil(length * reduction) for length in (height, width))
    factor = math.pow(min_size / min(height, width), 1 / steps)
    powers = [math.pow(factor, steps - level) for level in range(steps + 1)]
    return [(math.ceil(height * power), math.ceil(width * power)) for power in powers], factor


def singan_pyramid(
    image: Float[Tensor, "1 3 H W"], sizes: list[tuple[int, int]], factor: float
) -> list[Float[Tensor, "1 3 h w"]]:
    """Return the photograph at each size, each made from the finest one."""
    longer, finest = max(image.shape[-2:]), max(sizes[-1])
    if finest < longer:
        image = _resize(image, finest / longer, sizes[-1])
    steps = len(sizes) - 1
    return [_resize(image, math.pow(factor, steps - level), size) for level, size in enumerate(sizes)]


def upsample(x: Float[Tensor, "1 C h w"], factor: float, size: tuple[int, int]) -> Float[Tensor, "1 C H W"]:
    """Return ``x`` enlarged by 1 / ``factor`` and cut to ``size``, as MATLAB's imresize does it (bicubic)."""
    return _resize(x, 1 / factor, size)


def _resize(x: Tensor, scale: float, size: tuple[int, int]) -> Tensor:
    if scale == 1:
        return x
    x = x.clamp(-1, 1)
    rows, columns = (matlab_matrix(*sides, scale).to(x) for sides in zip(x.shape[-2:], size, strict=True))
    return (rows @ x @ columns.T).clamp(-1, 1)


def _pad(image: Tensor) -> Tensor:
    return F.pad(image, (PADDING,) * 4)


def _trunk(channels: int) -> list[nn.Module]:
    """Four times convolution, batch normalisation and leaky ReLU."""
    layers: list[nn.Module] = []
    for inputs in (3, channels, channels, channels):
        layers += [nn.Conv2d(inputs, channels, 3), nn.BatchNorm2d(channels), nn.LeakyReLU(0.2, inplace=True)]
    return layers


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, 0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1, 0.02)
