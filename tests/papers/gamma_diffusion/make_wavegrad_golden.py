"""How ``wavegrad.npz`` was made: the output of WaveGrad's network as the package wavegrad 0.1.5 (Apache-2.0) has it.

    python tests/papers/gamma_diffusion/make_wavegrad_golden.py FOLDER_OF_THE_UNPACKED_PACKAGE

Weights are drawn from a generator in the order of our own names, and take little room that way.
"""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import torch


def theirs(name):
    """Return the package's name of one of our weights."""
    name = re.sub(r"^down\.(\d)", lambda found: f"downsample.{int(found[1]) + 1}", name)
    name = re.sub(r"^first", "downsample.0", name)
    if name.startswith("downsample"):
        return name.replace("past", "residual_dense").replace("layers", "conv")
    name = re.sub(r"layers\.([01])", r"block2.\1", name)
    name = re.sub(r"layers\.([23])", lambda found: f"block3.{int(found[1]) - 2}", name)
    name = re.sub(r"^up\.", "upsample.", name).replace("past", "block1")
    name = re.sub(r"^mel", "first_conv", re.sub(r"^last", "last_conv", name))
    return name.replace("input.", "input_conv.").replace("output.", "output_conv.")


def filled(network):
    """Return a network's weights drawn from a generator, in the order of their names."""
    generator = torch.Generator().manual_seed(0)
    shapes = {name: each.shape for name, each in network.state_dict().items()}
    return {
        name: torch.randn(shapes[name], generator=generator) / max(1, shapes[name][1:].numel()) ** 0.5
        for name in sorted(shapes)
    }


def inputs():
    """Return a wave, a spectrogram and a level."""
    generator = torch.Generator().manual_seed(1)
    return (torch.randn(1, 600, generator=generator), torch.rand(1, 128, 2, generator=generator),
            torch.rand(1, generator=generator))  # fmt: skip


def main(package: Path) -> None:
    from hotpapers.papers.gamma_diffusion.vocoder import WaveGrad

    spec = importlib.util.spec_from_file_location("wavegrad_model", package / "src" / "wavegrad" / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.WaveGrad(None)
    network.load_state_dict({theirs(name): each for name, each in filled(WaveGrad(spread=1.0)).items()})
    with torch.no_grad():
        out = network(*inputs())[0, 0]
    np.savez_compressed(Path(__file__).with_name("wavegrad.npz"), out=out.numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
