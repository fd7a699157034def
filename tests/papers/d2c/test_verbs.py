"""Verbs on a network that has learned nothing, the training, and the model that ships."""

import copy
import dataclasses
import json
import os
import shutil
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from hotpapers.errors import BadInput, HotpapersError, Interrupted
from hotpapers.media import read_image
from hotpapers.papers.d2c import train as training
from hotpapers.papers.d2c.fewshot import edit, generate, learn_attribute
from hotpapers.papers.d2c.measuring import edit_fidelity, evaluate, probe
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.pictures import read_folder, read_labels
from hotpapers.papers.d2c.presets import PRESETS, Config
from hotpapers.papers.d2c.shelf import BAG, EXAMPLES, open_model
from hotpapers.papers.d2c.train import train
from hotpapers.papers.d2c.verbs import decode, encode, interpolate, reconstruct, sample
from hotpapers.run import save_model

TINY = Config(size=16, width=4, groups=1, latent=3, mixtures=3, widen=2, hidden=16, dim=8, queue=32, batch=8, steps=5,
              unet_width=32, unet_multiples=(1,), diffusion_steps=4, diffusion_batch=8)  # fmt: skip


@pytest.fixture(scope="module")
def attribute(saved, folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("attribute") / "disc.attribute"
    learn_attribute(folder / "labels.csv", model=saved, draws=16, out=target, device="cpu")
    return target


def test_a_folder_is_read_with_its_labels_and_what_is_no_image_is_counted(folder):
    pictures = read_folder(folder, 16, 1)
    assert (len(pictures), pictures.classes, pictures.left_out) == (40, ("box", "disc"), 1)
    assert pictures.images.shape[1:] == (1, 16, 16)
    table = read_labels(folder / "labels.csv", 16, 1)
    assert sorted(table.labels) == sorted(pictures.labels)


def test_an_archive_is_read_like_the_folder_that_it_was_packed_from(folder, tmp_path):
    pictures = read_folder(folder, 16, 1)
    packed = read_folder(Path(shutil.make_archive(str(tmp_path / "packed"), "zip", folder)), 16, 1)
    assert torch.equal(packed.images, pictures.images)
    assert (packed.labels, packed.left_out) == (pictures.labels, pictures.left_out)
    assert read_labels(tmp_path / "packed.zip", 16, 1).classes == ("box", "disc")


def test_names_in_an_archive_lead_nowhere_and_what_macos_adds_is_left_out(picture, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("../../up.png", "/top.png", "__MACOSX/._a.png"):
            archive.write(picture, name)
    before = set(tmp_path.parent.parent.iterdir())
    assert len(read_folder(tmp_path / "x.zip", 16, 1)) == 2
    assert set(tmp_path.parent.parent.iterdir()) == before
    assert not Path("/top.png").exists()


def test_archives_that_cannot_be_used_are_refused(folder, tmp_path):
    shutil.make_archive(str(tmp_path / "whole"), "zip", folder)
    content = (tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[: len(content) // 2])
    third = len(content) // 3
    (tmp_path / "hole.zip").write_bytes(content[:third] + bytes(200) + content[third + 200 :])
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("notes.txt", "no image")
    for name, words in (("cut", "no ZIP archive"), ("hole", "damaged or locked"), ("none", "no image in .*none.zip")):
        with pytest.raises(BadInput, match=words):
            read_folder(tmp_path / f"{name}.zip", 16, 1)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "empty"),
        ("a,b\n1,2", "needs the columns image and label"),
        ("image,label\n", "has no rows"),
        ("image,label\nbox/no.png,box", "Line 2 of .*there is no such file"),
        ("image,label\n../x.png,box", "outside of the table's folder"),
        ("image,label\n/etc/hostname,box", "outside of the table's folder"),
        ('image,label\n"data:image/png;base64,%%%",box', "no base64"),
        ('image,label\n"data:text/html;base64,AAAA",box', "begins with data:image/png"),
        ("image,label\nx.png,", "needs an image and a label"),
        ("image,label\nx\0.png,box", "needs an image and a label"),
        ("image,label\nbox/x.png,red, shiny", "more cells than the first line"),
    ],
)
def test_tables_that_cannot_be_used_are_refused_with_their_line(tmp_path, rows, words):
    (tmp_path / "labels.csv").write_text(rows)
    with pytest.raises(BadInput, match=words) as refusal:
        read_labels(tmp_path / "labels.csv", 16, 1)
    assert "\n" not in str(refusal.value)


def test_a_table_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes("image,label\nä.png,böx".encode("latin-1"))
    with pytest.raises(BadInput, match="no CSV table in UTF-8"):
        read_labels(tmp_path / "labels.csv", 16, 1)


def test_training_cut_off_in_either_stage_ends_with_the_same_weights(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "small", TINY)
    train(folder, out=tmp_path / "whole", seed=3, device="cpu")
    real = training.Run.backward
    for stage, at in (("autoencoder", 3), ("diffusion", 7)):
        calls = []

        def cut_off(self, loss, calls=calls, at=at):
            calls.append(0)
            if len(calls) == at:
                os.kill(os.getpid(), signal.SIGINT)
            return real(self, loss)

        monkeypatch.setattr(training.Run, "backward", cut_off)
        with pytest.raises(Interrupted, match=f"{stage}.*hotpapers d2c train"):
            train(folder, out=tmp_path / stage, seed=3, device="cpu")
        monkeypatch.setattr(training.Run, "backward", real)
        train(folder, out=tmp_path / stage, seed=3, device="cpu", resume=True)
        assert (tmp_path / stage / "model.safetensors").read_bytes() == (
            tmp_path / "whole" / "model.safetensors"
        ).read_bytes()
    net = open_model(tmp_path / "whole", "cpu")
    normal = net.normal(training.all_latents(net, read_folder(folder, 16, 1).images))
    assert torch.allclose(normal.mean((0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(normal.std((0, 2, 3)), torch.ones(3), atol=1e-3)


def test_all_can_be_learned_in_one_stage_and_without_contrast_from_views_or_images(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "small", dataclasses.replace(TINY, clean_view=False, steps=2, diffusion_steps=1))
    seen, real = [], training.Lesson.forward
    monkeypatch.setattr(
        training.Lesson, "forward", lambda self, view, other: seen.append(view.clone()) or real(self, view, other)
    )
    joint = train(folder, out=tmp_path / "joint", joint=True, accumulate=2, device="cpu")
    assert joint.numbers["images"] == 40
    # A network that has learned nothing says v = 0, and v has variance 1; of eps the error would be a third of it.
    assert metrics(tmp_path / "joint")[0]["denoising"] == pytest.approx(1, abs=0.35)
    assert not (tmp_path / "joint" / "checkpoints" / "diffusion.safetensors").exists()
    assert not among(seen, folder)

    seen.clear()
    shutil.copytree(folder, tmp_path / "plain")
    monkeypatch.chdir(tmp_path / "plain")  # the folder that one stands in has a name to write beside it, too
    plain = train(Path(), contrast=0.0, clean_view=True, device="cpu").files["model"]
    assert plain == tmp_path / "plain.d2c"
    assert "contrast" not in (plain / "metrics.jsonl").read_text()
    assert among(seen, folder)
    assert sample(model=plain, count=2, steps=2, out=tmp_path / "made", device="cpu").files["001"].is_file()


def among(views, folder):
    """Return whether all views are images of the folder as they are."""
    images = read_folder(folder, 16, 1).images
    return bool((torch.cat(views)[:, None] == images[None]).flatten(2).all(2).any(1).all())


def metrics(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_half_precision_sees_the_same_times_and_the_same_pixels(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "small", dataclasses.replace(TINY, steps=1, diffusion_steps=1, diffusion_batch=128))
    told, real = {}, D2C.guess
    for half in (False, True):
        times = told[half] = []
        monkeypatch.setattr(D2C, "guess", lambda net, z, t, times=times: times.append(t.clone()) or real(net, z, t))
        train(folder, out=tmp_path / str(half), half=half, device="cpu")
    assert torch.equal(torch.cat(told[False]), torch.cat(told[True]))
    first, second = (metrics(tmp_path / str(half)) for half in (False, True))
    assert second[0]["reconstruction"] == pytest.approx(first[0]["reconstruction"], rel=0.01)
    assert second[1]["loss"] == pytest.approx(first[1]["loss"], rel=0.02)


@pytest.mark.parametrize("decoding", ["mean", "mode", "sample"])
def test_the_same_seed_makes_the_same_images(saved, tmp_path, decoding):
    made = []
    for name in "ab":
        sample(model=saved, count=3, steps=3, decoding=decoding, out=tmp_path / name, seed=4, device="cpu")
        made.append(np.stack([read_image(tmp_path / name / f"{n:03d}.png").pixels for n in (1, 2, 3)]))
    assert made[0].shape == (3, 16, 16, 3)
    assert np.array_equal(*made)


def test_a_latent_goes_to_a_file_and_back_to_its_reconstruction(saved, picture, tmp_path):
    encode(picture, model=saved, out=tmp_path / "z.npy", device="cpu")
    assert np.load(tmp_path / "z.npy").shape == (3, 4, 4)
    decode(tmp_path / "z.npy", model=saved, out=tmp_path / "z.png", device="cpu")
    untouched = edit(picture, attribute=_any_attribute(saved, tmp_path), step=0, noise=0, model=saved,
                     out=tmp_path / "e.png", device="cpu")  # fmt: skip
    assert np.array_equal(read_image(tmp_path / "z.png").pixels, read_image(tmp_path / "e.png").pixels)
    assert untouched.numbers["network evaluations"] == 0
    short = edit(picture, attribute=tmp_path / "any.attribute", noise=2, steps=50, model=saved, out=tmp_path / "s.png")
    assert short.numbers["network evaluations"] == 3
    assert reconstruct(picture, model=saved, out=tmp_path / "r.png", device="cpu").numbers["bits a dimension"] > 0


def test_a_latent_is_read_in_any_precision_and_order_of_bytes(saved, tmp_path):
    z = np.linspace(-1, 1, 48).reshape(3, 4, 4).astype(np.float16)
    made = []
    for kind in (np.float32, ">f8", np.longdouble):
        np.save(tmp_path / "z.npy", z.astype(kind))
        made.append(read_image(decode(tmp_path / "z.npy", model=saved, device="cpu").files["image"]).pixels)
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


def _any_attribute(saved, tmp_path):
    from hotpapers.papers.d2c.attributes import Attribute, fingerprint, save_attribute

    found = Attribute(
        ("a", "b"), torch.ones(1, 48), torch.zeros(1), torch.ones(1), fingerprint(open_model(saved, "cpu"))
    )
    save_attribute(found, tmp_path / "any.attribute")
    return tmp_path / "any.attribute"


def test_an_interpolation_has_as_many_images_as_were_asked_for(saved, folder, tmp_path):
    a, b = (sorted((folder / kind).glob("[0-9]*.png"))[0] for kind in ("box", "disc"))
    outcome = interpolate(a, b, model=saved, count=3, steps=10, out=tmp_path / "between", device="cpu")
    assert outcome.numbers["images"] == 3
    assert len(list((tmp_path / "between").glob("0*.png"))) == 3


def test_what_is_accepted_is_reported_and_the_cap_is_kept(saved, attribute, tmp_path):
    outcome = generate(attribute=attribute, model=saved, count=3, steps=2, most=200, out=tmp_path / "g", device="cpu")
    assert outcome.numbers["images"] == len(list((tmp_path / "g").glob("0*.png"))) == 3
    assert outcome.numbers["draws"] <= 200
    assert 0 < outcome.numbers["accepted, %"] <= 100


def test_an_attribute_that_nothing_has_stops_in_one_line_and_leaves_nothing(saved, tmp_path):
    from hotpapers.papers.d2c.attributes import Attribute, fingerprint, save_attribute

    never = Attribute(
        ("a", "b"), torch.zeros(1, 48), torch.tensor([-60.0]), torch.ones(1), fingerprint(open_model(saved, "cpu"))
    )
    save_attribute(never, tmp_path / "never.attribute")
    with pytest.raises(HotpapersError, match="None of 64 draws was accepted as b"):
        generate(
            attribute=tmp_path / "never.attribute", model=saved, steps=1, most=64, out=tmp_path / "g", device="cpu"
        )
    assert not (tmp_path / "g").exists()


def test_one_label_alone_is_learned_from_examples_of_it(saved, folder, tmp_path):
    rows = [row for row in (folder / "labels.csv").read_text().splitlines() if row.endswith((",disc", "label"))]
    (folder / "discs.csv").write_text("\n".join(rows))
    outcome = learn_attribute(folder / "discs.csv", model=saved, unlabelled=folder, share=0.4,
                              out=tmp_path / "d.attribute", device="cpu")  # fmt: skip
    assert outcome.files["attribute"].stat().st_size < 3_000
    assert "share of disc, %" in outcome.numbers


def test_probe_and_evaluate_give_numbers(saved, folder):
    found = probe(folder / "labels.csv", model=saved, device="cpu").numbers
    assert found["labels"] == 2
    assert 50 <= found["always the commonest, %"] <= found["linear accuracy, %"] + 30
    measured = evaluate(folder, model=saved, count=8, steps=2, device="cpu").numbers
    assert measured["reconstruction MSE"] > 0
    assert measured["bits a dimension"] > 0


def test_edits_that_move_nothing_keep_all_that_reconstructions_do(saved, folder, attribute):
    def measured(step):
        return evaluate(folder, model=saved, count=2, steps=1, attribute=attribute, step=step, noise=0).numbers

    still, moved = measured(0.0), measured(20.0)
    assert still["edits' PSNR against the images, dB"] == still["reconstruction PSNR, dB"]
    assert still["edits' PSNR where they touch nothing, dB"] == still["reconstruction PSNR, dB"]
    assert still["edits' PSNR against reconstructions, dB"] == 100
    assert still["pixels that edits touch, %"] == 0
    assert still["mean r of disc before the edits"] == still["mean r of disc after the edits"]
    assert moved["edits' PSNR against reconstructions, dB"] < 60
    assert moved["mean r of disc after the edits"] > moved["mean r of disc before the edits"]


def test_a_pixel_is_touched_where_one_of_its_colours_changes_visibly_and_only_the_others_count_as_kept():
    back = torch.zeros(1, 3, 2, 2)
    edited, x = back.clone(), back + 0.01
    edited[0, 1, 0, 0] = 0.5
    found = edit_fidelity(x, back, edited)
    assert found["pixels that edits touch, %"] == 25
    assert found["edits' PSNR where they touch nothing, dB"] == pytest.approx(40, abs=0.01)
    assert found["edits' PSNR against reconstructions, dB"] == pytest.approx(-10 * np.log10(0.25 / 12), abs=0.01)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda tmp, image, model: sample(model=model, count=0, out=tmp / "x"), "--count can be 1 to"),
        (lambda tmp, image, model: sample(model=model, steps=0, out=tmp / "x"), "--steps can be 1 to"),
        (lambda tmp, image, model: sample(model=tmp, out=tmp / "x"), "There is no D2C model"),
        (lambda tmp, image, model: edit(tmp / "no.png", out=tmp / "x"), "no such file"),
        (lambda tmp, image, model: edit(image, step=float("nan"), out=tmp / "x"), "--step is -100 to 100"),
        (lambda tmp, image, model: edit(image, noise=1000, out=tmp / "x"), "--noise is an index"),
        (lambda tmp, image, model: edit(image, attribute=image, model=model, out=tmp / "x"), "no attribute file"),
        (lambda tmp, image, model: edit(image, attribute=BAG, model=model, out=tmp / "x"), "another model"),
        (lambda tmp, image, model: edit(image, want="hat", out=tmp / "x"), "--want is one of another, bag"),
        (lambda tmp, image, model: decode(tmp / "text.npy", model=model, out=tmp / "x"), "no array of NumPy"),
        (lambda tmp, image, model: decode(tmp / "short.npy", model=model, out=tmp / "x"), "is 3 x 4 x 4 numbers"),
        (lambda tmp, image, model: decode(tmp / "nan.npy", model=model, out=tmp / "x"), "none of them NaN"),
        (lambda tmp, image, model: decode(tmp / "syntax.npy", model=model, out=tmp / "x"), "no array of NumPy"),
        (lambda tmp, image, model: decode(tmp / "huge.npy", model=model, out=tmp / "x"), "beyond 1,000,000"),
        (lambda tmp, image, model: sample(model=tmp / ("x" * 300), out=tmp / "x"), "There is no D2C model"),
        (lambda tmp, image, model: sample(model=model, seed=-1, out=tmp / "x"), "--seed can be 0 to"),
        (lambda tmp, image, model: sample(model=model, seed=2**64, out=tmp / "x"), "--seed can be 0 to"),
        (lambda tmp, image, model: sample(model=model, count=1, steps=1, out=tmp), "was not made here"),
        (lambda tmp, image, model: interpolate(image, image, model=model, out=image), "not a directory"),
        (lambda tmp, image, model: train(tmp / "nothing", out=tmp / "x"), "no such file"),
        (lambda tmp, image, model: train(image, out=tmp / "x"), "is no folder and no ZIP archive"),
        (lambda tmp, image, model: train(tmp, seed=2**64, out=tmp / "x"), "--seed can be 0 to"),
        (lambda tmp, image, model: evaluate(tmp, model=model, noise=-1), "--noise is an index"),
        (lambda tmp, image, model: evaluate(tmp, model=model, attribute=BAG), "another model"),
        (lambda tmp, image, model: probe(EXAMPLES / "bags.csv", model=model, folds=51), "102 images or more"),
        (lambda tmp, image, model: train(tmp, batch=7, out=tmp / "x"), "must divide the 4,096 keys"),
        (lambda tmp, image, model: train(tmp, learning_rate=0.0, out=tmp / "x"), "--learning-rate is above 0"),
        (lambda tmp, image, model: learn_attribute(tmp / "text.npy", share=1.0, out=tmp / "x"), "--share lies between"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(saved, picture, tmp_path, ask, words):
    (tmp_path / "text.npy").write_text("hello")
    np.save(tmp_path / "short.npy", np.zeros(3))
    np.save(tmp_path / "nan.npy", np.full((3, 4, 4), np.nan))
    np.save(tmp_path / "huge.npy", np.full((3, 4, 4), 1e300))
    (tmp_path / "syntax.npy").write_bytes(b"\x93NUMPY\x01\x00\x04\x00{{{\n")
    with pytest.raises(BadInput, match=words) as refusal:
        ask(tmp_path, picture, saved)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "x").exists()


def test_a_model_whose_weights_are_not_finite_is_refused(model, tmp_path):
    broken = copy.deepcopy(model)
    broken.mean += float("nan")
    save_model(broken, tmp_path)
    with pytest.raises(BadInput, match="holds NaN or infinity"):
        open_model(tmp_path, "cpu")


def test_an_attribute_needs_labels_that_can_be_shown_a_place_for_it_and_more_than_one_unlabelled_image(
    saved, folder, picture, tmp_path
):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("a\nb/1.png", "a\nb/2.png", "c/1.png", "c/2.png"):
            archive.write(picture, name)
    with pytest.raises(BadInput, match="is no label"):
        learn_attribute(tmp_path / "x.zip", model=saved, out=tmp_path / "x", device="cpu")
    with pytest.raises(BadInput, match="Cannot write"):
        learn_attribute(folder / "labels.csv", model=saved, draws=16, out=tmp_path, device="cpu")
    (tmp_path / "one").mkdir()
    shutil.copy(picture, tmp_path / "one")
    with pytest.raises(BadInput, match="a single image"):
        learn_attribute(folder / "labels.csv", model=saved, unlabelled=tmp_path / "one", out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_model_that_ships_takes_every_verb_at_once(tmp_path):
    outcome = generate(count=4, out=tmp_path / "bags", device="cpu")
    assert outcome.numbers["mean r of the images"] > 0.5
    outcome = edit(EXAMPLES / "shirt.png", out=tmp_path / "shirt.png", device="cpu")
    assert outcome.numbers["r after"] > outcome.numbers["r before"]
    assert outcome.files["picture"].stat().st_size > 1_000
    assert sample(count=2, steps=5, out=tmp_path / "made", device="cpu").numbers["images"] == 2
