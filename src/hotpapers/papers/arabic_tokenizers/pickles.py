"""Reading tkseem's vocabularies, which are pickles, without unpickling: an own reader of opcodes.

A pickle is a program; this reads it as data. It knows the opcodes that write a ``dict``, a ``Counter`` or a
``defaultdict(int)`` of strings and whole numbers, and refuses at the first that is anything else: nothing is imported,
called or built. Strings that are referred to again are read again at their place in the file, so that a dictionary of
millions is read in little memory.
"""

import enum
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hotpapers.errors import BadInput

_ALLOWED = {("collections", "Counter"), ("collections", "defaultdict"), ("collections", "OrderedDict"),
            ("builtins", "dict"), ("builtins", "int"), ("__builtin__", "dict"), ("__builtin__", "int"),
            ("__builtin__", "long")}  # fmt: skip
_LARGEST = 1 << 30  # bytes
_LONGEST = 1 << 16  # bytes of one string
_DEEPEST = 1 << 14  # things on the stack; pickle sets a thousand pairs at a time
_STRINGS = {0x58: "<I", 0x8C: "<B"}  # BINUNICODE, SHORT_BINUNICODE: opcode → how its length is written
_PUTS = {0x71: "<B", 0x72: "<I", 0x94: ""}  # BINPUT, LONG_BINPUT, MEMOIZE
_GETS = {0x68: "<B", 0x6A: "<I"}  # BINGET, LONG_BINGET
_NUMBERS = {0x4A: "<i", 0x4B: "<B", 0x4D: "<H", 0x8A: "long"}  # BININT, BININT1, BININT2, LONG1
_SETITEM, _SETITEMS, _STOP = 0x73, 0x75, 0x2E


class _Token(enum.Enum):
    MARK, DICT, NAME, TUPLE = range(4)


_KINDS = list(_Token)


class _Refused(ValueError):
    pass


