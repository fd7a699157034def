"""What people and programs give by mistake or by malice to the verbs that read a photograph."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hotpapers.cli import main


def png_header(width: int, height: int) -> bytes:
    """The first bytes of a PNG that says it has that size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def hostile(name: str, folder: Path) -> Path:
    path = folder / f"{name}.png"
    if name == "empty":
        path.write_bytes(b"")
    elif name == "text":
        path.write_text("I am no picture")
    elif name == "one-pixel":
        Image.new("RGB", (1, 1)).save(path)
    elif name == "huge":
        path.write_bytes(png_header(20_000, 20_000))
    elif name == "directory":
        path.mkdir()
    elif name == "nan":
        path = path.with_suffix(".tif")
        Image.fromarray(np.full((64, 64), np.nan, dtype=np.float32)).save(path)
    return path


@pytest.mark.parametrize("name", ["empty", "text", "one-pixel", "huge", "directory", "nan", "missing"])
@pytest.mark.parametrize("verb", ["train", "super-resolve"])
def test_a_photograph_that_cannot_be_used_is_one_line_and_leaves_nothing(verb, name, tmp_path, capsys):
    path = hostile(name, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["sinir", verb, str(path)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert path.name in said
    assert sorted(tmp_path.rglob("*")) == before


def test_an_output_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(photo)
    (tmp_path / "file").write_text("")
    assert main(["sinir", "train", str(photo), "--out", str(tmp_path / "file" / "model")]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert "file" in said
