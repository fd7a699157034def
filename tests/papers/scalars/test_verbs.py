"""The verbs on tables: what they write, and what they refuse in one line."""

import numpy as np
import pytest
import torch

from hotpapers.errors import BadInput
from hotpapers.papers.scalars.check import check
from hotpapers.papers.scalars.dynamics import dynamics
from hotpapers.papers.scalars.examples import example
from hotpapers.papers.scalars.groups import group
from hotpapers.papers.scalars.law import law
from hotpapers.papers.scalars.pendulum import energy, hamiltonian_field, initial_states, rollout
from hotpapers.papers.scalars.predict import features, predict
from hotpapers.papers.scalars.schema import schema
from hotpapers.papers.scalars.tables import read_table, write_table
from hotpapers.papers.scalars.train import fit

INERTIA = "m: 5 scalar, r: 5 vector -> I: tensor"
SIMPLE = "v: vector -> f: scalar"


@pytest.fixture
def inertia(tmp_path):
    return example(name="inertia", rows=200, out=tmp_path / "inertia.csv").files["table"]


def test_the_law_of_inertia_is_read_off_a_table(inertia):
    found = law(inertia, schema=INERTIA, permute="m, r").numbers
    assert found["I"] == "I = -1 Σᵢ mᵢ rᵢrᵢᵀ + 1 Σᵢ mᵢ ⟨rᵢ,rᵢ⟩ 1"
    assert found["relative error of I"] < 1e-12


def test_a_fitted_model_predicts_and_keeps_its_symmetry(inertia, tmp_path):
    outcome = fit(inertia, schema=INERTIA, permute="m, r", width=24, steps=200, batch=64, device="cpu")
    assert outcome.numbers["relative error of I"] < 0.3  # answering 0 has 1
    assert outcome.numbers["largest equivariance error"] < 1e-12
    model = outcome.files["model"]
    assert check(model, elements=50).numbers["largest error, double precision"] < 1e-10
    out = predict(model, inertia, out=tmp_path / "found.npz").files["predictions"]
    declared = schema(INERTIA, group("O(3)"))
    truth = read_table(inertia, declared.outputs, declared.group)["I"]
    assert np.load(out)["I"].shape == truth.shape
    assert (torch.from_numpy(np.load(out)["I"]) - truth).square().mean() < 0.1 * truth.square().mean()


def test_features_are_the_same_for_a_turned_table(tmp_path):
    declared = schema("r: 3 position -> f: scalar", group("SE(3)"))
    rows = {"r": torch.randn(20, 3, 3, dtype=torch.float64), "f": torch.zeros(20, dtype=torch.float64)}
    turned = declared.act(declared.group.sample(20, torch.Generator().manual_seed(0)), rows)
    for name, table in (("a", rows), ("b", turned)):
        write_table(tmp_path / f"{name}.csv", table, declared.fields, declared.group)
        features(tmp_path / f"{name}.csv", schema="r: 3 position", group="SE(3)")
    a, b = (np.loadtxt(tmp_path / f"{name}-scalars.csv", delimiter=",", skiprows=1, usecols=range(6)) for name in "ab")
    np.testing.assert_allclose(a, b, atol=1e-12)


def test_a_table_comes_back_as_it_was_written(tmp_path):
    declared = schema("p: 2 vector, F: tensor -> f: scalar", group("O(1,3)"))
    rows = {f.name: torch.randn(5, *f.shape(4), dtype=torch.float64) for f in declared.fields}
    for name in ("t.csv", "t.npz"):
        write_table(tmp_path / name, rows, declared.fields, declared.group)
        back = read_table(tmp_path / name, declared.fields, declared.group)
        assert all(torch.equal(back[key], rows[key]) for key in rows)


def test_motion_is_learned_from_trajectories_and_its_energy_kept(tmp_path):
    table = example(name="pendulum", rows=20, out=tmp_path / "pendulum.csv").files["table"]
    found = dynamics(table, steps=25, points=5, out=tmp_path / "motion", device="cpu")
    assert found.numbers["rollout error"] < 0.2
    assert found.numbers["drift of the learned energy"] < 0.05
    assert found.files["rollouts"].is_file()


def test_the_pendulum_keeps_its_energy_and_its_momentum_about_gravity():
    z = rollout(hamiltonian_field(energy), initial_states(5, torch.Generator().manual_seed(0)), 10, substeps=16)
    energies = energy(z)
    torch.testing.assert_close(energies, energies[:, :1].expand_as(energies), atol=1e-6, rtol=0)
    q, p = z.unflatten(-1, (2, 2, 3)).unbind(2)
    about = torch.linalg.cross(q, p).sum(2)[..., 2]
    torch.testing.assert_close(about, about[:, :1].expand_as(about), atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    "content",
    [b"", b"v_x,v_y,v_z,f\n", b"1,2,3,4\n" * 20, b"v_x,v_y,v_z,f\n" + b"1,2,3,nan\n" * 20, b"\xff\xfe\x00",
     b"v_x,v_y,v_z,f\n" + b"1,2,3,4\n" * 3, b"v_x,v_y,v_z,f\n" + b"1,2,3,4\n" * 20 + b"1,2", b"v_x,f\n" + b"1,2\n" * 20,
     b"v_x,v_y,v_z,v_z\n" + b"1,2,3,4\n" * 20, b"v_x,v_y,v_z,f\n" + b"a,b,c,d\n" * 20],
)  # fmt: skip
@pytest.mark.parametrize("name", ["bad.csv", "bad.npz"])
def test_a_bad_table_is_refused_by_name_and_nothing_is_written(tmp_path, content, name):
    table = tmp_path / name
    table.write_bytes(content)
    for verb in (law, fit):
        with pytest.raises(BadInput, match=r"bad\."):
            verb(table, schema=SIMPLE)
    with pytest.raises(BadInput, match=r"bad\."):
        dynamics(table)
    assert list(tmp_path.iterdir()) == [table]


def test_trajectories_of_unequal_columns_are_refused(tmp_path):
    names = [f"{kind}{k}_{axis}" for kind in "qp" for k in (1, 2) for axis in "xyz"]
    columns = {name: np.zeros(50) for name in ("trajectory", "t", *names)}
    for wrong in (np.zeros(49), np.zeros((50, 2))):
        np.savez(tmp_path / "bad.npz", **columns | {"p2_z": wrong})
        with pytest.raises(BadInput, match=r"bad\.npz has 'p2_z' of shape"):
            dynamics(tmp_path / "bad.npz")


def test_a_remark_in_a_table_is_no_end_of_a_row(tmp_path):
    (tmp_path / "bad.csv").write_text("v_x,v_y,v_z,f\n" + "1,2,3,4\n" * 20 + "1,2,3,4#5\n")
    with pytest.raises(BadInput, match="not a table of numbers"):
        law(tmp_path / "bad.csv", schema=SIMPLE)


@pytest.mark.parametrize("settings", [{"group": "U(3)"}, {"width": 0}, {"steps": 0}, {"permute": "q"}, {"schema": "v"}])
def test_bad_settings_are_refused_in_one_line(inertia, settings):
    with pytest.raises(BadInput) as told:
        fit(inertia, **({"schema": INERTIA} | settings))
    assert "\n" not in str(told.value)
