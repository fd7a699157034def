import dataclasses
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from hotpapers.blocks.diffusion import Table, ddim, linear_betas
from hotpapers.errors import BadInput
from hotpapers.media import read_image
from hotpapers.papers.gamma_diffusion import GammaDiffusion, fitting
from hotpapers.papers.gamma_diffusion.comparing import read_laws, read_ways, told
from hotpapers.papers.gamma_diffusion.contest import Way
from hotpapers.papers.gamma_diffusion.fitting import fit_noise
from hotpapers.papers.gamma_diffusion.inspecting import inspect
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.learning import PRESETS, Config, check_config, fit, untrained
from hotpapers.papers.gamma_diffusion.opening import open_either
from hotpapers.papers.gamma_diffusion.pictures import from_bytes, read_pictures, read_square
from hotpapers.papers.gamma_diffusion.residuals import cumulative, fit_all, fit_gamma, fit_gaussian, fit_mixture
from hotpapers.papers.gamma_diffusion.sampling import draw
from hotpapers.papers.gamma_diffusion.verbs import sample
from hotpapers.run import Run, load_model, save_model

SMALL = Config(
    preset="tiny", channels=1, size=8, width=8, multiples=(1, 2), attention_at=(4,), flip=False, steps=3, batch=4
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return untrained(SMALL).eval()


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    save_model(model, place)
    return place


@pytest.mark.parametrize(("preset", "count"), [("celeba", 78_700_803), ("church", 113_673_219), ("cifar", 35_746_307)])
def test_the_published_networks_have_the_published_sizes(preset, count):
    with torch.device("meta"):
        assert sum(each.numel() for each in untrained(PRESETS[preset]).unet.parameters()) == count


def test_the_published_configurations_are_the_authors():
    celeba, church = PRESETS["celeba"], PRESETS["church"]
    assert (celeba.batch, celeba.learning_rate, celeba.average, celeba.dropout) == (128, 2e-4, 0.9999, 0.1)
    assert (church.batch, church.learning_rate, church.average, church.dropout) == (64, 2e-5, 0.999, 0.0)
    assert {each.loss for each in (celeba, church)} == {"sum-mse"}
    assert {each.law for each in (celeba, church)} == {Law("gamma", 0.001)}


@pytest.mark.parametrize("name", ["gaussian", "gamma", "mog"])
@pytest.mark.parametrize("eta", [0, 1])
def test_steps_with_the_authors_noise_end_where_the_authors_do(name, eta):
    with np.load(Path(__file__).with_name("authors.npz")) as golden:
        start, end, noise = (torch.from_numpy(golden[f"{name} {eta} {what}"]) for what in ("start", "end", "noise"))

    def eps(x, level):
        return torch.sin(3 * x) * 0.5 + 0.3 * x + level.t / 1000

    kept = iter(noise)
    made = ddim(eps, start, Table(linear_betas()).levels(5), eta=eta, noise=lambda like, level, generator: next(kept))
    assert float((made - end).abs().max()) < 2e-4 * float(end.abs().max())


@pytest.mark.parametrize("law", [Law("gaussian"), Law("gamma", 0.1), Law("mog")])
def test_a_model_comes_back_with_its_law(law, tmp_path):
    net = untrained(dataclasses.replace(SMALL, law=law)).eval()
    save_model(net, tmp_path)
    again = load_model(GammaDiffusion, tmp_path, name="x", make="x").eval()
    assert again.law == law
    x, level = torch.randn(1, 1, 8, 8), net.schedule.level(500)
    assert torch.equal(again.eps(x, level), net.eps(x, level))


def test_a_narrow_network_sees_how_bright_an_image_is(model):
    with torch.no_grad():
        dark, bright = (model.unet(torch.full((1, 1, 8, 8), value), torch.tensor([10.0])) for value in (-1.0, 1.0))
    assert float((dark.mean() - bright.mean()).abs()) > 1e-3
    assert {each.num_groups for each in model.unet.modules() if isinstance(each, torch.nn.GroupNorm)} == {2}


@pytest.mark.parametrize("loss", ["sum-mse", "l1"])
def test_training_changes_weights_the_same_way_for_the_same_seed(folder, tmp_path, loss):
    pictures, config = read_pictures(folder, 8, 1), dataclasses.replace(SMALL, loss=loss, law=Law("gamma", 0.1))
    made = []
    for number in range(2):
        with Run(tmp_path / str(number), seed=5, device="cpu", tensorboard=False) as run:
            made.append(fit(pictures, config, run).unet.first.weight.detach().clone())
    torch.manual_seed(5)
    assert torch.equal(*made)
    assert not torch.equal(made[0], untrained(config).unet.first.weight)


def test_a_strange_law_is_seen_at_the_start_of_sampling_and_at_every_step_of_ddpm_only(model):
    def made(eta, law):
        return draw(model, 2, steps=3, eta=eta, law=law, generator=torch.Generator().manual_seed(0))

    strong = Law("gamma", 0.3)
    assert torch.equal(made(0.0, strong), made(0.0, strong))
    assert not torch.allclose(made(1.0, strong), made(1.0, Law("gaussian")), atol=1e-2)
    assert draw(model, 3, steps=2, clip=True).abs().max() <= 1 + 1e-5


def test_pictures_are_cut_to_squares_and_broken_ones_left_out(folder, tmp_path):
    pictures = read_pictures(folder, 8, 1)
    assert pictures.pixels.shape == (24, 1, 8, 8)
    assert [path.name for path in pictures.left_out] == ["broken.png"]
    assert from_bytes(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1.0, 1.0]
    flipped = pictures.batch(torch.arange(24), flip=True)
    plain = pictures.batch(torch.arange(24))
    same = (flipped == plain).flatten(1).all(1)
    assert ((flipped == plain.flip(-1)).flatten(1).all(1) | same).all()
    with pytest.raises(BadInput, match="178 x 218"):
        read_square(folder / "a" / "1.png", 8, 3, "celeba")
    (tmp_path / "words.png").write_text("x")
    (tmp_path / "bare").mkdir()
    for place, words in (
        (tmp_path, "words.png is not an image"),
        (tmp_path / "bare", "none ends in .png"),
        (tmp_path / "none", "there is no such file"),
        (tmp_path / "words.png", "no ZIP archive"),
    ):
        with pytest.raises(BadInput, match=words):
            read_pictures(place, 8, 1)


def test_an_archive_is_read_like_the_folder_that_it_was_packed_from(folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)
    assert torch.equal(read_pictures(Path(archive), 8, 1).pixels, read_pictures(folder, 8, 1).pixels)


def test_fits_find_the_law_that_values_come_from():
    random = np.random.default_rng(0)
    gamma = random.gamma(3.0, 0.5, (40, 500)) - 2
    fit = fit_gamma(gamma.ravel())
    assert (fit["shape"], fit["scale"], fit["shift"]) == pytest.approx((3.0, 0.5, -2.0), rel=0.15)
    assert fit_gamma(-gamma.ravel())["side"] == -1
    pair = np.where(random.random((40, 500)) < 0.3, random.normal(-2, 0.3, (40, 500)), random.normal(1, 0.5, (40, 500)))
    found = fit_mixture(pair.ravel())
    assert (found["p"], found["mean 1"], found["mean 2"]) == pytest.approx((0.3, -2.0, 1.0), abs=0.05)
    for values, name in ((gamma, "gamma"), (-gamma, "gamma"), (pair, "mixture")):
        fits = fit_all(values)
        assert min(fits, key=lambda each: each.error).law == name
    normal = fit_all(random.normal(size=(40, 500)))
    assert max(each.error for each in normal) < 5 * min(each.error for each in normal)


def test_the_distribution_functions_of_fits_are_scipys():
    x = np.linspace(-3, 3, 13)
    assert np.allclose(cumulative("gaussian", fit_gaussian(x), x), stats.norm.cdf(x, x.mean(), x.std()))
    fit = {"shape": 2.0, "scale": 0.7, "shift": -1.0, "side": 1.0}
    assert np.allclose(cumulative("gamma", fit, x), stats.gamma.cdf(x, 2.0, -1.0, 0.7))


def test_images_are_made_without_a_model_of_ones_own(tmp_path):
    outcome = sample(count=6, steps=3, out=tmp_path / "made", device="cpu")
    assert read_image(tmp_path / "made" / "00006.png").size == (14, 14)
    again = sample(count=6, steps=3, out=tmp_path / "again", device="cpu")
    assert (tmp_path / "made" / "00003.png").read_bytes() == (tmp_path / "again" / "00003.png").read_bytes()
    assert outcome.numbers["noise"] == "gamma 0.001"
    assert again.files["picture"].is_file()


def test_inspecting_says_from_where_on_a_law_is_gaussian(tmp_path):
    outcome = inspect(theta0=0.001, out=tmp_path / "a")
    assert outcome.numbers["steps that can be told from Gaussian"] == 14
    assert len((tmp_path / "a" / "steps.csv").read_text().splitlines()) == 1001
    assert inspect(noise="gaussian", out=tmp_path / "b").numbers["steps that can be told from Gaussian"] == 0
    assert inspect(noise="mog", steps=100, out=tmp_path / "c").numbers["nats at step 100"] > 0.05


def test_noise_is_fitted_with_a_model_that_there_is(folder, saved, tmp_path):
    outcome = fit_noise(folder, model=saved, steps=4, count=8, out=tmp_path / "fits", device="cpu")
    assert sum(value for name, value in outcome.numbers.items() if name.startswith("steps that")) == 4
    assert len((tmp_path / "fits" / "fits.csv").read_text().splitlines()) == 1 + 4 * 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 1}, "--steps can be 2"),
        ({"steps": 30}, "2 to 20 for this model"),
        ({"count": 1}, "--count can be"),
        ({"seed": -1}, "--seed can be"),
        ({"preset": "speech-tiny", "model": None}, "no sound in"),
        ({"preset": "tiny", "model": None, "train_steps": 0}, "--train-steps can be 1"),
    ],
)
def test_fits_that_cannot_be_made_are_refused_before_anything_is_trained(folder, tmp_path, changes, words):
    save_model(untrained(dataclasses.replace(SMALL, table=20)), tmp_path / "short")
    with pytest.raises(BadInput, match=words):
        fit_noise(folder, **({"model": tmp_path / "short", "out": tmp_path / "out", "device": "cpu"} | changes))
    assert not (tmp_path / "out").exists()


