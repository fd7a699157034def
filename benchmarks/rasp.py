r"""RASP here against the authors' interpreter and against tracr, the other compiler: CPU time, sizes, memory.

    python benchmarks/rasp.py --authors CHECKOUT_OF_RASP --authors-python PYTHON \
        --tracr CHECKOUT_OF_TRACR --tracr-python PYTHON

Interpreters: both run the authors' own ``paper_examples.rasp`` on one random string. Compilers: programs that both can
express, compiled for the same vocabulary and length; each model's answers on random inputs are held against the program
itself. Everything runs in processes of its own; what is not named is left out. The authors' interpreter needs
antlr4-python3-runtime 4.9.1 and termcolor, tracr needs jax and dm-haiku: name Pythons that have them.
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
LONG = 5000
COMPILED: dict[str, tuple[str, Any]] = {
    "hist": ("lib.make_hist()", "abc"),
    "reverse": ("lib.make_reverse(rasp.tokens)", "abc"),
    "sorted": ("lib.make_sort(rasp.tokens, rasp.tokens, max_seq_len=n, min_key=1)", [1, 2, 3]),
    "sort_freq": ("lib.make_sort_freq(n)", "abc"),
    "shuffle_dyck2": ("lib.make_shuffle_dyck2()", "(){}"),
}
"""What both compilers are given: in tracr's words, and what inputs are made of; in ours, ``SOURCE``."""
SOURCE = """
hist = selector_width(select(tokens_asis, tokens_asis, ==));
reverse = aggregate(select(indices, length - indices - 1, ==), tokens_asis);
sorted = sort(tokens_asis, tokens_asis);
sort_freq = sort(tokens_asis, -hist);
def _balance(opens, closes) {
	so_far = select(indices, indices, <=);
	return aggregate(so_far, indicator(tokens_asis == opens)) - aggregate(so_far, indicator(tokens_asis == closes));
}
_round = _balance("(", ")");
_curly = _balance("{", "}");
_negative = aggregate(full_s, indicator(_round < 0 or _curly < 0)) > 0;
shuffle_dyck2 = aggregate(select(indices, length - 1, ==), _round == 0 and _curly == 0) and not _negative;
"""

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

# Both compilers' halves: compile, count, answer the inputs, time one input and sixty-four at once.
OUR_COMPILER = """
import json, resource, sys, time
order = json.load(sys.stdin)
import torch
torch.set_num_threads(1)
from hotpapers.papers.rasp.compiler import compile_sop
from hotpapers.papers.rasp.program import loads
programs = loads(order["source"])
found = {}
for name, each in order["programs"].items():
    started = time.process_time()
    model = compile_sop(programs[name], each["vocabulary"], order["length"])
    seconds = time.process_time() - started
    answers = model.values(each["inputs"])
    times = {}
    for size in (1, 64):
        tokens = model.encode(each["longest"] * size)
        with torch.no_grad():
            times[size] = min(clock(lambda: model(tokens)) for _ in range(20))
    given = each["longest"][0]
    found[name] = {
        "seconds": seconds, "answers": answers, "one": times[1], "many": times[64],
        "called": min(clock(lambda: model(given)) for _ in range(20)),
        "layers": sum(kind == "a" for kind in model.order), "width": model.positions.shape[1],
        "parameters": sum(p.numel() for p in model.parameters()),
        "wanted": programs[name].batch(each["inputs"]),
    }
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"programs": found, "memory": memory}))
"""

TRACR = """
import json, resource, sys, time
order = json.load(sys.stdin)
sys.path.insert(0, order["tracr"])
import jax, jax.numpy as jnp
from tracr.compiler import compiling, lib
from tracr.rasp import rasp
n, found = order["length"], {}
for name, each in order["programs"].items():
    started = time.process_time()
    model = compiling.compile_rasp_to_model(eval(each["tracr"]), vocab=set(each["vocabulary"]), max_seq_len=n)
    seconds = time.process_time() - started
    bos = model.input_encoder.bos_token
    answers = [model.apply([bos, *given]).decoded[1:] for given in each["inputs"]]
    forward, times = jax.jit(lambda tokens: model.forward(model.params, tokens).unembedded_output), {}
    for size in (1, 64):
        tokens = jnp.array([model.input_encoder.encode([bos, *given]) for given in each["longest"] * size])
        forward(tokens).block_until_ready()
        times[size] = min(clock(lambda: forward(tokens).block_until_ready()) for _ in range(20))
    given = [bos, *each["longest"][0]]
    found[name] = {
        "seconds": seconds, "answers": answers, "one": times[1], "many": times[64],
        "called": min(clock(lambda: model.apply(given)) for _ in range(20)),
        "layers": model.model_config.num_layers, "width": len(model.residual_labels),
        "parameters": sum(value.size for part in model.params.values() for value in part.values()),
    }
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"programs": found, "memory": memory}, default=float))
"""
CLOCK = """
def clock(work):
    import time
    started = time.process_time()
    work()
    return time.process_time() - started
"""


def main() -> int:
    """Run everything that is named, one after another, and print the tables; 1 if values differ."""
    options = arguments()
    results: dict[str, Any] = {}
    wrong = interpreters(options, results) + long_input(results)
    wrong += compilers(options, results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return int(wrong > 0)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="a checkout of tech-srl/RASP")
    parser.add_argument("--authors-python", default=sys.executable, help="a Python that can run it")
    parser.add_argument("--tracr", type=Path, help="a checkout of google-deepmind/tracr")
    parser.add_argument("--tracr-python", default=sys.executable, help="a Python that can run it")
    parser.add_argument("--length", type=int, default=256, help="of the interpreters' string")
    parser.add_argument("--compiled-length", type=int, default=5, help="that models are compiled for")
    parser.add_argument("--json", type=Path, help="keep the numbers")
    options = parser.parse_args()
    options.own_source = Path(__file__).parents[1] / "src" / "hotpapers" / "papers" / "rasp" / "paper.rasp"
    return options


