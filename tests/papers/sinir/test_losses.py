import pytest
import torch
from skimage.metrics import structural_similarity

from hotpapers.papers.sinir.losses import ReconstructionLoss, reconstruction_loss


def images(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.rand(1, 3, 24, 30, generator=generator) * 2 - 1
    return a, (a + 0.3 * torch.randn(a.shape, generator=generator)).clamp(-1, 1)


def test_ssim_is_the_reference_definition():
    a, b = (each.double() for each in images())
    found = 1 - reconstruction_loss(a, b, mse_weight=0).item()
    unit_a, unit_b = (((each[0] + 1) / 2).permute(1, 2, 0).numpy() for each in (a, b))
    _, full = structural_similarity(
        unit_a, unit_b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        channel_axis=2, full=True, win_size=11,
    )  # fmt: skip
    assert found == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-6)


def test_the_loss_of_an_image_against_itself_is_zero():
    a, b = images()
    assert reconstruction_loss(a, a).item() == pytest.approx(0, abs=1e-6)
    assert reconstruction_loss(a, b).item() > 0


def test_a_channel_of_negative_ssim_counts_as_zero():
    a, _ = images()
    assert reconstruction_loss(-a, a, mse_weight=0).item() == pytest.approx(1, abs=1e-6)


def test_the_weights_weigh_the_two_terms():
    a, b = images()
    whole = reconstruction_loss(a, b, 2.0, 3.0)
    parts = 2 * reconstruction_loss(a, b, 1.0, 0.0) + 3 * reconstruction_loss(a, b, 0.0, 1.0)
    torch.testing.assert_close(whole, parts)


def test_a_loss_that_remembers_its_target_is_the_same_loss():
    a, b = images()
    torch.testing.assert_close(ReconstructionLoss(b)(a), reconstruction_loss(a, b))
