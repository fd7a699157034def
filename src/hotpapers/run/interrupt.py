"""Interrupts: Ctrl-C and SIGTERM are noted, so that the loop can save after the step that it is in."""

import signal
import threading
from types import FrameType
from typing import Any


class Interrupt:
    """Between ``listen`` and ``leave`` the first signal only sets ``raised``; a second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.raised = False
        self._before: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """Take over SIGINT and SIGTERM; only the main thread can."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)

    def leave(self) -> None:
        """Give the signals back; calling it again does nothing."""
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.raised and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.raised = True