def test_fits_need_two_images_and_as_much_memory_as_there_is(folder, saved, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "MOST", 10 * 24 * 64)
    fit_noise(folder, model=saved, steps=10, count=50, out=tmp_path / "fits", device="cpu")
    with pytest.raises(BadInput, match="11 steps of 24 images or crops do not fit in memory"):
        fit_noise(folder, model=saved, steps=11, count=50, device="cpu")
    (tmp_path / "one").mkdir()
    shutil.copy(folder / "a" / "1.png", tmp_path / "one")
    with pytest.raises(BadInput, match="Two images"):
        fit_noise(tmp_path / "one", out=tmp_path / "fits", device="cpu")
    assert not (tmp_path / "fits" / "model").exists()


@pytest.mark.parametrize("settings", [{"size": 2**20}, {"size": 0}, {"steps": 1}, {"theta_0": math.inf}])
def test_settings_that_no_model_of_images_has_are_damage(saved, tmp_path, settings):
    shutil.copytree(saved, tmp_path / "spoilt")
    config = tmp_path / "spoilt" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | settings))
    with pytest.raises(BadInput, match="cannot be read, or is none of Gamma diffusion"):
        open_either(tmp_path / "spoilt", "cpu")


def test_laws_and_ways_are_read_from_words():
    assert read_laws("gaussian, gamma 0.01, mog 0.8 0.4") == [Law(), Law("gamma", 0.01), Law("mog", 0.001, 0.8, 0.4)]
    assert [str(law) for law in read_laws("mog, mog 0.8 0.4, gamma 0.1")] == ["mog", "mog 0.8 0.4", "gamma 0.1"]
    assert read_ways("20, 10") == [Way(10, 0.0), Way(10, 1.0), Way(20, 0.0), Way(20, 1.0)]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "gaussian",
        "gaussian, gaussian",
        "gamma 0.1, gamma 0.10000001",
        "gaussian, gamma x",
        "poisson, mog",
        "mog 1, gamma",
    ],
)
def test_words_that_name_no_laws_are_refused(words):
    with pytest.raises(BadInput):
        read_laws(words)


