"""Work that engines are tried with. Workers import this module by name."""

import os
import signal
import time
from pathlib import Path

from hotpapers.errors import BadInput


def squared(number):
    time.sleep(0.02 * (number % 3 == 0))  # the third pieces come late
    return number * number


def is_killed_once(piece):
    """Die at the first attempt: the file says that there was one."""
    path, number = piece
    if number == 3 and not Path(path).exists():
        Path(path).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def always_dies(number):
    if number == 1:
        os._exit(7)
    return number


def refuses(number):
    raise BadInput(f"{number} is no good.")


def gives_what_cannot_travel(number):
    return lambda: number


def threads_and_progress(_):
    return os.environ["OMP_NUM_THREADS"], os.environ["HOTPAPERS_PROGRESS"]
