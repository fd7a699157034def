"""Where a measurement comes from: what it cost, on which machine, with which code. No host name, no path."""

import contextlib
import dataclasses
import functools
import importlib.metadata
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil

import hotpapers

PACKAGES = (
    "torch", "numpy", "lightning-fabric", "scipy", "scikit-image", "pillow", "safetensors", "transformers",
    "tokenizers", "torch-geometric", "openmm", "gymnasium", "mujoco", "librosa", "soundfile", "pyarrow", "polars",
    "duckdb", "ray",
)  # fmt: skip
"""The libraries whose version can change a measured value."""

SAMPLE_SECONDS = 0.2


class Cost(msgspec.Struct, frozen=True):
    """What a measurement took, its child processes included."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    """Greatest resident memory of the process and its children together (pages that they share count for each)."""
    peak_gpu_memory_bytes: int | None = None


class Machine(msgspec.Struct, frozen=True):
    """The hardware of a measurement."""

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    gpu: str | None = None


@dataclasses.dataclass
class Meter:
    """Filled with the cost when the block of ``metered`` ends."""

    cost: Cost | None = None


@contextlib.contextmanager
def metered() -> Iterator[Meter]:
    """Measure what the block costs: wall and CPU seconds, and the peak of memory, sampled five times a second."""
    meter, peak, done = Meter(), [_resident()], threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=sample, name="memory", daemon=True)
    wall, cpu, mark = time.perf_counter(), _cpu_seconds(), _high_water()
    if torch := _torch_on_gpu():
        torch.cuda.reset_peak_memory_stats()
    watcher.start()
    try:
        yield meter
    finally:
        wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
        done.set()
        watcher.join()
        # A peak between two samples shows in the process's own high-water mark, unless an earlier one hides it.
        own = _high_water() if _high_water() > mark else 0
        torch = _torch_on_gpu()
        gpu = torch.cuda.max_memory_allocated() if torch else None
        meter.cost = Cost(wall, cpu, max(peak[0], _resident(), own), gpu)


def machine() -> Machine:
    """Return the hardware that this process runs on; a GPU only where the work has loaded torch."""
    torch = _torch_on_gpu()
    return Machine(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.machine()}",
        gpu=torch.cuda.get_device_name() if torch else None,
    )


def versions() -> dict[str, str]:
    """Return the versions of Python, hotpapers and those of ``PACKAGES`` that are installed."""
    found = {"python": platform.python_version(), "hotpapers": hotpapers.__version__}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


@functools.cache
def revision() -> str:
    """Return the commit of a checkout (``-dirty`` where its code is changed), else the package's version."""
    root = checkout()
    if root is None or not (root / ".git").exists():
        return hotpapers.__version__
    commit = _git(root, "describe", "--always", "--tags", "--abbrev=12")
    # Only the code makes a revision dirty: the evidence and the tables that are being written do not.
    changed = _git(root, "status", "--porcelain", "--", "src/*.py", "src/*.toml")
    return hotpapers.__version__ if commit is None else commit + ("-dirty" if changed else "")


def checkout() -> Path | None:
    """Return the root of the source checkout that hotpapers runs from, or ``None`` where it is installed."""
    root = Path(hotpapers.__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "src" / "hotpapers").is_dir() else None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _resident() -> int:
    """Return the resident bytes of this process and of its children."""
    total = 0
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
            total += process.memory_info().rss
    return total


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _high_water() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _torch_on_gpu() -> Any:
    """Return torch where the work has loaded it and there is a GPU, else ``None``."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and torch.cuda.is_available() else None


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
