"""Images survive reading and writing to the bit; bad files end in one line that says what to do."""

import os
import struct
import threading
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.media import read_image, read_mask, write_image

pictures = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))


def samples(height, width, channels, seed, kind=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(kind).max + 1, (height, width, channels), dtype=kind)


def saved(tmp_path, array, name="photo.png", **how):
    path = tmp_path / name
    Image.fromarray(array).save(path, **how)
    return path


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
@given(pictures, st.booleans())
@settings(max_examples=15, deadline=None)
def test_what_was_written_in_8_bits_is_read_back_to_the_bit(tmp_path_factory, suffix, picture, transparent):
    pixels = samples(*picture) / np.float32(255)
    alpha = samples(*picture)[..., 0][::-1] / np.float32(255) if transparent else None
    path = write_image(tmp_path_factory.mktemp("round") / f"photo.{suffix}", pixels, alpha=alpha)
    back = read_image(path, mode="L" if pixels.shape[2] == 1 and suffix != "webp" else "RGB")
    np.testing.assert_array_equal(back.pixels, np.broadcast_to(pixels, back.pixels.shape))
    assert back.bit_depth == 8
    if transparent and not (suffix == "webp" and (alpha == 1).all()):  # WebP leaves out an alpha that says nothing
        np.testing.assert_array_equal(back.alpha, alpha)
    elif not transparent:
        assert back.alpha is None


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@given(pictures, st.booleans())
@settings(max_examples=15, deadline=None)
def test_what_was_written_in_16_bits_is_read_back_to_the_bit(tmp_path_factory, suffix, picture, transparent):
    pixels = samples(*picture, kind=np.uint16) / np.float32(65535)
    alpha = samples(*picture, kind=np.uint16)[..., 0][::-1] / np.float32(65535) if transparent else None
    path = write_image(tmp_path_factory.mktemp("round") / f"photo.{suffix}", pixels, alpha=alpha, bit_depth=16)
    back = read_image(path, mode="L" if pixels.shape[2] == 1 else "RGB")
    np.testing.assert_array_equal(back.pixels, pixels)
    assert back.bit_depth == 16
    assert back.alpha is None if alpha is None else (back.alpha == alpha).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_an_8_bit_image_of_every_mode_keeps_its_pixels(tmp_path, mode):
    image = Image.fromarray(samples(12, 17, 4, seed=3)).convert("RGB" if mode == "P" else "RGBA").convert(mode)
    image.save(tmp_path / "photo.png")
    expected = np.asarray(image.convert("RGBA"))
    picture = read_image(tmp_path / "photo.png")
    np.testing.assert_array_equal(np.rint(picture.pixels * 255), expected[..., :3])
    if mode in ("LA", "RGBA"):
        np.testing.assert_array_equal(np.rint(picture.alpha * 255), expected[..., 3])
    else:
        assert picture.alpha is None


