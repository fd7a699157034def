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
        # Channels last: convolutions read it as it is, instead of a reordered copy
        skip = fold(*self.from_rgb)(x.contiguous(memory_format=torch.channels_last))
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
    of z. All other maps share a few buffers.
    """

    @staticmethod
    def forward(ctx: Any, skip: Tensor, *parameters: Tensor) -> Tensor:
        keep = any(ctx.needs_input_grad)
        x, padded = skip, None
        ctx.normals, ctx.scales = [], []
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
            padded = _pad(x, padded)
            z = F.conv2d(padded, weight, bias)
            scale = _normalise(z)
            if keep:
                ctx.normals.append(z)
                ctx.scales.append(scale)
                x = _activate(z, skip, out=torch.empty_like(skip) if x is skip else x)
            else:
                x = _activate(z, skip, out=z)
        if keep:
            ctx.save_for_backward(skip, *parameters[::2])
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        skip, *weights = ctx.saved_tensors
        grad_skip, mine, padded = torch.zeros_like(skip), torch.empty_like(skip), None
        grads: list[Tensor | None] = []
        while weights:
            z, scale = ctx.normals.pop(), ctx.scales.pop()
            grad_skip += grad
            torch.ops.aten.leaky_relu_backward.grad_input(grad, z, SLOPE, False, grad_input=mine)
            _normalise_backward(mine, z, scale)
            x = _activate(ctx.normals[-1], skip, out=z) if ctx.normals else skip  # z has been used
            padded = _pad(x, padded)
            grad_padded, grad_weight, _ = torch.ops.aten.convolution_backward(
                mine, padded, weights.pop(), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False]
            )
            grad = torch.ops.aten.reflection_pad2d_backward.grad_input(grad_padded, skip, [1, 1, 1, 1], grad_input=z)
            del grad_padded
            # InstanceNorm takes the bias away again: its gradient is 0, and what a sum would give is rounding
            grads += [grad_weight.new_zeros(len(grad_weight)), grad_weight]
        return grad_skip.add_(grad), *reversed(grads)


def _pad(x: Tensor, buffer: Tensor | None) -> Tensor:
    if buffer is None:
        return F.pad(x, (1, 1, 1, 1), mode="reflect")
    return torch.ops.aten.reflection_pad2d.out(x, [1, 1, 1, 1], out=buffer)


def _activate(z: Tensor, skip: Tensor, *, out: Tensor) -> Tensor:
    return torch.ops.aten.leaky_relu.out(z, SLOPE, out=out).add_(skip)


def _normalise(x: Tensor) -> Tensor:
    """InstanceNorm in place; return what it multiplied each channel by."""
    variance, mean = torch.var_mean(x, dim=(2, 3), keepdim=True, correction=0)
    scale = (variance + EPSILON).rsqrt()
    x.sub_(mean).mul_(scale)
    return scale


def _normalise_backward(grad: Tensor, z: Tensor, scale: Tensor) -> None:
    """Turn the gradient of InstanceNorm's output z into that of its input, in place: σ⁻¹ (g - mean g - z mean gz)."""
    mean = grad.mean(dim=(2, 3), keepdim=True)
    slope = (grad * z).mean(dim=(2, 3), keepdim=True)
    grad.sub_(mean).addcmul_(z, slope, value=-1).mul_(scale)


def _resize(x: Tensor, size: Sequence[int], resampler: str) -> Tensor:
    if resampler == "torch":
        return F.interpolate(x, size=tuple(size), mode="bicubic", align_corners=True).clamp(-1, 1)
    from hotpapers.papers.sinir.pyramid import resize  # MATLAB's resampler is a room of its own

    return resize(x, (size[0], size[1]), "matlab")
