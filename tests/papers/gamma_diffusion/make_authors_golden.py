"""How ``authors.npz`` was made: the authors' generalised steps on three images, with the noise that they drew kept.

    python tests/papers/gamma_diffusion/make_authors_golden.py CHECKOUT_OF_leosegre/Gamma-Diffusion-Domain-Adaptation

Commit 4ecfda7, ``functions/denoising.py``; CUDA is left out, and the drawn noise is written down as it is drawn.
"""

import sys
from pathlib import Path

import numpy as np
import torch

SEQUENCE = list(range(0, 1000, 200))


def network(x, t):
    """Return something that depends on both."""
    return torch.sin(3 * x) * 0.5 + 0.3 * x + (t / 1000).view(-1, 1, 1, 1)


def main(checkout: Path) -> None:
    source = (checkout / "functions" / "denoising.py").read_text().replace(".to('cuda')", "")
    scope: dict = {}
    exec(source, scope)
    betas = torch.linspace(1e-4, 0.02, 1000)
    made = {}
    for name, step, settings in (
        ("gamma", "generalized_gamma", {"theta_0": 0.01}),
        ("mog", "generalized_2g", {"sigma": torch.linspace(0.9, 0.5, 1000)}),
        ("gaussian", "generalized_steps", {}),
    ):
        for eta in (0.0, 1.0):
            torch.manual_seed(0)
            start = torch.randn(3, 1, 4, 4)
            drawn = _kept(scope, name)
            steps, _ = scope[step](start, SEQUENCE, network, betas, eta=eta, **settings)
            made[f"{name} {eta:g} start"], made[f"{name} {eta:g} end"] = start.numpy(), steps[-1].numpy()
            made[f"{name} {eta:g} noise"] = torch.stack(drawn).numpy()
    np.savez_compressed(Path(__file__).with_name("authors.npz"), **made)


def _kept(scope: dict, name: str) -> list:
    """Let the noise that a step draws be remembered; return the list that it goes to."""
    drawn: list = []
    if name == "gamma":
        sample = torch.distributions.Gamma.sample

        def gamma(self, *args):
            value = sample(self, *args)
            k, theta = self.concentration, 1 / self.rate
            drawn.append((value - k * theta) / (k * theta**2).sqrt())
            return value

        scope["torch"].distributions.Gamma.sample = gamma
    elif name == "mog":
        draw = scope.setdefault("_draw", scope["generate_noise_2g"])

        def mixture(t, x0, sigma):
            drawn.append(draw(t, x0, sigma))
            return drawn[-1]

        scope["generate_noise_2g"] = mixture
    else:
        torch_randn_like = torch.randn_like

        def normal(x):
            drawn.append(torch_randn_like(x))
            return drawn[-1]

        scope["torch"].randn_like = normal
    return drawn


if __name__ == "__main__":
    main(Path(sys.argv[1]))