def png_of_every_filter(pixels):
    """Encode H x W x C ``uint16`` line by line with PNG's filters 0 to 4 in turn, by the book."""
    lines = pixels.astype(">u2").view(np.uint8).reshape(len(pixels), -1).astype(int)
    step = 2 * pixels.shape[2]
    body = b""
    for number, line in enumerate(lines):
        above = lines[number - 1] if number else np.zeros_like(line)
        left, corner = (np.concatenate([np.zeros(step, int), each[:-step]]) for each in (line, above))
        guess = left + above - corner
        near = np.abs(np.stack([guess - left, guess - above, guess - corner])).argmin(axis=0)
        paeth = np.choose(near, [left, above, corner])
        kind = number % 5
        predicted = [np.zeros_like(line), left, above, (left + above) // 2, paeth][kind]
        body += bytes([kind]) + ((line - predicted) % 256).astype(np.uint8).tobytes()
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2]]
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_pngs_lose_nothing_whatever_their_filters(tmp_path, channels):
    pixels = samples(23, 19, channels, seed=channels, kind=np.uint16)
    (tmp_path / "deep.png").write_bytes(png_of_every_filter(pixels))
    picture = read_image(tmp_path / "deep.png", mode="L" if channels < 3 else "RGB")
    colours = 1 if channels < 3 else 3
    np.testing.assert_array_equal(np.rint(picture.pixels * 65535), pixels[..., :colours])
    if channels in (2, 4):
        np.testing.assert_array_equal(np.rint(picture.alpha * 65535), pixels[..., -1])


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"byteorder": ">"},
        {"byteorder": ">", "compression": "zlib"},
        {"tile": (16, 16)},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "compression": "zlib"},
    ],
    ids=str,
)
def test_16_bit_tiffs_lose_nothing_whatever_their_layout(tmp_path, how):
    tifffile = pytest.importorskip("tifffile")
    pixels = samples(40, 33, 3, seed=0, kind=np.uint16)
    laid = pixels.transpose(2, 0, 1).copy() if "planarconfig" in how else pixels
    tifffile.imwrite(tmp_path / "deep.tif", laid, photometric="rgb", **how)
    picture = read_image(tmp_path / "deep.tif")
    assert picture.bit_depth == 16
    np.testing.assert_array_equal(np.rint(picture.pixels * 65535), pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_floating_point_tiffs_are_taken_as_they_are(tmp_path, channels):
    tifffile = pytest.importorskip("tifffile")
    pixels = np.random.default_rng(0).random((8, 9, channels), dtype=np.float32)
    photometric = "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "float.tif", pixels if channels == 3 else pixels[..., 0], photometric=photometric)
    picture = read_image(tmp_path / "float.tif", mode="RGB" if channels == 3 else "L")
    np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize(("bad", "says"), [(np.nan, "NaN"), (np.inf, "infinite"), (255.0, "from 0 to 1")])
def test_floating_point_tiffs_that_are_no_pictures_are_refused(tmp_path, bad, says):
    tifffile = pytest.importorskip("tifffile")
    pixels = np.zeros((8, 9, 3), dtype=np.float32)
    pixels[3, 3, 1] = bad
    tifffile.imwrite(tmp_path / "float.tif", pixels, photometric="rgb")
    assert says in refusal(tmp_path / "float.tif")


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_an_image_stored_in_any_of_the_eight_orientations_is_read_upright(tmp_path, turn, suffix):
    upright = np.kron(samples(3, 4, 3, seed=1), np.ones((16, 16, 1), dtype=np.uint8))
    back = {1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM"}
    back |= {5: "TRANSPOSE", 6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    image = Image.fromarray(upright)
    image = image.transpose(Image.Transpose[back[turn]]) if back[turn] else image
    exif = Image.Exif()
    exif[0x0112] = turn
    image.save(
        tmp_path / f"turned.{suffix}", exif=exif, quality=100, **({"lossless": True} if suffix == "webp" else {})
    )
    picture = read_image(tmp_path / f"turned.{suffix}")
    assert picture.size == (64, 48)
    assert np.abs(np.rint(picture.pixels * 255)[8::16, 8::16] - upright[8::16, 8::16]).max() <= 6  # JPEG


def test_a_16_bit_png_is_turned_upright_too(tmp_path):
    pixels = samples(5, 7, 3, seed=0, kind=np.uint16)
    whole = png_of_every_filter(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    (tmp_path / "deep.png").write_bytes(whole[:33] + chunk + whole[33:])
    picture = read_image(tmp_path / "deep.png")
    np.testing.assert_array_equal(np.rint(picture.pixels * 65535), np.rot90(pixels, -1))


def test_a_palette_with_a_clear_colour_gives_alpha(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 1]], dtype=np.uint8)).convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "icon.png", transparency=1)
    picture = read_image(tmp_path / "icon.png")
    np.testing.assert_array_equal(picture.alpha, [[1, 0], [1, 0]])
    np.testing.assert_array_equal(picture.pixels[0, 0], [1, 0, 0])


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (9, 5), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    picture = read_image(tmp_path / "moving.gif")
    assert picture.size == (9, 5)
    np.testing.assert_array_equal(picture.pixels[0, 0], [1, 0, 0])


@pytest.mark.parametrize("name", ["print.jpg", "print.tif"])
def test_cmyk_is_read_as_rgb(tmp_path, name):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / name)
    picture = read_image(tmp_path / name)
    np.testing.assert_allclose(picture.pixels[8, 8], [1, 0, 0], atol=0.02)


def test_an_srgb_profile_changes_nothing_and_a_damaged_one_is_left_aside(tmp_path):
    pixels = samples(6, 6, 3, seed=0)
    for profile in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"no profile at all"):
        path = saved(tmp_path, pixels, icc_profile=profile)
        np.testing.assert_array_equal(np.rint(read_image(path).pixels * 255), pixels)


def test_grey_is_the_luma_of_colour(tmp_path):
    path = saved(tmp_path, np.full((2, 2, 3), [255, 0, 0], dtype=np.uint8))
    np.testing.assert_allclose(read_image(path, mode="L").pixels, 0.299, atol=1e-6)


def refusal(path, **how):
    with pytest.raises(BadInput) as caught:
        read_image(path, **how)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    return message


def test_an_image_that_is_too_small_is_refused_with_both_sizes(tmp_path):
    path = saved(tmp_path, np.zeros((14, 20, 3), dtype=np.uint8), "sky.png")
    says = refusal(path, min_size=32, needed_by="SinIR")
    assert says.startswith("SinIR needs an image at least 32 pixels wide and high; ")
    assert "sky.png is 20 x 14" in says


def test_a_decompression_bomb_is_refused_from_its_header(tmp_path):
    header = struct.pack(">IIBBBBB", 100_000, 9_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    idat = b"IDAT" + zlib.compress(b"")
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (chunk, idat)
    )
    (tmp_path / "bomb.png").write_bytes(bomb)
    assert "900 million pixels, and 64 million are read at most" in refusal(tmp_path / "bomb.png")
    large = saved(tmp_path, np.zeros((20, 30), dtype=np.uint8))
    assert "30 x 20" in refusal(large, max_pixels=599)
    assert read_image(large, max_pixels=600).size == (30, 20)


