"""Counting paper links in a dump of posts: this project's backfill against a plain Python loop, on one core.

    python benchmarks/backfill.py [--posts 5000000] [--json FILE]

The dump is made here, the same for the same seed: one status of Twitter's v1.1 API a line, without the fields that
nobody reads. Of 1,000 lines on average 10 (``--share 0.01``) name a paper: 5 posts, 4 retweets that hold their
original, 1 post seen again later with higher counts. 5 more speak of arXiv without naming a paper, or hold numbers that
look like one. The others are of other things, half of them with a link. In a whole network's stream far fewer lines
name a paper.

Each contender runs in a process of its own, counts the same file and must come to the same counts to the last digit.
Time is CPU time. The rungs between the first and the last tell what each step is worth.
"""

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Counts = dict[str, dict[str, int]]
Status = dict[str, Any]


def main() -> int:
    """Make the dump, run the contenders one after another, compare their counts, print the table."""
    options = arguments()
    if options.worker:
        return work(options.worker, options.dump, options.json)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        dump = Path(folder) / "dump.jsonl"
        print(f"making {options.posts:,} posts …", file=sys.stderr, flush=True)
        write_dump(dump, options.posts, options.seed, options.share)
        results = {}
        for name in options.contenders or CONTENDERS:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            results[name] = run_worker(name, dump)
        size = dump.stat().st_size
    print(table(results, options.posts, size))
    if options.json:
        options.json.write_text(json.dumps({"posts": options.posts, "bytes": size, "results": results}, indent=1))
    return 0 if len({result["counts"] for result in results.values()}) == 1 else 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--posts", type=int, default=200_000)
    parser.add_argument("--share", type=float, default=0.01, help="of lines that name a paper")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--contenders", nargs="*", choices=sorted(CONTENDERS))
    parser.add_argument("--folder", type=Path, help="where the dump lies meanwhile: some 350 bytes a post")
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    parser.add_argument("--worker", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--dump", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def run_worker(name: str, dump: Path) -> dict[str, Any]:
    """Measure one contender in a process of its own, so that peaks of memory and imports do not mix."""
    kept = dump.with_name(f"{name}.json")
    command = [sys.executable, __file__, "--worker", name, "--dump", str(dump), "--json", str(kept)]
    subprocess.run(command, check=True, env=os.environ | {"HOTPAPERS_PROGRESS": "quiet", "OMP_NUM_THREADS": "1"})
    return json.loads(kept.read_text())


def work(name: str, dump: Path, kept: Path) -> int:
    """Count ``dump`` once as ``name`` does and keep what it took."""
    for _ in open(dump, "rb", buffering=1 << 20):  # noqa: SIM115 - the page cache is warm for everybody
        pass
    usage = resource.getrusage(resource.RUSAGE_SELF)
    started, wall = usage.ru_utime + usage.ru_stime, time.perf_counter()
    counts = CONTENDERS[name](dump)
    wall = time.perf_counter() - wall
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "cpu": usage.ru_utime + usage.ru_stime - started,
        "wall": wall,
        "peak_mb": usage.ru_maxrss / 1024,
        "papers": len(counts),
        "counts": json.dumps(counts, sort_keys=True),
    }
    kept.write_text(json.dumps(result))
    return 0


def table(results: dict[str, dict[str, Any]], posts: int, size: int) -> str:
    """Set the contenders side by side; the ratio is to the plain loop."""
    plain = results.get("plain")
    same = "the same" if len({result["counts"] for result in results.values()}) == 1 else "DIFFERENT"
    lines = [
        f"{posts:,} posts, {size / 1e9:.2f} GB; the counts of all contenders are {same}",
        f"{'':34}{'CPU s':>8}{'posts/s':>13}{'MB/s':>8}{'peak MB':>9}{'papers':>8}{'ratio':>8}",
    ]
    for name, result in results.items():
        ratio = f"{plain['cpu'] / result['cpu']:.1f}" if plain else "-"
        lines.append(
            f"{name:34}{result['cpu']:8.2f}{posts / result['cpu']:13,.0f}{size / 1e6 / result['cpu']:8.0f}"
            f"{result['peak_mb']:9.0f}{result['papers']:8,}{ratio:>8}"
        )
    return "\n".join(lines)


# The contenders: each takes the dump and returns, for each paper, its posts and the sums of their newest counts.

LINK = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html)/|ar5iv\.labs\.arxiv\.org/html/|alphaxiv\.org/abs/|huggingface\.co/papers/"
    r"|arxiv[.:] ?)(\d{4}\.\d{5}|(?:math|cs|hep-th)/\d{7})(?!\d|\.\d)",
    re.IGNORECASE,
)


def plain(dump: Path) -> Counts:
    """Count as the blog's tool did and anybody would: ``json.loads`` a line, a regular expression, dicts of sums."""
    with open(dump, encoding="utf-8") as lines:
        return count(json.loads(line) for line in lines)


def plain_orjson(dump: Path) -> Counts:
    """Count as ``plain`` does with the fastest JSON library."""
    import orjson

    with open(dump, "rb") as lines:
        return count(orjson.loads(line) for line in lines)


def plain_with_a_look_first(dump: Path) -> Counts:
    """Count as ``plain`` does, but parse only lines in which a link could be."""
    with open(dump, "rb") as lines:
        return count(json.loads(line) for line in lines if b"xiv" in line.lower() or b"/papers/" in line)


def backfill(dump: Path) -> Counts:
    """Count with ``hotpapers digest backfill`` as users have it."""
    from hotpapers.digest.backfill import backfill as count_dump

    out = dump.with_name("counts.jsonl")
    count_dump([dump], out)
    rows = map(json.loads, out.read_text().splitlines())
    return {row["paper"]: {name: row[name] for name in ("posts", "reposts", "likes")} for row in rows}


