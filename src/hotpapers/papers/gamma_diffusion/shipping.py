"""How the small model that ships was trained: on Fashion-MNIST's training images (MIT), halved to 14 x 14.

python -m hotpapers.papers.gamma_diffusion.shipping --out src/hotpapers/papers/gamma_diffusion/fashion
"""

import argparse
import dataclasses
from pathlib import Path

from hotpapers import progress
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.learning import PRESETS, fit
from hotpapers.papers.gamma_diffusion.trials import pictures
from hotpapers.run import Run
from hotpapers.run.models import save_model

CONFIG = dataclasses.replace(PRESETS["tiny"], steps=300, batch=64, law=Law("gamma", 0.001))
SEED = 0


def train(out: Path, work: Path) -> None:
    """Train the model and write it to ``out``."""
    with Run(work, seed=SEED, config=CONFIG, device="cpu", resume=True, tensorboard=False) as run:
        save_model(fit(pictures("laptop", "train"), CONFIG, run), out)
    (out / "README.md").unlink(missing_ok=True)  # the hub's own, which says nothing; MODEL_CARD.md does


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("shipping.run"))
    options = parser.parse_args()
    progress.show_as("plain")
    train(options.out, options.work)


if __name__ == "__main__":
    main()
