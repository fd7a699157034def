"""A clock for training schedules: it times the steps of a few, and tells what many would take."""

import contextlib
import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch

from hotpapers.run import Run


class Clock:
    """Times each step of a run's stages, so that a short run tells how long a long one would take.

    CPU seconds on a CPU; seconds on a GPU, waiting for it at both ends. The first step of a stage warms up and counts
    only where there is no other. What a stage does beside its steps is counted once.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stages: list[dict[str, Any]] = []

    def watch(self, run: Run) -> Any:
        """Return ``run`` with its stages and steps under this clock."""
        return _Watched(run, self)

    def projected(self, steps: int) -> float:
        """Return the seconds that ``steps`` steps in every stage would take."""
        return sum(stage["beside"] for stage in self.stages) + steps * sum(self.per_step())

    def total(self) -> float:
        """Return the seconds that were measured."""
        return sum(stage["beside"] + sum(stage["steps"]) for stage in self.stages)

    def per_step(self) -> list[float]:
        """Return the mean seconds of a step in each stage."""
        return [statistics.mean(stage["steps"][1:] or stage["steps"]) for stage in self.stages]

    def now(self) -> float:
        """Return the time on this clock."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return time.perf_counter()
        return time.process_time()


class _Watched:
    def __init__(self, run: Run, clock: Clock) -> None:
        self._run, self._clock = run, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        stage: dict[str, Any] = {"name": name, "steps": [], "losses": [], "beside": 0.0}
        self._clock.stages.append(stage)
        started = self._clock.now()
        with self._run.stage(name):
            yield
            stage["beside"] = max(0.0, self._clock.now() - started - stage.pop("stepping", 0.0))

    def log(self, **values: Any) -> None:
        if "loss" in values:
            self._clock.stages[-1]["losses"].append(torch.as_tensor(values["loss"]).detach())
        self._run.log(**values)

    def steps(self, count: int) -> Iterator[int]:
        stage, began = self._clock.stages[-1], self._clock.now()
        for step in self._run.steps(count):
            started = self._clock.now()
            yield step
            stage["steps"].append(self._clock.now() - started)
        stage["stepping"] = self._clock.now() - began
