"""The verbs do their job on the examples that their forms open with, and refuse what they cannot use in one line."""

import base64
import csv
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from hotpapers.cli import main
from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human.compare import compare
from hotpapers.papers.model_vs_human.distort import distort
from hotpapers.papers.model_vs_human.evaluate import evaluate, find_stimuli, run_classifier
from hotpapers.papers.model_vs_human.map_answers import map_answers
from hotpapers.papers.model_vs_human.rank import rank
from hotpapers.papers.model_vs_human.report import report
from hotpapers.papers.model_vs_human.score import score
from hotpapers.papers.model_vs_human.trials import Trials, read_trials, write_trials


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_measure_of_a_score_lies_in_its_interval(examples, tmp_path):
    outcome = score(examples / "trials.zip", resamples=200, out=tmp_path / "scores.csv")
    found = rows(outcome.files["scores"])
    measures = {row["measure"] for row in found}
    assert {"OOD accuracy", "error consistency", "shape bias", "entropy (bits)", "share of the ceiling"} <= measures
    for row in found:
        if row["low"] and row["measure"] in ("OOD accuracy", "observed consistency", "shape bias"):
            assert float(row["low"]) - 1e-6 <= float(row["value"]) <= float(row["high"]) + 1e-6
    confusion = [
        row for row in rows(outcome.files["confusion"]) if (row["observer"], row["dataset"]) == ("humans", "edge")
    ]
    assert sum(int(row["dog"]) for row in confusion) == 4 * 20  # four people, 320 images of 16 categories
    assert "ceiling" in outcome.note


def test_a_score_with_the_same_seed_is_the_same(examples, tmp_path):
    files = [
        score(examples / "trials.zip", resamples=100, seed=5, out=tmp_path / f"{k}.csv").files["scores"] for k in "ab"
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_most_human_like_model_ranks_first(examples, tmp_path):
    outcome = rank(examples / "trials.zip", resamples=200, out=tmp_path / "ranks.csv")
    first, *_, last = rows(outcome.files["ranks"])
    assert first["observer"] == "bigger-convnet"  # it was made so
    assert float(first["low"]) <= float(first["mean rank"]) <= float(first["high"])
    assert last["observer"] == "humans"
    assert last["mean rank"] == ""


def test_two_models_are_tested_against_each_other_and_against_people(examples, tmp_path):
    options = {"dataset": "edge", "one": "convnet", "two": "self-supervised", "permutations": 200}
    outcome = compare(examples / "trials.zip", out=tmp_path / "m.csv", **options)
    assert re.fullmatch(r"κ .* between the two \(p .*\); κ to people differs by .* \(p .*\)", outcome.numbers["edge"])
    table = rows(outcome.files["matrix"])
    assert [float(row[row["κ"]]) for row in table] == [1.0] * 7


def test_a_report_asks_nothing_of_the_network_and_escapes_what_the_trials_say(tmp_path):
    hostile = "</title><script>alert(1)</script>$x^2$<img src=x>"
    trials = [Trials("edge", [name] * 4, ["cat", "dog", "na", "cat"], ["cat"] * 4, ["0"] * 4, list("abcd"))
              for name in ("subject-01", "subject-02", hostile)]  # fmt: skip
    for number, each in enumerate(trials):
        write_trials(tmp_path / "t" / f"edge_{number}.csv", each)
    page = report(tmp_path / "t", title=hostile, resamples=100, out=tmp_path / "r.html").files["report"].read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<img ") == page.count('src="data:image/svg+xml;base64,') >= 8
    assert not re.search(r'(src|href)="(?!data:)', page)
    for coded in re.findall(r"base64,([^\"]+)", page):
        assert "<script" not in base64.b64decode(coded).decode()


def test_probabilities_are_mapped_and_scored_as_trials(examples, tmp_path):
    mapped = rows(map_answers(examples / "probabilities.csv", out=tmp_path / "m.csv").files["categories"])
    outcome = evaluate(examples / "images.zip", examples / "probabilities.csv", dataset="low-pass", out=tmp_path / "t")
    (trials,) = read_trials(outcome.files["trials"])
    assert dict(zip(trials.image, trials.answer, strict=True)) == {
        row["image"].partition(".")[0]: row["category"] for row in mapped
    }
    assert sorted(set(trials.condition)) == ["0", "10", "15", "3", "5"]
    assert set(trials.category) == {"cat"}
    assert outcome.numbers["images"] == 10


def test_any_function_is_a_classifier(tmp_path):
    for name in ("cat1-dog2.png", "dog1-cat2.png", "dog3-dog1.png"):
        Image.fromarray(np.full((32, 32, 3), 200 if name.startswith("cat") else 50, np.uint8)).save(tmp_path / name)
    stimuli = find_stimuli(tmp_path, dataset="cue-conflict")
    assert [each.category for each in stimuli] == ["cat", "dog", "dog"]
    bright = lambda images: np.where(images.mean((1, 2, 3))[:, None] > 0.5, np.eye(16)[7], np.eye(16)[10])  # noqa: E731
    trials = run_classifier(bright, stimuli, name="brightness", dataset="cue-conflict", size=32)
    assert trials.answer == ["cat", "dog", "dog"]
    assert trials.image == ["cat1-dog2", "dog1-cat2", "dog3-dog1"]  # as in the trials of people, so that they match


def test_every_level_is_written_and_the_same_seed_gives_the_same_images(examples, tmp_path):
    one, _ = (
        distort(examples / "chelsea.jpg", kind="phase-scrambling", size=64, seed=2, out=tmp_path / k) for k in "ab"
    )
    names = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.png"))
    assert [str(name) for name in names] == [f"{w}/chelsea.png" for w in ("0", "120", "150", "180", "30", "60", "90")]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert one.files["sheet"].is_file()
    other = distort(examples / "chelsea.jpg", kind="phase-scrambling", level=90, size=64, seed=3, out=tmp_path / "c")
    assert (tmp_path / "c" / "90" / "chelsea.png").read_bytes() != (tmp_path / "a" / "90" / "chelsea.png").read_bytes()
    assert other.numbers["written"] == 1


def test_names_in_an_archive_lead_nowhere_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as packed:
        for name in ("../../escaped.png", "/tmp/absolute.png", "cat/a.png", "cat/a.jpg"):
            Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "x.png")
            packed.write(tmp_path / "x.png", name)
    distort(tmp_path / "z.zip", kind="contrast", level=30, size=16, out=tmp_path / "out")
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png"))
    assert found == ["c30/cat/a-2.png", "c30/cat/a.png", "c30/escaped.png", "c30/tmp/absolute.png"]


