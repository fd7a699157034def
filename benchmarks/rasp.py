"""RASP here against the authors' interpreter: CPU milliseconds for each program, start-up, memory.

    python benchmarks/rasp.py --authors CHECKOUT_OF_RASP [--authors-python PYTHON] [--length N]

Both run the authors' own ``paper_examples.rasp`` where a checkout is given, in processes of their own, on one random
string. The authors' interpreter needs antlr4-python3-runtime 4.9.1 and termcolor: name a Python that has them.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAMS = (
    "hist_bos", "hist_nobos", "reverse", "sort_bos", "hist2_bos", "sort_by_most_freq", "dyck1_ptf", "dyck2_ptf",
)  # fmt: skip

OURS = """
import json, resource, sys, time
from pathlib import Path
order = json.load(sys.stdin)
started = time.process_time()
from hotpapers.papers.rasp.repl import Console, read_from
from hotpapers.papers.rasp.evaluate import Evaluation
console = Console(lambda text: None)
ready = time.process_time() - started
lines = (Path(order["source"]).read_text(encoding="utf-8") + "\\n").splitlines()
console.run(read_from(lines, lambda text: None))
import numpy
found = {}
for name in order["programs"]:
    handle, best = console.session.console.get(name), 1e9
    for _ in range(order["repeats"]):
        started = time.process_time()
        values = Evaluation([order["string"]]).values(handle.term)
        best = min(best, time.process_time() - started)
    found[name] = {"seconds": best, "values": list(map(str, values))}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"programs": found, "ready": ready, "memory": memory}))
"""

AUTHORS = """
import contextlib, io, json, resource, sys, time
order = json.load(sys.stdin)
sys.path.insert(0, order["authors"])
import os
os.chdir(order["authors"])
started = time.process_time()
with contextlib.redirect_stdout(io.StringIO()):
    from RASP_support.REPL import REPL
    repl = REPL()
    ready = time.process_time() - started
    repl.run_given_line('load "' + order["source"].removesuffix(".rasp") + '";')
found = {}
for name in order["programs"]:
    sop = repl.env.get_variable(name)
    started = time.process_time()
    values = sop.call(list(order["string"])).get_vals()
    found[name] = {"seconds": time.process_time() - started, "values": list(map(str, values))}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"programs": found, "ready": ready, "memory": memory}))
"""


def main() -> int:
    """Run both, one after another, and print the table; 1 if they disagree."""
    options = arguments()
    rng = random.Random(0)
    authors = options.authors.resolve() if options.authors else None
    source = authors / "paper_examples.rasp" if authors else options.own_source
    order = {
        "string": "".join(rng.choices("abcdefghij(){}", k=options.length)), "programs": PROGRAMS, "repeats": 5,
        "source": str(source), "authors": str(authors),
    }  # fmt: skip
    results = {"ours": run(OURS, order, sys.executable)}
    if authors:
        results["authors"] = run(AUTHORS, order, options.authors_python)
    else:
        print("No --authors CHECKOUT given: there is nothing to compare with, so only our own numbers follow.")
    print(table(results, options.length))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return int(any(different(results, name) for name in PROGRAMS))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="a checkout of tech-srl/RASP")
    parser.add_argument("--authors-python", default=sys.executable, help="a Python that can run it")
    parser.add_argument("--length", type=int, default=256, help="of the string")
    parser.add_argument("--json", type=Path, help="keep the numbers")
    options = parser.parse_args()
    options.own_source = Path(__file__).parents[1] / "src" / "hotpapers" / "papers" / "rasp" / "paper.rasp"
    return options


def run(program: str, order: dict[str, Any], python: str) -> dict[str, Any]:
    """Run a program in a process of its own and return what it measured."""
    ours = str(Path(__file__).parents[1] / "src")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ours if program is OURS else ""}
    done = subprocess.run(
        [python, "-c", program], input=json.dumps(order), capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{python} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def different(results: dict[str, Any], name: str) -> bool:
    """Whether the two gave different values for a program."""
    values = [each["programs"][name]["values"] for each in results.values()]
    return any(each != values[0] for each in values)


def table(results: dict[str, Any], length: int) -> str:
    """Return the table; its last column is how many times faster ours is."""
    ours, authors = results["ours"], results.get("authors")
    lines = [f"{'length ' + str(length):<20}{'ours, CPU ms':>14}{'authors, CPU ms':>18}{'ratio':>10}"]
    for name in PROGRAMS:
        mine = 1000 * ours["programs"][name]["seconds"]
        theirs = 1000 * authors["programs"][name]["seconds"] if authors else None
        wrong = "  DIFFERENT VALUES" if different(results, name) else ""
        lines.append(row(name, mine, theirs) + wrong)
    lines.append(row("start-up", 1000 * ours["ready"], 1000 * authors["ready"] if authors else None))
    lines.append(row("peak memory, MB", ours["memory"], authors["memory"] if authors else None))
    return "\n".join(lines)


def row(name: str, ours: float, theirs: float | None) -> str:
    """Return one line of the table."""
    compared = f"{theirs:>18.1f}{theirs / ours:>10.1f}" if theirs is not None else ""
    return f"{name:<20}{ours:>14.2f}{compared}"


if __name__ == "__main__":
    raise SystemExit(main())
