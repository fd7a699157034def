"""Style transfer and super-resolution train on the user's image, keep the model, and use it by the published scheme."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hotpapers.errors import BadInput
from hotpapers.media import write_image
from hotpapers.papers.sinir import transfer
from hotpapers.papers.sinir.model import SinIR
from hotpapers.papers.sinir.pyramid import resize


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "QUICK", {"max_size": 64, "channels": 4, "steps": 2, "learning_rate": 1e-3})


def picture(path: Path, height: int, width: int, seed: int = 0) -> Path:
    write_image(path, np.random.default_rng(seed).random((height, width, 3)))
    return path


def sr_model() -> SinIR:
    torch.manual_seed(0)
    return SinIR(sizes=[[16, 12], [32, 24]], channels=4, resampler="matlab", factor=0.5, preset="super-resolve").eval()


@torch.no_grad()
def test_four_times_is_the_published_scheme_twice_the_last_network_at_half_and_full_size() -> None:
    model, x = sr_model(), torch.rand(1, 3, 20, 14) * 2 - 1
    half = resize(resize(x, (80, 56), "matlab"), (40, 28), "matlab")
    expected = model.nets[-1](resize(model.nets[-1](half), (80, 56), "matlab"))
    torch.testing.assert_close(transfer.enlarge(model, x, (80, 56)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("size", "passes"), [((21, 15), 2), ((60, 42), 2), ((80, 56), 2), ((160, 112), 3)])
def test_any_factor_passes_the_network_once_for_every_doubling_but_twice_at_least(
    size: tuple[int, int], passes: int
) -> None:
    model, x = sr_model(), torch.rand(1, 3, 20, 14) * 2 - 1
    counted = []
    model.nets[-1].register_forward_hook(lambda *_: counted.append(1))
    assert transfer.enlarge(model, x, size).shape[-2:] == size
    assert len(counted) == passes


def test_an_image_is_enlarged_and_the_model_kept_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = picture(tmp_path / "small.png", 24, 34)
    first = transfer.super_resolve(image, factor=1.5, preset="quick", device="cpu")
    assert Image.open(first.files["result"]).size == (51, 36)
    monkeypatch.setattr(transfer, "fit", lambda *_: pytest.fail("it was trained already"))
    again = transfer.super_resolve(
        image, factor=2, model=first.files["model"], out=tmp_path / "again.png", device="cpu"
    )
    assert Image.open(again.files["result"]).size == (68, 48)


def test_a_second_call_takes_up_the_finished_training_and_gives_the_same(tmp_path: Path) -> None:
    image = picture(tmp_path / "small.png", 24, 34)
    first, second = (
        np.asarray(Image.open(transfer.super_resolve(image, preset="quick", device="cpu").files["result"]))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", ["photo", "art"])
def test_a_content_gets_a_style(kind: str, tmp_path: Path) -> None:
    style, content = picture(tmp_path / "style.png", 30, 40), picture(tmp_path / "content.png", 32, 48, 1)
    verb = transfer.style_photo if kind == "photo" else transfer.style_art
    outcome = verb(style, content, preset="quick", out=tmp_path / "styled.png", device="cpu", start_scale=0)
    # A photograph keeps its own size; art is written at the size worked at
    width = 48 if kind == "photo" else 64
    assert Image.open(outcome.files["result"]).width == width
    assert outcome.files["model"].is_dir()
    assert outcome.files["before and after"].is_file()


def test_bad_input_is_refused_before_any_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "fit", lambda *_: pytest.fail("trained on bad input"))
    good, tiny = picture(tmp_path / "good.png", 24, 34), picture(tmp_path / "tiny.png", 1, 1)
    with pytest.raises(BadInput, match="--factor"):
        transfer.super_resolve(good, factor=1.0, device="cpu")
    with pytest.raises(BadInput, match="--factor"):
        transfer.super_resolve(good, factor=float("nan"), device="cpu")
    with pytest.raises(BadInput, match="1 x 1"):
        transfer.super_resolve(tiny, device="cpu")
    with pytest.raises(BadInput, match="1 x 1"):
        transfer.style_art(good, tiny, device="cpu")
    with pytest.raises(BadInput, match="missing"):
        transfer.style_photo(good, tmp_path / "missing.png", device="cpu")
