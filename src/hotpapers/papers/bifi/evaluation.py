"""The verb ``eval``: how much of a set of broken snippets is repaired, in all and for each class of error."""

import json
import random
from collections import defaultdict
from pathlib import Path

from hotpapers import progress
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.bifi.choosing import choose_ranking
from hotpapers.papers.bifi.corpora import Entry, read_entries
from hotpapers.papers.bifi.critics import Critic, CriticChoice, choose_critic
from hotpapers.papers.bifi.mending import mend
from hotpapers.papers.bifi.parsing import FEATURE_VERSION
from hotpapers.papers.bifi.tokens import same_code
from hotpapers.verbs import AnyFile, Model, Outcome

DRAWS = 1000


def evaluate(
    bad: AnyFile,
    *,
    out: Path | None = None,
    critic: CriticChoice = "auto",
    command: str = "",
    function: str = "",
    feature_version: int = FEATURE_VERSION,
    model: Model | None = None,
    n: int = 1,
) -> Outcome:
    """Measure how much of a set of broken code is repaired: in all, for each class of error, and as a person did it.

    Parameters
    ----------
    bad
        JSON lines with ``code`` (and ``fixed``, what a person made of it, where that is known), or a folder of files.
    out
        The JSON file to write; beside the input when left out.
    critic
        Who decides; ``auto`` goes by the file's ending, and is Python for folders and JSON lines.
    command
        A program to decide, such as ``gcc -fsyntax-only {}``: exit code 0 means well formed.
    function
        A Python function to decide, as ``module:function``; it is given the text.
    feature_version
        The minor version of Python 3 whose grammar holds.
    model
        A model of your own; the shipped one knows Python, other languages have rules.
    n
        Fixes of each snippet, any of which may be the person's.
    """
    bad = Path(bad)
    if not 1 <= n <= 50:
        raise BadInput(f"Ask for 1 to 50 fixes, not {n}.")
    judge = choose_critic(critic, bad, command=command, function=function, feature_version=feature_version)
    entries = read_entries(bad, judge.suffix)
    ranking, vocabulary = choose_ranking(judge, model, "\n".join(entry.code for entry in entries[:100]))
    hits: dict[str, list[bool]] = defaultdict(list)
    exact: list[bool] = []
    for entry in progress.track(entries, "eval"):
        verdict = judge(entry.code)
        if verdict.ok:
            continue
        fixes = mend(entry.code, judge, ranking, vocabulary, n=n)
        hits[verdict.error_class or "other"].append(bool(fixes))
        if entry.fixed is not None:
            exact.append(any(_same(each.code, entry, judge) for each in fixes))
    if not hits:
        raise BadInput(f"The critic objects to nothing in {bad}; give broken code.")
    numbers = _numbers(hits, exact)
    out = Path(out) if out else bad.with_name(f"{bad.stem}-eval.json")
    with written_whole(out) as temporary:
        temporary.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return Outcome(
        {"results": out}, numbers, "Repaired: the critic accepts the fix. Exact: it is the person's, but for names."
    )


def interval(hits: list[bool]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a share, in percent."""
    chance = random.Random(0)
    shares = sorted(100 * sum(chance.choices(hits, k=len(hits))) / len(hits) for _ in range(DRAWS))
    return shares[int(0.025 * DRAWS)], shares[int(0.975 * DRAWS) - 1]


def _numbers(hits: dict[str, list[bool]], exact: list[bool]) -> dict[str, float | int | str]:
    everything = [hit for some in hits.values() for hit in some]
    numbers: dict[str, float | int | str] = {"broken snippets": len(everything)}
    for name, some in [("repaired, %", everything), *((f"{kind}, %", some) for kind, some in sorted(hits.items()))]:
        low, high = interval(some)
        numbers[name] = f"{100 * sum(some) / len(some):.1f} [{low:.1f}, {high:.1f}]"
    if exact:
        low, high = interval(exact)
        numbers["exact, %"] = f"{100 * sum(exact) / len(exact):.1f} [{low:.1f}, {high:.1f}]"
    return numbers


def _same(code: str, entry: Entry, judge: Critic) -> bool:
    if judge.language != "python":
        return code.split() == (entry.fixed or "").split()
    return same_code(code, entry.fixed or "")
