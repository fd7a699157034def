"""Tokenizers here against tkseem's: training, tokenising, encoding and memory, on the same text, in one run.

    python benchmarks/arabic_tokenizers.py --tkseem-python PYTHON [--verses N] [--json FILE]

``PYTHON`` is an interpreter that has tkseem 0.0.3, which brings SentencePiece. The text are verses of MetRec without
diacritics, or ``--text FILE``. Each contender runs in a process of its own, one thread, and is measured in CPU seconds,
the best of five runs, or of one where it takes over a second; memory is the process's peak. tkseem's ``encode`` looks
every piece up in a list, so it is timed on 50 lines alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAIRS = {"word": "WordTokenizer", "char": "CharacterTokenizer", "bpe": "SentencePieceTokenizer",
         "disjoint": "DisjointLetterTokenizer", "stochastic": "RandomTokenizer",
         "morph": "MorphologicalTokenizer"}  # fmt: skip

TKSEEM = """
import contextlib, io, json, os, resource, sys, time
name, path, vocab, out = sys.argv[1:]
clock = time.process_time
os.chdir(os.path.dirname(out))
import tkseem
def best(work):
    times = []
    while len(times) < 5 and (not times or times[0] < 1):
        began = clock()
        result = work()
        times.append(clock() - began)
    return min(times), result
with contextlib.redirect_stdout(io.StringIO()):
    made = getattr(tkseem, name)(vocab_size=int(vocab))
    text = open(path, encoding="utf-8").read()
    def learn():
        made.vocab_size = int(vocab)
        if name == "MorphologicalTokenizer":
            import pickle
            source = os.path.join(made.rel_path, "dictionaries/vocab.pl")
            made.vocab = made._truncate_dict(pickle.load(open(source, "rb")))
        else:
            made.train(path)
    train, _ = best(learn)
    tokenise, pieces = best(lambda: made.tokenize(text))
    few = text.splitlines()[:50]
    encode, _ = best(lambda: [made.encode(line) for line in few])
words = len(text.split())
json.dump({"train": train, "tokenise": words / tokenise, "encode": sum(len(l.split()) for l in few) / encode,
           "pieces": len(pieces), "unknown": pieces.count("<UNK>"),
           "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}, open(out, "w"))
"""


def main() -> int:
    """Run all pairs and print the table."""
    options = arguments()
    if options.worker:
        options.out.write_text(json.dumps(work(options.worker, options.text, options.vocab, options.morphs)))
        return 0
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        text = options.text or write_verses(Path(folder) / "verses.txt", options.verses)
        for algo, theirs in PAIRS.items():
            print(f"measuring {algo} …", file=sys.stderr, flush=True)
            rows[algo] = {"ours": run_ours(algo, text, options, Path(folder)),
                          "tkseem": run_tkseem(theirs, text, options, Path(folder))}  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tkseem-python", type=Path, help="interpreter that has tkseem")
    parser.add_argument("--text", type=Path, help="text to train on and to tokenise; MetRec when left out")
    parser.add_argument("--verses", type=int, default=47_124, help="how many of MetRec's verses")
    parser.add_argument("--vocab", type=int, default=10_000)
    parser.add_argument(
        "--morphs", type=Path, help="the official dictionary as `convert` writes it; else learnt morphs"
    )
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    parser.add_argument("--worker", choices=list(PAIRS), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.worker and not options.tkseem_python:
        parser.error("name an interpreter that has tkseem with --tkseem-python")
    return options


def write_verses(path: Path, count: int) -> Path:
    """Write MetRec's verses without diacritics."""
    from hotpapers.datasets.arabic import metrec
    from hotpapers.papers.arabic_tokenizers.cleaning import Rules, clean_text

    rules = Rules(diacritics=True, space_out=False)
    path.write_text(clean_text("\n".join(metrec("train").texts[:count]), rules), encoding="utf-8")
    return path


def run_ours(algo: str, text: Path, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one of ours in a process of its own."""
    command = [sys.executable, __file__, "--worker", algo, "--text", str(text), "--vocab", str(options.vocab),
               "--out", str(folder / "ours.json")]  # fmt: skip
    if options.morphs:
        command += ["--morphs", str(options.morphs.resolve())]
    subprocess.run(command, check=True, env=single())
    return json.loads((folder / "ours.json").read_text())


def run_tkseem(name: str, text: Path, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one of tkseem's in a process of its own."""
    out = folder / "tkseem.json"
    command = [str(options.tkseem_python), "-c", TKSEEM, name, str(text.resolve()), str(options.vocab), str(out)]
    subprocess.run(command, check=True, env=single(), stderr=subprocess.DEVNULL)
    return json.loads(out.read_text())


def work(algo: str, path: Path, vocab: int, morphs: Path | None) -> dict[str, Any]:
    """Train, cut and encode; the file is read and checked within the training's time."""
    import resource
    import time

    from hotpapers.papers.arabic_tokenizers.learn import learn, read_words
    from hotpapers.papers.arabic_tokenizers.tokenizer import UNK, Tokenizer
    from hotpapers.papers.arabic_tokenizers.words import find_words

    find_words("حرف")  # Arrow loads its parts when they are first needed

    def best(task: Callable[[], Any]) -> tuple[float, Any]:
        times: list[float] = []
        while len(times) < 5 and (not times or times[0] < 1):
            began = time.process_time()
            result = task()
            times.append(time.process_time() - began)
        return min(times), result

    train, made = best(
        lambda: Tokenizer.load(morphs) if algo == "morph" and morphs else learn(read_words([path]), algo, vocab=vocab)
    )
    text = path.read_text(encoding="utf-8")
    words = len(text.split())
    encode, ids = best(lambda: made.encode_array(text))
    tokenise, pieces = best(lambda: made.tokenize_array(text))
    return {"train": train, "tokenise": words / tokenise, "encode": words / encode, "pieces": len(pieces),
            "unknown": int((ids == UNK).sum()),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}  # fmt: skip


def single() -> dict[str, str]:
    """Return the environment with one thread for everything."""
    return os.environ | {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "HOTPAPERS_PROGRESS": "quiet"}


def table(rows: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Return the measures and the ratios as a Markdown table."""
    lines = ["| | train: tkseem s | ours s | ratio | tokenise: tkseem words/s | ours | ratio | encode: ratio "
             "| MB: tkseem | ours |", "|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for algo, pair in rows.items():
        theirs, ours = pair["tkseem"], pair["ours"]
        lines.append(
            f"| {algo} | {theirs['train']:.3f} | {ours['train']:.3f} | **{theirs['train'] / ours['train']:.1f}** "
            f"| {theirs['tokenise']:,.0f} | {ours['tokenise']:,.0f} | **{ours['tokenise'] / theirs['tokenise']:.1f}** "
            f"| {ours['encode'] / theirs['encode']:,.0f} | {theirs['memory']:.0f} | {ours['memory']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
