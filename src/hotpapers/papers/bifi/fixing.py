"""The verb ``fix``: a file or a folder in, verified patches out."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hotpapers import progress
from hotpapers.engines import Died, Engine, attempt_all
from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import written_whole
from hotpapers.media.readable import is_folder
from hotpapers.papers.bifi.choosing import choose_ranking
from hotpapers.papers.bifi.corpora import read_code
from hotpapers.papers.bifi.critics import Critic, CriticChoice, choose_critic
from hotpapers.papers.bifi.critics import critic as critic_of
from hotpapers.papers.bifi.mending import Ranking, difference, mend, safe_target
from hotpapers.papers.bifi.parsing import FEATURE_VERSION
from hotpapers.papers.bifi.vocabulary import Vocabulary
from hotpapers.verbs import AnyFile, Model, Outcome

SHOWN = 12_000
"""Characters of a diff that are printed; the patch has all."""


class NoFix(HotpapersError):
    """There is no verified fix."""

    http_status = 422


class Order(NamedTuple):
    """What is to be done with one file."""

    path: str
    name: str
    critic: str
    command: str
    function: str
    feature_version: int
    model: str | None
    n: int
    edits: int


class Mended(NamedTuple):
    """What came of one file: the fixed texts, how the first objection read, and the file's own text."""

    name: str
    before: str
    fixes: list[tuple[str, int]]
    objection: str


def fix(
    source: AnyFile,
    *,
    out: Path | None = None,
    apply: bool = False,
    n: int = 1,
    critic: CriticChoice = "auto",
    command: str = "",
    function: str = "",
    feature_version: int = FEATURE_VERSION,
    model: Model | None = None,
    edits: int = 4,
    engine: Engine = "local",
    jobs: int | None = None,
) -> Outcome:
    """Fix a broken file, or all broken files in a folder, and print the verified patch.

    The code is never run, and only what the critic accepts is printed. Leaves with exit code 1 where a file has no
    verified fix.

    Parameters
    ----------
    source
        The file, or a folder of files.
    out
        The patch to write, as ``git apply`` takes it; beside the source when left out.
    apply
        Write the fixes into the files as well.
    n
        Fixes of a file to show, likeliest first; the first is the one that is written.
    critic
        Who decides what is well formed; ``auto`` goes by the file's ending.
    command
        A program to decide, such as ``gcc -fsyntax-only {}``: exit code 0 means well formed.
    function
        A Python function to decide, as ``module:function``; it is given the text.
    feature_version
        The minor version of Python 3 whose grammar holds.
    model
        A model of your own; the shipped one knows Python, other languages have rules.
    edits
        The most tokens to change at one place.
    engine
        Where many files are done: ``local``, ``processes`` or ``ray``.
    jobs
        How many at once.
    """
    source = Path(source)
    if not 1 <= n <= 50 or not 1 <= edits <= 10:
        raise BadInput("Ask for 1 to 50 fixes of 1 to 10 edits.")
    judge = choose_critic(critic, source, command=command, function=function, feature_version=feature_version)
    paths = _files(source, judge.suffix)
    orders = [
        Order(str(path), path.name if path == source else str(path.relative_to(source)), critic, command, function,
              feature_version, str(model) if model else None, n, edits)
        for path in paths
    ]  # fmt: skip
    running = attempt_all(_fix_one, orders, engine=engine, jobs=jobs)
    results = dict(progress.track(running, "fix", len(orders)) if len(orders) > 1 else running)
    done = [
        Mended(order.name, "", [], "kills the critic") if isinstance(found := results[number], Died) else found
        for number, order in enumerate(orders)
    ]
    return _tell(source, paths, done, out, apply)


def _files(source: Path, suffix: str) -> list[Path]:
    if not is_folder(source):
        return [source]
    found = [path for path in sorted(source.rglob(f"*{suffix}")) if path.is_file()]
    if not found:
        raise BadInput(f"{source} has no files that end in {suffix}; name a folder that has, or another --critic.")
    return found


def _fix_one(order: Order) -> Mended:
    path = Path(order.path)
    code = read_code(path)
    judge = choose_critic(order.critic, path, command=order.command, function=order.function,
                          feature_version=order.feature_version)  # fmt: skip
    verdict = judge(code)
    if verdict.ok:
        return Mended(order.name, code, [], "")
    ranking, vocabulary = _ranking(judge, order.model, code)
    found = mend(code, judge, ranking, vocabulary, n=order.n, edits=order.edits)
    return Mended(
        order.name, code, [(each.code, each.edits) for each in found], f"line {verdict.line}: {verdict.message}"
    )


def _ranking(judge: Critic, model: str | None, code: str) -> tuple[Ranking, Vocabulary]:
    if judge.language == "python" or model:
        return _loaded(judge.name, model)
    return choose_ranking(judge, None, code)


@functools.lru_cache(maxsize=2)
def _loaded(name: str, model: str | None) -> tuple[Ranking, Vocabulary]:
    language_of = critic_of("python" if name == "python" else "brackets")
    return choose_ranking(language_of, Path(model) if model else None, "")


def _tell(source: Path, paths: Sequence[Path], done: Sequence[Mended], out: Path | None, apply: bool) -> Outcome:
    broken = [each for each in done if each.objection]
    fixed = [each for each in broken if each.fixes]
    if not broken:
        return Outcome({}, {"files": len(done), "broken": 0}, "The critic has nothing to object.")
    left = [each for each in broken if not each.fixes]
    if not fixed:
        words = "; ".join(f"{each.name}, {each.objection}" for each in left[:3])
        raise NoFix(
            f"There is no verified fix ({words}). Allow more --edits, or mend what the critic points at by hand."
        )
    patch = "".join(difference(each.before, each.fixes[0][0], each.name) for each in fixed)
    target = Path(out) if out else safe_target(source)
    with written_whole(target) as temporary:
        temporary.write_bytes(patch.encode())
    files = {"patch": target}
    if apply:
        by_name = {path.name if path == source else str(path.relative_to(source)): path for path in paths}
        for each in fixed:
            with written_whole(by_name[each.name]) as temporary:
                temporary.write_bytes(each.fixes[0][0].encode())
        files |= {f"fixed {each.name}": by_name[each.name] for each in fixed}
    return Outcome(files, _numbers(done, fixed, left), _note(fixed, left, patch))


def _numbers(done: Sequence[Mended], fixed: Sequence[Mended], left: Sequence[Mended]) -> dict[str, float | int | str]:
    numbers: dict[str, float | int | str] = {"files": len(done), "fixed and verified": len(fixed)}
    if left:
        numbers["without a verified fix"] = "; ".join(f"{each.name}, {each.objection}" for each in left[:20])
    return numbers | {"tokens changed": sum(each.fixes[0][1] for each in fixed)}


def _note(fixed: Sequence[Mended], left: Sequence[Mended], patch: str) -> str:
    others = "".join(
        f"\n# another fix of {each.name}, number {number}\n{difference(each.before, code, each.name)}"
        for each in fixed for number, (code, _) in enumerate(each.fixes[1:], start=2)
    )  # fmt: skip
    shown = patch + others
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}\n… the patch has all of it"