@pytest.mark.parametrize(("seeds", "interval"), [(1, r"\d\.\d{3}"), (2, r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]")])
def test_a_ratio_has_an_interval_where_there_are_seeds_to_tell_it_from(tmp_path, seeds, interval):
    laws, way = [Law(), Law("mog", sigma_start=0.8)], Way(10, 0.0)
    distances = {(str(law), way): [2.0 + 0.5 * seed + law.sigma_start for seed in range(seeds)] for law in laws}
    outcome = told(distances, {str(law): torch.zeros(1, 1, 8, 8) for law in laws}, laws, tmp_path)
    assert re.fullmatch(interval, outcome.numbers["mog 0.8 0.5 / gaussian, 10 steps, eta 0"])
    row = (tmp_path / "distances.csv").read_text().splitlines()[2].split(",")
    assert row[0] == "mog 0.8 0.5"
    assert (row[5] == "") == (row[6] == "") == (seeds == 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 0}, "--count can be"),
        ({"eta": 2.0}, "--eta lies"),
        ({"steps": 0}, "--steps can be"),
        ({"steps": 1001}, "1,000 for this model"),
        ({"seed": -1}, "--seed can be"),
        ({"seed": 10**30}, "--seed can be"),
        ({"noise": "gamma", "theta0": -1.0}, "--theta0 is a scale"),
        ({"model": Path("nowhere")}, "no Gamma diffusion model"),
        ({"model": Path("n" * 300)}, "no Gamma diffusion model"),
    ],
)
def test_samples_that_cannot_be_made_are_refused(tmp_path, changes, words):
    with pytest.raises(BadInput, match=words):
        sample(out=tmp_path / "out", device="cpu", **changes)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"batch": 0}, {"learning_rate": 2.0}, {"size": 9}, {"law": Law("gamma", 0.0)}]
)
def test_settings_that_no_training_can_have_are_refused(changes):
    with pytest.raises(BadInput):
        check_config(dataclasses.replace(SMALL, **changes))
