"""Run: one training run in one directory. The loop stays with its paper; this has everything around it.

A run has stages, or is a single loop. A stage's steps are resumed exactly: what a checkpoint keeps is all that decides
the next step (weights, optimisers, schedulers, whatever else was registered, random states).
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from hotpapers import console
from hotpapers.errors import BadInput, HotpapersError, Interrupted
from hotpapers.files import safe_name, written_whole
from hotpapers.progress import bar
from hotpapers.run import record as records
from hotpapers.run.devices import make_fabric
from hotpapers.run.journal import Journal
from hotpapers.run.loop import Loop
from hotpapers.run.memory import give_back
from hotpapers.run.randomness import check_seed, mixed, random_state, seed_all, set_random_state
from hotpapers.run.shelf import Shelf
from hotpapers.run.things import is_optimiser, is_plain, restore, set_up, state_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclasses.dataclass
class _Stage:
    name: str
    named: bool
    things: list[Any] = dataclasses.field(default_factory=list)
    loop: Loop | None = None


class Run:
    """A run's directory, seeds, device, progress, log and checkpoints; used as ``with Run(out, seed=0) as run:``.

    Parameters
    ----------
    out
        Its directory; made when missing, and removed again if nothing was put there.
    seed, seeds
        What the generators of torch, NumPy and Python start from; ``seeds`` are for a claim that trains several times
        (each in a ``child``).
    config
        The settings of the training, a dataclass or a dict of JSON values; written to ``config.json``.
    device, precision, strategy, devices
        As in Lightning Fabric: ``auto``, ``cpu``, ``cuda``, ``mps``; ``32-true``, ``bf16-mixed``, …; ``auto``, ``ddp``;
        how many devices. Under ``torchrun`` the processes that there are.
    resume
        Go on with the run in ``out``, if there is one, to the same end as if it had not been interrupted.
    fresh
        Replace the run in ``out``, if there is one. Without either, a directory that has a run is refused.
    checkpoint_seconds
        How much work an interruption may cost. Saving takes no more than a twentieth of the time, however.
    resume_command
        What the user types to go on: said at the start, as a run that is killed can say nothing, and after Ctrl-C.
    tensorboard
        Whether to write for TensorBoard as well.

    Raises
    ------
    BadInput
        If the directory cannot be used or holds another run, or the device is not there.
    """

    def __init__(
        self,
        out: Path | str,
        *,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        config: Any = None,
        device: str = "auto",
        precision: str = "32-true",
        strategy: str = "auto",
        devices: int = 1,
        resume: bool = False,
        fresh: bool = False,
        checkpoint_seconds: float = 30.0,
        resume_command: str | None = None,
        tensorboard: bool = True,
        _fabric: Fabric | None = None,
    ) -> None:
        if resume and fresh:
            raise BadInput("Resume a run or start it over with fresh, not both.")
        self.out = Path(out)
        self.seeds = tuple(seeds) if seeds is not None else (seed or 0,)
        self.seed = seed if seed is not None else self.seeds[0]
        for each in (self.seed, *self.seeds):
            check_seed(each)
        self.config = config
        self.resume, self.fresh = resume, fresh
        self.checkpoint_seconds, self.resume_command, self.tensorboard = checkpoint_seconds, resume_command, tensorboard
        self._announced = resume_command is not None and _fabric is None  # a child goes on with its parent
        self._settings = records.plain(config)
        self.fabric = _fabric or make_fabric(device, precision, strategy, devices)
        self._plain = is_plain(self.fabric)
        self._shelf = Shelf(self.out / "checkpoints")
        self._journal = Journal(None)
        self._record: dict[str, Any] | None = None
        self._things: list[Any] = []  # registered outside any stage: they belong to all
        self._stage: _Stage | None = None
        self._names: set[str] = set()
        self._resuming = resume
        self._due: dict[str, float] = {}
        self._open_loop = contextlib.ExitStack()
        self._made: list[Path] = []

    @property
    def device(self) -> torch.device:
        """The device that tensors go to."""
        return self.fabric.device

    @property
    def rank(self) -> int:
        """Which of the processes this is; 0 where there is one, and the only one that writes."""
        return self.fabric.global_rank

    def __enter__(self) -> Run:
        self._on_first_rank(self._open)
        self._journal = Journal(self.out if self.rank == 0 else None, tensorboard=self.tensorboard)
        if self.resume:
            kept = self._on_first_rank(self._shelf.steps)
            self._journal.cut(lambda stage, step: step is not None and step < kept.get(stage, 0))
        seed_all(self.seed)
        if self._settings:
            self._note_down()
        if self._announced and self.rank == 0:
            console.say(f"Working in {self.out}; should it be cut off, go on with: {self.resume_command}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._open_loop.close()
        self._journal.close()
        if self._record and self.rank == 0 and error is None:
            self._record["finished"] = records.now()
            records.write_record(self.out, self._record)
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()  # only if nothing was put there
        if error is None and self.fabric.world_size > 1:
            self.fabric.barrier()

    def child(self, name: str, *, seed: int | None = None, config: Any = None) -> Run:
        """Return a run of its own in the folder ``name``, on this run's device; a claim trains each model in one.

        It is used in a ``with`` of its own, and resumed, or started afresh, as this one is.
        """
        return Run(
            self.out / safe_name(name),
            seed=self.seed if seed is None else seed,
            config=config,
            resume=self.resume,
            fresh=self.fresh,
            checkpoint_seconds=self.checkpoint_seconds,
            resume_command=self.resume_command,
            tensorboard=self.tensorboard,
            _fabric=self.fabric,
        )

    @contextlib.contextmanager
    def inner(self, seed: int) -> Iterator[Run]:
        """Open a run inside this one, with its own seed, whose directory goes when the block ends.

        A claim trains the models in it that it only measures.
        """
        folder = Path(tempfile.mkdtemp(prefix="training-", dir=self.out))
        try:
            with self.child(folder.name, seed=seed) as run:
                yield run
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Open the stage ``name``: what is set up in the block is its own, and its steps are resumed by themselves."""
        self._stage = self._begin(safe_name(name), named=True)
        try:
            yield
        finally:
            self._open_loop.close()
            self._stage = None
            give_back()

    def setup(self, *things: Any) -> Any:
        """Register modules, optimisers, schedulers and all else that has a state; return them ready, in that order.

        Modules and optimisers go through Fabric (device, precision, processes). On resume they have the state that they
        were left with. One thing comes back as itself, more as a tuple. Besides what has ``state_dict`` and
        ``load_state_dict``, tensors and the generators of torch and NumPy can be registered.
        """
        ready = [set_up(self.fabric, thing) for thing in things]
        (self._stage.things if self._stage else self._things).extend(ready)
        self._note_down()
        if state := self._find(self._stage or _Stage("main", named=False)):
            self._restore(self._stage, state)
        return ready[0] if len(ready) == 1 else tuple(ready)

    def steps(self, total: int) -> Iterator[int]:
        """Yield the steps still to do of ``total``, with a bar, checkpoints, exact resume and a clean stop on Ctrl-C.

        A step must draw its chances from the global generators or from a registered one. Leave the loop with ``stop``:
        after a ``break`` the stage counts as unfinished.

        Raises
        ------
        Interrupted
            After Ctrl-C or SIGTERM, when the step is done and saved.
        """
        if self._stage is None:
            self._stage = self._begin("main", named=False)
        stage = self._stage
        self._journal.flush()
        self._journal.latest.clear()
        if stage.loop is not None:
            raise RuntimeError(f"stage {stage.name!r} has had its steps; open another with run.stage")
        self._note_down()
        first, finished = self._take_up(stage)
        stage.loop = loop = Loop(
            self.fabric,
            self._journal,
            lambda step: self._save(stage, step),
            first=first,
            total=first if finished else total,
            checkpoint_seconds=self.checkpoint_seconds,
        )
        if not finished:
            with self._open_loop:
                if self.rank == 0:
                    title = f"{self.out.name} {stage.name}" if stage.named else self.out.name
                    loop.bar = self._open_loop.enter_context(bar(title, total))
                self._open_loop.callback(loop.interrupt.leave)
                loop.interrupt.listen()
                yield from loop.steps()
            if loop.interrupted and loop.step < total and not loop.stopping:
                self._save(stage, loop.step)
                raise self._interrupted(stage, f"step {loop.step} of {total}")
            self._finish(stage)
        self._journal.offset += loop.step
        if loop.interrupted:
            raise self._interrupted(stage, f"step {loop.step}, its last")

    def stop(self) -> None:
        """End this stage's steps after this step; processes that train together end within a tenth of a second."""
        if self._stage is None or self._stage.loop is None:
            raise RuntimeError("there are no steps to stop")
        self._stage.loop.stopping = True

    def backward(self, loss: Tensor) -> None:
        """Work out the gradients of ``loss``, scaled and averaged over processes as precision and strategy ask."""
        if self._plain:
            loss.backward()
        else:
            self.fabric.backward(loss)

    def log(self, **values: Any) -> None:
        """Note numbers or one-element tensors for this step; nothing waits for the device.

        They go to ``metrics.jsonl`` and ``tensorboard`` about once a second; the first three are shown beside the bar.
        """
        stage = self._stage
        step = stage.loop.step if stage and stage.loop else None
        self._journal.log(stage.name if stage else None, step, values)

    def due(self, name: str, *, seconds: float) -> bool:
        """Say whether ``seconds`` have passed since this was last true for ``name``, or first asked; on rank 0 alone.

        Clocks differ from run to run: what is done then must not draw from the generators that the training uses.
        """
        now = time.monotonic()
        if self.rank != 0 or now - self._due.setdefault(name, now) < seconds:
            return False
        self._due[name] = now
        return True

    def picture(self, name: str, image: np.ndarray | Tensor) -> Path:
        """Replace ``<name>.png`` in the run's directory and return its path.

        Parameters
        ----------
        image
            A uint8 array, height x width x 3 (or x 1, or height x width), or a float tensor in [0, 1],
            3 x height x width (or 1 x height x width, or with a leading 1).
        """
        from PIL import Image

        if isinstance(image, Tensor):
            image = (image.detach().float().clamp(0, 1) * 255).round().byte().cpu()
            image = image.reshape(image.shape[-3:]).permute(1, 2, 0).numpy()
        path = self.out / f"{safe_name(name)}.png"
        if self.rank == 0:
            with written_whole(path) as temporary:
                Image.fromarray(image.squeeze(2) if image.shape[2:] == (1,) else image).save(temporary)
        return path

    # How it is done

    def _open(self) -> None:
        """Make the directory ready, or refuse it."""
        self._made, found = records.enter_folder(self.out, resume=self.resume, fresh=self.fresh)
        self._shelf.sweep()
        asked = records.make_record(
            self._settings,
            seed=self.seed,
            seeds=list(self.seeds),
            device=str(self.device),
            processes=self.fabric.world_size,
        )
        if found:
            records.check_same(self.out, found, asked)
            asked["started"] = found["started"]
        self._new_record = asked

    def _note_down(self) -> None:
        """Write the record once there is something to record."""
        if self._record is None and self.rank == 0:
            self._record = self._new_record
            records.write_record(self.out, self._record)

    def _begin(self, name: str, *, named: bool) -> _Stage:
        if self._stage is not None:
            raise RuntimeError(f"stage {name!r} begins inside {self._stage.name!r}, which has not ended")
        if name in self._names:
            raise ValueError(f"there are two stages called {name!r}")
        self._names.add(name)
        return _Stage(name, named)

    def _find(self, stage: _Stage) -> dict[str, Any] | None:
        return self._on_first_rank(lambda: self._shelf.find(stage.name)) if self._resuming else None

    def _take_up(self, stage: _Stage) -> tuple[int, bool]:
        """Put everything to where the stage was left; return the step to go on from and whether it is finished."""
        if state := self._find(stage):
            self._restore(stage, state)
            if self.rank < len(state["random"]):
                set_random_state(state["random"][self.rank], self.device)
            else:
                seed_all(mixed(self.seed, self.rank, len(self._names), state["step"]))
            self._resuming = state["finished"]
            return state["step"], state["finished"]
        self._resuming = False
        if self.rank > 0:  # up to here all processes drew the same; now each has data and noise of its own
            seed_all(mixed(self.seed, self.rank, len(self._names)))
        return 0, False

    def _restore(self, stage: _Stage | None, state: dict[str, Any]) -> None:
        path = self._shelf.path(state)
        groups = [(self._things, state["things"])] + ([(stage.things, state["stage_things"])] if stage else [])
        for things, states in groups:
            for thing, its_state in zip(things, states, strict=False):
                if its_state is not None:
                    restore(thing, its_state, path)
        if state["precision"]:
            self.fabric.strategy.precision.load_state_dict(state["precision"])

    def _save(self, stage: _Stage, step: int, *, finished: bool = False) -> None:
        self._journal.flush()
        mine = random_state(self.device)
        random: list[Any] = [mine] * self.fabric.world_size
        if self.fabric.world_size > 1:
            torch.distributed.all_gather_object(random, mine)
        if self.rank != 0:
            return
        # Nobody trains on after the last step, unless with what belongs to several stages.
        done = (finished and not stage.named, finished)
        things, stage_things = (
            [None if drop and is_optimiser(thing) else state_of(thing) for thing in group]
            for group, drop in zip((self._things, stage.things), done, strict=True)
        )
        (self._shelf.finish if finished else self._shelf.save)(
            {
                "stage": stage.name,
                "step": step,
                "finished": finished,
                "things": things,
                "stage_things": stage_things,
                "precision": self.fabric.strategy.precision.state_dict(),
                "random": random,
            }
        )

    def _finish(self, stage: _Stage) -> None:
        if self.fabric.world_size > 1:  # all draw the same again, as before the first step
            set_random_state(self.fabric.broadcast(random_state(self.device)), self.device)
        assert stage.loop is not None
        self._save(stage, stage.loop.step, finished=True)

    def _interrupted(self, stage: _Stage, where: str) -> Interrupted:
        again = f"go on with: {self.resume_command}" if self.resume_command else "run it again with resume to go on"
        of = f" of {stage.name}" if stage.named else ""
        return Interrupted(f"Stopped after {where}{of}; everything is saved in {self.out}: {again}")

    def _on_first_rank(self, action: Callable[[], Any]) -> Any:
        """Return what ``action`` returns on rank 0, on all; if it fails there, all fail."""
        if self.fabric.world_size == 1:
            return action()
        value, problem = None, None
        if self.rank == 0:
            try:
                value = action()
            except HotpapersError as error:
                problem = error
        value, said = self.fabric.broadcast((value, problem and str(problem)))
        if said is not None:
            raise problem or BadInput(said)
        return value
