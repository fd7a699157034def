"""Things: what a stage trains and what goes with it, how they go through Fabric, and how their state is kept.

A thing is a module, an optimiser, a tensor that is optimised directly, a random generator of torch or NumPy, or
anything with ``state_dict`` and ``load_state_dict`` (schedulers, averages of weights, samplers, replay buffers).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hotpapers.errors import BadInput

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def set_up(fabric: Fabric, thing: Any) -> Any:
    """Return ``thing`` ready to train: modules and optimisers as Fabric has them, all others as they are."""
    from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer

    if isinstance(thing, _FabricModule | _FabricOptimizer):
        return thing
    if isinstance(thing, nn.Module):
        if is_plain(fabric):
            return fabric.to_device(thing)
        if fabric.world_size > 1 and not any(parameter.requires_grad for parameter in thing.parameters()):
            return fabric.to_device(thing)  # DDP refuses a module in which there is nothing to average
        return fabric.setup_module(thing)
    if isinstance(thing, Optimizer):
        return thing if is_plain(fabric) else fabric.setup_optimizers(thing)
    if not isinstance(thing, Tensor | torch.Generator | np.random.Generator) and not hasattr(thing, "load_state_dict"):
        raise TypeError(f"a run cannot keep a {type(thing).__name__}: it has no state_dict and load_state_dict")
    return thing


def is_plain(fabric: Fabric) -> bool:
    """Say whether Fabric's wrappers would change nothing: one device, full precision. They cost 0.2 ms a step."""
    from lightning_fabric.plugins import Precision
    from lightning_fabric.strategies import SingleDeviceStrategy

    return isinstance(fabric.strategy, SingleDeviceStrategy) and type(fabric.strategy.precision) is Precision


def state_of(thing: Any) -> Any:
    """Return the state of ``thing``, for a checkpoint."""
    if isinstance(thing, Tensor):
        return thing
    if isinstance(thing, torch.Generator):
        return thing.get_state()
    if isinstance(thing, np.random.Generator):
        return thing.bit_generator.state
    return thing.state_dict()


def restore(thing: Any, state: Any, checkpoint: Path) -> None:
    """Give ``thing`` the state that ``state_of`` took, keeping it where it is.

    Raises
    ------
    BadInput
        If the state does not fit, as when the model has changed since.
    """
    try:
        if isinstance(thing, Tensor):
            with torch.no_grad():
                thing.copy_(state)
        elif isinstance(thing, torch.Generator):
            thing.set_state(state)
        elif isinstance(thing, np.random.Generator):
            thing.bit_generator.state = state
        else:
            thing.load_state_dict(state)
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())[:160]
        raise BadInput(
            f"The checkpoint {checkpoint} does not fit this {type(thing).__name__} ({said}): start over with fresh, "
            "or name another place with --out."
        ) from error


def is_optimiser(thing: Any) -> bool:
    """Say whether ``thing`` is an optimiser, whose state nobody needs once its stage is finished."""
    return isinstance(thing, Optimizer)  # Fabric's wrapper says that it is one, too
