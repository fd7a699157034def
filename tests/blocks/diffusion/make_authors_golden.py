"""Make ``unets.npz``: what the authors' U-Nets give with the weights that ``filled`` writes into both.

``python make_authors_golden.py CRASH DDIM`` in this folder, with checkouts of simonrouard/CRASH (4cf3367) and of a fork
of DDIM with ``models/diffusion.py`` (leosegre/Gamma-Diffusion-Domain-Adaptation, 4ecfda7). In CRASH's ``model.py`` the
line that moves the frequencies to CUDA is left out. Nothing of either is kept but the outputs.
"""

import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

SMALL = {"channels": 3, "width": 32, "multiples": (1, 2, 2), "size": 16, "attention_at": (8,), "dropout": 0.0}


def filled(model: nn.Module) -> nn.Module:
    """Give every parameter and buffer numbers that follow from its name and shape alone."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
            noise = torch.randn(tensor.shape, generator=generator)
            scale = 16.0 if name.endswith("frequencies") else tensor[0].numel() ** -0.5 if tensor.ndim > 1 else 0.1
            tensor.copy_(noise * scale + (1.0 if "norm" in name and name.endswith("weight") else 0.0))
    return model


def inputs(channels: int, *shape: int) -> Tensor:
    """Return two noisy items."""
    return torch.randn(2, channels, *shape, generator=torch.Generator().manual_seed(7))


def crash_names() -> dict[str, str]:
    """Return the authors' name of each tensor of ``UNet1d``."""
    names = {"embedding.frequencies": "embedding.RFF_freq"}
    for kind in ("weight", "bias"):
        names |= {f"first.{kind}": f"conv_1.{kind}", f"last.{kind}": f"last_conv.{kind}"}
        names |= {f"embedding.layers.{k}.{kind}": f"embedding.MLP.{k}.{kind}" for k in range(3)}
        for k in range(5):
            names |= {
                f"down.{k}.past.{kind}": f"downsample.{k}.residual_dense.{kind}",
                f"down.{k}.first.{kind}": f"downsample.{k}.layer_1.{kind}",
                f"down.{k}.film.{kind}": f"gamma_beta.{k}.output_layer.{kind}",
                f"up.{k}.past.{kind}": f"upsample.{k}.residual_dense.{kind}",
                f"up.{k}.first.{kind}": f"upsample.{k}.convs.0.{kind}",
            }
            names |= {f"down.{k}.rest.{j}.{kind}": f"downsample.{k}.convs.{j}.{kind}" for j in range(3)}
            names |= {f"up.{k}.rest.{j}.{kind}": f"upsample.{k}.convs.{j + 1}.{kind}" for j in range(3)}
    return names


def ddpm_name(name: str) -> str:
    """Return the authors' name of a tensor of ``UNet2d``, but for ``qkv``."""
    parts = name.split(".")
    inner = {"told": "temb_proj", "past": "nin_shortcut", "out": "proj_out"}
    if parts[0] in ("first", "last", "norm"):
        return {"first": "conv_in", "last": "conv_out", "norm": "norm_out"}[parts[0]] + "." + parts[1]
    if parts[0] == "time":
        return f"temb.dense.{parts[1]}.{parts[2]}"
    if parts[0] == "middle":
        block = ("block_1", "attn_1", "block_2")[int(parts[1])]
        return ".".join(["mid", block, *(inner.get(each, each) for each in parts[2:])])
    level = int(parts[1]) if parts[0] == "down" else len(SMALL["multiples"]) - 1 - int(parts[1])
    if parts[2] == "resample":
        return f"{parts[0]}.{level}.{'downsample' if parts[0] == 'down' else 'upsample'}.{'.'.join(parts[3:])}"
    kind = {"residuals": "block", "attentions": "attn"}[parts[2]]
    return ".".join([parts[0], str(level), kind, parts[3], *(inner.get(each, each) for each in parts[4:])])


def crash(checkout: Path) -> np.ndarray:
    """Return the output of CRASH's ``UNet``."""
    from hotpapers.blocks.diffusion import UNet1d

    source = (checkout / "model.py").read_text().replace('freqs = freqs.to(device=torch.device("cuda"))', "")
    scope: dict = {}
    exec(source, scope)
    theirs, ours = scope["UNet"](), filled(UNet1d())
    theirs.load_state_dict({crash_names()[name]: tensor for name, tensor in ours.state_dict().items()})
    with torch.no_grad():
        return theirs(inputs(1, 600)[:, 0], torch.tensor([[0.1], [0.7]])).numpy()


def ddpm(checkout: Path) -> np.ndarray:
    """Return the output of the DDPM ``Model``."""
    from hotpapers.blocks.diffusion import UNet2d

    scope: dict = {}
    exec((checkout / "models" / "diffusion.py").read_text(), scope)
    model = {"ch": 32, "out_ch": 3, "ch_mult": (1, 2, 2), "num_res_blocks": 2, "attn_resolutions": [8], "dropout": 0.0,
             "in_channels": 3, "resamp_with_conv": True, "type": "simple"}  # fmt: skip
    parts = {"model": model, "data": {"image_size": 16}, "diffusion": {"num_diffusion_timesteps": 1000}}
    theirs = scope["Model"](SimpleNamespace(**{name: SimpleNamespace(**each) for name, each in parts.items()})).eval()
    weights = {}
    for name, tensor in filled(UNet2d(**SMALL)).state_dict().items():
        if ".qkv." in name:
            for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                weights[ddpm_name(name).replace("qkv", letter)] = part
        else:
            weights[ddpm_name(name)] = tensor
    theirs.load_state_dict(weights)
    with torch.no_grad():
        return theirs(inputs(3, 16, 16), torch.tensor([3, 700])).numpy()


if __name__ == "__main__":
    np.savez_compressed("unets.npz", crash=crash(Path(sys.argv[1])), ddpm=ddpm(Path(sys.argv[2])))
