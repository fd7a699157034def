import gc

import numpy as np
import pytest
import torch

from hotpapers.media import write_image
from hotpapers.papers.d2c.experiment import made_up
from hotpapers.papers.d2c.model import D2C
from hotpapers.run import save_model


@pytest.fixture(scope="package", autouse=True)
def frozen():
    """Set aside what is imported: each stage of a training collects garbage, and would look through all of it."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def model():
    """A small network that has learned nothing; its latents' statistics are not the usual ones."""
    torch.manual_seed(0)
    net = D2C(16, 1, 8, 4, 2, 1, 1, 3, 3, widen=2, unet_width=32, unet_multiples=(1,), unet_blocks=1, attention_at=())
    net.mean.copy_(torch.tensor([0.1, -0.2, 0.3])[:, None, None])
    net.std.copy_(torch.tensor([0.5, 1.0, 2.0])[:, None, None])
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def saved(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    save_model(model, place)
    return place


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Images in two sub-folders, and a table of them, with a file beside that is no image."""
    place = tmp_path_factory.mktemp("images")
    images, labels = made_up(40, 0)
    rows = ["image,label"]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        kind = "disc" if label >= 5 else "box"
        write_image(place / kind / f"{number}.png", image)
        rows.append(f"{kind}/{number}.png,{kind}")
    (place / "labels.csv").write_text("\n".join(rows))
    (place / "box" / "broken.png").write_bytes(b"no image")
    return place


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    write_image(path, np.tile(np.linspace(0, 1, 24)[None], (20, 1)))
    return path
