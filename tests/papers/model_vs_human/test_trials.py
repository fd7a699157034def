"""Trials are read whatever their spelling, and what cannot be used is named in one line."""

import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.model_vs_human.experiments import EXPERIMENTS, spelling
from hotpapers.papers.model_vs_human.trials import Trials, image_id, read_trials, texture_of, write_trials

HEADER = "subj,Session,trial,rt,object_response,category,condition,imagename\n"
ROW = "subject-01,1,1,0.8,na,oven,0.90,0001_nse_s01_0.90_oven_10_n04111531_17072.JPEG\n"


def csv_file(folder, text=HEADER + ROW, name="uniform-noise_subject-01_session_1.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_missing_answer_is_an_answer_and_a_condition_has_one_spelling(tmp_path):
    (trials,) = read_trials(csv_file(tmp_path))
    assert trials == Trials("uniform-noise", ["subject-01"], ["na"], ["oven"], ["0.9"], ["n04111531_17072"])


@pytest.mark.parametrize(
    ("given_as", "spelt"),
    [("0.90", "0.9"), ("3.0", "3"), ("True", "true"), ("FALSE", "false"), ("NaN", "0"), ("", "0"), ("inf", "inf"),
     ("c05", "c05")],
)  # fmt: skip
def test_people_and_models_spell_conditions_differently(given_as, spelt):
    assert spelling(given_as) == spelt


@given(st.floats(0, 1000, allow_nan=False))
def test_a_number_is_spelt_the_same_with_more_zeros(number):
    assert spelling(f"{number:g}") == spelling(f"  {number:g} ")
    assert spelling(spelling(f"{number:g}")) == spelling(f"{number:g}")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("0001_cl_s01_bw_boat_40_n02951358_5952.JPEG", "n02951358_5952"),
        ("airplane1-bicycle2.png", "airplane1-bicycle2"),
        ("0001_s5n_s01_0_bird_00_bird3-bird2.png", "bird3-bird2"),
        ("0001_sty_s01_0_bicycle_00_bicycle-0011-ILSVRC2012-val-00011821.png", "bicycle-0011-ILSVRC2012-val-00011821"),
    ],
)
def test_an_image_is_known_by_what_its_name_says_of_it_alone(name, found):
    assert image_id(name) == found


def test_only_cue_conflicts_have_a_texture():
    assert texture_of("airplane1-bicycle2") == "bicycle"
    assert texture_of("bird3-bird2") == "bird"
    assert texture_of("n02951358_5952") is texture_of("bicycle-0011-ILSVRC2012-val-00011821") is None


def test_a_folder_and_an_archive_hold_the_same_trials(tmp_path):
    folder = tmp_path / "raw-data" / "uniform-noise"
    folder.mkdir(parents=True)
    file = csv_file(folder)
    (folder / "performances.csv").write_text("subj,score\na,1\n")
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        packed.write(file, "uniform-noise/" + file.name)
    with tarfile.open(tmp_path / "t.tar.gz", "w:gz") as packed:
        packed.add(file, "../uniform-noise/" + file.name)
    wanted = read_trials(file)
    for place in ("raw-data", "t.zip", "t.tar.gz"):
        assert read_trials(tmp_path / place) == wanted


def test_written_trials_are_read_back(tmp_path):
    trials = Trials("edge", ["net"] * 2, ["cat", "na"], ["cat", "dog"], ["0", "0"], ["cat1", "dog1"])
    assert read_trials(write_trials(tmp_path / "edge_net_session-1.csv", trials)) == [trials]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column"),
        (b"a,b\n1,2\n", "no column 'subj'"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        ((HEADER + ROW.replace("na,oven", "toaster,oven")).encode(), "'toaster' is none of the 16"),
        ((HEADER + "subject-01,1\n").encode(), "line 2 has 2 of 8 columns"),
        ((HEADER + ROW.replace("subject-01", "x" * 200)).encode(), "very long"),
        (b'"' + b"x" * 200_000, "field larger"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_in_one_line(tmp_path, content, says):
    path = tmp_path / "edge_x_session-1.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=says) as caught:
        read_trials(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "t.tar.gz").write_bytes(b"no archive")
    for bad in (tmp_path / "t.tar.gz", tmp_path / "missing.csv", tmp_path):
        with pytest.raises(BadInput):
            read_trials(bad)


def test_there_are_17_data_sets_with_excluded_conditions_among_theirs():
    assert len(EXPERIMENTS) == 17
    assert sum(each.parametric for each in EXPERIMENTS.values()) == 12
    assert all(each.excluded < set(each.conditions) for each in EXPERIMENTS.values())
