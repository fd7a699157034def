"""Backfill: count the signals in dumps of any size, in bounded memory, on one core or many.

The dumps are cut into pieces. A worker reads its piece, keeps the signals that name a paper as a part (``tally``), and
says that it is done by one small file written last. Whatever dies in between is done again; what is done is not, also
by the next call with the same dumps and the same ``out``. When all are done the parts are counted and thrown away.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import msgspec

from hotpapers import progress
from hotpapers.digest.dumps import Line, is_compressed, lines_with_links, sizes
from hotpapers.digest.posts import NotAPost, signals_of
from hotpapers.digest.records import Signal
from hotpapers.digest.tally import Counts, newest_signals, write_part
from hotpapers.engines import Engine, do_all
from hotpapers.errors import BadInput
from hotpapers.files import written_whole

PIECE = 256 << 20  # bytes; half a second's work
PART = 100_000  # signals; with their words some 200 MB
BUCKET = 64 << 20  # bytes of the dumps whose signals are counted together, were all lines to name a paper


class Piece(msgspec.Struct, frozen=True):
    """The lines of a dump that begin in [``start``, ``end``); a compressed dump is one piece, and many parts."""

    dump: str
    folder: str
    number: int
    start: int
    end: int | None
    size: int
    buckets: int

    @property
    def done(self) -> Path:
        """Return where it is said that this piece is done."""
        return Path(self.folder) / f"{self.number:07}.done"

    def parts(self) -> list[Path]:
        """Return the parts that it has so far, in order."""
        return sorted(Path(self.folder).glob(f"{self.number:07}-*.part"))


class Done(msgspec.Struct, frozen=True):
    """What one piece, or all, came to."""

    bytes: int = 0
    looked_at: int = 0
    not_posts: int = 0
    signals: int = 0
    papers: int = 0
    left_out: str = ""


def backfill(
    dumps: Sequence[Path],
    out: Path,
    *,
    engine: Engine = "local",
    jobs: int | None = None,
    piece: int = PIECE,
    keep: Callable[[Iterable[Signal]], object] | None = None,
) -> Done:
    """Count the signals in ``dumps`` and write one JSON object for each paper to ``out``.

    Parameters
    ----------
    dumps
        Files of JSON lines, plain or compressed (``.gz``, ``.bz2``, ``.xz``, ``.zst``), of the shapes in ``posts``.
    out
        The counts. Beside it, until it is there, lies a hidden folder with the parts.
    engine, jobs
        See ``engines.do_all``; on several machines ``dumps`` and ``out`` lie on a disk that all of them see.
    piece
        Bytes of a dump that are one piece of work.
    keep
        Takes each item's newest signal besides, such as a store's ``add_signals``.

    Raises
    ------
    BadInput
        If a dump cannot be read, or nothing in all of them is a post.
    """
    plan = _plan(dumps, out, piece)
    left = [each for each in plan if not each.done.exists()]
    total = sum(each.size for each in plan)
    with progress.bar("reading (MB)", round(total / 1e6)) as bar:
        ready = total - sum(each.size for each in left)
        for size in do_all(count_piece, left, engine=engine, jobs=jobs):
            ready += size
            bar.update(round(ready / 1e6))
    done = [msgspec.json.decode(each.done.read_bytes(), type=Done) for each in plan]
    looked_at, not_posts = sum(each.looked_at for each in done), sum(each.not_posts for each in done)
    if looked_at and looked_at == not_posts:
        shutil.rmtree(plan[0].folder)
        raise BadInput(f"None of the {looked_at:,} lines that may name a paper is a post: {done[0].left_out}.")
    counts, signals, buckets = Counts(), 0, plan[0].buckets
    parts = [part for each in plan for part in each.parts()]
    with progress.bar("counting", buckets) as bar:
        for number, bucket in enumerate(newest_signals(parts, buckets), 1):
            counts.add(bucket)
            signals += len(bucket)
            if keep is not None:
                keep(bucket)
            bar.update(number)
    counts.write(out)
    shutil.rmtree(plan[0].folder)
    return Done(
        total, looked_at, not_posts, signals, len(counts.papers), next((d.left_out for d in done if d.left_out), "")
    )


def count_piece(piece: Piece) -> int:
    """Write the parts of one piece, then that it is done; return its size."""
    looked_at = not_posts = signals = 0
    why = ""

    def named(lines: Iterable[Line]) -> Iterator[Signal]:
        nonlocal looked_at, not_posts, signals, why
        for line in lines:
            looked_at += 1
            try:
                found = signals_of(line.raw)
            except NotAPost as error:
                not_posts += 1
                why = why or f"{Path(piece.dump).name}, at byte {line.offset:,}: {error}"
                continue
            signals += len(found)
            yield from found

    lines = lines_with_links(Path(piece.dump), piece.start, piece.end)
    found = named(lines)
    for number in count():
        if not (some := list(islice(found, PART))):
            break
        write_part(Path(piece.folder) / f"{piece.number:07}-{number:07}.part", some, piece.buckets)
    with written_whole(piece.done) as temporary:
        temporary.write_bytes(msgspec.json.encode(Done(piece.size, looked_at, not_posts, signals, left_out=why)))
    return piece.size


def _plan(dumps: Sequence[Path], out: Path, piece: int) -> list[Piece]:
    """Cut the dumps into pieces; parts of other dumps, or of these before they changed, are thrown away."""
    stats = sizes(dumps)
    if not any(stat.st_size for stat in stats):
        raise BadInput(f"There is nothing in {', '.join(map(str, dumps)) or 'no dump at all'}.")
    folder = out.absolute().with_name(f".{out.name}.parts")
    spans = [
        (dump.absolute(), start, None if is_compressed(dump) else min(start + piece, stat.st_size), stat.st_size)
        for dump, stat in zip(dumps, stats, strict=True)
        for start in range(0, 1 if is_compressed(dump) else stat.st_size, piece)
    ]
    buckets = min(max(1, sum(stat.st_size for stat in stats) // BUCKET), 1024)
    plan = [
        Piece(str(dump), str(folder), number, start, end, size if end is None else end - start, buckets)
        for number, (dump, start, end, size) in enumerate(spans)
    ]
    print_ = hashlib.sha256(msgspec.json.encode((plan, [stat.st_mtime_ns for stat in stats]))).hexdigest()
    named = folder / "plan"
    if not (named.exists() and named.read_text() == print_):
        shutil.rmtree(folder, ignore_errors=True)
        with written_whole(named) as temporary:
            temporary.write_text(print_)
    return plan
