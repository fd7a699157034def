"""The claims run, are deterministic, and are measured with what they say."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hotpapers.papers.sinir import claims, experiment
from hotpapers.papers.sinir.clock import Clock
from hotpapers.run import Run

CLAIMS = [
    claims.faster_than_singan,
    claims.parameters_per_scale,
    claims.shuffling_repairs_manipulation,
    claims.start_scale_is_a_dial,
    claims.ssim_beats_mse_alone,
    claims.copied_weights_start_better,
    claims.super_resolution_is_sharper,
    claims.super_resolution_keeps_fidelity,
]


def measured(claim: Callable[..., Any], out: Path, seeds: tuple[int, ...] = (3,)) -> Any:
    with Run(out, seeds=seeds, device="cpu", tensorboard=False) as run:
        return claim("smoke", run)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_a_claim_measures_a_number_and_leaves_only_its_pictures(claim: Callable[..., Any], tmp_path: Path) -> None:
    found = measured(claim, tmp_path)
    assert set(found.values) == {3}
    assert all(math.isfinite(value) for value in found.values.values())
    assert all(path.is_file() for path in found.files)
    assert not list(tmp_path.glob("training-*"))


def test_a_network_of_one_scale_has_902_531_parameters(tmp_path: Path) -> None:
    assert measured(claims.parameters_per_scale, tmp_path).values == {3: 902_531}


def test_a_claim_of_quality_is_the_same_at_the_same_seed_and_not_at_another(tmp_path: Path) -> None:
    first, again = (
        measured(claims.start_scale_is_a_dial, tmp_path / name, seeds).extras
        for name, seeds in (("a", (3, 4)), ("b", (3,)))
    )
    assert first["curves"]["coffee, seed 3"] == again["curves"]["coffee, seed 3"]
    assert first["curves"]["coffee, seed 4"] != first["curves"]["coffee, seed 3"]


def test_an_edit_changes_only_the_block_that_its_mask_tells() -> None:
    image = experiment.photo("coffee", 60)
    edited, mask = experiment.edit(image, seed=1)
    assert image.shape == (1, 3, 40, 60)
    assert torch.equal(edited[..., ~mask], image[..., ~mask])
    assert int(mask.sum()) == 11 * 11
    assert not torch.equal(edited[..., mask], image[..., mask])


def test_an_edit_is_the_same_at_the_same_seed() -> None:
    image = experiment.photo("coffee", 60)
    assert torch.equal(experiment.edit(image, 1)[0], experiment.edit(image, 1)[0])
    assert not torch.equal(experiment.edit(image, 1)[1], experiment.edit(image, 2)[1])


def test_the_clock_projects_from_all_steps_but_the_first_and_counts_the_rest_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(torch.device("cpu"))
    ticks = [0.0]
    monkeypatch.setattr(clock, "now", lambda: ticks[0])

    def work(seconds: float) -> None:
        ticks[0] += seconds

    nothing = SimpleNamespace(stage=lambda name: contextlib.nullcontext(), steps=range)
    run = clock.watch(nothing)
    with run.stage("only"):
        work(5)
        for step in run.steps(3):
            work(100 if step == 0 else 2)
        work(1)
    assert clock.per_step() == [2]
    assert clock.projected(500) == 6 + 500 * 2
    assert clock.total() == 6 + 104


def test_niqe_knows_none_of_the_photographs_that_it_judges():
    assert not set(claims.NATURAL) & set(claims.PHOTOGRAPHS)
