"""The image model: DDPM's U-Net, the table of its steps, and the noise law that it was trained with."""

from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from hotpapers.blocks.diffusion import Table, UNet2d, linear_betas, on_time
from hotpapers.blocks.diffusion.levels import Eps
from hotpapers.blocks.diffusion.noise import NoiseLaw
from hotpapers.papers.gamma_diffusion.laws import MOST_STEPS, Law, LawName, check_law

CHANNELS_A_GROUP = 4  # at the published width of 128, with 32 groups
LARGEST = 1_024  # pixels a side


class GammaDiffusion(nn.Module, PyTorchModelHubMixin):
    """A trained model of images in [-1, 1].

    Parameters
    ----------
    channels, size
        Of the images: 1 or 3, and their height and width.
    width, multiples, blocks, attention_at, dropout
        Of the U-Net. With 3 channels, 64, 128, (1, 2, 2, 2, 4), 2 and 16 it is the CelebA network of 78,700,803
        parameters; with 256 and (1, 1, 2, 2, 4, 4) LSUN Church's of 113,673,219.
    steps
        T, the length of the table of linear betas, 0.0001 to 0.02.
    noise, theta_0, sigma_start, sigma_end, p
        The law, as in ``Law``.
    """

    def __init__(
        self,
        channels: int = 3,
        size: int = 64,
        width: int = 128,
        multiples: Sequence[int] = (1, 2, 2, 2, 4),
        blocks: int = 2,
        attention_at: Sequence[int] = (16,),
        dropout: float = 0.1,
        steps: int = 1000,
        noise: LawName = "gamma",
        theta_0: float = 0.001,
        sigma_start: float = 0.9,
        sigma_end: float = 0.5,
        p: float = 0.5,
    ) -> None:
        super().__init__()
        if not 1 <= size <= LARGEST or size % (parts := 2 ** (len(multiples) - 1)):
            raise ValueError(f"the size must be a multiple of {parts} up to {LARGEST:,}, not {size}")
        self.unet = UNet2d(channels, width, multiples, size=size, blocks=blocks, attention_at=attention_at,
                           dropout=dropout, groups=max(1, min(32, width // CHANNELS_A_GROUP)))  # fmt: skip
        self.channels, self.size = channels, size
        if not 2 <= steps <= MOST_STEPS:
            raise ValueError(f"there are 2 to {MOST_STEPS:,} steps, not {steps}")
        with torch.device("cpu"):  # also where the weights are but drafted
            self.schedule = Table(linear_betas(steps))
        self.law = Law(noise, theta_0, sigma_start, sigma_end, p)
        check_law(self.law)

    @property
    def noise(self) -> NoiseLaw:
        """What draws the noise that it was trained with."""
        return self.law.at(len(self.schedule) - 1)

    @property
    def eps(self) -> Eps:
        """The noise that the U-Net sees in images, as samplers take it."""
        return on_time(self.unet)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.unet.first.weight.device
