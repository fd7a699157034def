"""Images of any size go through the cascade from any scale, and what a mask leaves out comes back bit for bit."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hotpapers.errors import BadInput
from hotpapers.media import read_image, write_image
from hotpapers.papers.sinir.inference import candidates, manipulate, sizes_beyond, working_sizes
from hotpapers.papers.sinir.manipulate import apply, edit, harmonise, paint, sheet
from hotpapers.papers.sinir.model import SinIR
from hotpapers.papers.sinir.palette import quantise
from hotpapers.papers.sinir.pyramid import image_pyramid, resize
from hotpapers.papers.sinir.tiles import cascade, in_strips

SIZES = [[14, 20], [19, 27], [26, 36]]
FACTOR = 0.74


@pytest.fixture(scope="module")
def model() -> SinIR:
    torch.manual_seed(0)
    image = torch.from_numpy(photograph(26, 36)).permute(2, 0, 1)
    return SinIR(sizes=SIZES, channels=8, resampler="torch", factor=FACTOR, image=image).eval()


@pytest.fixture
def saved(model: SinIR, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path / "photo.sinir")
    return tmp_path / "photo.sinir"


def photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def image_tensor(height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(photograph(height, width, 1)).permute(2, 0, 1)[None] / 127.5 - 1


def write_mask(path: Path, height: int, width: int, white: bool | None = None) -> Path:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 3 : height // 2, width // 3 : width // 2] = 255
    if white is not None:
        mask[:] = 255 * white
    Image.fromarray(mask).save(path)
    return path


@pytest.mark.parametrize("start", [0, 1, 2])
def test_at_the_training_size_the_result_is_the_cascades_own(model: SinIR, start: int) -> None:
    x = image_tensor(26, 36)
    with torch.no_grad():
        expected = model(image_pyramid(x, [tuple(size) for size in SIZES], "torch")[start], start)
    torch.testing.assert_close(manipulate(model, x, start), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(candidates(model, x)[start], expected, rtol=0, atol=1e-6)


def test_with_the_last_network_only_the_others_do_not_matter(model: SinIR) -> None:
    x = image_tensor(26, 36)
    torch.manual_seed(1)
    other = SinIR(sizes=SIZES, channels=8, resampler="torch", factor=FACTOR).eval()
    other.nets[-1].load_state_dict(model.nets[-1].state_dict())
    assert torch.equal(manipulate(model, x, 0, last_net_only=True), manipulate(other, x, 0, last_net_only=True))
    assert not torch.equal(manipulate(model, x, 0), manipulate(other, x, 0))


@pytest.mark.parametrize("size", [(26, 36), (60, 90), (18, 20), (40, 12)])
def test_a_mask_of_0_gives_the_input_bit_for_bit_and_of_1_the_result_at_any_size(
    model: SinIR, size: tuple[int, int]
) -> None:
    x = image_tensor(*size)
    free = manipulate(model, x, 1)
    assert free.shape == x.shape
    assert not torch.equal(free, x)
    assert torch.equal(manipulate(model, x, 1, torch.zeros(size)), x)
    assert torch.equal(manipulate(model, x, 1, torch.ones(size)), free)


def test_an_image_of_another_shape_keeps_its_shape_at_every_scale(model: SinIR) -> None:
    assert working_sizes(model, 26, 36) == [tuple(size) for size in SIZES]
    assert working_sizes(model, 260, 360) == [tuple(size) for size in SIZES]
    assert working_sizes(model, 72, 36) == [(20, 10), (27, 13), (36, 18)]
    assert working_sizes(model, 72, 36, 72)[-1] == (72, 36)


@torch.no_grad()
def test_a_larger_image_is_finished_by_the_finest_network_as_in_super_resolution(model: SinIR) -> None:
    x = image_tensor(65, 90)  # 2.5 times the training: two steps
    levels = image_pyramid(x, model.sizes, "torch")
    sizes = sizes_beyond((26, 36), (65, 90))
    assert len(sizes) == 2
    assert sizes[-1] == (65, 90)
    expected = model(levels[1], 1)
    for size in sizes:
        expected = model.nets[-1](resize(expected, size, "torch"))
    torch.testing.assert_close(manipulate(model, x, 1), expected, rtol=0, atol=1e-5)


def test_the_finest_network_goes_on_to_four_times_the_size_and_never_down() -> None:
    assert sizes_beyond((10, 20), (100, 200)) == [(20, 40), (40, 80)]
    assert sizes_beyond((10, 20), (40, 80)) == [(20, 40), (40, 80)]
    assert sizes_beyond((10, 20), (15, 30)) == [(15, 30)]
    assert sizes_beyond((10, 20), (10, 20)) == sizes_beyond((10, 20), (8, 16)) == []


def test_there_is_no_start_scale_beyond_the_networks_and_no_image_without_pixels(model: SinIR) -> None:
    with pytest.raises(ValueError, match="start scales are 0 to 2"):
        manipulate(model, image_tensor(26, 36), 3)
    with pytest.raises(ValueError, match="coarsest"):
        manipulate(model, image_tensor(4, 100), 0)


@pytest.mark.parametrize(("height", "width", "strip"), [(37, 23, 100), (16, 40, 41), (3, 9, 1), (2, 5, 64)])
def test_strips_give_what_the_whole_image_gives(model: SinIR, height: int, width: int, strip: int) -> None:
    x = image_tensor(height, width)
    with torch.no_grad():
        whole = model.nets[0](x)
    torch.testing.assert_close(in_strips(model.nets[0], x, strip), whole, rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_cascade_in_strips_is_the_cascade(model: SinIR) -> None:
    nets = [copy.deepcopy(net).double() for net in model.nets]  # in single, rounding grows from scale to scale
    x = image_tensor(*model.sizes[0]).double()
    whole, strips = (cascade(nets, x, model.sizes, "torch", whole_up_to=limit) for limit in (10**9, 0))
    torch.testing.assert_close(strips, whole, rtol=0, atol=1e-9)


def test_a_quantised_painting_has_only_colours_of_the_photograph() -> None:
    photo = torch.tensor([[-1.0, -1.0, 0.5, 0.5]]).repeat(4, 1).expand(1, 3, 4, 4)
    painting = image_tensor(9, 11)
    repainted = quantise(painting, photo, 2)
    assert repainted.shape == painting.shape
    assert set(repainted.unique().tolist()) == {-1.0, 0.5}


@pytest.mark.parametrize("verb", [edit, harmonise])
def test_masked_out_pixels_of_a_file_come_back_bit_for_bit(verb, saved: Path, tmp_path: Path) -> None:
    image = photograph(130, 150, 2)
    write_image(tmp_path / "pasted.png", image)
    mask = write_mask(tmp_path / "mask.png", 130, 150)
    outcome = verb(saved, tmp_path / "pasted.png", mask=mask, start_scale=1, mask_radius=1, size=150, device="cpu")
    result = np.asarray(Image.open(outcome.files["result"]))
    assert result.shape == image.shape
    assert (result[-8:] == image[-8:]).all()
    assert (result != image).any()
    assert outcome.numbers["largest change outside the mask"] == 0
    assert outcome.files["result"].parent == tmp_path


def test_a_black_mask_gives_the_file_back_and_says_so(saved: Path, tmp_path: Path) -> None:
    image = photograph(52, 72, 2)
    write_image(tmp_path / "a.png", image)
    mask = write_mask(tmp_path / "mask.png", 52, 72, white=False)
    outcome = edit(saved, tmp_path / "a.png", mask=mask, out=tmp_path / "b.png", device="cpu")
    assert (np.asarray(Image.open(tmp_path / "b.png")) == image).all()
    assert "black" in outcome.note


def test_the_start_scale_is_chosen_shown_and_measured_when_left_out(saved: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", photograph(52, 72, 2))
    outcome = apply(saved, tmp_path / "a.png", device="cpu")
    chosen = outcome.numbers["start scale"]
    assert chosen in (0, 1, 2)
    measured = json.loads(outcome.files["measurements"].read_text())
    assert [each["start_scale"] for each in measured["starts"]] == [0, 1, 2]
    assert measured["start scale"] == chosen
    assert Image.open(outcome.files["start scales"]).width > 160
    again = sheet(saved, tmp_path / "a.png", device="cpu")
    assert again.numbers["start scale"] == chosen
    assert next(iter(again.files)) == "sheet"


def test_transparency_and_16_bits_are_kept(saved: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    image, alpha = generator.random((40, 60, 3)), generator.random((40, 60))
    write_image(tmp_path / "a.png", image, alpha=alpha, bit_depth=16)
    before = read_image(tmp_path / "a.png")
    mask = write_mask(tmp_path / "mask.png", 40, 60, white=False)
    outcome = apply(saved, tmp_path / "a.png", mask=mask, start_scale=2, device="cpu")
    after = read_image(outcome.files["result"])
    assert after.bit_depth == 16
    np.testing.assert_array_equal(after.alpha, before.alpha)
    np.testing.assert_array_equal(after.pixels, before.pixels)


def test_a_painting_is_written_at_the_size_worked_at(saved: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "clip.png", photograph(90, 60, 3))
    outcome = paint(saved, tmp_path / "clip.png", start_scale=0, quantise=3, device="cpu")
    assert Image.open(outcome.files["result"]).size == (24, 36)
    outcome = paint(saved, tmp_path / "clip.png", start_scale=0, size=48, device="cpu")
    assert Image.open(outcome.files["result"]).size == (32, 48)


def test_bad_input_gets_one_line_that_names_it_and_the_mend(saved: Path, tmp_path: Path) -> None:
    def refused(verb, *arguments, **settings) -> str:
        with pytest.raises(BadInput) as caught:
            verb(*arguments, **settings, device="cpu")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    for name, size in {"one": (1, 1), "long": (8, 2000), "good": (40, 60)}.items():
        write_image(tmp_path / f"{name}.png", photograph(*size))
    good = tmp_path / "good.png"
    mask = write_mask(tmp_path / "mask.png", 41, 60)
    (tmp_path / "text.png").write_text("not an image")
    assert "1 x 1" in refused(apply, saved, tmp_path / "one.png")
    assert "long.png is too narrow" in refused(apply, saved, tmp_path / "long.png")
    assert "60 x 41" in refused(edit, saved, good, mask=mask)
    assert "text.png" in refused(apply, saved, tmp_path / "text.png")
    assert "start scales 0 to 2" in refused(apply, saved, good, start_scale=7)
    assert "--size" in refused(apply, saved, good, size=0)
    assert "--mask-radius" in refused(apply, saved, good, mask_radius=-1.0)
    assert "--mask-radius" in refused(apply, saved, good, mask_radius=float("nan"))
    assert "--quantise" in refused(paint, saved, good, quantise=0)
    assert "no SinIR model" in refused(apply, tmp_path / "nowhere", good)
    (saved / "model.safetensors").write_bytes(b"rubbish")
    assert "cannot be read" in refused(apply, saved, good)
    assert not list(tmp_path.glob("*-applied*"))
