"""The digest's store under a year's load: rows a second going in, milliseconds for a day coming out, bytes on disk.

    python benchmarks/digest.py [--days 365] [--papers 2000] [--sources 8] [--url DATABASE]

Each paper has one item in each source, and each item is seen once: 2,000 papers a day for a year are 5.8 million
observations. Time is CPU time of this process, so that other work on the machine disturbs little.
"""

import argparse
import datetime
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hotpapers.digest.edition import edition_of
from hotpapers.digest.importing import signals_of as signals_of_post
from hotpapers.digest.rank import folded, rank, rank_day
from hotpapers.digest.rank.signals import by_paper
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.store import Store, open_store

FIRST = datetime.date(2025, 1, 1)


def main() -> int:
    """Fill a store, look at days of it, print what that took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--papers", type=int, default=2000, help="papers a day")
    parser.add_argument("--sources", type=int, default=8)
    parser.add_argument("--url", help="a database to fill (default: SQLite in a temporary folder)")
    parser.add_argument("--tau", action="store_true", help="compare the methods on the digests in your store instead")
    options = parser.parse_args()
    if options.tau:
        compare_methods()
        return 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.sqlite"
        with open_store(options.url or f"sqlite:///{file}") as store:
            known = seen = again = 0.0
            rows = late = 0
            for number in range(options.days):
                day = FIRST + datetime.timedelta(days=number)
                started = time.process_time()
                store.add_papers(papers_of(day, options.papers), midnight(day))
                known += time.process_time() - started
                signals = list(signals_of(day, options.papers, options.sources, hours=6))
                started = time.process_time()
                rows += store.add_signals(signals).observations
                seen += time.process_time() - started
                if number % 50 == 0:
                    later = list(signals_of(day, options.papers, options.sources, hours=24))
                    started = time.process_time()
                    late += store.add_signals(later).observations
                    again += time.process_time() - started
                    print(f"day {number}: {rows / seen:,.0f} observations/s", file=sys.stderr, flush=True)
            print(f"observations of new items   {rows:>12,}  {rows / seen:>10,.0f} rows/s")
            print(f"observations of known items {late:>12,}  {late / again:>10,.0f} rows/s")
            print(f"papers                      {options.days * options.papers:>12,}  "
                  f"{options.days * options.papers / known:>10,.0f} rows/s")  # fmt: skip
            chosen = random.Random(0).sample(range(options.days), min(5, options.days))
            look(store, [FIRST + datetime.timedelta(days=number) for number in chosen])
        if not options.url:
            print(f"on disk                     {file.stat().st_size / 1e6:>12,.0f} MB")
    return 0


def look(store: Store, days: list[datetime.date]) -> None:
    """Print what it takes to read a day's papers and signals, and to rank them."""
    read, ranked = [], []
    for day in days:
        started = time.process_time()
        papers = store.papers(day)
        store.signals(paper.arxiv for paper in papers)
        read.append(time.process_time() - started)
        started = time.process_time()
        rank_day(store, day, method="modern")
        ranked.append(time.process_time() - started)
    print(f"a day read                  {sorted(read)[len(read) // 2] * 1e3:>12,.0f} ms (median of {len(days)})")
    print(f"a day read and ranked       {sorted(ranked)[len(ranked) // 2] * 1e3:>12,.0f} ms")


def compare_methods() -> None:
    """Print the median Kendall tau of other scores with the blog's, over its digests of five papers or more."""
    from scipy.stats import kendalltau

    periods: dict[str, list[list[float]]] = {"before 2020-09-17": [], "since": []}
    with open_store() as store:
        for _, first, last, count in store.posts():
            if count < 5:
                continue
            post = store.post(first, last)
            edition = edition_of(post)
            papers, signals = [entry.paper for entry in edition.entries], list(signals_of_post(post))
            as_of = max(entry.counted for entry in edition.entries)
            modern = rank(papers, signals, method="modern", as_of=as_of, days=(first, last))
            spoken = by_paper(papers, signals)
            others = [
                {entry.paper.arxiv: float(entry.likes) for entry in edition.entries},
                {arxiv: sum(part.value for part in folded.parts(said)) for arxiv, said in spoken.items()},
                {entry.paper.arxiv: entry.score for entry in modern.entries},
            ]
            scores = {entry.paper.arxiv: entry.score for entry in edition.entries}
            pairs = [[(scores[each], other[each]) for each in scores] for other in others]
            taus = [kendalltau(*zip(*each, strict=True)).statistic for each in pairs]
            periods["since" if first >= datetime.date(2020, 9, 17) else "before 2020-09-17"].append(taus)
    for period, taus in periods.items():
        columns = [statistics.median(filter(math.isfinite, column)) for column in zip(*taus, strict=True)]
        words = zip(("favourites", "folded", "modern"), columns, strict=True)
        print(f"{period} ({len(taus)} digests): " + ", ".join(f"{name} {tau:.2f}" for name, tau in words))


def midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)


def papers_of(day: datetime.date, count: int) -> Iterator[Paper]:
    for number in range(count):
        yield Paper(arxiv=f"{day:%y%m}.{day.day:02}{number:04}", title=f"Paper {number}", authors=("A", "B"),
                    abstract="x" * 1000, categories=("cs.LG",), announced=day, position=number)  # fmt: skip


def signals_of(day: datetime.date, papers: int, sources: int, hours: int) -> Iterator[Signal]:
    chance = random.Random(day.toordinal())
    made = midnight(day)
    seen = made + datetime.timedelta(hours=hours)
    for number in range(papers):
        arxiv = f"{day:%y%m}.{day.day:02}{number:04}"
        for source in range(sources):
            yield Signal(source=f"source{source}", item=f"{arxiv}/{source}", kind="post", papers=(arxiv,),
                         actor=f"a{chance.randrange(5000)}", made=made, seen=seen,
                         counts={"likes": int(chance.paretovariate(1)) + hours})  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