CONTENDERS: dict[str, Callable[[Path], Counts]] = {
    "plain": plain,
    "plain-orjson": plain_orjson,
    "plain-with-a-look-first": plain_with_a_look_first,
    "backfill": backfill,
}


def count(statuses: Iterable[Status]) -> Counts:
    """Count each post once, with its newest numbers; a retweet shows its original as it stood then."""
    newest: dict[str, tuple[datetime, int, int, list[str]]] = {}
    for status in statuses:
        post = status.get("retweeted_status", status)
        links = [url["expanded_url"] for url in post["entities"]["urls"]]
        papers = LINK.findall(" ".join([post["text"], *links]))
        if not papers:
            continue
        seen = datetime.strptime(status["created_at"], "%a %b %d %H:%M:%S %z %Y")
        if post["id_str"] not in newest or seen >= newest[post["id_str"]][0]:
            newest[post["id_str"]] = (seen, post["retweet_count"], post["favorite_count"], papers)
    sums: Counts = defaultdict(lambda: {"posts": 0, "reposts": 0, "likes": 0})
    for _, reposts, likes, papers in newest.values():
        for paper in set(papers):
            sums[paper]["posts"] += 1
            sums[paper]["reposts"] += reposts
            sums[paper]["likes"] += likes
    return dict(sums)


# The dump.

WORDS = (
    "the a new paper model we today what people think about this is great learning network image data time results "
    "show never always coffee game live music video team win love morning night weather code release version open "
    "source training language vision graph attention deep fast small large world news report week year city give"
)
FORMS = (
    "https://arxiv.org/abs/{}", "https://arxiv.org/abs/{}v2", "https://arxiv.org/pdf/{}.pdf", "http://arxiv.org/abs/{}",
    "https://ar5iv.labs.arxiv.org/html/{}", "https://www.alphaxiv.org/abs/{}", "https://huggingface.co/papers/{}",
    "https://doi.org/10.48550/arXiv.{}", "https://arxiv.org/html/{}v1",
)  # fmt: skip
NEAR = (
    "arXiv is down again", "see https://arxiv.org/list/cs.LG/recent", "call 2106.071401 now", "version 2106.0714.3",
    "medRxiv and bioRxiv, too", "xiv players of the week", "https://arxiv.org/a/doe_j_1", "on 2021/06.15 at 10:48",
)  # fmt: skip
START = datetime(2021, 6, 14, tzinfo=UTC)


def write_dump(path: Path, posts: int, seed: int, share: float = 0.01) -> None:
    """Write ``posts`` lines; the same seed gives the same bytes."""
    encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
    with open(path, "w", encoding="utf-8", buffering=1 << 20) as out:
        out.writelines(encode(status) + "\n" for status in statuses(posts, share, random.Random(seed)))


def statuses(posts: int, share: float, chance: random.Random) -> Iterator[Status]:
    """Yield statuses in the order of their time, ten a second."""
    words = WORDS.split()
    texts = [" ".join(chance.choices(words, k=chance.randint(8, 24))) for _ in range(5000)]
    papers = [f"2106.{number:05}" for number in range(1, 18_001)] + [f"math/0309{n:03}" for n in range(1, 400)]
    kept: list[Status] = []
    for number in range(posts):
        made = START + timedelta(seconds=number // 10)
        text, dice = chance.choice(texts), chance.random() / share
        if dice < 0.5 or (dice < 1.0 and not kept):
            paper = papers[int(len(papers) * chance.random() ** 3)]
            link = chance.choice(FORMS).format(paper)
            in_text = chance.random() < 0.1
            post = status(number, made, f"{text} arXiv:{paper}" if in_text else text, [] if in_text else [link], chance)
            kept.append(post)
            kept = kept[-1000:]
            yield post
        elif dice < 0.9:
            original = grown(chance.choice(kept), chance)
            words = f"RT @user: {original['text']}"[:140]
            repost = status(number, made, words, [], chance, retweet_count=original["retweet_count"], favorite_count=0)
            yield repost | {"retweeted_status": original}
        elif dice < 1.0:
            yield grown(chance.choice(kept), chance) | {"created_at": stamp(made)}
        elif dice < 1.5:
            yield status(number, made, f"{text} {chance.choice(NEAR)}", [], chance)
        else:
            links = [f"https://example.org/{number % 9973}/{number:x}"] if chance.random() < 0.5 else []
            yield status(number, made, text, links, chance)


def status(number: int, made: datetime, text: str, links: list[str], chance: random.Random, **more: Any) -> Status:
    """Return a status as the v1.1 API gives it, without the fields that nobody here reads."""
    return {
        "created_at": stamp(made),
        "id_str": str(1404000000000000000 + number),
        "text": text,
        "entities": {
            "hashtags": [],
            "urls": [{"url": f"https://t.co/{number:010x}", "expanded_url": u} for u in links],
        },
        "user": {"id_str": str(chance.randrange(10**9)), "screen_name": f"user{number % 99991}"},
        "retweet_count": chance.randrange(3),
        "favorite_count": chance.randrange(9),
        "lang": "en",
    } | more


def grown(post: Status, chance: random.Random) -> Status:
    """Give a post more votes, as it has some time later."""
    post["retweet_count"] += 1 + chance.randrange(5)
    post["favorite_count"] += chance.randrange(9)
    return dict(post)


def stamp(moment: datetime) -> str:
    return moment.strftime("%a %b %d %H:%M:%S +0000 %Y")


if __name__ == "__main__":
    sys.exit(main())
