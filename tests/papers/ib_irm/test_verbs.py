"""The verbs on tables: what they learn, how they go on, and what they refuse."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hotpapers.cli import main
from hotpapers.errors import BadInput
from hotpapers.papers.ib_irm.coloured import make_cmnist
from hotpapers.papers.ib_irm.diagnose import examine
from hotpapers.papers.ib_irm.domainbed import read_images, terra_incognita
from hotpapers.papers.ib_irm.estimators import InvariantClassifier, InvariantRegressor
from hotpapers.papers.ib_irm.examples import sample
from hotpapers.papers.ib_irm.search import METHODS, Settings, fit, learn, prepare
from hotpapers.papers.ib_irm.select_models import select
from hotpapers.papers.ib_irm.table import unit_tests
from hotpapers.papers.ib_irm.tables import Table, cows_and_camels, read_table, split
from hotpapers.papers.ib_irm.train import evaluate, load, train


def table(example="1", rows=300, environments=3):
    x, y = sample(example, 1, environments, rows).train
    classes = [] if example[0] == "1" else ["no", "yes"]
    env = torch.arange(environments).repeat_interleave(rows)
    names = [f"e{k}" for k in range(environments)]
    return Table(x.flatten(0, 1), y.flatten(), env, [f"x{k}" for k in range(10)], "y", "env", classes, names)


def write_csv(path: Path, data: Table) -> Path:
    lines = [",".join([*data.columns, "y", "env"])]
    for row, y, e in zip(data.x.tolist(), data.y.tolist(), data.env.tolist(), strict=True):
        lines.append(",".join([*(f"{each:.6g}" for each in row), data.classes[int(y)] if data.classes else f"{y:.6g}"]))
        lines[-1] += f",{data.environments[e]}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_model_predicts_what_evaluate_reports_and_goes_on_after_saving(tmp_path):
    data = write_csv(tmp_path / "data.csv", table())
    done = train(data, test_env="e2", steps=50, out=tmp_path / "model")
    assert done.files["model"] == tmp_path / "model"
    told = evaluate(tmp_path / "model", data).numbers
    read = read_table(data, "y", "env")
    with torch.no_grad():
        wrong = (load(tmp_path / "model")(read.x)[0, :, 0] - read.y).square()
    assert told["mean square error, test environments, worst"] == pytest.approx(
        float(wrong[read.env == 2].mean()), rel=1e-4
    )


def test_the_closed_forms_and_autograd_fit_the_same_linear_model():
    data = table("2", 60)
    rows = [Settings(method) for method in ("ib-irm", "ib-irm")]
    quick = fit(data, rows, (), 30, 0, "")
    torch.manual_seed(0)
    slow = type(quick)(10, 1, (), 2)
    objective, adam = prepare(data, slow, rows)
    learn(slow, objective, adam, data, range(30))
    for ours, theirs in zip(quick.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_selection_is_reported_side_by_side_and_the_model_has_both_choices(tmp_path):
    data = write_csv(tmp_path / "data.csv", table("3", 60, 4))
    done = select(data, draws=2, steps=20, leave_one_out=True, out=tmp_path / "best")
    header = (tmp_path / "best" / "selection.csv").read_text().splitlines()[0]
    assert all(name in header for name in ("train-domain mean", "leave-one-out mean", "test-domain mean"))
    for method in METHODS:
        by_train, _, by_test = (
            float(each)
            for each in done.numbers[f"{method}: test error by train-domain / leave-one-out / test-domain"].split("/")
        )
        assert by_test <= by_train
    assert load(tmp_path / "best").choices == ["train-domain", "test-domain"]
    assert any(name.endswith("worst, test-domain") for name in evaluate(tmp_path / "best", data).numbers)


@pytest.mark.parametrize(("example", "environments", "word"), [("1", 3, "PIIF"), ("2", 3, "FIIF"), ("3", 6, "PIIF")])
def test_the_diagnosis_names_the_spurious_block_and_the_kind_of_features(example, environments, word):
    found = examine(table(example, 1000, environments))
    assert found.hint.startswith(word)
    assert not found.suspects[:5].any()
    assert found.suspects[5:].sum() >= 3


def test_estimators_work_within_scikit_learn_and_know_three_classes():
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV

    dice = np.random.default_rng(0)
    x = dice.normal(size=(120, 3))
    label = np.array(["a", "b", "c"])[x.argmax(1)]
    env = np.array(["one", "two"])[dice.integers(0, 2, 120)]
    model = clone(InvariantClassifier("irm", irm=1.0, steps=300)).fit(x, label, environments=env)
    assert model.score(x, label) > 0.9
    assert model.predict_proba(x).sum(1) == pytest.approx(1, abs=1e-5)
    search = GridSearchCV(InvariantRegressor("erm", steps=200), {"weight_decay": [0.0, 1.0]}, cv=2)
    assert search.fit(x, 3 * x[:, 0] + 5).best_params_ == {"weight_decay": 0.0}
    assert search.score(x, 3 * x[:, 0] + 5) > 0.99


def test_cows_and_camels_need_the_bottleneck_on_raw_columns():
    data = cows_and_camels()
    inside, test = data.among(data.environments[:3]), data.among(["test"])
    rows = [Settings("erm", learning_rate=1e-3), Settings("ib-erm", ib=1.0, learning_rate=5e-3)]
    with torch.no_grad():
        outputs = fit(inside, rows, (), 6000, 0, "")(test.x)[0][..., 0]
    wrong = ((outputs > 0) != (test.y > 0.5)).float().mean(1)
    assert wrong[0] > 0.3 > 0.05 > wrong[1]


def test_coloured_digits_train_as_an_archive(tmp_path):
    digits = tmp_path / "digits.npz"
    dice = np.random.default_rng(0)
    np.savez(digits, x=dice.integers(0, 256, (120, 8, 8), dtype=np.uint8), y=np.arange(120) % 10)
    made = make_cmnist(digits, rows=120, size=8, out=tmp_path / "c.npz")
    assert Image.open(made.files["picture"]).size[0] > 300
    told = train(tmp_path / "c.npz", method="irm", test_env="test", hidden="4", steps=3, out=tmp_path / "m").numbers
    assert "error, test environment, test" in told


def test_images_are_read_in_domainbeds_layout(tmp_path):
    for place in ("location_38", "location_43", "location_46", "location_100"):
        for kind, grey in (("bird", 0), ("cat", 255)):
            (tmp_path / "terra_incognita" / place / kind).mkdir(parents=True)
            Image.new("RGB", (20, 30), (grey,) * 3).save(tmp_path / "terra_incognita" / place / kind / "1.png")
    found = terra_incognita(tmp_path, size=8)
    assert found.x.shape == (8, 3, 8, 8)
    assert found.x.mean((1, 2, 3)).tolist() == found.y.float().tolist()
    assert found.environments[3] == "location_100"
    with pytest.raises(BadInput, match="two folders"):
        read_images(tmp_path)


def test_unit_tests_go_on_where_they_were_stopped(tmp_path):
    settings = {"example": "1", "rows": 20, "data_sets": 1, "draws": 2, "steps": 5, "out": tmp_path}
    unit_tests(method="erm", **settings)
    kept = json.loads((tmp_path / "errors.json").read_text())
    kept["cells"]["1 3 erm"]["train_domain"] = [7.0]
    (tmp_path / "errors.json").write_text(json.dumps(kept))
    assert unit_tests(method="erm", **settings).numbers["example 1, erm"].startswith("7.00")
    assert not unit_tests(method="erm", **settings | {"steps": 6}).numbers["example 1, erm"].startswith("7.00")


def test_an_environment_may_have_a_comma_in_its_name(tmp_path):
    data = dataclasses.replace(table("2", 40), environments=["Bonn, D", "Bern, CH", "Graz, A"])
    path = tmp_path / "data.csv"
    lines = write_csv(path, dataclasses.replace(data, environments=["b", "c", "g"])).read_text()
    for short, name in zip("bcg", data.environments, strict=True):
        lines = lines.replace(f",{short}\n", f',"{name}"\n')
    path.write_text(lines)
    assert select(path, draws=1, steps=2, out=tmp_path / "selected").numbers["best by train-domain"] in METHODS
    told = train(path, test_env="Bern, CH", steps=2, out=tmp_path / "model").numbers
    assert "error, test environment, Bern, CH" in told


def test_settings_that_ask_for_more_weights_than_there_are_take_no_memory(tmp_path):
    data = write_csv(tmp_path / "data.csv", table("2", 40))
    train(data, test_env="e2", steps=1, out=tmp_path / "model")
    settings = json.loads((tmp_path / "model/config.json").read_text())
    (tmp_path / "model/config.json").write_text(json.dumps(settings | {"hidden": [10**12]}))
    with pytest.raises(BadInput, match="damaged"):
        load(tmp_path / "model")


def test_a_models_answer_is_all_that_is_printed(tmp_path, capsys):
    data = write_csv(tmp_path / "data.csv", table("2", 40))
    train(data, test_env="e2", steps=1, out=tmp_path / "model")
    capsys.readouterr()
    assert main(["ib-irm", "evaluate", str(tmp_path / "model"), str(data), "--json", "--quiet"]) == 0
    assert "numbers" in json.loads(capsys.readouterr().out)


def test_a_split_keeps_rows_of_every_environment():
    learnt, held = split(table(rows=30))
    assert torch.bincount(held.env).tolist() == [6, 6, 6]
    assert len(learnt.y) == 72


BAD = {
    "empty.csv": b"",
    "header.csv": b"a,y,env\n",
    "short.csv": b"a,y,env\n1,2,e\n1,2\n",
    "nan.csv": b"a,y,env\n1,2,e\nnan,2,f\n1,0,f\n",
    "words.csv": b"a,y,env\n1,2,e\nred,2,f\n1,0,f\n",
    "latin.csv": "a,y,env\n1,é,e\n".encode("latin-1"),
    "target.csv": b"a,z,env\n1,2,e\n1,2,f\n",
    "one.csv": b"a,y,env\n1,2,e\n1,0,e\n1,2,e\n",
    "twice.csv": b"a,a,y,env\n1,1,2,e\n1,1,0,e\n",
    "bytes.csv": b"a,y,env\n\0\0\n1,2,3\n",
    "not.npz": b"PK nothing",
    "missing.csv": None,
}


@pytest.mark.parametrize("verb", ["train", "select", "diagnose"])
@pytest.mark.parametrize("name", BAD)
def test_a_table_that_cannot_be_used_is_one_line_and_leaves_nothing(verb, name, tmp_path, capsys):
    if BAD[name] is not None:
        (tmp_path / name).write_bytes(BAD[name])
    before = sorted(tmp_path.rglob("*"))
    assert main(["ib-irm", verb, str(tmp_path / name)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--hidden", "x"],
        ["train", "--irm", "-1"],
        ["train", "--steps", "0"],
        ["train", "--test-env", "nowhere"],
        ["select", "--draws", "0"],
        ["unit-tests", "--rows", "3"],
        ["unit-tests", "--environments", "2"],
        ["evaluate", "."],
        ["make-cmnist", "--rows", "1"],
    ],
)
def test_a_setting_that_cannot_be_is_one_line(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["ib-irm", *arguments]) == 2
    assert capsys.readouterr().err.strip().count("\n") == 0
    assert not list(tmp_path.iterdir())
