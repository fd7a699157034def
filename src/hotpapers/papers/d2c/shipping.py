"""How the model that ships was trained, and its examples made, from Fashion-MNIST (MIT).

    python -m hotpapers.papers.d2c.shipping --work shipping.run

It writes the folders ``clothes`` and ``examples`` beside this file; labels are for the attributes alone.
"""

import argparse
import base64
import csv
import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from hotpapers import progress
from hotpapers.datasets.mnist import fashion_mnist
from hotpapers.files import written_whole
from hotpapers.media import write_image
from hotpapers.papers.d2c.fewshot import learn_attribute
from hotpapers.papers.d2c.pictures import EMBEDDED
from hotpapers.papers.d2c.presets import PRESETS
from hotpapers.papers.d2c.shelf import EXAMPLES, FOLDER
from hotpapers.papers.d2c.train import fit
from hotpapers.papers.d2c.verbs import encode
from hotpapers.run import Run, save_model

IMAGES = 12_000
SETTINGS = dataclasses.replace(PRESETS["small"], steps=800, batch=32, diffusion_steps=1_500, diffusion_batch=64)
NAMES = ("t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
LABELS = 100
SHARED = 128  # images in the ZIP archive that trainings and measures open with
SHOWN = {"shirt.png": 6, "boot.png": 9}


def train(work: Path) -> None:
    """Train the model and write it."""
    images = torch.from_numpy(fashion_mnist("train")[0][:IMAGES])[:, None]
    with Run(work, seed=0, config=SETTINGS, device="cpu", resume=True, tensorboard=False) as run:
        model = fit(images, SETTINGS, run)
    FOLDER.mkdir(exist_ok=True)
    save_model(model, FOLDER)
    (FOLDER / "README.md").unlink(missing_ok=True)  # the hub's own, which says nothing; MODEL_CARD.md does


def make_examples() -> None:
    """Write images of the test part, tables of 100 labels, the attributes of these, a latent, and an archive."""
    EXAMPLES.mkdir(exist_ok=True)
    images, labels = fashion_mnist("test")
    for name, label in SHOWN.items():
        write_image(EXAMPLES / name, images[np.flatnonzero(labels == label)[0]])
    _write_archive(EXAMPLES / "clothes.zip", images[:SHARED], [NAMES[label] for label in labels[:SHARED]])
    images, labels = fashion_mnist("train")
    unseen = np.arange(IMAGES, len(labels))
    rows = np.sort(np.concatenate([unseen[labels[unseen] == label][: LABELS // 10] for label in range(10)]))
    images, labels = images[rows], labels[rows]
    _write_table(EXAMPLES / "bags.csv", images, ["bag" if label == 8 else "another" for label in labels])
    _write_table(EXAMPLES / "clothes.csv", images, [NAMES[label] for label in labels])
    learn_attribute(EXAMPLES / "bags.csv", out=EXAMPLES / "bag.attribute", device="cpu")
    learn_attribute(EXAMPLES / "clothes.csv", out=EXAMPLES / "clothes.attribute", device="cpu")
    encode(EXAMPLES / "boot.png", out=EXAMPLES / "boot.latent.npy", device="cpu")


def _write_table(path: Path, images: np.ndarray, labels: list[str]) -> None:
    with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label"])
        for image, label in zip(images, labels, strict=True):
            writer.writerow([EMBEDDED + base64.b64encode(_png(image)).decode("ascii"), label])


def _write_archive(path: Path, images: np.ndarray, labels: list[str]) -> None:
    """Write images into a folder for each label."""
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            archive.writestr(zipfile.ZipInfo(f"{label}/{number:03d}.png"), _png(image))  # dated 1980: always the same


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def main() -> None:
    """Read the command line, train, and make the examples."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("shipping.run"))
    options = parser.parse_args()
    progress.show_as("plain")
    train(options.work)
    make_examples()


if __name__ == "__main__":
    main()
