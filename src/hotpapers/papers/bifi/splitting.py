"""The verb ``split``: files or snippets in, the well-formed and the broken ones out, by the critic's word."""

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hotpapers import progress
from hotpapers.engines import Died, Engine, attempt_all
from hotpapers.files import written_whole
from hotpapers.papers.bifi.corpora import Entry, read_entries
from hotpapers.papers.bifi.critics import CriticChoice, Verdict, choose_critic
from hotpapers.papers.bifi.parsing import FEATURE_VERSION
from hotpapers.verbs import AnyFile, Outcome

PIECE = 200
"""Snippets that a worker judges at a time."""


class Piece(NamedTuple):
    """Snippets with the critic that is to judge them."""

    entries: list[Entry]
    source: str
    critic: str
    command: str
    function: str
    feature_version: int


def split(
    source: AnyFile,
    *,
    out: Path | None = None,
    critic: CriticChoice = "auto",
    command: str = "",
    function: str = "",
    feature_version: int = FEATURE_VERSION,
    engine: Engine = "local",
    jobs: int | None = None,
) -> Outcome:
    """Split code into what is well formed and what is not: two files to train on.

    Parameters
    ----------
    source
        A folder of files, JSON lines with ``code``, the authors' ``orig.bad.json``, or DeepFix's table as CSV.
    out
        The folder to write to; beside the source when left out.
    critic
        Who decides; ``auto`` goes by the file's ending, and is Python for folders and JSON lines.
    command
        A program to decide, such as ``gcc -fsyntax-only {}``: exit code 0 means well formed.
    function
        A Python function to decide, as ``module:function``; it is given the text.
    feature_version
        The minor version of Python 3 whose grammar holds.
    engine
        Where it is done: ``local``, ``processes`` or ``ray``.
    jobs
        How many pieces at once.
    """
    source = Path(source)
    judge = choose_critic(critic, source, command=command, function=function, feature_version=feature_version)
    entries = read_entries(source, judge.suffix)
    pieces = [Piece(entries[at : at + PIECE], str(source), critic, command, function, feature_version)
              for at in range(0, len(entries), PIECE)]  # fmt: skip
    verdicts = judge_all(pieces, engine, jobs)
    out = Path(out) if out else source.with_name(f"{source.stem}.split")
    good = [entry for entry, verdict in zip(entries, verdicts, strict=True) if verdict.ok]
    bad = [entry._replace(error_class=verdict.error_class) for entry, verdict in zip(entries, verdicts, strict=True)
           if not verdict.ok]  # fmt: skip
    files = {"good": out / "good.jsonl", "bad": out / "bad.jsonl"}
    for path, some in zip(files.values(), (good, bad), strict=True):
        write_entries(path, some)
    classes: dict[str, float | int | str] = dict(Counter(entry.error_class for entry in bad).most_common())
    words = "Train with: hotpapers bifi train " + " ".join(shlex.quote(str(path)) for path in files.values())
    return Outcome(files, {"well formed": len(good), "broken": len(bad)} | classes, words)


def judge_all(pieces: Sequence[Piece], engine: Engine, jobs: int | None) -> list[Verdict]:
    """Return the verdicts on all snippets, in order; what kills its worker again and again is broken."""
    running = attempt_all(judge_piece, pieces, engine=engine, jobs=jobs)
    results = dict(progress.track(running, "split", len(pieces)) if len(pieces) > 1 else running)
    verdicts: list[Verdict] = []
    for number, piece in enumerate(pieces):
        found = results[number]
        verdicts += [Verdict("kills the critic", 1)] * len(piece.entries) if isinstance(found, Died) else found
    return verdicts


def judge_piece(piece: Piece) -> list[Verdict]:
    """Return the verdicts on one piece."""
    judge = choose_critic(piece.critic, Path(piece.source), command=piece.command, function=piece.function,
                          feature_version=piece.feature_version)  # fmt: skip
    return [judge(entry.code) for entry in piece.entries]


def write_entries(path: Path, entries: Sequence[Entry]) -> None:
    """Write snippets as JSON lines, as ``train`` and ``eval`` read them."""
    with written_whole(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for entry in entries:
            row = {"code": entry.code, "source": entry.source}
            row |= {"class": entry.error_class} if entry.error_class else {}
            row |= {"fixed": entry.fixed} if entry.fixed is not None else {}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
