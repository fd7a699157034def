"""Claims of no paper: what engines must cope with. Workers import this module by name."""

import os
import signal
import sys
import time
import types
from pathlib import Path

from hotpapers.claims import Measurement


class StandInRun:
    """The part of a run that these claims use, without torch."""

    def __init__(self, out, *, seeds=(0,), device="auto", tensorboard=True):
        self.out, self.seeds, self.seed, self.device = Path(out), tuple(seeds), seeds[0], device

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def stand_in_module():
    module = types.ModuleType("hotpapers.run")
    module.Run = StandInRun
    return module


if "TOY_RUN" in os.environ:
    # Workers of the engines' tests: seconds of importing torch in each would test nothing of the engines.
    sys.modules["hotpapers.run"] = stand_in_module()


def twice_the_seed(scale, run):
    return Measurement(values={seed: 10.0 + 2 * seed for seed in run.seeds}, unit="s")


def writes_a_file(scale, run):
    (run.out / "sheets").mkdir()
    (run.out / "sheets" / "one.txt").write_text("measured")
    return Measurement(values=dict.fromkeys(run.seeds, 1.0), files=[run.out / "sheets" / "one.txt"])


def crashes(scale, run):
    raise RuntimeError("the loss ran away")


def leaves(scale, run):
    sys.exit("enough")


def drops_a_seed(scale, run):
    return Measurement(values={run.seeds[0]: 1.0})


def shows_a_stranger(scale, run):
    return Measurement(values=dict.fromkeys(run.seeds, 1.0), files=[Path("/etc/hostname")])


def keeps_an_object(scale, run):
    return Measurement(values=dict.fromkeys(run.seeds, 1.0), extras={"what": object()})


def is_killed_once(scale, run):
    tried = Path(os.environ["TOY_STATE"]) / "tried"
    with tried.open("a") as stream:
        stream.write("x")
    if len(tried.read_text()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return Measurement(values=dict.fromkeys(run.seeds, 1.0))


def is_always_killed(scale, run):
    with (Path(os.environ["TOY_STATE"]) / "always").open("a") as stream:
        stream.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


def waits_to_be_killed(scale, run):
    """Say which process measures, and take long the first time."""
    state = Path(os.environ["TOY_STATE"]) / "pid"
    if not state.exists():
        (state.parent / "pid.part").write_text(str(os.getpid()))
        os.replace(state.parent / "pid.part", state)
        time.sleep(60)
    return Measurement(values=dict.fromkeys(run.seeds, 3.0))


def names_its_worker(scale, run):
    return Measurement(values=dict.fromkeys(run.seeds, 1.0), extras={"pid": os.getpid()})


def takes_memory(scale, run):
    kept = bytearray(200 * 2**20)
    kept[::4096] = b"x" * len(kept[::4096])
    return Measurement(values={seed: float(len(kept)) for seed in run.seeds})
