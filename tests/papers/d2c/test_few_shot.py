"""Attributes, rejection and editing on latents whose truth is known."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from hotpapers.errors import BadInput
from hotpapers.papers.d2c.attributes import Attribute, fingerprint, learn, load_attribute, save_attribute
from hotpapers.papers.d2c.claims import hole
from hotpapers.papers.d2c.conditional import langevin, manipulate, reject
from hotpapers.papers.d2c.model import D2C
from hotpapers.papers.d2c.sampling import index_of, settle


def latents(count, seed=0, shape=(3, 4, 4)):
    """Return normal latents of two classes that differ in the first channel, and their classes."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 2, (count,), generator=generator)
    z = torch.randn(count, *shape, generator=generator)
    z[:, 0] += (2.0 * targets - 1)[:, None, None]
    return z, targets


@pytest.fixture(scope="module")
def attribute(model):
    z, targets = latents(100)
    return learn(model, z, targets, ("no", "yes"), latents(200, 1)[0])


def test_a_hundred_labels_are_enough_for_what_a_line_can_tell(attribute):
    z, targets = latents(500, 2)
    assert float((attribute.probabilities(z).argmax(1) == targets).float().mean()) > 0.9
    assert torch.allclose(attribute.probabilities(z).sum(1), torch.ones(500))


def test_several_classes_are_learned_as_one_is(model):
    z, halves = latents(150)
    z[:, 1] += (3.0 * (torch.arange(150) % 2))[:, None, None]
    targets = halves + 2 * (torch.arange(150) % 2)
    found = learn(model, z, targets, ("a", "b", "c", "d"), z)
    assert float((found.probabilities(z).argmax(1) == targets).float().mean()) > 0.9
    with pytest.raises(BadInput, match="--want is one of a, b, c, d"):
        found.index("")
    assert found.index("c") == 2


def test_examples_of_one_class_alone_are_enough_where_its_share_is_known(model):
    z, targets = latents(400)
    anything, its = latents(600, 3)
    found = learn(model, z[targets == 1][:100], torch.zeros(100, dtype=torch.long), ("yes",), anything, share=0.5)
    assert found.classes == ("not yes", "yes")
    assert float((found.probabilities(anything).argmax(1) == its).float().mean()) > 0.85


def test_a_step_of_one_moves_latents_by_their_spread(model, attribute):
    background = model.raw(latents(200, 1)[0])
    direction, spread = attribute.direction(model, 1)
    assert float(direction.norm()) == pytest.approx(1, abs=1e-5)
    assert spread == pytest.approx(float((background * direction).sum((1, 2, 3)).std()), rel=1e-3)


def test_edits_along_a_boundary_add_up_and_come_back(model, attribute):
    z = model.raw(latents(3, 4)[0])

    def move(z, step):
        return manipulate(model, z, attribute, 1, step=step, noise=0)

    assert torch.equal(move(z, 0.0), z)
    assert torch.allclose(move(move(z, 1.5), 2.0), move(z, 3.5), atol=1e-5)
    assert torch.allclose(move(move(z, 2.0), -2.0), z, atol=1e-5)
    opposite, _ = attribute.direction(model, 0)
    assert torch.allclose(opposite, -attribute.direction(model, 1)[0])


def test_moving_towards_a_label_makes_it_more_likely(model, attribute):
    z = model.raw(latents(20, 5)[0])
    r = [attribute.probabilities(model.normal(manipulate(model, z, attribute, 1, step=step, noise=0)))[:, 1]
         for step in (-3.0, 0.0, 3.0)]  # fmt: skip
    assert bool((r[0] < r[1]).all())
    assert bool((r[1] < r[2]).all())


