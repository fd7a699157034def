"""Train the frozen judge of clothes that generative papers are measured with, and say how good it is.

python benchmarks/fashion_judge.py --out src/hotpapers/metrics/fashion_judge.safetensors
"""

import argparse
import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file

from hotpapers.datasets import fashion_mnist
from hotpapers.metrics.judge import Judge, fit_judge, frechet_between

SEED = 0


def images_and_labels(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a split of Fashion-MNIST as N x 1 x 28 x 28 in [0, 1], and its labels."""
    images, labels = fashion_mnist(split)  # type: ignore[arg-type]
    return torch.as_tensor(images)[:, None].float() / 255, torch.as_tensor(labels).long()


def main() -> None:
    """Train, write, measure on the test split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.manual_seed(SEED)
    train, labels = images_and_labels("train")
    judge = fit_judge(Judge(), train, labels)
    save_file({name: value.contiguous() for name, value in judge.state_dict().items()}, out)
    test, truth = images_and_labels("test")
    with torch.no_grad():
        right = torch.cat([judge(each).argmax(1) for each in test.split(500)]) == truth
    print(f"accuracy {right.float().mean():.4f} on the test split")
    print(f"Fréchet distance of the test split's halves {frechet_between(judge, test[:5000], test[5000:]):.4f}")
    print(f"of the test split from the training split {frechet_between(judge, test, train[:10_000]):.4f}")
    print(f"SHA-256 {hashlib.sha256(out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
