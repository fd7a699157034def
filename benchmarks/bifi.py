"""BIFI here against its authors' code: tokens, critics, detokenising, distances; fixes, pool and cache by themselves.

    PYTHONPATH=FOLDER_WITH_editdistance python benchmarks/bifi.py --authors CHECKOUT [--json FILE]

CHECKOUT is michiyasunaga/BIFI (its folder utils is enough). Both see the same snippets of the standard library, half of
them broken, in one call; their code needs ``editdistance`` and a vocabulary file, which is made for it here. Times are
CPU seconds, the best of three, but for the pool, which is timed by the clock.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def main() -> int:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="checkout of michiyasunaga/BIFI")
    parser.add_argument("--snippets", type=int, default=1000)
    parser.add_argument("--fixes", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--skip", nargs="*", default=[], choices=["text", "pool", "fix", "cache"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    codes = snippets(options.snippets)
    rows: list[Row] = []
    for name, measure in (("text", text), ("pool", pool), ("fix", fixes), ("cache", cache)):
        if name not in options.skip:
            rows += measure(codes, options)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print("| what | ours | theirs | ratio |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(row[key]) for key in ("what", "ours", "theirs", "ratio")) + " |")
    return 0


def snippets(count: int) -> list[str]:
    from hotpapers.papers.bifi.corpora import library_snippets
    from hotpapers.papers.bifi.corruption import corrupt_all

    good = library_snippets(count // 2, seed=0)
    broken = [code for code in corrupt_all(library_snippets(count // 2, seed=1)) if code]
    return good + broken


def text(codes: list[str], options: argparse.Namespace) -> list[Row]:
    """Tokenise, scan the brackets, parse, detokenise, and measure the distance to the next snippet of the list."""
    from hotpapers.papers.bifi.critics import scan_brackets
    from hotpapers.papers.bifi.edits import distance
    from hotpapers.papers.bifi.parsing import parse_error
    from hotpapers.papers.bifi.tokens import anonymise, detokenise, python_tokens

    pairs = list(zip(codes, codes[1:] + codes[:1], strict=True))

    def cut() -> int:
        return sum(len(anonymise(python_tokens(code))[0]) for code in codes)

    def whole() -> list[Any]:
        out = []
        for code, near in ((code, code + " )\n") for code, _ in pairs):
            stream, slots = anonymise(python_tokens(code))
            back = detokenise(stream, slots)
            out.append((bool(scan_brackets(stream)), parse_error(back) is None,
                        distance(stream, anonymise(python_tokens(near))[0], 4) <= 4))  # fmt: skip
        return out

    tokens, ours = cut(), (best_of(cut), best_of(whole))
    theirs: tuple[float, ...] | None = None
    agreed = ""
    if options.authors:
        with authors(options.authors) as (utils, checker):

            def their_cut() -> int:
                return sum(len(found[0]) for code in codes if (found := utils.tokenize_python_code(code)) != 1)

            def their_whole() -> list[Any]:
                out = []
                for code, near in ((code, code + " )\n") for code, _ in pairs):
                    found, other = utils.tokenize_python_code(code), utils.tokenize_python_code(near)
                    if found == 1 or other == 1:
                        out.append(None)
                        continue
                    stream, slots = found
                    back = utils.code_toks_to_code_string(" ".join(stream), dict(slots))
                    out.append((checker.check_paren_error(stream) != 0, checker.check_ast_error(back) == 0,
                                utils.get_diff_metric(" ".join(stream), " ".join(other[0])) <= 4))  # fmt: skip
                return out

            with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
                theirs = (best_of(their_cut), best_of(their_whole))
                results = list(zip(whole(), their_whole(), strict=True))
        same = sum(a == b for a, b in results if b is not None)
        failed = sum(b is None for _, b in results)
        agreed = f"; the same verdicts on {same} of {len(results) - failed}, theirs fails on {failed}"
    rows = []
    for what, mine, other in zip(("tokenise", f"tokenise, both critics, detokenise, distance{agreed}"), ours,
                                 theirs or (None, None), strict=True):  # fmt: skip
        rates = [f"{tokens / each / 1e6:.2f} M tokens/s" if each else None for each in (mine, other)]
        rows.append(row(what, rates[0] or "", rates[1], other and other / mine))
    return rows


def pool(codes: list[str], options: argparse.Namespace) -> list[Row]:
    """Judge snippets here and in a pool of processes, by the clock; the pool's start is in it."""
    from hotpapers.papers.bifi.corpora import Entry
    from hotpapers.papers.bifi.splitting import Piece, judge_all

    many = (codes * (50_000 // len(codes) + 1))[:50_000]
    pieces = [
        Piece([Entry(code) for code in many[at : at + 1000]], "x.py", "python", "", "", 11)
        for at in range(0, 50_000, 1000)
    ]
    rates, spent = [], time.process_time()
    for engine, jobs in (("local", 1), ("processes", options.jobs)):
        begun = time.perf_counter()
        judge_all(pieces, engine, jobs)
        rates.append(50_000 / (time.perf_counter() - begun))
        spent = time.process_time() - spent if engine == "local" else spent
    return [
        row("Python critic, snippets a second, one core (CPU seconds)", f"{50_000 / spent:,.0f}", None, None),
        row(f"the same by the clock: {options.jobs} processes / one", f"{rates[1]:,.0f}",
            f"{rates[0]:,.0f} (ours, one process)", rates[1] / rates[0]),
    ]  # fmt: skip


def fixes(codes: list[str], options: argparse.Namespace) -> list[Row]:
    """Fix broken snippets of about 80 tokens with the shipped model."""
    from hotpapers.papers.bifi.critics import critic
    from hotpapers.papers.bifi.mending import mend, model_ranking
    from hotpapers.papers.bifi.shelf import shipped

    model, judge = shipped("fixer"), critic("python")
    long = [code for code in codes if 60 <= len(model.vocabulary.tokens(code)) <= 100 and not judge(code).ok][
        : options.fixes
    ]
    times = []
    for code in long:
        begun = time.process_time()
        mend(code, judge, model_ranking(model), model.vocabulary)
        times.append(1000 * (time.process_time() - begun))
    slow = sorted(times)[int(0.9 * len(times))]
    return [row(f"fix of 60 to 100 tokens, median of {len(times)} (CPU ms; one in ten takes {slow:.0f} or more)",
                f"{statistics.median(times):.0f}", None, None)]  # fmt: skip


def cache(codes: list[str], options: argparse.Namespace) -> list[Row]:
    """Write with the paper's Transformer at full size, untrained, beam 10, with the cache and without."""
    import torch

    from hotpapers.papers.bifi.decoding import write
    from hotpapers.papers.bifi.model import Transformer

    torch.manual_seed(0)
    model = Transformer([f"t{n}" for n in range(10_000)]).eval()
    sources = [torch.randint(4, 10_000, (40,)).tolist()]
    times = {}
    for cached in (True, False):
        begun = time.process_time()
        found = write(model, sources, beam=10, n=10, cached=cached, longer=10)
        times[cached] = (time.process_time() - begun, found)
    same = [ids for ids, _ in times[True][1][0]] == [ids for ids, _ in times[False][1][0]]
    what = f"beam search of 10, 40 tokens, paper's size: cache / none (CPU s; the same hypotheses: {same})"
    with_cache, without = times[True][0], times[False][0]
    return [row(what, f"{with_cache:.2f}", f"{without:.2f} (ours, no cache)", without / with_cache)]


@contextlib.contextmanager
def authors(checkout: Path) -> Any:
    """Import the authors' modules, which look for a vocabulary and for themselves under the working directory."""
    here, path = Path.cwd(), list(sys.path)
    utils = (checkout / "utils" if (checkout / "utils").is_dir() else checkout).resolve()
    with tempfile.TemporaryDirectory() as room:
        (Path(room) / "data").mkdir()
        (Path(room) / "data" / "token_vocab.txt").write_text("x 1\n")
        os.chdir(room)
        sys.path.insert(0, str(utils))
        try:
            import code_error_checker
            import code_utils

            yield code_utils, code_error_checker
        finally:
            os.chdir(here)
            sys.path[:] = path


def best_of(work: Callable[[], Any], times: int = 3) -> float:
    spent = []
    for _ in range(times):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def row(what: str, ours: str, theirs: str | None, ratio: float | None) -> Row:
    return {"what": what, "ours": ours, "theirs": theirs or "–", "ratio": f"{ratio:.1f}" if ratio else "–"}


if __name__ == "__main__":
    raise SystemExit(main())
