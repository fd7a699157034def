"""The loop: the steps of one stage, and what is done between them: bar, log, checkpoints, signals.

Processes that train together must all save, stop and leave after the same step. They agree on it about once a second,
not at each step, so that devices need not wait for each other's flags.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from hotpapers.progress import Bar
from hotpapers.run.interrupt import Interrupt
from hotpapers.run.journal import Journal

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_BAR_SECONDS, _FLUSH_SECONDS = 0.1, 1.0


class Loop:
    """Counts the steps from ``first`` to ``total``; afterwards ``interrupted`` says why it ended, if it did early."""

    def __init__(
        self,
        fabric: Fabric,
        journal: Journal,
        save: Callable[[int], None],
        *,
        first: int,
        total: int,
        checkpoint_seconds: float,
    ) -> None:
        self.fabric, self.journal, self.save = fabric, journal, save
        self.step, self.total = first, total
        self.stopping = self.interrupted = False
        self.interrupt = Interrupt()
        self.bar: Bar | None = None
        self.checkpoint_seconds = checkpoint_seconds
        self._look_seconds = min(_BAR_SECONDS, checkpoint_seconds)
        now = time.monotonic()
        self._look_at, self._flush_at, self._save_at = now + self._look_seconds, now + 0.5, now + checkpoint_seconds
        self._agreed_at, self._agreed_step, self._agree_step = now, first, first + 1

    def steps(self) -> Iterator[int]:
        """Yield the steps; what falls due is done after each."""
        alone = self.fabric.world_size == 1
        while self.step < self.total:
            yield self.step
            self.step += 1
            if not alone and self._agree_step > self.step < self.total:
                continue
            now = time.monotonic()
            if alone:
                self.interrupted = self.interrupt.raised
            else:
                self._agree(now)
            if self.interrupted or self.stopping:
                break
            if now >= self._look_at:
                self._look(now)
        if self.bar:
            self.journal.flush()
            self.bar.update(self.step, self._note())

    def _look(self, now: float) -> None:
        self._look_at = now + self._look_seconds
        if now >= self._flush_at:
            self._flush_at = now + _FLUSH_SECONDS
            self.journal.flush()
        if self.bar:
            self.bar.update(self.step, self._note())
        if now >= self._save_at and self.step < self.total:
            self.save(self.step)
            done = time.monotonic()
            # A big model on a slow disk: never more than a twentieth of the time on saving.
            self._save_at = done + (max(self.checkpoint_seconds, 20 * (done - now)) if self.checkpoint_seconds else 0)

    def _agree(self, now: float) -> None:
        """Any process may stop or interrupt all; the first one says when to save and when to talk again."""
        first = self.fabric.global_rank == 0
        steps = self.step - self._agreed_step
        pace = min(2 * steps, self._look_seconds / max(now - self._agreed_at, 1e-6) * steps)  # cautious at first
        wishes = [self.interrupt.raised, self.stopping, first and now >= self._save_at, first and max(1.0, pace)]
        flags = torch.tensor(wishes, dtype=torch.float32, device=self.fabric.device)
        interrupted, stopping, save, pace = self.fabric.all_reduce(flags, reduce_op="max").tolist()  # type: ignore[union-attr]
        self.interrupted, self.stopping = bool(interrupted), bool(stopping)
        self._look_at = now
        if not first:
            self._save_at = now if save else float("inf")
        self._agreed_at, self._agreed_step, self._agree_step = now, self.step, self.step + int(pace)

    def _note(self) -> str:
        return "  ".join(f"{name} {value:.3g}" for name, value in list(self.journal.latest.items())[:3])
