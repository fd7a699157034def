"""The frozen judge of clothes."""

import hashlib

import pytest
import torch

from hotpapers.metrics import Judge, fashion_judge, fit_judge, frechet_between
from hotpapers.metrics.judge import FASHION, features_of


def two_kinds(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images with stripes across or down, and which."""
    labels = torch.arange(count) % 2
    images = torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) * 0.5
    images[labels == 0, :, ::4] += 0.5
    images[labels == 1, ..., ::4] += 0.5
    return images, labels


def test_the_weights_are_the_ones_that_figures_were_measured_with():
    assert hashlib.sha256(FASHION.read_bytes()).hexdigest() == (
        "593766a50c7dfd709ac662ce5992cf364521fb8d7fea1ad90c0f377a3e2a5b54"
    )


def test_a_set_is_at_no_distance_from_itself_and_nearer_to_its_like_than_to_another():
    judge = fashion_judge()
    images, labels = two_kinds(400, 0)
    others = two_kinds(400, 1)[0]
    assert frechet_between(judge, images, images) == pytest.approx(0, abs=1e-6)
    assert frechet_between(judge, images, others) < frechet_between(judge, images, images[labels == 0]) / 4


def test_features_do_not_depend_on_the_batch():
    judge = fashion_judge()
    images = two_kinds(30, 0)[0]
    torch.testing.assert_close(features_of(judge, images, batch=7), features_of(judge, images), rtol=1e-4, atol=1e-5)


def test_too_few_images_are_refused():
    images = two_kinds(64, 0)[0]
    with pytest.raises(ValueError, match="64 images are too few"):
        frechet_between(fashion_judge(), images, images)


def test_a_judge_learns_what_tells_images_apart():
    torch.manual_seed(0)
    judge = fit_judge(Judge(classes=2, width=4), *two_kinds(512, 0), epochs=8)
    images, labels = two_kinds(200, 1)
    assert (judge(images).argmax(1) == labels).float().mean() > 0.95
    assert not any(each.requires_grad for each in judge.parameters())
