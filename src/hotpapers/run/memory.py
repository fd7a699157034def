"""Giving memory back: what one stage leaves behind is not to stand beside what the next one needs."""

import ctypes
import gc
import sys

import torch


def give_back() -> None:
    """Return memory that nobody uses any more to the system.

    Optimisers and their schedulers hold each other until the garbage collector looks; glibc keeps the pages of freed
    tensors that the tensors of the next stage do not fit into; PyTorch's own cache does so on a GPU.
    """
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
