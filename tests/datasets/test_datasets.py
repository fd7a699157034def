"""What is offered is described truthfully, and read without unpickling anything."""

import gzip
import importlib.util
import io
import json
import struct
import tarfile

import numpy as np
import pytest

from hotpapers import console
from hotpapers.datasets import (
    PHOTOGRAPHS,
    REGISTRY,
    TEXTURES,
    cifar10,
    commands,
    fashion_mnist,
    mnist,
    photograph,
    photographs,
)
from hotpapers.datasets.mnist import read_idx
from hotpapers.errors import BadInput, HotpapersError, MissingExtra
from hotpapers.files import safe_name


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def members(dataset, contents):
    for name, content in zip(dataset.members, contents, strict=True):
        (dataset.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (dataset.folder / name).write_bytes(content)


@pytest.mark.parametrize("dataset", REGISTRY.values(), ids=REGISTRY)
def test_every_dataset_says_what_it_is_and_how_it_is_verified(dataset):
    assert safe_name(dataset.name) == dataset.name
    assert dataset.what
    assert dataset.licence
    assert dataset.page.startswith("http")
    assert bool(dataset.sources) != bool(dataset.extra)
    assert all(len(source.sha256) == 64 and source.url.startswith("https://") for source in dataset.sources)
    assert all(safe_name(part) for source in dataset.sources for part in source.name.split("/"))


@pytest.mark.parametrize("name", [*PHOTOGRAPHS, *TEXTURES])
def test_every_photograph_has_the_size_that_is_stated(name):
    pytest.importorskip("skimage")
    picture = photograph(name)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert (picture.shape[1], picture.shape[0]) == (PHOTOGRAPHS | TEXTURES)[name].size
    assert min(picture.shape[:2]) >= 250


def test_all_photographs_are_in_colour_and_yours_to_change():
    pytest.importorskip("skimage")
    pictures = photographs()
    assert list(pictures) == list(PHOTOGRAPHS)
    for picture in pictures.values():
        assert (picture[..., 0] != picture[..., 2]).any()
        picture[0, 0] = 0


def test_an_unknown_photograph_is_answered_with_those_there_are():
    with pytest.raises(BadInput, match="astronaut, coffee"):
        photographs(["mona-lisa"])


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"hotpapers\[vision\]"):
        photograph("coffee")


@pytest.mark.parametrize(("load", "name"), [(mnist, "mnist"), (fashion_mnist, "fashion-mnist")])
def test_images_and_labels_come_as_bytes_in_their_splits(load, name):
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((5, 28, 28), (5,), (3, 28, 28), (3,))]
    contents = [idx(part) for part in parts]
    members(REGISTRY[name], [gzip.compress(each) for each in contents] if name == "fashion-mnist" else contents)
    for split, (images, labels) in (("train", parts[:2]), ("test", parts[2:])):
        loaded = load(split)
        np.testing.assert_array_equal(loaded[0], images)
        np.testing.assert_array_equal(loaded[1], labels)


def test_cifar10_is_read_colour_plane_by_colour_plane():
    images = np.random.default_rng(0).integers(0, 256, (6, 2, 32, 32, 3), dtype=np.uint8)
    batches = [
        b"".join(bytes([label]) + image.transpose(2, 0, 1).tobytes() for label, image in enumerate(batch))
        for batch in images
    ]
    members(REGISTRY["cifar10"], batches)
    pixels, labels = cifar10("train")
    np.testing.assert_array_equal(pixels, images[:5].reshape(-1, 32, 32, 3))
    np.testing.assert_array_equal(labels, [0, 1] * 5)
    np.testing.assert_array_equal(cifar10("test")[0], images[5])


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x01", b"\0\0\x0d\x01\0\0\0\0", idx(np.zeros(4, np.uint8))[:-1]])
def test_a_damaged_idx_file_is_refused(content):
    with pytest.raises(HotpapersError):
        read_idx(content)


def test_an_archive_put_there_by_hand_is_unpacked_and_then_removed(monkeypatch):
    dataset = REGISTRY["mnist"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in dataset.members:
            body = idx(np.ones((2, 28, 28) if "images" in name else 2, dtype=np.uint8))
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    archive = dataset.folder / dataset.sources[0].name
    archive.parent.mkdir(parents=True)
    archive.write_bytes(packed.getvalue())
    import pooch

    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: str(archive))  # this toy has not the true checksum
    assert mnist("test")[0].shape == (2, 28, 28)
    assert not archive.exists()


def test_commands_list_and_locate_the_datasets(monkeypatch, capsys):
    pytest.importorskip("skimage")
    monkeypatch.setattr(console, "_json", True)
    commands.list_()
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(REGISTRY)
    assert listed["photographs"]["here"]
    assert not listed["cifar10"]["here"]
    commands.fetch("photographs")
    fetched = json.loads(capsys.readouterr().out)
    assert commands.path("photographs") == 0
    assert json.loads(capsys.readouterr().out) == {**fetched, "here": True}
    assert commands.path("cifar10") == 1
