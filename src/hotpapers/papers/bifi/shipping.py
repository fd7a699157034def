"""How the model that ships was trained; nothing of StackOverflow is in it.

    python -m hotpapers.papers.bifi.shipping WHEELS --out src/hotpapers/papers/bifi/python
    python -m hotpapers.papers.bifi.shipping --measure src/hotpapers/papers/bifi/python

Good code is the standard library's (PSF licence) and that of the packages below (BSD, MIT, Apache) where they are
installed; bad code is Python 2 from wheels of Fabric 1.14.1, Scrapy 1.0.7 (BSD) and mrjob 0.4.6 (Apache-2.0) in the
folder WHEELS (``pip download --no-deps --only-binary=:all: --python-version 2.7 --implementation py --abi none …``),
and from the standard library's own tests of 2to3 (PSF). Archives are read, nothing in them is run.
"""

import argparse
import ast
import dataclasses
import hashlib
import importlib.util
import random
import statistics
import sysconfig
import textwrap
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hotpapers import progress
from hotpapers.datasets import stackoverflow_repairs
from hotpapers.papers.bifi.corpora import broken_snippets, library_snippets
from hotpapers.papers.bifi.critics import INDENTATION, critic
from hotpapers.papers.bifi.judging import Judge, Snippet
from hotpapers.papers.bifi.mending import mend, model_ranking
from hotpapers.papers.bifi.players import Settings, player, read_player_model
from hotpapers.papers.bifi.rounds import Game, kept_in, play, round_zero, synthetic_pairs
from hotpapers.papers.bifi.tokens import same_code
from hotpapers.papers.bifi.vocabulary import python_vocabulary
from hotpapers.run import Run
from hotpapers.run.models import save_model

PACKAGES = (
    "numpy",
    "scipy",
    "sklearn",
    "networkx",
    "fastapi",
    "starlette",
    "rich",
    "requests",
    "jinja2",
    "torch",
    "skimage",
)
SETTINGS = Settings(width=64, layers=4, rounds=2, first_steps=800, fixer_steps=200, breaker_steps=120, rate=3e-3,
                    synthetic=30_000, breaks=8_000, n=1, longest=80)  # fmt: skip
SEED = 0
VALIDATED = 800
"""Snippets that weights are chosen by, of StackOverflow's training split: they neither train nor test these models."""


def train(wheels: Path, out: Path, work: Path, settings: Settings = SETTINGS) -> dict[str, int]:
    """Train the fixer and the breaker and write them to ``out``; return what they were trained on."""
    vocabulary = python_vocabulary()
    judge = Judge(critic("python"), vocabulary)
    good = _usable([*library_snippets(12_000, SEED), *_installed(8_000)], judge, settings.longest, wanted=True)
    bad = _usable(_python_2(wheels), judge, settings.longest, wanted=False)
    game = Game(good, bad, judge, player(settings, judge, vocabulary), settings, SEED)
    counts = {"good snippets": len(good), "bad snippets": len(bad)}
    with Run(work, seed=SEED, config=dataclasses.asdict(settings) | counts, device="cpu", resume=True,
             tensorboard=False) as run:  # fmt: skip
        keep = kept_in(work)
        pairs = keep("round-0-pairs", lambda: synthetic_pairs(game))
        played = play(game, "bifi", pairs, round_zero(game, pairs, run), run, keep=keep)
    save_model(played.fixer, out / "fixer")
    save_model(played.breaker, out / "breaker")
    for stub in out.glob("*/README.md"):  # the hub's own, which says nothing; MODEL_CARD.md does
        stub.unlink()
    return counts | {"synthetic pairs": len(pairs)}


def measure(folder: Path) -> dict[str, float]:
    """Return what the first verified fixes of the fixer in ``folder`` are worth, on snippets kept for this choice."""
    judge, model = critic("python"), read_player_model(folder / "fixer")
    tested = {repair.broken for repair in stackoverflow_repairs("test")}
    known = sorted({r for r in stackoverflow_repairs("train") if r.broken not in tested and not judge(r.broken).ok},
                   key=lambda r: hashlib.sha256(f"validation {r.broken}".encode()).digest())  # fmt: skip
    exact = repaired = 0
    times = []
    for repair in known[:VALIDATED]:
        begun = time.process_time()
        fixes = mend(repair.broken, judge, model_ranking(model), model.vocabulary)
        times.append(1000 * (time.process_time() - begun))
        repaired += bool(fixes)
        exact += bool(fixes) and same_code(fixes[0].code, repair.fixed)
    return {"exact, %": 100 * exact / len(times), "repaired, %": 100 * repaired / len(times),
            "CPU ms, median": statistics.median(times), "CPU ms, mean": statistics.mean(times)}  # fmt: skip


def _usable(codes: Sequence[str], judge: Judge, longest: int, *, wanted: bool) -> list[Snippet]:
    found = sorted(s for s in {judge.read(code) for code in codes} if 4 <= len(s.ids) <= longest)
    # What fails by its indentation was cut in the wrong place.
    return [
        s for s in found if (verdict := judge.snippet(s).verdict).ok == wanted and verdict.error_class != INDENTATION
    ]


def _installed(count: int) -> list[str]:
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    folders = [Path(spec.origin).parent for spec in specs if spec and spec.origin]
    return library_snippets(count, SEED, folders) if folders else []


def _python_2(wheels: Path) -> list[str]:
    chance = random.Random(SEED)
    found: list[str] = []
    for path in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(path) as opened:
            for name in sorted(opened.namelist()):
                if name.endswith(".py"):
                    source = opened.read(name).decode("utf-8", "replace")
                    for _ in range(12):  # cut differently each time
                        found += broken_snippets(source, chance)
    return found + list(_from_2to3())


def _from_2to3() -> Iterator[str]:
    """Yield Python 2 out of the standard library's tests of 2to3, where this Python still has them."""
    tests = Path(sysconfig.get_path("stdlib")) / "lib2to3" / "tests"
    if (tests / "test_fixers.py").is_file():
        for node in ast.walk(ast.parse((tests / "test_fixers.py").read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and len(node.value) > 4
                and "%s" not in node.value
            ):
                yield textwrap.dedent(node.value)
    if (tests / "data" / "py2_test_grammar.py").is_file():
        yield from broken_snippets(
            (tests / "data" / "py2_test_grammar.py").read_text(encoding="utf-8"), random.Random(SEED)
        )


def main() -> None:
    """Read the command line; train, or measure what was trained."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheels", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", type=Path, default=Path("shipping.run"))
    parser.add_argument("--measure", type=Path)
    options = parser.parse_args()
    progress.show_as("plain")
    if options.measure:
        print(measure(options.measure))  # noqa: T201
    elif options.wheels and options.out:
        print(train(options.wheels, options.out, options.work))  # noqa: T201
    else:
        parser.error("name WHEELS and --out, or --measure")


if __name__ == "__main__":
    main()
