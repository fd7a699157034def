"""Dumps of posts: JSON lines, plain or compressed, read in blocks; only the lines that may name a paper come out.

In a network's stream one line in thousands names a paper, so the others must cost next to nothing. A block is looked
through as an array of 16-bit words, both even and odd, for ``iv`` and ``/p``; the few hits are kept where they belong
to ``xiv`` (arxiv, alphaxiv, a DOI's arXiv), ``5iv`` (ar5iv) or ``/papers`` (Hugging Face), in any case. No other line
is cut out or parsed. An old identifier without any of these (a bare ``hep-th/9901001``) is not seen.
"""

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np

from hotpapers.errors import BadInput, MissingExtra

BLOCK = 512 << 10  # fits a core's second-level cache with what is computed from it
LONGEST_LINE = 16 << 20
_STRIDE = 256 << 10
_LOWER = np.uint8(0x20)  # makes letters small, and leaves / and 5 as they are
_IV, _SLASH_P = (np.frombuffer(pair, "<u2")[0] for pair in (b"iv", b"/p"))
_X, _FIVE, _PAPERS = np.uint8(ord("x")), np.uint8(ord("5")), b"/papers"
# Room to work in: allocated anew for each block, it would cost more than the work.
_ROOM = np.empty(_STRIDE + 8, np.uint8)
_HITS = np.empty((2, _STRIDE // 2 + 4), bool)


class Line(NamedTuple):
    """A line of a dump and where it begins, in bytes after decompression."""

    offset: int
    raw: bytes


def is_compressed(path: Path) -> bool:
    """Say whether a dump can only be read from its beginning."""
    return path.suffix.lower() in (".gz", ".bz2", ".xz", ".zst")


def lines_with_links(path: Path, start: int = 0, end: int | None = None) -> Iterator[Line]:
    """Yield the lines of ``path`` that may name a paper and begin in [``start``, ``end``) bytes.

    Raises
    ------
    BadInput
        If the file cannot be read or its compression is damaged. A line of more than 16 MB is left out.
    """
    try:
        with _opened(path) as stream:
            if start:
                stream.seek(start - 1)
            yield from _scan(stream, start, end)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"Cannot read {path}: {reason}.") from error
    except (EOFError, lzma.LZMAError, zlib.error) as error:
        raise BadInput(
            f"{path} is cut off or damaged ({error}); fetch it again, or unpack what can be saved."
        ) from error


def _opened(path: Path) -> BinaryIO:
    suffix = path.suffix.lower()
    if suffix == ".zst":
        try:
            import zstandard
        except ImportError as error:
            raise MissingExtra(f"Reading {path.name}", ("collect",)) from error
        return cast(BinaryIO, io.BufferedReader(_Zstandard(zstandard, path), BLOCK))
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    return openers[suffix](path, "rb") if suffix in openers else open(path, "rb", buffering=0)


class _Zstandard(io.RawIOBase):
    """A zstd file of one frame or many; unlike the library's own reader it notices a cut-off end."""

    def __init__(self, zstandard: object, path: Path) -> None:
        self._new = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj  # type: ignore[attr-defined]
        self._error: type[Exception] = zstandard.ZstdError  # type: ignore[attr-defined]
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        self._frame, self._left, self._inside = self._new(), b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        raw = b""
        while not self._left:
            if self._frame.eof:
                raw, self._frame, self._inside = self._frame.unused_data, self._new(), False
            raw = raw or self._file.read(64 << 10)
            if not raw:
                if self._inside:
                    raise EOFError("its last frame has no end")
                return 0
            self._inside = True
            try:
                self._left, raw = self._frame.decompress(raw), b""
            except self._error as error:
                raise EOFError(str(error)) from error
        size = min(len(target), len(self._left))
        target[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def _scan(stream: BinaryIO, start: int, end: int | None) -> Iterator[Line]:
    """Read blocks that end with a line, look through each, carry the rest over; begin after the first line's end."""
    buffer = bytearray(BLOCK)
    base, filled = (start - 1, 0) if start else (0, 0)  # the buffer's first byte in the file, the bytes that it holds
    begun, skipping = start == 0, False
    while True:
        if filled == len(buffer):
            if len(buffer) >= LONGEST_LINE:
                base, filled, skipping = base + filled, 0, True
            else:
                buffer = buffer.ljust(2 * len(buffer))
        with memoryview(buffer) as view:
            size = cast(io.RawIOBase, stream).readinto(view[filled:]) or 0
        at_end, filled = not size, filled + size
        whole = filled if at_end else buffer.rfind(b"\n", filled - size, filled) + 1
        if not whole and not at_end:
            continue
        first = 0
        if not begun or skipping:
            first = buffer.find(b"\n", 0, whole) + 1
            if not first:  # only the end of a file can bring this: no line begins here any more
                return
            begun, skipping = True, False
        for line in _look_through(buffer, first, whole, base):
            if end is not None and line.offset >= end:
                return
            yield line
        if at_end or (end is not None and base + whole >= end):
            return
        buffer[: filled - whole] = buffer[whole:filled]
        base, filled = base + whole, filled - whole


def _look_through(buffer: bytearray, first: int, whole: int, base: int) -> Iterator[Line]:
    """Yield the lines between ``first`` and ``whole`` that hold a needle; the buffer begins at ``base`` in the file."""
    done = first
    for place in needles(np.frombuffer(buffer, np.uint8, whole)):
        if place < done:
            continue
        begins = buffer.rfind(b"\n", done, place) + 1 or done
        ends = buffer.find(b"\n", place, whole)
        done = whole if ends < 0 else ends + 1
        yield Line(base + begins, bytes(buffer[begins : whole if ends < 0 else ends]))


def needles(text: np.ndarray) -> list[int]:
    """Return where the ``iv`` of ``xiv`` and ``5iv``, and ``/papers``, stand in ``text``, in any case, in order."""
    found: list[int] = []
    for begin in range(0, len(text), _STRIDE):
        # Some bytes more than the stride, so that what lies across its border is seen.
        before = begin > 0
        piece = text[begin - before : begin + _STRIDE + 6]
        low = np.bitwise_or(piece, _LOWER, out=_ROOM[: len(piece)])
        places = sorted(_pairs(low, 0) + _pairs(low, 1))
        found += [begin - before + place for place in places if before <= place < _STRIDE + before]
    return found


def _pairs(low: np.ndarray, odd: int) -> list[int]:
    """Return the needles at even places of ``low`` (bytes in lower case), or at the odd ones."""
    words = low[odd : odd + (len(low) - odd) // 2 * 2].view("<u2")
    is_iv = np.equal(words, _IV, out=_HITS[0][: len(words)])
    is_slash = np.equal(words, _SLASH_P, out=_HITS[1][: len(words)])
    places = np.flatnonzero(is_iv) * 2 + odd
    before = low[places - 1]  # where the text begins with it, the last byte: one line more to parse, nothing worse
    found = places[(before == _X) | (before == _FIVE)].tolist()
    for word in np.flatnonzero(is_slash).tolist():
        place = 2 * word + odd
        if low[place : place + 7].tobytes() == _PAPERS:
            found.append(place)
    return found


def sizes(paths: Sequence[Path]) -> list[os.stat_result]:
    """Return what the file system says of each dump, or raise ``BadInput`` naming the one that is no file."""
    stats = []
    for path in paths:
        try:
            stats.append(path.stat())
        except OSError as error:
            raise BadInput(f"Cannot read {path}: {(error.strerror or '').lower()}.") from error
        if not path.is_file():
            raise BadInput(f"{path} is no file: name dumps of JSON lines, such as posts.jsonl.gz.")
    return stats
