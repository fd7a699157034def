"""Checkpoints: any nested state as one safetensors file, never a pickle.

Tensors and arrays are stored as tensors; everything else is JSON in the file's header, under ``state``, with a
checksum of the tensors under ``crc32``. What comes back equals what went in, type by type.
"""

import collections
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.files import written_whole


class Damaged(BadInput):
    """A checkpoint that cannot be read back."""


def write(path: Path, state: Any, summary: dict[str, Any] | None = None) -> None:
    """Write ``state`` (nested dicts, lists, tuples, tensors, arrays, scalars) to ``path``, whole or not at all.

    ``summary`` (JSON types) can be read without reading the rest.

    Raises
    ------
    TypeError
        If the state holds something that is none of these, naming where.
    BadInput
        If the file cannot be written.
    """
    packing = _Packing()
    tree = packing.pack(state, "state")
    metadata = {
        "state": json.dumps(tree),
        "summary": json.dumps(summary or {}),
        "crc32": str(_checksum(packing.tensors)),
    }
    with written_whole(path) as temporary:
        try:
            save_file(packing.tensors, temporary, metadata=metadata)
        except SafetensorError as error:  # what safetensors makes of a full disk
            raise OSError(0, str(error)) from error


def read(path: Path) -> Any:
    """Return the state that ``write`` put into ``path``; tensors are on the CPU and own their memory.

    Raises
    ------
    Damaged
        If the file is cut off, altered or not a checkpoint of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118 - not a dict
        if int(metadata["crc32"]) != _checksum(tensors):
            raise ValueError("checksum")
        return _unpack(json.loads(metadata["state"]), tensors)
    except _DAMAGE as error:
        raise _damaged(path) from error


def read_summary(path: Path) -> dict[str, Any]:
    """Return the summary in ``path`` without reading its tensors; raise ``Damaged`` where that cannot be."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads(file.metadata()["summary"])
    except _DAMAGE as error:
        raise _damaged(path) from error


_DAMAGE = (SafetensorError, OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError)


def _damaged(path: Path) -> Damaged:
    mend = "delete it to do without it, or start over with fresh"
    return Damaged(f"The checkpoint {path} is damaged or not one of ours: {mend}.")


class _Packing:
    """Takes a nested state apart into a JSON tree and tensors that share no memory, as safetensors demands."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._keys: dict[tuple[Any, ...], str] = {}
        self._storages: set[int] = set()

    def pack(self, value: Any, where: str) -> Any:
        """Return the JSON tree of ``value``; what JSON has no word for becomes ``{"$": kind, "of": parts}``."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Tensor):
            return {"$": "tensor", "of": self._keep(value, where)}
        if isinstance(value, np.ndarray):
            return {"$": "array", "of": self._keep(torch.from_numpy(value), where)}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, list):
            return [self.pack(each, f"{where}.{index}") for index, each in enumerate(value)]
        if isinstance(value, tuple):
            return {"$": "tuple", "of": self.pack(list(value), where)}
        if isinstance(value, set | frozenset | collections.deque):
            return {"$": type(value).__name__, "of": self.pack(list(value), where)}
        if isinstance(value, dict):
            if type(value) is not collections.Counter and all(isinstance(key, str) and key != "$" for key in value):
                return {key: self.pack(each, f"{where}.{key}") for key, each in value.items()}
            kind = "counter" if isinstance(value, collections.Counter) else "map"
            pairs = [[self.pack(key, where), self.pack(each, f"{where}.{key}")] for key, each in value.items()]
            return {"$": kind, "of": pairs}
        raise TypeError(f"{where} is a {type(value).__name__}, which a checkpoint cannot hold")

    def _keep(self, tensor: Tensor, where: str) -> str:
        if tensor.layout is not torch.strided or tensor.is_meta:
            raise TypeError(f"{where} is a {tensor.layout} tensor on {tensor.device}, which a checkpoint cannot hold")
        same = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and same in self._keys:  # tied weights are stored once
            return self._keys[same]
        dense = tensor.detach().cpu().contiguous()
        storage = dense.untyped_storage()
        if storage.nbytes() != dense.nbytes or storage.data_ptr() in self._storages:
            dense = dense.clone()
        self._storages.add(dense.untyped_storage().data_ptr())
        self._keys[same] = where
        self.tensors[where] = dense
        return where


def _unpack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(tree, list):
        return [_unpack(each, tensors) for each in tree]
    if not isinstance(tree, dict):
        return tree
    kind = tree.get("$")
    if kind is None:
        return {key: _unpack(each, tensors) for key, each in tree.items()}
    if kind == "tensor":
        return tensors[tree["of"]]
    if kind == "array":
        return tensors[tree["of"]].numpy()
    parts = _unpack(tree["of"], tensors)
    containers = {"tuple": tuple, "set": set, "frozenset": frozenset, "deque": collections.deque, "map": dict}
    return collections.Counter(dict(parts)) if kind == "counter" else containers[kind](parts)


def _checksum(tensors: dict[str, Tensor]) -> int:
    total = 0
    for key in sorted(tensors):
        total = zlib.crc32(tensors[key].reshape(-1).view(torch.uint8).numpy().data, total)
    return total
