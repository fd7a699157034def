"""The verbs ``encode``, ``tokenize`` and ``decode``: a line of text is a line of ids or pieces, and back.

A folder of files is done by the shared engines, a file a piece of the work; each is written whole, so that one done
twice is the same.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from hotpapers.engines import Engine, do_all
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media.readable import is_folder
from hotpapers.papers.arabic_tokenizers.tokenizer import MODEL_FILE, PAD, UNK, Tokenizer
from hotpapers.papers.arabic_tokenizers.train import text_files
from hotpapers.papers.arabic_tokenizers.words import beside, chunks, first_line
from hotpapers.progress import bar, track
from hotpapers.verbs import Model, Outcome, TextFile

BUNDLED = Path(__file__).parent / "examples" / "bpe"
"""A little tokenizer trained on the example text, for whoever names none."""

_NOTE = "No model was named: this is the little one that comes along. Train your own and name it."
What = Literal["ids", "pieces", "offsets"]
Write = Callable[[str], object]


@dataclasses.dataclass(frozen=True)
class Piece:
    """One file to encode, as it travels to a worker."""

    text: Path
    model: Path
    out: Path
    what: What
    length: int


@dataclasses.dataclass(frozen=True)
class Done:
    """What came of a file."""

    out: Path
    lines: int
    tokens: int
    unknown: int


def encode(
    text: TextFile,
    model: Model | None = None,
    out: Path | None = None,
    *,
    offsets: bool = False,
    length: int = 0,
    engine: Engine = "local",
    jobs: int = 1,
) -> Outcome:
    """Turn text into ids, a line for each line.

    Parameters
    ----------
    text
        A text file in UTF-8, or a folder whose .txt files are all encoded.
    model
        A tokenizer; left out, a little one that comes along.
    out
        The file of ids, or the folder for them; beside the input when left out.
    offsets
        Write JSON lines with ids, pieces and their places in the line.
    length
        Cut each line to so many ids and pad it up to them; 0 leaves lines as they are.
    engine
        What does the files of a folder: this process, worker processes, or a Ray cluster.
    jobs
        How many files at once.
    """
    return _run(text, model, out, "offsets" if offsets else "ids", length, engine, jobs)


def tokenize(
    text: TextFile,
    model: Model | None = None,
    out: Path | None = None,
    *,
    engine: Engine = "local",
    jobs: int = 1,
) -> Outcome:
    """Cut text into pieces, a line for each line, with a space between pieces.

    Parameters
    ----------
    text
        A text file in UTF-8, or a folder whose .txt files are all cut.
    model
        A tokenizer; left out, a little one that comes along.
    out
        The file of pieces, or the folder for them; beside the input when left out.
    engine
        What does the files of a folder: this process, worker processes, or a Ray cluster.
    jobs
        How many files at once.
    """
    return _run(text, model, out, "pieces", 0, engine, jobs)


def decode(ids: TextFile, model: Model | None = None, out: Path | None = None) -> Outcome:
    """Turn ids back into text, a line for each line.

    Parameters
    ----------
    ids
        A file with a line of ids for each text, apart by spaces.
    model
        The tokenizer that made them; left out, a little one that comes along.
    out
        The text; beside the input when left out.
    """
    ids = Path(ids)
    tokenizer = Tokenizer.load(Path(model) if model else BUNDLED)
    out = Path(out) if out else beside(ids, "-decoded.txt")
    line_number = 0
    with written_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for block in track(chunks(ids), "decode (chunks)"):
            for line in block.decode().splitlines():
                line_number += 1
                stream.write(tokenizer.decode(_read_ids(line, ids, line_number, len(tokenizer.pieces))) + "\n")
    return Outcome({"text": out}, {"lines": line_number}, _note(out, model))


def encode_file(piece: Piece) -> Done:
    """Encode one file; doing it again writes the same."""
    tokenizer = _tokenizer(piece.model)
    lines = tokens = unknown = 0
    with written_whole(piece.out) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for block in chunks(piece.text):
            texts = block.decode().removesuffix("\n").split("\n")
            if piece.what == "offsets":
                count, missing = _write_offsets(tokenizer, texts, stream.write)
            else:
                count, missing = _write_lines(tokenizer, texts, piece, stream.write)
            lines, tokens, unknown = lines + len(texts), tokens + count, unknown + missing
    return Done(piece.out, lines, tokens, unknown)


_loaded: dict[tuple[Path, int], Tokenizer] = {}


def _tokenizer(path: Path) -> Tokenizer:
    """Load a model once a process."""
    file = path / MODEL_FILE if is_folder(path) else path
    key = (path, file.stat().st_mtime_ns if file.is_file() else 0)
    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = Tokenizer.load(path)
    return _loaded[key]


def _run(
    text: Path, model: Path | None, out: Path | None, what: What, length: int, engine: Engine, jobs: int
) -> Outcome:
    if not 0 <= length <= 1_000_000:
        raise BadInput(f"A line has 1 to 1,000,000 ids, or 0 for as many as it has, not {length}: change --length.")
    text, path = Path(text), Path(model) if model else BUNDLED
    Tokenizer.load(path)  # a bad model is told before any file is done
    suffix = {"ids": "ids.txt", "pieces": "pieces.txt", "offsets": "offsets.jsonl"}[what]
    files = text_files(text)
    if is_folder(text):
        folder = Path(out) if out else beside(text, f"-{what}")
        pieces = [Piece(each.resolve(), path.resolve(), (folder / f"{each.stem}.{suffix}").resolve(), what, length)
                  for each in files]  # fmt: skip
        result = folder
    else:
        result = Path(out) if out else beside(text, f".{suffix}")
        pieces = [Piece(text.resolve(), path.resolve(), result.resolve(), what, length)]
    done = []
    with bar("encode (files)", len(pieces)) as shown:
        for each in do_all(encode_file, pieces, engine=engine, jobs=jobs):
            done.append(each)
            shown.update(len(done))
    tokens = sum(each.tokens for each in done)
    numbers: dict[str, float | int | str] = {
        "files": len(done), "lines": sum(each.lines for each in done), "pieces": tokens,
        "unknown": sum(each.unknown for each in done) / max(tokens, 1),
    }  # fmt: skip
    return Outcome({what: result}, numbers, _note(done[0].out, model))


def _note(out: Path, model: Path | None) -> str:
    """Say how what was written begins, and which model wrote it where none was named."""
    return f"It begins: {first_line(out)}" + ("" if model else f"\n{_NOTE}")


def _write_lines(tokenizer: Tokenizer, texts: list[str], piece: Piece, write: Write) -> tuple[int, int]:
    flat, bounds = tokenizer.encode_lines(texts)
    names = np.array([str(number) for number in range(len(tokenizer.pieces))] if piece.what == "ids"
                     else tokenizer.pieces, dtype=object)  # fmt: skip
    spelt = names[flat].tolist()
    limit = piece.length or None
    for begin, end in zip(bounds.tolist(), bounds[1:].tolist(), strict=False):
        line = spelt[begin:end][:limit]
        if limit:
            line += [str(PAD)] * (limit - len(line))
        write(" ".join(line) + "\n")
    return len(flat), int((flat == UNK).sum())


def _write_offsets(tokenizer: Tokenizer, texts: list[str], write: Write) -> tuple[int, int]:
    count = missing = 0
    for text in texts:
        tokens = tokenizer.encode_with_offsets(text)
        record = {"ids": [t.id for t in tokens], "pieces": [t.piece for t in tokens],
                  "offsets": [[t.begin, t.end] for t in tokens]}  # fmt: skip
        write(json.dumps(record, ensure_ascii=False) + "\n")
        count, missing = count + len(tokens), missing + sum(t.id == UNK for t in tokens)
    return count, missing


def _read_ids(line: str, path: Path, number: int, size: int) -> Iterator[int]:
    for word in line.split():
        if not word.isascii() or not word.isdigit() or len(word) > 9 or int(word) >= size:
            raise BadInput(f"{path.name} has {word[:20]!r} in line {number}, which is no id below {size}; "
                           "decode with the model that encoded.")  # fmt: skip
        yield int(word)
