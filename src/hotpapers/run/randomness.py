"""Random states: seeding, and taking and giving back what torch, NumPy and Python's generators are at."""

import random
from typing import Any

import numpy as np
import torch

from hotpapers.errors import BadInput


def seed_all(seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch (all devices)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def check_seed(seed: int) -> None:
    """Refuse a seed that no generator takes.

    Raises
    ------
    BadInput
        If it is negative, or takes more than 63 bits.
    """
    if not 0 <= seed < 2**63:
        raise BadInput(f"--seed can be 0 to {2**63 - 1:,}, not {seed:,}.")


def generator_on(device: torch.device | str, seed: int) -> torch.Generator:
    """Return a generator on a device; a seed that it cannot start from is refused as ``BadInput``."""
    check_seed(seed)
    return torch.Generator(device).manual_seed(seed)


def mixed(*parts: int) -> int:
    """Return a seed that is a good mixture of ``parts``, so that (0, 1) and (1, 0) have nothing in common."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def random_state(device: torch.device) -> dict[str, Any]:
    """Return the states of the global generators, and of ``device``'s."""
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Put the generators back to where ``random_state`` found them."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps" and "mps" in state:
        torch.mps.set_rng_state(state["mps"])
