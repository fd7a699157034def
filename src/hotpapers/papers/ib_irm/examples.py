"""The linear unit tests: three structural models with an invariant and a spurious block, plain or scrambled.

Section 5.1 and Aubin et al., "Linear unit-tests for invariance discovery" (arXiv 2102.10867). Everything random comes
from one generator in one order, so that a data seed means the same data as in the published code.
"""

import dataclasses
import math
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

Example = Literal["1", "1s", "2", "2s", "3", "3s"]
EXAMPLES: tuple[Example, ...] = get_args(Example)
DIM = 5
"""Width of the invariant block, and of the spurious one."""
Rows = tuple[Float[Tensor, "E n d"], Float[Tensor, "E n"]]
"""Inputs and targets, environment by environment."""


@dataclasses.dataclass(frozen=True)
class Splits:
    """One data set of an example: rows to train and validate on, and rows whose spurious block is permuted.

    ``test_validation`` are a few rows of the test distribution, for the selection that peeks at it.
    """

    train: Rows
    validation: Rows
    test: Rows
    test_validation: Rows


def is_regression(example: Example) -> bool:
    """Whether an example asks for a number; its error is then the mean square, else the share of wrong signs."""
    return example[0] == "1"


def sample(
    example: Example, seed: int, environments: int = 3, n: int = 1000, *, oracle: bool = False, held: int | None = None
) -> Splits:
    """Draw a data set.

    Parameters
    ----------
    example
        1: cause and effect of a target whose noise changes (regression, PIIF). 2: cows and camels (FIIF). 3: a small
        invariant margin beside a large spurious one (PIIF). With ``s`` both blocks are mixed by a random rotation.
    seed
        The seed of the structural model and of its rows.
    environments
        3 or more.
    n
        Rows of each environment to train on; example 3 needs an even number.
    oracle
        Train and validate on rows whose spurious block is permuted as well.
    held
        Rows of each environment to validate and to test on; ``n`` when left out.
    """
    held = n if held is None else held
    if environments < 3 or min(n, held) < 2 or n % 2 or held % 2:
        raise ValueError(
            f"an example has 3 environments or more, of an even number of rows; not {environments}, {n}, {held}"
        )
    generator = torch.Generator().manual_seed(seed)
    kinds: dict[str, Any] = {"1": Regression, "2": CowsAndCamels, "3": SmallMargin}
    model = kinds[example[0]](environments, generator)
    rotation = torch.eye(2 * DIM)
    if example.endswith("s"):
        rotation = torch.linalg.qr(torch.randn(2 * DIM, 2 * DIM, generator=generator))[0]

    def rows(count: int, permuted: bool) -> Rows:
        drawn = [model.draw(environment, count, permuted) for environment in range(environments)]
        return torch.stack([x @ rotation for x, _ in drawn]), torch.stack([y for _, y in drawn])

    train, validation, test = rows(n, oracle), rows(held, oracle), rows(held, True)
    for few in (20, 100):  # the published code draws these first
        rows(few, True)
    return Splits(train, validation, test, rows(500, True))


class Regression:
    """Example 1: x → y → z with noise of scale sd_e; the target is the sum of y."""

    def __init__(self, environments: int, generator: torch.Generator) -> None:
        self.generator = generator
        self.scales = [0.1, 1.5, 2.0]
        for _ in range(3, environments):
            self.scales.append(10 ** torch.zeros(1).uniform_(-2, 1, generator=generator).item())
        self.x_to_y = torch.randn(DIM, DIM, generator=generator) / DIM
        self.y_to_z = torch.randn(DIM, DIM, generator=generator) / DIM

    def draw(self, environment: int, n: int, permuted: bool) -> tuple[Tensor, Tensor]:
        """Return ``n`` rows of an environment and their targets."""
        scale, noise = self.scales[environment], self._noise
        x = noise(n) * scale
        y = x @ self.x_to_y + noise(n) * scale
        z = y @ self.y_to_z + noise(n)
        if permuted:
            z = z[torch.randperm(n, generator=self.generator)]
        return torch.cat((x, z), -1), y.sum(1)

    def _noise(self, n: int) -> Tensor:
        return torch.randn(n, DIM, generator=self.generator)


class CowsAndCamels:
    """Example 2: an animal that decides the label, and a background that goes with it with probability p_e.

    The animal's block is 100 times smaller than the background's; s_e is the share of one of the backgrounds.
    """

    ANIMAL = torch.tensor([1.0, 1.0, -1.0, -1.0])
    BACKGROUND = torch.tensor([1.0, -1.0, -1.0, 1.0])

    def __init__(self, environments: int, generator: torch.Generator) -> None:
        self.generator = generator
        self.chances = [(0.95, 0.3), (0.97, 0.5), (0.99, 0.7)]
        for _ in range(3, environments):
            p, s = (torch.zeros(1).uniform_(*ends, generator=generator).item() for ends in ((0.9, 1), (0.3, 0.7)))
            self.chances.append((p, s))

    def draw(self, environment: int, n: int, permuted: bool) -> tuple[Tensor, Tensor]:
        """Return ``n`` rows of an environment and their labels."""
        p, s = self.chances[environment]
        weights = torch.tensor([p, 1 - p] * 2) * torch.tensor([s] * 2 + [1 - s] * 2)
        state = torch.multinomial(weights, n, True, generator=self.generator)
        invariant = (self._noise(n) + self.ANIMAL[state, None]) * 1e-2
        spurious = self._noise(n) + self.BACKGROUND[state, None]
        if permuted:
            spurious = spurious[torch.randperm(n, generator=self.generator)]
        return torch.cat((invariant, spurious), -1), invariant.sum(1).gt(0).float()

    def _noise(self, n: int) -> Tensor:
        return torch.randn(n, DIM, generator=self.generator) / math.sqrt(10)


class SmallMargin:
    """Example 3: both classes ± 0.1 apart in the invariant block, ± mu_e in the spurious one."""

    def __init__(self, environments: int, generator: torch.Generator) -> None:
        self.generator = generator
        self.mu = [torch.randn(1, DIM, generator=generator) for _ in range(environments)]

    def draw(self, environment: int, n: int, permuted: bool) -> tuple[Tensor, Tensor]:
        """Return ``n`` rows of an environment, half of each class, and their labels."""
        noise = [torch.randn(n // 2, DIM, generator=self.generator) * 0.1 for _ in range(4)]
        invariant = torch.cat((noise[0] + 0.1, noise[1] - 0.1))
        spurious = torch.cat((noise[2] + self.mu[environment], noise[3] - self.mu[environment]))
        if permuted:
            spurious = spurious[torch.randperm(n, generator=self.generator)]
        return torch.cat((invariant, spurious), -1), torch.arange(n).ge(n // 2).float()
