"""Every group in every dimension from 2 to 6, by random schemas, models and elements, in float64."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.papers.scalars.check import equivariance_error
from hotpapers.papers.scalars.groups import group
from hotpapers.papers.scalars.model import ScalarNet
from hotpapers.papers.scalars.products import crosses, generalised_cross, inner, minors
from hotpapers.papers.scalars.schema import act

FAMILIES = ("O({d})", "SO({d})", "E({d})", "SE({d})", "O(1,{s})", "SO(1,{s})", "Poincare(1,{s})", "SPoincare(1,{s})")
dimensions = st.integers(2, 6)


def model_and_rows(text, name, permute="", count=20, **settings):
    torch.manual_seed(0)
    model = ScalarNet(text, name, permute, width=12, depth=1, **settings).double()
    d = model.schema.group.dimension
    rows = {field.name: torch.randn(count, *field.shape(d), dtype=torch.float64) for field in model.schema.fields}
    model.calibrate(rows)
    return model, rows


@pytest.mark.parametrize("d", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=2, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), vectors=st.integers(1, 4))
def test_every_group_moves_the_outputs_with_the_inputs(family, d, seed, vectors):
    name = family.format(d=d, s=d - 1)
    kind = "position" if group(name).translations else "vector"
    text = f"s: 2 scalar, v: {vectors} {kind}, w: vector -> f: scalar, h: 2 vector, T: tensor, y: {kind}"
    model, rows = model_and_rows(text, name)
    assert equivariance_error(model, model.schema, rows, rapidity=3.0, seed=seed) < 1e-10


@settings(max_examples=20, deadline=None, derandomize=True)
@given(family=st.sampled_from(("O({d})", "SO({d})", "O(1,{s})")), d=st.integers(2, 5), seed=st.integers(0, 10**6))
def test_pseudovectors_pseudoscalars_and_tensors_move_as_their_kinds_say(family, d, seed):
    text = "s: pseudoscalar, v: vector, w: pseudovector, A: tensor -> q: pseudoscalar, h: vector, u: pseudovector"
    model, rows = model_and_rows(text, family.format(d=d, s=d - 1))
    assert equivariance_error(model, model.schema, rows, rapidity=3.0, seed=seed) < 1e-10


@settings(max_examples=15, deadline=None, derandomize=True)
@given(family=st.sampled_from(("E({d})", "Poincare(1,{s})")), d=dimensions, seed=st.integers(0, 10**6))
def test_identical_particles_may_change_places_and_move(family, d, seed):
    text = "m: 4 scalar, r: 4 position, g: vector -> T: tensor, a: 4 vector, f: scalar, e: 4 scalar, h: vector"
    model, rows = model_and_rows(text, family.format(d=d, s=d - 1), permute="m, r")
    assert equivariance_error(model, model.schema, rows, rapidity=3.0, seed=seed) < 1e-10
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    found, wanted = model({k: v[:, order] if k in "mr" else v for k, v in rows.items()}), model(rows)
    for name in wanted:
        expected = wanted[name][:, order] if name in "ae" else wanted[name]
        torch.testing.assert_close(found[name], expected, atol=1e-11, rtol=1e-11)


def test_a_particle_that_is_masked_out_says_nothing():
    model, rows = model_and_rows("m: 4 scalar, r: 4 position -> T: tensor, f: scalar", "E(3)", permute="m, r")
    rows["mask"] = torch.tensor([True, True, True, False]).expand(20, 4)
    wanted = model(rows)
    rows["r"] = torch.cat([rows["r"][:, :3], 100 * torch.randn(20, 1, 3)], 1)
    rows["m"] = torch.cat([rows["m"][:, :3], 100 * torch.randn(20, 1)], 1)
    for name, value in model(rows).items():
        torch.testing.assert_close(value, wanted[name], atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("features", ["gram", "norms", "cosines", "root", "rbf"])
@pytest.mark.parametrize("economy", [False, True])
def test_every_kind_of_features_is_invariant(features, economy):
    text = "v: 5 vector -> f: scalar, h: vector"
    model, rows = model_and_rows(text, "O(3)", features=features, economy=economy)
    assert equivariance_error(model, model.schema, rows) < 1e-10


def test_the_measure_sees_a_model_that_keeps_no_symmetry():
    model, rows = model_and_rows("v: 2 vector -> h: vector", "O(3)")
    assert equivariance_error(lambda r: {"h": r["v"][:, 0].abs()}, model.schema, rows) > 0.1
    assert equivariance_error(lambda r: {"h": r["v"][:, 0] + 1}, model.schema, rows) > 0.1


@settings(max_examples=20, deadline=None, derandomize=True)
@given(family=st.sampled_from(FAMILIES), d=dimensions, seed=st.integers(0, 10**6))
def test_group_elements_keep_the_metric_and_proper_ones_the_orientation(family, d, seed):
    G = group(family.format(d=d, s=d - 1))
    element = G.sample(10, torch.Generator().manual_seed(seed), rapidity=3.0)
    eta = torch.diag(torch.tensor(G.metric, dtype=torch.float64))
    torch.testing.assert_close(element.A.mT @ eta @ element.A, eta.expand(10, -1, -1), atol=1e-10, rtol=0)
    torch.testing.assert_close(torch.linalg.det(element.A), element.parity, atol=1e-9, rtol=0)
    assert G.reflections or bool((element.parity == 1).all())
    assert G.translations == bool(element.shift.any())


@settings(max_examples=20, deadline=None, derandomize=True)
@given(d=dimensions, lorentzian=st.booleans(), seed=st.integers(0, 10**6))
def test_a_generalised_cross_product_gives_the_determinant_with_any_vector(d, lorentzian, seed):
    generator = torch.Generator().manual_seed(seed)
    v, u = (torch.randn(4, n, d, generator=generator, dtype=torch.float64) for n in (d - 1, 1))
    eta = torch.tensor([1.0] + [-1.0 if lorentzian else 1.0] * (d - 1), dtype=torch.float64)
    found = inner(generalised_cross(v, eta)[:, None], u, eta)[:, 0, 0]
    torch.testing.assert_close(found, torch.linalg.det(torch.cat([v, u], 1)), atol=1e-10, rtol=1e-10)


def test_there_are_as_many_minors_and_crosses_as_choices():
    v, eta = torch.randn(2, 5, 3), torch.ones(3)
    assert minors(v).shape == (2, math.comb(5, 3))
    assert crosses(v, eta).shape == (2, math.comb(5, 2), 3)
    assert minors(v[:, :2]).shape == (2, 0)


def test_a_null_vector_and_no_vector_have_the_same_scalars_and_boosts_join_them():
    v, eta = torch.tensor([[1.0, 1.0, 0.0, 0.0]], dtype=torch.float64), torch.tensor([1.0, -1, -1, -1]).double()
    assert inner(v, v, eta).item() == 0
    phi = 20.0
    boost = torch.eye(4, dtype=torch.float64)
    boost[:2, :2] = torch.tensor([[math.cosh(phi), -math.sinh(phi)], [-math.sinh(phi), math.cosh(phi)]])
    assert (v @ boost.T).abs().max() < 1e-7


@pytest.mark.parametrize("name", ["O(3,1)", "O(0)", "O(1)", "GL(3)", "E(1,3)", "Lorentz(3)", "", "O(3", "SO(999)"])
def test_what_is_no_group_is_refused(name):
    with pytest.raises(ValueError, match="there is no group"):
        group(name)


def test_a_field_is_moved_as_its_kind_says():
    model, rows = model_and_rows("x: position, w: pseudovector, T: tensor -> y: position", "E(3)")
    element = model.schema.group.sample(20, torch.Generator().manual_seed(1))
    x, w, T = (act(element, field, rows[field.name]) for field in model.schema.inputs)
    A = element.A
    torch.testing.assert_close(x, (A @ rows["x"][..., None])[..., 0] + element.shift)
    torch.testing.assert_close(w, torch.linalg.det(A)[:, None] * (A @ rows["w"][..., None])[..., 0])
    torch.testing.assert_close(T, A @ rows["T"] @ A.mT)
