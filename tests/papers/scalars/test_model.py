"""Parity with the authors' networks, the laws that are exact, and what cannot be learned."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.papers.scalars.groups import group
from hotpapers.papers.scalars.linear import LinearModel
from hotpapers.papers.scalars.model import ScalarNet
from hotpapers.papers.scalars.networks import MLP
from hotpapers.papers.scalars.products import inner, upper
from hotpapers.papers.scalars.published import Plain, Twelve
from hotpapers.papers.scalars.reconstruct import complete, few_scalars, how_many, vectors_from_gram
from hotpapers.papers.scalars.schema import schema
from hotpapers.papers.scalars.tasks import CROSS_FLOOR, DETERMINANT_FLOOR, TASKS, scattering_label
from hotpapers.papers.scalars.units import read_units

GOLDEN = {k: torch.from_numpy(v) for k, v in np.load(Path(__file__).parent / "golden" / "networks.npz").items()}

INERTIA = "I = 1 Σᵢ mᵢ ⟨rᵢ,rᵢ⟩ 1 - 1 Σᵢ mᵢ rᵢrᵢᵀ"


def golden_weights(prefix, into):
    mine = {name.removeprefix(f"{prefix}."): value for name, value in GOLDEN.items() if name.startswith(f"{prefix}.")}
    return {into + name: value for name, value in mine.items() if name.endswith((".weight", ".bias"))}


@pytest.mark.parametrize(("name", "metric"), [("norms", [1] * 5), ("scattering", [1, -1, -1, -1])])
def test_equal_weights_give_the_authors_invariants_and_outputs(name, metric):
    v = GOLDEN[f"{name}.v"]
    a, b = upper(v.shape[1])
    scalars = inner(v, v, torch.tensor(metric, dtype=v.dtype))[:, a, b]
    torch.testing.assert_close(scalars, GOLDEN[f"{name}.s"], atol=1e-6, rtol=1e-6)
    net = MLP(scalars.shape[1], 1, 12, 5)
    net.load_state_dict({k.removeprefix("mlp."): w for k, w in golden_weights(name, "").items()})
    torch.testing.assert_close(net(scalars), GOLDEN[f"{name}.y"], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "network", "into"), [("twelve", Twelve, "nets."), ("plain", Plain, "")])
def test_equal_weights_give_the_authors_inertia(name, network, into):
    net = network(12)
    net.load_state_dict({k.replace(".mlp.", "."): w for k, w in golden_weights(name, into).items()})
    torch.testing.assert_close(net(GOLDEN["m"], GOLDEN["r"]), GOLDEN[f"{name}.y"], atol=1e-5, rtol=0)


def test_the_published_permutation_network_is_not_permutation_invariant_and_ours_is():
    torch.manual_seed(0)
    rows, order = TASKS["inertia"].sample(50, 0), torch.tensor([1, 0, 2, 3, 4])
    theirs, task = Twelve(20), TASKS["inertia"]
    ours = ScalarNet(task.schema, task.group, task.permute, width=16)
    turned = {"m": rows["m"][:, order], "r": rows["r"][:, order]}
    assert (theirs(**turned) - theirs(rows["m"], rows["r"])).abs().max() > 1e-3
    torch.testing.assert_close(ours(turned)["I"], ours(rows)["I"], atol=1e-5, rtol=1e-5)


def test_the_scattering_label_is_the_published_contraction():
    p = torch.randn(100, 4, 4, dtype=torch.float64) / 4
    eta = torch.diag(torch.tensor([1.0, -1, -1, -1], dtype=torch.float64))
    p1, p2, p3, p4 = p.unbind(1)

    def dot(a, b):
        return ((a @ eta) * b).sum(-1)

    electron = p1[:, :, None] * p3[:, None] - (dot(p1, p3) - dot(p1, p1))[:, None, None] * eta
    muon = (p2 @ eta)[:, :, None] * (p4 @ eta)[:, None] - (dot(p2, p4) - dot(p2, p2))[:, None, None] * eta
    torch.testing.assert_close(scattering_label(p), 4 * (electron * muon).sum((1, 2)))


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("inertia", INERTIA),
        ("cross", "w = 1 ×(v1,v2)"),
        ("determinant", "f = 1 det(v1,v2,v3)"),
    ],
)
def test_the_law_is_read_off_a_table(name, law):
    task = TASKS[name]
    model = LinearModel(schema(task.schema, group(task.group)), task.permute)
    found = model.sparse_fit(task.sample(300, 0, torch.float64)).laws()
    (only,) = found.values()
    assert sorted(only.split()) == sorted(law.split())


@pytest.mark.parametrize("name", ["inertia", "scattering"])
def test_the_tasks_laws_are_exact_from_300_rows(name):
    task = TASKS[name]
    model = LinearModel(schema(task.schema, group(task.group)), task.permute).fit(task.sample(300, 1, torch.float64))
    test, label = task.sample(500, 2, torch.float64), model.schema.outputs[0].name
    assert (model.predict(test)[label] - test[label]).square().mean() < 1e-20


def test_newtons_law_is_read_off_jpls_places_of_the_planets():
    rows = np.loadtxt(Path(__file__).parent / "golden" / "planets.csv", delimiter=",", skiprows=1)
    r, a = torch.from_numpy(rows).split(3, 1)
    model = LinearModel(schema("r: vector -> a: vector", group("O(3)")), degree=3, inverse=True)
    assert model.sparse_fit({"r": r, "a": a}).laws(5) == {"a": "a = -0.00029591 1/|r|³ r"}


def test_units_leave_the_terms_that_may_stand_in_a_law():
    declared = schema("m: 5 scalar, r: 5 vector -> I: tensor", group("O(3)"))
    units = read_units("m: kg, r: m, I: kg m2", declared)
    assert units == {"m": {"kg": 1}, "r": {"m": 1}, "I": {"kg": 1, "m": 2}}
    rows = TASKS["inertia"].sample(20, 0, torch.float64)
    for scale in (1.0, 100.0):  # metres, centimetres: the same law
        turned = {"m": rows["m"], "r": scale * rows["r"], "I": scale**2 * rows["I"]}
        (law,) = LinearModel(declared, "m, r", units=units).fit(turned).laws(3).values()
        assert sorted(law.split()) == sorted(INERTIA.split())


@pytest.mark.parametrize(
    ("text", "found"),
    [("f: kg m/s2", {"kg": 1, "m": 1, "s": -2}), ("f: m^2 s^-1", {"m": 2, "s": -1}), ("f: 1/s", {"s": -1})],
)
def test_units_are_read_as_they_are_written(text, found):
    assert read_units(text, schema("v: vector -> f: scalar", group("O(3)"))) == {"f": found}


@pytest.mark.parametrize("text", ["q: m", "f m", "f: m!", "f: m/s/s"])
def test_units_that_make_no_sense_are_refused(text):
    with pytest.raises(ValueError, match="cannot read"):
        read_units(text, schema("v: vector -> f: scalar", group("O(3)")))


def test_the_law_of_a_tensor_acting_on_a_vector_is_found_under_a_lorentz_group():
    declared = schema("F: tensor, u: vector -> f: vector", group("O(1,3)"))
    F, u = torch.randn(200, 4, 4, dtype=torch.float64), torch.randn(200, 4, dtype=torch.float64)
    force = 2 * torch.einsum("bij,j,bj->bi", F, torch.tensor([1.0, -1, -1, -1]).double(), u)
    model = LinearModel(declared, degree=1).sparse_fit({"F": F, "u": u, "f": force})
    assert model.laws() == {"f": "f = 2 F·u"}


def test_no_function_of_o3_scalars_comes_near_a_cross_product_or_a_determinant():
    for name, floor in (("cross", CROSS_FLOOR), ("determinant", DETERMINANT_FLOOR)):
        task = TASKS[name]
        rows, test = task.sample(2000, 0, torch.float64), task.sample(2000, 1, torch.float64)
        model = LinearModel(schema(task.schema, group("O(3)")), degree=2).fit(rows)
        label = model.schema.outputs[0].name
        assert (model.predict(test)[label] - test[label]).square().mean() > 0.8 * floor


@settings(max_examples=30, deadline=None, derandomize=True)
@given(d=st.integers(2, 6), more=st.integers(1, 8), lorentzian=st.booleans(), seed=st.integers(0, 10**6))
def test_a_few_scalars_give_all_and_the_vectors_up_to_the_group(d, more, lorentzian, seed):
    generator = torch.Generator().manual_seed(seed)
    v = torch.randn(1, d + more, d, generator=generator, dtype=torch.float64)
    eta = torch.tensor([1.0] + [-1.0 if lorentzian else 1.0] * (d - 1), dtype=torch.float64)
    gram, W = inner(v, v, eta), inner(v[:, :d], v[:, :d], eta)
    tolerance = 1e-12 * float(torch.linalg.cond(W)) * float(gram.abs().max())
    torch.testing.assert_close(complete(few_scalars(v, eta)), gram, atol=tolerance, rtol=0)
    rebuilt = vectors_from_gram(gram, eta)
    torch.testing.assert_close(inner(rebuilt, rebuilt, eta), gram, atol=tolerance, rtol=0)
    A = torch.linalg.solve(v[:, :d], rebuilt[:, :d]).mT  # the element of the group that joins them
    torch.testing.assert_close(v @ A.mT, rebuilt, atol=1e-6 * float(torch.linalg.cond(v[:, :d])), rtol=1e-5)


def test_a_gram_matrix_has_rank_d_and_n_d_numbers():
    v = torch.randn(9, 3, dtype=torch.float64)
    assert torch.linalg.matrix_rank(v @ v.T) == 3
    assert how_many(9, 3) == (45, 24)
    assert ScalarNet("v: 9 vector -> f: scalar", "O(3)").core.odd.shape == (45,)
    assert ScalarNet("v: 9 vector -> f: scalar", "O(3)", economy=True).core.odd.shape == (24,)


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [("x: 2 vector", "O(5)", 3), ("r: 5 vector", "O(3)", 15), ("p: 4 vector", "O(1,3)", 10)],
)
def test_there_are_n_n_plus_1_over_2_scalars(text, name, count):
    assert ScalarNet(f"{text} -> f: scalar", name).core.odd.shape == (count,)


def test_the_tasks_labels_have_the_variances_of_the_papers():
    variances = {name: TASKS[name].sample(100_000, 3)[label] for name, label in (("norms", "f"), ("scattering", "M"))}
    assert variances["norms"].var() == pytest.approx(39.8, rel=0.1)
    assert variances["scattering"].var() == pytest.approx(0.72, rel=0.1)


def test_a_saved_model_comes_back_bit_for_bit(tmp_path):
    task = TASKS["inertia"]
    model, rows = ScalarNet(task.schema, task.group, task.permute, width=8), task.sample(5, 0)
    model.calibrate(rows)
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(ScalarNet.from_pretrained(tmp_path)(rows)["I"], model(rows)["I"], atol=0, rtol=0)


def test_the_gradient_at_the_origin_is_finite():
    model = ScalarNet("v: 2 vector -> f: scalar", "O(3)", width=8, features="cosines")
    v = torch.zeros(3, 2, 3, requires_grad=True)
    model({"v": v})["f"].sum().backward()
    assert v.grad.isfinite().all()


@pytest.mark.parametrize(
    ("text", "name", "settings", "words"),
    [
        ("v vector -> f: scalar", "O(3)", {}, "cannot read"),
        ("v: vector", "O(3)", {}, "no '->'"),
        ("v: vector[4] -> f: scalar", "O(3)", {}, "4 dimensions"),
        ("v: position -> f: scalar", "O(3)", {}, "no translations"),
        ("v: vector -> y: position", "E(3)", {}, "no input is one"),
        ("v: vector, v: scalar -> f: scalar", "O(3)", {}, "twice"),
        ("v: 400 vector -> f: scalar", "O(3)", {}, "invariants"),
        ("v: 3 vector -> f: scalar", "O(1,3)", {"features": "cosines"}, "negative square"),
        ("v: 3 vector -> f: scalar", "SO(3)", {"permute": "v"}, "reflections"),
        ("v: 3 vector, m: 2 scalar -> f: scalar", "O(3)", {"permute": "v, m"}, "same number"),
        ("v: 3 vector -> f: scalar", "O(3)", {"permute": "w"}, "no input"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(text, name, settings, words):
    with pytest.raises(ValueError, match=words):
        ScalarNet(text, name, **settings)
