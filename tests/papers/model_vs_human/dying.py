"""Work that dies once in the middle. Workers import this module by name."""

import os
import signal
from pathlib import Path


def distort(piece):
    """Do half of the first image's levels and be killed; do everything else, and that one the second time."""
    from hotpapers.media import write_image
    from hotpapers.papers.model_vs_human.distort import _distort, _made

    killed = piece.folder.parent / "killed"
    if piece.name.startswith("a") and not killed.exists():
        killed.parent.mkdir(parents=True, exist_ok=True)
        killed.write_text(str(os.getpid()))
        write_image(piece.path(piece.levels[0][0]), 1 - _made(piece)[0])  # what a dying worker leaves may be wrong
        os.kill(os.getpid(), signal.SIGKILL)
    return _distort(piece)


def classify(piece):
    from hotpapers.papers.model_vs_human.evaluate import _classify

    killed = Path(os.environ["KILLED"])
    if not killed.exists():
        killed.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return _classify(piece)