@pytest.mark.parametrize("shape", [(20, 30, 3), (20, 30, 9)])
def test_a_tiff_that_is_too_much_is_refused_from_its_header(tmp_path, monkeypatch, shape):
    tifffile = pytest.importorskip("tifffile")
    how = "rgb" if shape[2] == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "float.tif", np.zeros(shape, dtype=np.float32), photometric=how, planarconfig="contig")
    monkeypatch.setattr("hotpapers.media.deep.read_any_tiff", lambda _: pytest.fail("it was decoded"))
    says = refusal(tmp_path / "float.tif", max_pixels=600 if shape[2] == 9 else 599)
    assert ("unusual kind" if shape[2] == 9 else "too large") in says


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "gif"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_refused(tmp_path, suffix, kept):
    path = saved(tmp_path, samples(64, 64, 3, seed=0), f"photo.{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert str(path) in refusal(path)


def test_a_16_bit_file_that_was_cut_short_is_refused(tmp_path):
    whole = png_of_every_filter(samples(30, 30, 3, seed=0, kind=np.uint16))
    (tmp_path / "deep.png").write_bytes(whole[: len(whole) // 2])
    assert "damaged or cut short" in refusal(tmp_path / "deep.png")


@given(st.binary(max_size=400), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\0"]))
@settings(max_examples=60, deadline=None)
def test_arbitrary_bytes_are_refused_in_one_line(tmp_path_factory, rest, start):
    path = tmp_path_factory.mktemp("any") / "any.png"
    path.write_bytes(start + rest)
    refusal(path)


def test_what_is_no_image_file_is_refused_with_the_mend(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    assert "is not an image" in refusal(tmp_path / "text.png")
    assert "is empty" in refusal(tmp_path / "empty.png")
    assert "is a folder" in refusal(tmp_path)
    assert "there is no such file" in refusal(tmp_path / "none.png")
    assert "a pipe or a device" in refusal("/dev/null")
    assert "null" in refusal(tmp_path / "a\0b.png")
    assert len(refusal(tmp_path / ("a" * 5000))) < 400
    assert "\\x1b" in refusal(tmp_path / "\x1b[31m\n.png")


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    says = []
    reader = threading.Thread(target=lambda: says.append(refusal(tmp_path / "pipe.png")), daemon=True)
    reader.start()
    reader.join(timeout=5)
    assert "a pipe or a device" in says[0]


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = saved(tmp_path, np.zeros((4, 4), dtype=np.uint8))
    monkeypatch.setattr(type(path), "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert "permission denied" in refusal(path)


def test_nothing_runs_and_nothing_is_rendered_for_formats_that_are_programs(tmp_path):
    (tmp_path / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    assert "is not an image" in refusal(tmp_path / "page.png")


def test_a_mask_is_white_times_opaque_and_has_the_size_of_its_image(tmp_path):
    drawn = np.zeros((4, 6, 4), dtype=np.uint8)
    drawn[:, :3, :3] = 255
    drawn[:2, :, 3] = 255
    mask = read_mask(saved(tmp_path, drawn), like=(4, 6))
    np.testing.assert_array_equal(mask, [[1, 1, 1, 0, 0, 0]] * 2 + [[0] * 6] * 2)
    with pytest.raises(BadInput, match="is 6 x 4 but its image is 4 x 6"):
        read_mask(tmp_path / "photo.png", like=(6, 4))


def test_an_unknown_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(BadInput, match=r"\.png, \.jpg"):
        write_image(tmp_path / "photo.docx", np.zeros((2, 2, 3)))
    assert not list(tmp_path.iterdir())


def test_a_picture_with_nan_leaves_the_old_file_alone(tmp_path):
    path = write_image(tmp_path / "photo.png", np.ones((2, 2, 3)))
    before = path.read_bytes()
    with pytest.raises(HotpapersError, match="NaN"):
        write_image(path, np.full((2, 2, 3), np.nan))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_jpeg_lays_what_is_clear_on_white(tmp_path):
    path = write_image(tmp_path / "photo.jpg", np.zeros((8, 8, 3)), alpha=np.zeros((8, 8)), bit_depth=16)
    picture = read_image(path)
    assert picture.alpha is None
    assert picture.pixels.min() > 0.99


def test_a_picture_too_long_for_its_format_is_refused(tmp_path):
    with pytest.raises(BadInput, match="16383 pixels a side"):
        write_image(tmp_path / "long.webp", np.zeros((1, 16384, 3), dtype=np.uint8))
    assert not list(tmp_path.iterdir())


def test_floats_are_clipped_and_rounded_to_the_nearest_step(tmp_path):
    path = write_image(tmp_path / "photo.png", np.array([[-3.0, 0.5 / 255 + 1e-6, 0.5, 1.2]]))
    np.testing.assert_array_equal(np.asarray(Image.open(path)), [[0, 1, 128, 255]])
