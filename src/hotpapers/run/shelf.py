"""The shelf: the checkpoints of a run, in its folder ``checkpoints``.

``finished-<stage>.safetensors`` has what each finished stage ended with; ``last`` and ``previous`` are of the stage in
progress, so that one damaged file costs an interval and not the run.
"""

import shutil
from pathlib import Path
from typing import Any

from hotpapers.run import checkpoint


class Shelf:
    """Finds and keeps the states of stages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._found: tuple[str, dict[str, Any] | None] | None = None

    def path(self, state: dict[str, Any]) -> Path:
        """Return where the state found for a stage came from."""
        return self._finished(state["stage"]) if state["finished"] else self.folder / "last.safetensors"

    def find(self, stage: str) -> dict[str, Any] | None:
        """Return the newest state of ``stage`` that can be read, or None where there is none.

        Raises
        ------
        Damaged
            If there are checkpoints but none can be read.
        """
        if self._found is None or self._found[0] != stage:
            self._found = (stage, self._read(stage))
        return self._found[1]

    def save(self, state: dict[str, Any]) -> None:
        """Keep the state of the stage in progress; the one before stays as ``previous``."""
        self._found = None
        last, previous = self.folder / "last.safetensors", self.folder / "previous.safetensors"
        if last.exists():
            last.replace(previous)
        checkpoint.write(last, state, summary={"stage": state["stage"], "step": state["step"]})

    def finish(self, state: dict[str, Any]) -> None:
        """Keep the state that a stage ended with; those on the way to it are no longer needed."""
        self._found = None
        summary = {"stage": state["stage"], "step": state["step"]}
        checkpoint.write(self._finished(state["stage"]), state, summary=summary)
        for name in ("previous", "last"):
            (self.folder / f"{name}.safetensors").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a process that was killed while writing has left."""
        for left in self.folder.glob(".*.safetensors.*"):
            shutil.rmtree(left, ignore_errors=True)

    def steps(self) -> dict[str, int]:
        """Return how many steps of each stage the checkpoints have."""
        steps: dict[str, int] = {}
        for path in [*self.folder.glob("finished-*.safetensors"), *self._in_progress()]:
            try:
                summary = checkpoint.read_summary(path)
            except checkpoint.Damaged:
                continue
            steps.setdefault(summary["stage"], summary["step"])
        return steps

    def _read(self, stage: str) -> dict[str, Any] | None:
        if self._finished(stage).exists():
            return checkpoint.read(self._finished(stage))
        damaged = None
        for path in self._in_progress():
            try:
                if checkpoint.read_summary(path)["stage"] == stage:
                    return checkpoint.read(path)
            except checkpoint.Damaged as error:
                damaged = damaged or error
        if damaged:
            raise damaged
        return None

    def _in_progress(self) -> list[Path]:
        paths = [self.folder / "last.safetensors", self.folder / "previous.safetensors"]
        return [path for path in paths if path.exists()]

    def _finished(self, stage: str) -> Path:
        return self.folder / f"finished-{stage}.safetensors"
