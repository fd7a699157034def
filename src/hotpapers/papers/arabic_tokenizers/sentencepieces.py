"""Reading SentencePiece's models, in which tkseem keeps its BPE: the few fields of a protocol buffer that are needed.

A message is a row of fields: a key (number and kind of the field) and a value. Fields that are not needed are skipped
by their length; nothing in the file decides what is run.
"""

import dataclasses
import math
import struct
from collections.abc import Iterator
from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.merges import BEGINS
from hotpapers.papers.arabic_tokenizers.pickles import read_whole
from hotpapers.papers.arabic_tokenizers.tokenizer import PADDING, UNKNOWN, Algo, Tokenizer

_LARGEST = 1 << 28  # bytes
_ALGOS: dict[int, Algo] = {1: "unigram", 2: "bpe"}  # TrainerSpec.ModelType
_NORMAL, _UNKNOWN, _CONTROL, _OWN = 1, 2, 3, 4  # SentencePiece.Type: a piece, the unknown, the padding, a user's own
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # kinds of fields

Value = int | float | bytes


class _Refused(ValueError):
    pass


@dataclasses.dataclass
class _Model:
    """What a file holds: piece, score and type of each piece, and how it was trained."""

    pieces: list[tuple[str, float, int]] = dataclasses.field(default_factory=list)
    model_type: int = 1
    changes_text: bool = False


def looks_like_one(path: Path) -> bool:
    """Return whether a file begins with a piece, as SentencePiece writes its models; a pickle begins otherwise."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(1) == b"\x0a"
    except OSError:
        return False


def read_model(path: Path) -> Tokenizer:
    """Return the tokenizer of a SentencePiece model; it has the model's own ids.

    Raises
    ------
    BadInput
        If the file cannot be read, is damaged, or cuts in ways that tkseem does not ask for.
    """
    path = Path(path)
    data = read_whole(path, _LARGEST)
    try:
        return _tokenizer(_read(data))
    except _Refused as error:
        raise BadInput(f"{path.name} cannot be converted: {error}.") from error
    except (IndexError, struct.error, ValueError) as error:
        raise BadInput(f"{path.name} is damaged or is no SentencePiece model.") from error


def _tokenizer(model: _Model) -> Tokenizer:
    if model.model_type not in _ALGOS:
        raise _Refused("it is neither of bpe nor of unigram")
    if model.changes_text:
        raise _Refused("it changes the text before cutting it, which tkseem's models do not")
    kinds = [kind for _, _, kind in model.pieces]
    own = kinds.count(_OWN)
    if kinds != [_UNKNOWN, _CONTROL, *[_OWN] * own, *[_NORMAL] * (len(kinds) - 2 - own)]:
        raise _Refused("its first pieces are not an unknown, a padding and the user's own, as tkseem orders them")
    specials = tuple(piece for piece, _, kind in model.pieces if kind == _OWN)
    names = [UNKNOWN, PADDING, *(piece for piece, _, _ in model.pieces[2:])]
    if len(set(names)) < len(names) or not all(names):
        raise _Refused("a piece comes twice or is empty")
    if any(BEGINS in piece[1:] for piece in names[2 + own :]):
        raise _Refused("it has pieces of more than one word")
    scores = [score for _, score, _ in model.pieces]
    if not all(map(math.isfinite, scores)):
        raise _Refused("a score is no number")
    algo = _ALGOS[model.model_type]
    merges = _pairs(names, scores, 2 + own) if algo == "bpe" else []
    return Tokenizer(algo, names, scores, merges, specials)


def _pairs(names: list[str], scores: list[float], reserved: int) -> list[tuple[int, int]]:
    """Return the pairs of pieces that make a piece, those of the highest score first.

    SentencePiece keeps no pairs: any two neighbours merge whose letters together are a piece.
    """
    ids = {name: number for number, name in enumerate(names) if number >= reserved}
    pairs = []
    for made in sorted(ids.values(), key=lambda number: -scores[number]):
        name = names[made]
        halves = ((ids.get(name[:place]), ids.get(name[place:])) for place in range(1, len(name)))
        pairs += [(left, right) for left, right in halves if left is not None and right is not None]
    return pairs


def _read(data: bytes) -> _Model:
    model = _Model()
    for number, value in _fields(data):
        if number == 1:
            piece = {1: b"", 2: 0.0, 3: _NORMAL} | dict(_fields(_bytes(value)))
            score, kind = piece[2], piece[3]
            if not isinstance(score, float) or not isinstance(kind, int):
                raise ValueError("a piece has a score and a type")
            model.pieces.append((_bytes(piece[1]).decode(), score, kind))
        elif number == 2:  # TrainerSpec
            trainer = dict(_fields(_bytes(value)))
            model.model_type = int(trainer.get(3, 1))
            model.changes_text |= bool(trainer.get(24, 0))  # the ▁ behind words
        elif number == 3:  # NormalizerSpec
            normalizer = dict(_fields(_bytes(value)))
            model.changes_text |= bool(normalizer.get(2)) or not all(normalizer.get(each, 1) for each in (3, 4, 5))
    if not model.pieces:
        raise ValueError("no pieces")
    return model


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {_EIGHT: 8, _FOUR: 4}.get(kind, -1)
        if kind == _BYTES:
            size, at = _varint(data, at)
        if size < 0 or at + size > len(data):
            raise ValueError("a field goes beyond the end")
        part = data[at : at + size]
        yield number, struct.unpack("<f", part)[0] if kind == _FOUR else part
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number written seven bits a byte, the lowest first, and where the next thing begins."""
    value = 0
    for place in range(10):
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number does not end")


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a field is of another kind")
    return value
