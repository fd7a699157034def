"""SinIR's networks: one small network a scale, and the cascade of them. This file can be lifted out and used alone.

A scale's network: from_rgb, six blocks of reflect-padded 3x3 convolution, InstanceNorm and LeakyReLU with the output of
from_rgb added after each (the authors' "dense" connection is this one long skip), to_rgb, tanh.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

BLOCKS = 6
SLOPE = 0.2  # of LeakyReLU
EPSILON = 1e-5  # of InstanceNorm


class ScaleNet(nn.Module):
    """The network of one scale: 902,531 parameters at 128 channels, a receptive field of 13 x 13 pixels.

    Parameters
    ----------
    channels
        Width of the blocks; even.
    """

    def __init__(self, channels: int = 128) -> None:
        super().__init__()
        # Two linear maps in a row: one would do, but Adam moves two differently, and the paper has two.
        self.from_rgb = nn.Sequential(nn.Conv2d(3, channels // 2, 1), nn.Conv2d(channels // 2, channels, 1))
        self.blocks = nn.ModuleList(nn.Conv2d(channels, channels, 3) for _ in range(BLOCKS))
        self.to_rgb = nn.Sequential(nn.Conv2d(channels, channels // 2, 1), nn.Conv2d(channels // 2, 3, 1))

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 3 H W"]:
        """Return the network's reconstruction of ``x``; values in [-1, 1] in and out."""
        skip = fold(*self.from_rgb)(x)
        parameters = [each for conv in self.blocks for each in (conv.weight, conv.bias)]
        return fold(*self.to_rgb)(_Blocks.apply(skip, *parameters)).tanh()


class SinIR(nn.Module, PyTorchModelHubMixin):
    """The cascade: a network for each scale of the photograph that it has learned.

    Parameters
    ----------
    sizes
        (height, width) of each scale in pixels, coarse to fine.
    channels
        Width of the networks.
    resampler
        ``torch`` or ``matlab``: how images are resized between the scales.
    factor
        Between the sizes of neighbouring scales.
    preset
        The name of the settings that it was trained with, for the record.
    image
        The photograph at the finest size, uint8, 3 x height x width; zeros when left out. It is saved with the weights.
    """

    image: Tensor

    def __init__(
        self,
        sizes: Sequence[Sequence[int]],
        channels: int = 128,
        resampler: str = "torch",
        factor: float = 0.75,
        preset: str = "edit",
        image: Any = None,
    ) -> None:
        super().__init__()
        self.sizes = [(int(height), int(width)) for height, width in sizes]
        self.channels, self.resampler, self.factor, self.preset = channels, resampler, factor, preset
        self.nets = nn.ModuleList(ScaleNet(channels) for _ in self.sizes)
        empty = torch.zeros(3, *self.sizes[-1], dtype=torch.uint8)
        self.register_buffer("image", empty if image is None else torch.as_tensor(image, dtype=torch.uint8))

    def forward(
        self,
        x: Float[Tensor, "1 3 h w"],
        start_scale: int = 0,
        *,
        sizes: Sequence[Sequence[int]] | None = None,
        last_net_only: bool = False,
    ) -> Float[Tensor, "1 3 H W"]:
        """Send ``x`` (values in [-1, 1]) through the networks from ``start_scale`` on; nothing is shuffled.

        Parameters
        ----------
        x
            An image; resized to the size of its start scale where it has another.
        start_scale
            0 is the coarsest.
        sizes
            Sizes to work at, coarse to fine, where they are not those of the training.
        last_net_only
            Use the finest network at every scale.
        """
        sizes = self.sizes if sizes is None else [(int(height), int(width)) for height, width in sizes]
        nets = [self.nets[-1]] * len(sizes) if last_net_only else self.nets
        for net, size in list(zip(nets, sizes, strict=True))[start_scale:]:
            if tuple(x.shape[-2:]) != tuple(size):
                x = _resize(x, size, self.resampler)
            x = net(x)
        return x


def fold(first: nn.Conv2d, second: nn.Conv2d) -> Callable[[Tensor], Tensor]:
    """Return two 1x1 convolutions in a row as one: the same output, without the tensor between them."""
    assert first.bias is not None
    assert second.bias is not None
    inner, outer = first.weight[..., 0, 0], second.weight[..., 0, 0]
    weight, bias = outer @ inner, outer @ first.bias + second.bias
    return lambda x: F.conv2d(x, weight[..., None, None], bias)


class _Blocks(torch.autograd.Function):
    """All six blocks: x ← LeakyReLU(InstanceNorm(conv(pad(x)))) + skip.

    Autograd would keep four feature maps a block. Only the normalised one, z, is needed: a block's input is
    LeakyReLU(z) + skip of the block before it, and the backward passes of LeakyReLU and InstanceNorm are functions
    of z.
    """

    @staticmethod
    def forward(ctx: Any, skip: Tensor, *parameters: Tensor) -> Tensor:
        keep = any(ctx.needs_input_grad)
        x, normals, deviations = skip, [], []
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
            z = F.conv2d(_pad(x), weight, bias)
            variance, mean = torch.var_mean(z, dim=(2, 3), keepdim=True, correction=0)
            scale = (variance + EPSILON).rsqrt()
            z = z.sub_(mean).mul_(scale)
            if keep:
                normals.append(z)
                deviations.append(scale)
                x = F.leaky_relu(z, SLOPE).add_(skip)
            else:
                x = F.leaky_relu_(z, SLOPE).add_(skip)
        if keep:
            ctx.save_for_backward(skip, *parameters[::2], *normals, *deviations)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        count = (len(ctx.saved_tensors) - 1) // 3
        skip, saved = ctx.saved_tensors[0], ctx.saved_tensors[1:]
        weights, normals, scales = saved[:count], saved[count : 2 * count], saved[2 * count :]
        grad_skip = torch.zeros_like(skip)
        grads: list[Tensor | None] = []
        for k in reversed(range(count)):
            z, scale = normals[k], scales[k]
            grad_skip += grad
            grad_z = torch.ops.aten.leaky_relu_backward(grad, z, SLOPE, False)
            # InstanceNorm: σ⁻¹ (g - mean g - z mean gz)
            mean = grad_z.mean(dim=(2, 3), keepdim=True)
            slope = (grad_z * z).mean(dim=(2, 3), keepdim=True)
            grad_conv = grad_z.sub_(mean).addcmul_(z, slope, value=-1).mul_(scale)
            x = F.leaky_relu(normals[k - 1], SLOPE).add_(skip) if k else skip
            grad_padded, grad_weight, _ = torch.ops.aten.convolution_backward(
                grad_conv, _pad(x), weights[k], None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False]
            )
            grad = torch.ops.aten.reflection_pad2d_backward(grad_padded, x, [1, 1, 1, 1])
            # InstanceNorm takes the bias away again: its gradient is 0, and what a sum would give is rounding
            grads += [torch.zeros_like(scale[0, :, 0, 0]), grad_weight]
        return grad_skip + grad, *reversed(grads)


def _pad(x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="reflect")


def _resize(x: Tensor, size: Sequence[int], resampler: str) -> Tensor:
    if resampler == "torch":
        return F.interpolate(x, size=tuple(size), mode="bicubic", align_corners=True).clamp(-1, 1)
    from hotpapers.papers.sinir.pyramid import resize  # MATLAB's resampler is a room of its own

    return resize(x, (size[0], size[1]), "matlab")
