"""A worker that is killed in the middle of a pipeline costs time and nothing else."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hotpapers.papers.model_vs_human import distort as distort_room
from hotpapers.papers.model_vs_human import evaluate as evaluate_room

sys.path.insert(0, str(Path(__file__).parent))  # workers take this path over and find the module by name
import dying


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("a", "b", "c", "d"):
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def distorted_by(engine, photographs, out):
    distort_room.distort(photographs, kind="uniform-noise", size=32, seed=3, engine=engine, jobs=2, out=out)
    return contents(out)


def test_images_distorted_with_a_worker_killed_are_those_distorted_here(photographs, tmp_path, monkeypatch):
    here = distorted_by("local", photographs, tmp_path / "here" / "out")
    monkeypatch.setattr(distort_room, "_distort", dying.distort)
    assert distorted_by("processes", photographs, tmp_path / "there" / "out") == here
    assert len(here) == 4 * 8
    killed = int((tmp_path / "there" / "killed").read_text())
    assert killed != os.getpid()
    assert not Path(f"/proc/{killed}").exists()


@pytest.mark.ray
def test_images_distorted_on_ray_with_a_worker_killed_are_those_distorted_here(photographs, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    here = distorted_by("local", photographs, tmp_path / "here" / "out")
    monkeypatch.setattr(distort_room, "_distort", dying.distort)
    assert distorted_by("ray", photographs, tmp_path / "there" / "out") == here
    assert (tmp_path / "there" / "killed").exists()


def test_answers_of_a_killed_worker_are_the_answers_given_here(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate_room, "BATCH", 3)
    monkeypatch.setenv("KILLED", str(tmp_path / "killed"))

    def answers(engine):
        found = evaluate_room.evaluate(
            examples / "images.zip", examples / "probabilities.csv", dataset="low-pass", engine=engine, jobs=2,
            out=tmp_path / engine,
        )  # fmt: skip
        return found.files["trials"].read_bytes()

    here = answers("local")
    monkeypatch.setattr(evaluate_room, "_classify", dying.classify)
    assert answers("processes") == here
    assert (tmp_path / "killed").exists()
