"""The networks of D2C: encoder and decoder, the statistics of the latents, and the diffusion model of them.

z is the latent as the encoder gives it, B x C x S x S; *normal* latents have mean 0 and deviation 1 in each channel.
"""

from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from hotpapers.blocks.diffusion import Table, UNet2d, linear_betas
from hotpapers.blocks.diffusion.levels import Eps, batch_level, on_time
from hotpapers.papers.d2c.cells import DecoderCell, EncoderCell, NormedConv
from hotpapers.papers.d2c.logistics import Mixture, channels_out, quantise

STEPS = 1000  # of the noise's table


class D2C(nn.Module, PyTorchModelHubMixin):
    """A trained model.

    Parameters
    ----------
    size, channels
        Of the images: pixels along an edge, 1 for grey and 3 for colour.
    bits
        To how many bits pixels are rounded.
    width, scales, groups, cells
        Of the autoencoder: channels of its first convolution, resolutions behind the first halving, groups of cells at
        each, cells in a group.
    latent
        Channels of the latent; its edge is ``size / 2^scales``.
    mixtures
        Logistics that the decoder mixes.
    widen
        How many times more channels there are inside a decoder's cell; half of it behind the last upsampling.
    unet_width, unet_multiples, unet_blocks, attention_at, dropout, unet_groups
        Of the network that takes noise from latents.
    velocity
        Let that network give v of ``eps = sqrt(1 - alpha) z + sqrt(alpha) v`` instead of eps: its mistakes then do no
        harm where there is nearly nothing but noise, and a short training is enough.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        bits: int = 8,
        width: int = 128,
        scales: int = 1,
        groups: int = 6,
        cells: int = 2,
        latent: int = 10,
        mixtures: int = 10,
        widen: int = 6,
        unet_width: int = 128,
        unet_multiples: Sequence[int] = (1, 2, 2, 2),
        unet_blocks: int = 2,
        attention_at: Sequence[int] = (16,),
        dropout: float = 0.1,
        velocity: bool = False,
        unet_groups: int = 32,
    ) -> None:
        super().__init__()
        if size % 2**scales or size < 2 ** (scales + 1):
            raise ValueError(f"images of {size} pixels cannot be halved {scales} times")
        self.size, self.channels, self.bits = size, channels, bits
        self.shape = (latent, size >> scales, size >> scales)
        self.encoder = Encoder(channels, width, scales, groups, cells, latent)
        self.decoder = Decoder(channels_out(channels, mixtures), width, scales, groups, cells, latent, widen)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(latent, 1, 1))
        self.register_buffer("std", torch.ones(latent, 1, 1))
        halvings = 2 ** (len(unet_multiples) - 1)
        edge = -(-self.shape[1] // halvings) * halvings
        self.unet = UNet2d(
            latent,
            unet_width,
            unet_multiples,
            size=edge,
            blocks=unet_blocks,
            attention_at=attention_at,
            dropout=dropout,
        )
        self.schedule, self.velocity = Table(linear_betas(STEPS)), velocity

    def encode(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B c s s"]:
        """Return the latents of images in [0, 1]."""
        return self.encoder(2 * quantise(x, self.bits) - 1)

    def distribution(self, z: Float[Tensor, "B c s s"]) -> Mixture:
        """Return p(x | z)."""
        numbers = self.decoder(z)
        numbers = numbers.float() if numbers.dtype != torch.float64 else numbers  # half precision ends here
        return Mixture(numbers, self.channels, self.bits)

    def normal(self, z: Float[Tensor, "B c s s"]) -> Float[Tensor, "B c s s"]:
        """Return latents as the diffusion model has them."""
        return (z - self.mean) / self.std

    def raw(self, z: Float[Tensor, "B c s s"]) -> Float[Tensor, "B c s s"]:
        """Return normal latents as the decoder takes them."""
        return z * self.std + self.mean

    @property
    def eps(self) -> Eps:
        """The noise that the network sees in normal latents, as samplers take it."""
        return on_time(self.noise_in)

    def noise_in(self, z: Float[Tensor, "B c s s"], t: Float[Tensor, " B"]) -> Float[Tensor, "B c s s"]:
        """Return the noise in latents."""
        return self.noise_of(self.guess(z, t), z, t)

    def guess(self, z: Float[Tensor, "B c s s"], t: Float[Tensor, " B"]) -> Float[Tensor, "B c s s"]:
        """Return what the network gives, eps or v; an edge that cannot be halved often enough is padded for it."""
        edge = z.shape[-1]
        pad = self.unet.size - edge
        return self.unet(F.pad(z, (0, pad, 0, pad)), t)[:, :, :edge, :edge] if pad else self.unet(z, t)

    def noise_of(
        self, guess: Float[Tensor, "B c s s"], z: Float[Tensor, "B c s s"], t: Float[Tensor, " B"]
    ) -> Float[Tensor, "B c s s"]:
        """Return the noise in latents that the network's guess comes to."""
        if not self.velocity:
            return guess
        _, m, sigma = batch_level(self.schedule.batch(t), z)
        return sigma * z + m * guess


class Encoder(nn.Module):
    """From pixels in [-1, 1] to a latent; there is no chance in it."""

    def __init__(self, channels: int, width: int, scales: int, groups: int, cells: int, latent: int) -> None:
        super().__init__()
        self.stem = NormedConv(channels, width, 3)
        self.before = nn.Sequential(EncoderCell(width), EncoderCell(width, down=True))
        now = 2 * width
        tower: list[nn.Module] = []
        for scale in range(scales):
            tower += [EncoderCell(now) for _ in range(groups * cells)]
            if scale < scales - 1:
                tower.append(EncoderCell(now, down=True))
                now *= 2
        self.tower = nn.Sequential(*tower)
        self.mix, self.last = NormedConv(now, now, 1), NormedConv(now, latent, 3)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B c s s"]:
        """Return z."""
        h = self.tower(self.before(self.stem(x)))
        return self.last(F.elu(self.mix(F.elu(h))))


class Decoder(nn.Module):
    """From a latent to what there is to say of each pixel."""

    def __init__(self, out: int, width: int, scales: int, groups: int, cells: int, latent: int, widen: int = 6) -> None:
        super().__init__()
        now = width * 2**scales
        self.first = NormedConv(latent, now, 3)
        tower: list[nn.Module] = []
        for scale in reversed(range(scales)):
            here = groups - 1 if scale == scales - 1 else groups  # the encoder's last group has no mirror
            tower += [DecoderCell(now, widen=widen) for _ in range(here * cells)]
            if scale > 0:
                tower.append(DecoderCell(now, widen=widen, up=True))
                now //= 2
        self.tower = nn.Sequential(*tower)
        self.after = nn.Sequential(DecoderCell(now, widen=widen // 2, up=True), DecoderCell(now // 2, widen=widen // 2))
        self.last = NormedConv(now // 2, out, 3)

    def forward(self, z: Float[Tensor, "B c s s"]) -> Float[Tensor, "B N H W"]:
        """Return the numbers that ``Mixture`` takes."""
        return self.last(F.elu(self.after(self.tower(self.first(z)))))
