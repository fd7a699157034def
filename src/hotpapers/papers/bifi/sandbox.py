"""Sandbox: programs that judge code run with little: seconds, memory, output, no network where the system allows that.

The code under repair is only ever handed to the program as a file; it is never executed here.
"""

import contextlib
import functools
import os
import resource
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MEMORY = 1 << 30
SECONDS = 10.0
OUTPUT = 1 << 16


class Ran(NamedTuple):
    """How a program ended: its exit code (``None`` where it was stopped), and the beginning of what it said."""

    code: int | None
    said: str


@functools.cache
def without_network() -> tuple[str, ...]:
    """Return the words to put before a command so that it has no network; none where the system has no such means."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    words = (unshare, "--user", "--net", "--map-current-user")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if subprocess.run([*words, "true"], capture_output=True, timeout=5).returncode == 0:
            return words
    return ()


def run_on(
    command: Sequence[str],
    text: str,
    suffix: str,
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    output: int = OUTPUT,
) -> Ran:
    """Run ``command`` on ``text`` in a file of its own, whose path takes the place of ``{}``, or comes last.

    It runs in an empty folder that is removed, with a bare environment, and all that it starts ends with it.
    """
    with tempfile.TemporaryDirectory(prefix="bifi-") as folder:
        path = Path(folder) / f"code{suffix}"
        path.write_text(text, encoding="utf-8", newline="")
        words = [word.replace("{}", str(path)) for word in command]
        words = words if any("{}" in word for word in command) else [*words, str(path)]
        process = subprocess.Popen(
            [*without_network(), *words],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": folder, "TMPDIR": folder},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=functools.partial(_bind, int(seconds) + 1, memory, output),
        )
        try:
            said = _listen(process, time.monotonic() + seconds, output)
            code = process.wait(timeout=0.5) if said is not None else None
        except subprocess.TimeoutExpired:
            code, said = None, None
        finally:
            _end(process)
        return Ran(code, (said or b"").decode("utf-8", "replace"))


def _bind(seconds: int, memory: int, output: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 * output, 16 * output))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _listen(process: subprocess.Popen[bytes], until: float, most: int) -> bytes | None:
    """Return what the program says until it ends, or ``None`` where it goes on for too long or says too much."""
    assert process.stdout is not None
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if not selector.select(left):
                break
            block = os.read(process.stdout.fileno(), 1 << 14)
            if not block:
                return bytes(said)
            said += block
            if len(said) > most:
                break
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