def test_no_noise_leaves_latents_alone_and_an_edit_takes_two_evaluations(model, monkeypatch):
    z = model.raw(latents(2)[0])
    assert torch.equal(settle(model, z, 0), z)
    told, real = [], model.noise_in
    monkeypatch.setattr(model, "noise_in", lambda x, t: told.append(float(t[0])) or real(x, t))
    settle(model, z, 50)
    assert told == [50.0, 0.0]
    assert index_of(model, 0.97) == 50  # the authors' choice, by its alpha


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.02, 1), min_size=2, max_size=4), st.integers(0, 1_000))
def test_rejection_draws_each_class_as_often_as_bayes_says(r, seed):
    r, generator = torch.tensor(r), torch.Generator().manual_seed(seed)
    found = reject(
        lambda count: torch.randint(0, len(r), (count,), generator=generator), lambda z: r[z], 1_500, most=100_000,
        generator=generator,
    )  # fmt: skip
    frequency = torch.bincount(found.latents, minlength=len(r)) / len(found.latents)
    assert torch.allclose(frequency, r / r.sum(), atol=0.08)
    assert found.mean_r == pytest.approx(float(r.mean()), abs=0.08)
    assert found.accepted >= len(found.latents) == 1_500


def test_rejection_stops_at_its_cap_and_says_what_it_found():
    found = reject(lambda count: torch.zeros(count, 1), lambda z: torch.zeros(len(z)), 5, most=300)
    assert (len(found.latents), found.drawn, found.accepted, found.mean_r) == (0, 300, 0, 0.0)


def test_rejection_never_draws_more_than_its_cap():
    sizes = []
    reject(
        lambda count: sizes.append(count) or torch.zeros(count, 1), lambda z: torch.full((len(z),), 0.01), 50, most=130
    )
    assert sum(sizes) <= 130


def test_langevin_steps_make_a_label_more_likely(model, attribute):
    z = model.raw(latents(40, 6)[0])
    refined = langevin(model, z, attribute, 1, steps=15, strength=3.0, generator=torch.Generator().manual_seed(0))
    before, after = (float(attribute.probabilities(model.normal(each))[:, 1].mean()) for each in (z, refined))
    assert refined.isfinite().all()
    assert after > before


def test_an_attribute_comes_back_from_its_file(model, attribute, tmp_path):
    save_attribute(attribute, tmp_path / "yes.attribute")
    again = load_attribute(tmp_path / "yes.attribute", model)
    assert (again.classes, again.model, again.examples) == (attribute.classes, fingerprint(model), 100)
    assert torch.allclose(again.weights, attribute.weights, atol=1e-3)
    assert (tmp_path / "yes.attribute").stat().st_size < 2_000


def test_an_attribute_of_another_model_is_refused(attribute, tmp_path):
    save_attribute(attribute, tmp_path / "yes.attribute")
    torch.manual_seed(5)
    other = D2C(16, 1, 8, 4, 2, 1, 1, 3, 3, widen=2, unet_width=32, unet_multiples=(1,))
    with pytest.raises(BadInput, match="another model"):
        load_attribute(tmp_path / "yes.attribute", other)


def test_an_attribute_that_is_not_finite_is_refused(model, attribute, tmp_path):
    broken = Attribute(
        attribute.classes, attribute.weights * float("nan"), attribute.bias, attribute.spread, attribute.model
    )
    save_attribute(broken, tmp_path / "x.attribute")
    with pytest.raises(BadInput, match="no attribute file"):
        load_attribute(tmp_path / "x.attribute", model)


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"weights": torch.ones(2, 48), "bias": torch.zeros(2), "spread": torch.ones(2)}, {"classes": ["a", "b"]}),
        ({"spread": -torch.ones(1)}, {}),
        ({}, {"classes": ["a"]}),
        ({}, {"classes": ["a", "\x1b[31mred"]}),
        ({}, {"examples": 1e999}),
    ],
)
def test_an_attribute_file_that_was_changed_is_refused(model, attribute, tmp_path, changes, about):
    save_attribute(attribute, tmp_path / "x.attribute")
    with safe_open(tmp_path / "x.attribute", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        told = json.loads(file.metadata()["d2c"])
    save_file(tensors | changes, tmp_path / "x.attribute", metadata={"d2c": json.dumps(told | about)})
    with pytest.raises(BadInput, match="no attribute file"):
        load_attribute(tmp_path / "x.attribute", model)


def test_holes_have_the_same_divergence_at_every_width_and_their_distance_vanishes():
    found = [hole(width, 100_001) for width in (1.0, 0.5, 0.25)]
    assert [kl for kl, _ in found] == pytest.approx([np.log(1 / 0.51)] * 3, abs=1e-3)
    distances = [distance for _, distance in found]
    assert distances[1:] == pytest.approx([distances[0] / 2, distances[0] / 4], rel=0.1)
