"""Text to learn and to measure on: the user's file, the sources of Python's standard library (always here), or enwik8.

A text is a tensor of bytes (``uint8``); what is drawn from it are numbers that an embedding takes (``int64``).
"""

import functools
import hashlib
import sysconfig
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from hotpapers.errors import BadInput

Corpus = Literal["python", "enwik8"]

LARGEST = 1 << 30  # bytes
HELD_OUT = 0.1  # of a text, its end, for validation


def read_text(path: Path | None, at_least: int, corpus: Corpus = "python") -> UInt8[Tensor, " n"]:
    """Return the bytes of a text in UTF-8, or without a path those of ``corpus``.

    Raises
    ------
    BadInput
        If the file cannot be read, is not text, or is shorter than ``at_least`` bytes or far too long.
    """
    if path is None:
        return wikipedia() if corpus == "enwik8" else standard_library()
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path} has more than {LARGEST >> 30} GiB; give a part of it.")
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {(error.strerror or 'failed').lower()}; give a text file.") from error
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8 (byte {error.start}); save it as UTF-8.") from error
    if b"\0" in content:
        raise BadInput(f"{path} is not text: it has zero bytes; give a plain text file.")
    if len(content) < at_least:
        raise BadInput(f"{path} has {len(content)} bytes; at least {at_least} are needed, so give a longer text.")
    return _tensor(content)


@functools.cache
def standard_library() -> UInt8[Tensor, " n"]:
    """Return the top-level modules of Python's standard library, in an order that mixes topics but never changes."""
    files = Path(sysconfig.get_path("stdlib")).glob("*.py")
    order = sorted(files, key=lambda path: hashlib.sha256(path.name.encode()).digest())
    return _tensor(b"".join(each.read_bytes() for each in order))


@functools.cache
def wikipedia() -> UInt8[Tensor, " n"]:
    """Return enwik8's 100 million bytes, fetched where need be."""
    from hotpapers.datasets import enwik8

    return torch.from_numpy(enwik8())


def split(text: UInt8[Tensor, " n"]) -> tuple[Tensor, Tensor]:
    """Return what to train on and what is held out."""
    border = round(len(text) * (1 - HELD_OUT))
    return text[:border], text[border:]


def draw(text: UInt8[Tensor, " n"], batch: int, length: int) -> Int[Tensor, "batch length+1"]:
    """Draw pieces of ``length`` bytes and the one that follows, by the global generator."""
    starts = torch.randint(len(text) - length, (batch, 1))
    return text[starts + torch.arange(length + 1)].long()


def windows(text: UInt8[Tensor, " n"], length: int, most: int) -> Int[Tensor, "windows length+1"]:
    """Return up to ``most`` pieces spread evenly over the text, the same ones every time."""
    count = max(1, min(most, (len(text) - 1) // length))
    starts = torch.linspace(0, len(text) - length - 1, count).long()[:, None]
    return text[starts + torch.arange(length + 1)].long()


def _tensor(content: bytes) -> UInt8[Tensor, " n"]:
    return torch.from_numpy(np.frombuffer(content, np.uint8).copy())