BAD = {
    "empty.csv": b"", "binary.csv": bytes(range(256)), "nan.csv": b"image" + b",x" * 1000 + b"\na" + b",nan" * 1000,
    "narrow.csv": b"image,1,2\na,1,2\n", "text.png": b"no picture", "text.zip": b"no archive", "text.onnx": b"no model",
    "text.pt": b"no model", "x.exe": b"MZ",
}  # fmt: skip


@pytest.mark.parametrize("name", [*BAD, "missing.csv"])
@pytest.mark.parametrize("verb", ["score", "rank", "compare", "report", "evaluate", "map", "distort"])
def test_what_cannot_be_used_is_one_line_and_leaves_nothing(verb, name, tmp_path, capsys):
    path = tmp_path / name
    if name in BAD:
        path.write_bytes(BAD[name])
    before = sorted(tmp_path.rglob("*"))
    assert main(["model-vs-human", verb, str(path)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert name in said
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".csv", "x\n\x1b[31m.csv"])
@pytest.mark.parametrize("verb", ["score", "report", "evaluate", "map", "distort"])
def test_a_name_that_no_file_can_have_is_one_line(verb, name, capsys):
    assert main(["model-vs-human", verb, name]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert len(said) < 12_000


@pytest.mark.parametrize("name", [name for name in BAD if not name.endswith((".png", ".zip"))])
def test_a_model_that_is_none_is_named_before_any_image_is_read(name, examples, tmp_path):
    (tmp_path / name).write_bytes(BAD[name])
    with pytest.raises(BadInput, match=re.escape(name)):
        evaluate(examples / "images.zip", tmp_path / name, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda e, t: score(e / "trials.zip", resamples=3), "100 to 100,000 resamples"),
        (lambda e, t: compare(e / "trials.zip", one="convnet"), "Name two observers"),
        (lambda e, t: compare(e / "trials.zip", dataset="moon", out=t / "m.csv"), "no trials of 'moon'"),
        (lambda e, t: compare(e / "trials.zip", one="x", two="y", out=t / "m.csv"), "'x' is no observer"),
        (lambda e, t: report(e / "trials.zip", title=" "), "title needs"),
        (lambda e, t: report(e / "trials.zip", out=t / "r.pdf"), "End it in .html"),
        (lambda e, t: distort(e / "chelsea.jpg", kind="rotation", level=45), "0, 90, 180 or 270"),
        (lambda e, t: distort(e / "chelsea.jpg", size=7), "16 to 4,096"),
        (lambda e, t: evaluate(e / "chelsea.jpg", e / "probabilities.csv"), "tells none of the 16 categories"),
        (lambda e, t: evaluate(e / "images.zip", e / "probabilities.csv", name="subject-1"), "count as a person"),
        (lambda e, t: evaluate(e / "images.zip", e / "probabilities.csv", name="../up"), "cannot be a name"),
        (lambda e, t: evaluate(e / "chelsea.jpg", e / "probabilities.csv", category="lion"), "none of the 16"),
        (lambda e, t: evaluate(e / "chelsea.jpg", e / "probabilities.csv", category="cat"), "no row for the image"),
    ],
)
def test_settings_that_make_no_sense_are_refused(call, says, examples, tmp_path):
    with pytest.raises(BadInput, match=says):
        call(examples, tmp_path)
