"""D2C beside its authors' code at equal networks, those of CIFAR or FFHQ: CPU seconds and peak memory, one thread.

    python benchmarks/d2c.py --authors CHECKOUT [--preset ffhq]

``CHECKOUT`` is one of ermongroup/d2c; without it only ours is measured. Their code asks for CUDA, several processes and
libraries that it does not use here; the worker puts empty ones in their place, and plain batch normalisation for that
of several processes. Weights are random. Each measurement has a process of its own; rounds are taken in turn, and the
least CPU time of each counts.
"""

import argparse
import importlib
import json
import resource
import subprocess
import sys
import time
import types
from pathlib import Path

JOBS = ("encode", "decode", "edit", "sample, 11 steps")
UNUSED = ("lmdb", "torchvision", "torchvision.transforms", "torchvision.datasets", "torchvision.datasets.vision",
          "tensorboardX")  # fmt: skip


def main() -> None:
    """Measure every contender and print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", type=Path)
    parser.add_argument("--preset", choices=("cifar", "ffhq"), default="cifar")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options.worker, options.preset, options.authors)))
        return
    contenders = ["ours", *(["authors"] if options.authors else [])]
    found = {who: [] for who in contenders}
    for _ in range(options.rounds):
        for who in contenders:
            found[who].append(measure(who, options.preset, options.authors))
    print("| job | contender | CPU s | theirs / ours |")
    print("|---|---|---|---|")
    for job in JOBS:
        best = {who: min(row[job] for row in rows) for who, rows in found.items()}
        for who, seconds in best.items():
            print(f"| {job} | {who} | {seconds:.3f} | {seconds / best['ours']:.2f} |")
    peaks = {who: min(row["peak MiB"] for row in rows) for who, rows in found.items()}
    print("\npeak memory: " + ", ".join(f"{who} {peak:.0f} MiB" for who, peak in peaks.items()))


def measure(who: str, preset: str, authors: Path | None) -> dict[str, float]:
    """Return CPU seconds of every job, and peak MiB, in a process of its own."""
    command = [sys.executable, __file__, "--worker", who, "--preset", preset]
    command += ["--authors", str(authors)] if authors else []
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def work(who: str, preset: str, authors: Path | None) -> dict[str, float]:
    """Do every job twice and return what the second time took."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    jobs = ours(preset) if who == "ours" else theirs(preset, authors)
    found = {}
    with torch.no_grad():
        for name in JOBS:
            for _ in range(2):
                started = time.process_time()
                jobs[name]()
                found[name] = time.process_time() - started
    return found | {"peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def ours(preset: str) -> dict:
    import torch

    from hotpapers.papers.d2c.model import D2C
    from hotpapers.papers.d2c.presets import PRESETS
    from hotpapers.papers.d2c.sampling import draw, pictured, settle

    net = D2C(**PRESETS[preset].network()).eval()
    x, z = torch.rand(1, 3, net.size, net.size), torch.randn(1, *net.shape)
    boundary = torch.randn(net.shape)
    return {
        "encode": lambda: net.encode(x),
        "decode": lambda: pictured(net, z, "sample"),
        "edit": lambda: pictured(net, settle(net, net.encode(x) - 10 * boundary, 50), "sample"),
        "sample, 11 steps": lambda: pictured(net, draw(net, 1, steps=10), "sample"),
    }


def theirs(preset: str, authors: Path) -> dict:
    import torch
    import yaml
    from torch import nn

    for name in UNUSED:
        sys.modules[name] = types.ModuleType(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])
    sys.modules["torchvision.datasets.vision"].VisionDataset = object
    sys.modules["tensorboardX"].SummaryWriter = object
    onto = torch.Tensor.to
    torch.Tensor.to = lambda self, *given, **named: onto(self, *["cpu" if x == "cuda" else x for x in given], **named)
    torch.Tensor.cuda = nn.Module.cuda = lambda self, *given, **named: self
    nn.SyncBatchNorm = nn.BatchNorm2d
    sys.path.insert(0, str(authors))

    class Activated(nn.BatchNorm2d):
        def forward(self, x):
            return nn.functional.silu(super().forward(x))

    for module in ("thirdparty.inplaced_sync_batchnorm", "model_ae_moco", "neural_operations"):
        importlib.import_module(f"d2c.autoencoder.{module}").SyncBatchNormSwish = Activated
    config = as_namespace(yaml.safe_load((authors / "configs" / "ffhq_256.yml").read_text()))
    if preset == "cifar":
        vars(config.autoencoder).update(
            num_channels_enc=128, num_channels_dec=128, num_latent_scales=1, num_groups_per_scale=6,
            num_latent_per_group=10, num_x_bits=8, latent_dim=16, resolution=32,
        )  # fmt: skip
        vars(config.diffusion.model).update(in_channels=10, out_ch=10, ch_mult=[1, 2, 2, 2])
        vars(config.diffusion.data).update(image_size=16, channels=10)
    config.autoencoder.moco_k = 16
    net = importlib.import_module("d2c").D2C(types.SimpleNamespace(), config)
    net.eval()
    size = config.autoencoder.resolution
    x, z, boundary = torch.rand(1, 3, size, size), torch.randn(1, *net.latent_size), torch.randn(net.latent_size)
    return {
        "encode": lambda: net.image_to_latent(x),
        "decode": lambda: net.latent_to_image(z),
        "edit": lambda: net.latent_to_image(net.postprocess_latent(net.image_to_latent(x) - 10 * boundary, [0, 50])),
        "sample, 11 steps": lambda: net.latent_to_image(net.sample_latent(1, skip=100)),
    }


def as_namespace(tree: dict) -> types.SimpleNamespace:
    return types.SimpleNamespace(**{k: as_namespace(v) if isinstance(v, dict) else v for k, v in tree.items()})


if __name__ == "__main__":
    main()