def read_counts(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the strings and numbers of a pickled dictionary, in its order.

    Raises
    ------
    BadInput
        If the file cannot be read, is damaged, or holds anything but strings and whole numbers in a dictionary.
    """
    path = Path(path)
    data = read_whole(path, _LARGEST)
    try:
        yield from _read(data)
    except _Refused as error:
        raise BadInput(f"{path.name} is no vocabulary and was not opened: {error}.") from error
    except (IndexError, struct.error, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path.name} is damaged or is no pickle; nothing of it was run.") from error


def read_whole(path: Path, most: int) -> bytes:
    """Return a vocabulary's file of at most so many bytes, or raise ``BadInput``."""
    try:
        if path.stat().st_size > most:
            raise BadInput(f"{path.name} is larger than {most >> 20} MB; that is no vocabulary.")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {(error.strerror or type(error).__name__).lower()}.") from error


def _read(data: bytes) -> Iterator[tuple[str, int]]:
    """Follow the opcodes. The stack has strings, numbers and tokens; pairs leave it as soon as they are set."""
    stack: list[Any] = []
    memo = _Memo(data)
    at = begin = 0
    while True:
        op = data[at]
        at += 1
        if op in _STRINGS:
            size, at = _number(data, at, _STRINGS[op])
            begin, at = at, at + size
            if size > _LONGEST or at > len(data):
                raise _Refused("a string is longer than a piece can be")
            stack.append(str(data[begin:at], "utf-8"))
        elif op in _PUTS:
            key, at = _number(data, at, _PUTS[op]) if _PUTS[op] else (memo.filled, at)
            memo.put(key, stack[-1], begin)
        elif op in _NUMBERS:
            value, at = _number(data, at, _NUMBERS[op])
            stack.append(value)
        elif op == _SETITEM:
            value, key = stack.pop(), stack.pop()
            yield _pair(stack[-1], key, value)
        elif op == _SETITEMS:
            place = len(stack) - 1 - stack[::-1].index(_Token.MARK)
            items, holder = stack[place + 1 :], stack[place - 1] if place else None
            del stack[place:]
            for item in range(0, len(items), 2):
                yield _pair(holder, items[item], items[item + 1])
        elif op in _GETS:
            key, at = _number(data, at, _GETS[op])
            stack.append(memo.get(key))
        elif op == _STOP:
            if stack != [_Token.DICT]:
                raise _Refused("it does not hold one dictionary")
            return
        else:
            at = _build(op, data, at, stack)
        if len(stack) > _DEEPEST:
            raise _Refused("it is nested too deeply")


def _build(op: int, data: bytes, at: int, stack: list[Any]) -> int:
    """Follow the opcodes that make the dictionary itself; they come a few times a file."""
    if op == 0x28:  # MARK
        stack.append(_Token.MARK)
    elif op == 0x7D:  # EMPTY_DICT
        stack.append(_Token.DICT)
    elif op == 0x63:  # GLOBAL
        middle = data.index(b"\n", at, at + 100)
        end = data.index(b"\n", middle + 1, middle + 100)
        stack.append(_name(data[at:middle].decode(), data[middle + 1 : end].decode()))
        at = end + 1
    elif op == 0x93:  # STACK_GLOBAL
        name, module = stack.pop(), stack.pop()
        stack.append(_name(module, name))
    elif op == 0x29:  # EMPTY_TUPLE
        stack.append(_Token.TUPLE)
    elif op == 0x85:  # TUPLE1
        if stack.pop() not in (_Token.DICT, _Token.NAME):
            raise _Refused("it calls something with arguments")
        stack.append(_Token.TUPLE)
    elif op == 0x52:  # REDUCE: Counter({…}), defaultdict(int), OrderedDict()
        if stack.pop() is not _Token.TUPLE or stack.pop() is not _Token.NAME:
            raise _Refused("it calls something")
        stack.append(_Token.DICT)
    elif op == 0x80:  # PROTO
        if data[at] > 5:
            raise _Refused(f"its protocol {data[at]} is not known")
        at += 1
    elif op == 0x95:  # FRAME
        at += 8
    else:
        raise _Refused(f"it has the opcode {bytes([op])!r}, which no vocabulary needs")
    return at


class _Memo:
    """What is referred to again: of strings where they stand in the file, of the rest what it is."""

    def __init__(self, data: bytes) -> None:
        self.data, self.filled = data, 0
        self.places = array("q")

    def put(self, key: int, value: Any, begin: int) -> None:
        if key > self.filled + _DEEPEST:
            raise _Refused("its memo has holes")
        while key >= len(self.places):
            self.places.append(-1)
        if isinstance(value, _Token):
            self.places[key] = -2 - _KINDS.index(value)
        elif isinstance(value, str):
            self.places[key] = (begin << 17) | len(value.encode())
        else:
            raise _Refused("it keeps numbers to refer to")
        self.filled += 1

    def get(self, key: int) -> Any:
        place = self.places[key]
        if place == -1:
            raise _Refused("it refers to what is not there")
        if place < -1:
            return _KINDS[-2 - place]
        return str(self.data[place >> 17 : (place >> 17) + (place & 0x1FFFF)], "utf-8")


def _number(data: bytes, at: int, form: str) -> tuple[int, int]:
    if form == "long":
        size = data[at]
        if size > 16:
            raise _Refused("a number is larger than a count can be")
        return int.from_bytes(data[at + 1 : at + 1 + size], "little", signed=True), at + 1 + size
    return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)


def _name(module: Any, name: Any) -> "_Token":
    if (module, name) not in _ALLOWED:
        raise _Refused(f"it names {str(module)[:40]}.{str(name)[:40]}, which is neither dictionary nor Counter")
    return _Token.NAME


def _pair(holder: Any, key: Any, value: Any) -> tuple[str, int]:
    if holder is not _Token.DICT or not isinstance(key, str) or isinstance(value, bool) or not isinstance(value, int):
        raise _Refused("its items are not strings with whole numbers")
    return key, value
