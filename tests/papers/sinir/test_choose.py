"""The automatic start scale sits at the knee of likeness against change."""

import pytest
import torch

from hotpapers.papers.sinir.choose import choose_start_scale, knee, measure


def test_the_knee_is_where_more_change_stops_buying_likeness() -> None:
    change = [0.18, 0.16, 0.13, 0.12, 0.10, 0.08]  # coarse to fine
    distance = [0.150, 0.151, 0.152, 0.17, 0.18, 0.19]
    chosen, why = knee(change, distance, naive=0.20)
    assert chosen == 2
    assert "96% of the largest fall" in why


def test_of_equal_knees_the_finer_is_chosen() -> None:
    assert knee([0.5, 0.25], [0.0, 0.25], naive=0.5)[0] == 1


def test_without_any_gain_the_start_that_changes_least_is_chosen() -> None:
    chosen, why = knee([0.3, 0.2, 0.1], [0.5, 0.4, 0.3], naive=0.2)
    assert chosen == 2
    assert "no start" in why


def test_an_unchanged_image_needs_no_choice() -> None:
    assert knee([0.0, 0.0], [0.1, 0.1], naive=0.1)[0] == 1


def stripes(height: int = 24, width: int = 30) -> torch.Tensor:
    wave = torch.sin(torch.arange(width) * 1.3) * 0.8
    return wave.expand(1, 3, height, width).clone()


def test_a_repair_with_the_photographs_own_texture_is_preferred_to_one_with_noise() -> None:
    torch.manual_seed(0)
    photograph = stripes()
    x, mask = photograph.clone(), torch.zeros(24, 30, dtype=torch.bool)
    mask[8:16, 10:20] = True
    x[..., mask] = 0.9
    noise = torch.where(mask, torch.rand_like(x) * 2 - 1, x)
    choice = choose_start_scale([noise, photograph, x], x, photograph, mask)
    assert choice.start_scale == 1
    assert choice.trials[1].patch_distance < 1e-3 < choice.naive
    assert choice.trials[2].change == 0


def test_starts_coarser_than_the_first_are_measured_but_not_chosen() -> None:
    photograph = stripes()
    x = photograph + 0.1
    choice = choose_start_scale([photograph, photograph + 0.05, x], x, photograph, first=1)
    assert choice.start_scale == 1
    assert len(choice.trials) == 3


def test_without_a_mask_only_what_is_foreign_to_the_photograph_is_judged() -> None:
    photograph = stripes(40, 40)
    x = photograph.clone()
    x[..., 8:20, 8:20] = 0.9
    worse = torch.where(x == 0.9, x, -x.flip(-1))  # another texture all around, the foreign block as it was
    naive, (repaired, other) = measure([photograph, worse], x, photograph)
    assert repaired.patch_distance < 0.2 * naive
    assert other.patch_distance > 0.8 * naive


@pytest.mark.parametrize("mask", [torch.zeros(24, 30, dtype=torch.bool), None])
def test_a_mask_that_leaves_nothing_to_judge_is_as_none(mask: torch.Tensor | None) -> None:
    photograph = stripes()
    naive, trials = measure([photograph], photograph + 0.1, photograph, mask)
    assert naive > 0
    assert trials[0].patch_distance == pytest.approx(0, abs=1e-3)
