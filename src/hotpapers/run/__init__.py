"""Run: the plumbing of a training loop, so that a paper's loop stays visible.

Directory, seeds, device and precision, progress, log, checkpoints, exact resume, a clean stop on Ctrl-C; models kept in
folders and read again.
"""

from hotpapers.run.models import load_model, save_model
from hotpapers.run.randomness import check_seed, generator_on
from hotpapers.run.run import Run

__all__ = ["Run", "check_seed", "generator_on", "load_model", "save_model"]