def interpreters(options: argparse.Namespace, results: dict[str, Any]) -> int:
    """Time the paper's programs in both interpreters and return on how many they disagree."""
    authors = options.authors.resolve() if options.authors else None
    source = authors / "paper_examples.rasp" if authors else options.own_source
    order = {
        "string": "".join(random.Random(0).choices("abcdefghij(){}", k=options.length)), "programs": PROGRAMS,
        "repeats": 5, "source": str(source), "authors": str(authors),
    }  # fmt: skip
    ours = results["ours"] = run(OURS, order, sys.executable)
    theirs = run(AUTHORS, order, options.authors_python) if authors else None
    if theirs is not None:
        results["authors"] = theirs
    wrong = 0
    print(f"{'length ' + str(options.length):<22}{'ours, CPU ms':>14}{'authors, CPU ms':>18}{'ratio':>10}")
    for name in PROGRAMS:
        mine, other = ours["programs"][name], theirs["programs"][name] if theirs else None
        differs = other is not None and mine["values"] != other["values"]
        wrong += differs
        print(row(name, 1000 * mine["seconds"], 1000 * other["seconds"] if other else None) + DIFFERENT[differs])
    print(row("start-up", 1000 * ours["ready"], 1000 * theirs["ready"] if theirs else None))
    print(row("peak memory, MB", ours["memory"], theirs["memory"] if theirs else None))
    return wrong


def long_input(results: dict[str, Any]) -> int:
    """Run the heaviest program on a long input, in a process of its own, for its peak memory."""
    source = Path(__file__).parents[1] / "src" / "hotpapers" / "papers" / "rasp" / "paper.rasp"
    order = {
        "string": "§" + "abcde" * (LONG // 5),
        "programs": ["sort_by_most_freq"],
        "repeats": 1,
        "source": str(source),
    }
    found = results["long"] = run(OURS, order, sys.executable)
    seconds = found["programs"]["sort_by_most_freq"]["seconds"]
    print(f"\nsort_by_most_freq on {LONG:,} elements: {seconds:.2f} CPU s, {found['memory']:.0f} MB at most")
    return int(found["programs"]["sort_by_most_freq"]["values"][:7] != list("§abcde§"))


def compilers(options: argparse.Namespace, results: dict[str, Any]) -> int:
    """Compile the same programs with both compilers, and return how many answers of either are not the program's."""
    rng, n = random.Random(0), options.compiled_length
    programs = {}
    for name, (tracr, vocabulary) in COMPILED.items():
        inputs = [rng.choices(list(vocabulary), k=rng.randint(1, n)) for _ in range(30)]
        programs[name] = {"tracr": tracr, "vocabulary": list(vocabulary), "inputs": inputs,
                          "longest": [rng.choices(list(vocabulary), k=n)]}  # fmt: skip
    order = {"programs": programs, "length": n, "source": SOURCE}
    ours = results["compiled"] = run(CLOCK + OUR_COMPILER, order, sys.executable)
    theirs = None
    if options.tracr:
        order["tracr"] = str(options.tracr.resolve())
        theirs = results["tracr"] = run(CLOCK + TRACR, order, options.tracr_python)
    wrong = 0
    print(f"\n{'compiled for ' + str(n):<22}{'':<24}{'ours':>14}{'tracr':>18}{'ratio':>10}")
    for name, mine in ours["programs"].items():
        other = theirs["programs"][name] if theirs else None
        for label, key, times in (("compile, CPU ms", "seconds", 1e3), ("called as users do, ms", "called", 1e3),
                                  ("forward of 1, CPU ms", "one", 1e3),
                                  ("forward of 64, CPU ms", "many", 1e3), ("parameters", "parameters", 1),
                                  ("attention layers", "layers", 1), ("width", "width", 1)):  # fmt: skip
            print(row(f"{name:<22}{label:<24}", times * mine[key], times * other[key] if other else None))
        wrong += unequal("ours", name, mine["answers"], mine["wanted"])
        wrong += unequal("tracr", name, other["answers"], mine["wanted"]) if other else 0
    print(row(f"{'all':<22}{'peak memory, MB':<24}", ours["memory"], theirs["memory"] if theirs else None))
    return wrong


DIFFERENT = ("", "  DIFFERENT VALUES")


def unequal(who: str, name: str, answers: list[Any], wanted: list[Any]) -> int:
    """Say on how many inputs answers are not those that are wanted."""
    count = sum(answer != each for answer, each in zip(answers, wanted, strict=True))
    if count:
        print(f"  {who} answers {name} wrongly on {count} of {len(wanted)} inputs")
    return count


def run(program: str, order: dict[str, Any], python: str) -> dict[str, Any]:
    """Run a program in a process of its own and return what it measured."""
    ours = str(Path(__file__).parents[1] / "src") if python == sys.executable else ""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ours, "JAX_PLATFORMS": "cpu",
                                "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}  # fmt: skip
    done = subprocess.run(
        [python, "-c", program], input=json.dumps(order), capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{python} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def row(name: str, ours: float, theirs: float | None) -> str:
    """Return one line of a table; its last column is theirs divided by ours."""
    compared = f"{theirs:>18.2f}{theirs / ours:>10.2f}" if theirs is not None else ""
    return f"{name:<22}{ours:>14.2f}{compared}"


if __name__ == "__main__":
    raise SystemExit(main())
