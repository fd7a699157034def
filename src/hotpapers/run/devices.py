"""Devices: the Lightning Fabric that a run computes with, here or as one of the processes of ``torchrun``."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import torch

from hotpapers.errors import BadInput

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def make_fabric(device: str, precision: str, strategy: str, devices: int) -> Fabric:
    """Return a launched Fabric; under ``torchrun`` it takes the processes that there are.

    Raises
    ------
    BadInput
        If the device is not there, or the precision or the strategy is not one that a run can keep checkpoints for.
    """
    from lightning_fabric import Fabric  # two seconds that who only uses a trained model need not wait

    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("There is no CUDA device here that PyTorch can use: leave --device out, or say --device cpu.")
    if device == "mps" and not torch.backends.mps.is_available():
        raise BadInput("There is no Metal (MPS) device here: leave --device out, or say --device cpu.")
    if strategy != "auto" and not strategy.startswith("ddp"):
        raise BadInput(f"A run has strategy 'auto' or one of the 'ddp' family, not {strategy!r}.")
    nodes = 1
    if "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
        strategy = "ddp" if strategy == "auto" and devices * nodes > 1 else strategy
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # its notes on start-up would break the bar
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    try:
        fabric = Fabric(
            accelerator=device,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            precision=precision,  # type: ignore[arg-type]
        )
    except (ValueError, RuntimeError) as error:
        raise BadInput(
            f"Cannot compute on {device} with {precision}, {strategy}, {devices} devices: {error}"
        ) from error
    fabric.launch()
    return fabric
