"""The journal: what a run logs, as ``metrics.jsonl`` (each step) and for TensorBoard (a point for each flush).

Logging must not wait for the device: values are kept as they are and read together, about once a second.
"""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.files import written_whole

_OWN = frozenset({"stage", "step", "seconds"})


class Journal:
    """Keeps logged values until ``flush`` writes them; with no folder it only works out the latest means."""

    def __init__(self, folder: Path | None, *, tensorboard: bool = True) -> None:
        self.folder = folder
        self.offset = 0
        self.latest: dict[str, float] = {}
        self._rows: list[dict[str, Any]] = []
        self._names: set[str] = set()
        self._started = time.monotonic()
        self._stream: TextIO | None = None
        self._board: Any = None if tensorboard else False

    def log(self, stage: str | None, step: int | None, values: dict[str, Any]) -> None:
        """Keep ``values`` for this step; what is logged twice in a step is one row."""
        if not values.keys() <= self._names:
            if taken := values.keys() & _OWN:
                raise ValueError(f"{min(taken)!r} is the journal's own word; log it under another name")
            self._names.update(values)
        rows = self._rows
        if not (rows and rows[-1]["step"] == step and rows[-1]["stage"] == stage):
            rows.append({"stage": stage, "step": step, "seconds": round(time.monotonic() - self._started, 4)})
        row = rows[-1]
        for name, value in values.items():
            if isinstance(value, Tensor):
                # .item() waits for nothing on the CPU; elsewhere it would stop the device at each step.
                row[name] = value.item() if value.is_cpu else value.detach().reshape(())
            else:
                row[name] = value if isinstance(value, int | float) else float(value)

    def flush(self) -> None:
        """Write what was kept, reading all tensors of a device at once."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        waiting = [(row, name) for row in rows for name, value in row.items() if isinstance(value, Tensor)]
        if waiting:
            read = torch.stack([row[name].float() for row, name in waiting]).tolist()
            for (row, name), value in zip(waiting, read, strict=True):
                row[name] = value
        sums: dict[str, list[float]] = {}
        for row in rows:
            for name, value in row.items():
                if name not in _OWN:
                    sums.setdefault(name, []).append(value)
        self.latest |= {name: sum(values) / len(values) for name, values in sums.items()}
        if self.folder is not None:
            self._write(rows)
            self._plot(rows[-1]["step"], sums)

    def cut(self, keep: Callable[[str | None, int | None], bool]) -> None:
        """Drop the rows of an earlier session that ``keep(stage, step)`` refuses, and a last line that is torn."""
        path = self.folder / "metrics.jsonl" if self.folder else None
        if path is None or not path.is_file():
            return
        with written_whole(path) as temporary, open(path, encoding="utf-8") as old, open(temporary, "w") as new:
            for line in old:
                try:
                    row = json.loads(line)
                    kept = keep(row["stage"], row["step"])
                except (ValueError, KeyError, TypeError):
                    continue
                if kept:
                    new.write(line)
                    self._started = time.monotonic() - row.get("seconds", 0)  # time goes on where it stopped

    def close(self) -> None:
        """Write what is left and close the files."""
        self.flush()
        if self._stream is not None:
            self._stream.close()
        if self._board:
            self._board.close()
        self._stream, self._board = None, self._board and None

    def _write(self, rows: list[dict[str, Any]]) -> None:
        assert self.folder is not None
        lines = [json.dumps({name: _finite(value) for name, value in row.items()}) + "\n" for row in rows]
        try:
            if self._stream is None:
                self._stream = open(self.folder / "metrics.jsonl", "a", encoding="utf-8")  # noqa: SIM115
            self._stream.writelines(lines)
            self._stream.flush()
        except OSError as error:
            raise BadInput(
                f"Cannot write {self.folder / 'metrics.jsonl'}: {(error.strerror or '').lower()}."
            ) from error

    def _plot(self, step: int | None, sums: dict[str, list[float]]) -> None:
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:  # TensorBoard is a courtesy; metrics.jsonl has it all
                self._board = False
                return
            # Points of an earlier session from this step on are taken back by TensorBoard itself.
            self._board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=self.offset + (step or 0))  # type: ignore[operator]
        if self._board:
            for name, values in sums.items():
                self._board.add_scalar(name, sum(values) / len(values), self.offset + (step or 0))


def _finite(value: Any) -> Any:
    """Return ``value``, or None where JSON has no word for it (a loss that is not a number)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
