"""Which signals speak for which paper."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from hotpapers.digest.records import Paper, Signal

Key = tuple[str, str]


def root_of(signal: Signal) -> Key:
    """Return the name of the item that a signal's votes count for: what it repeats or likes, else itself."""
    return signal.source, signal.root or signal.item


def by_paper(papers: Sequence[Paper], signals: Iterable[Signal]) -> dict[str, list[Signal]]:
    """Return each paper's signals by their names; a repost that names no paper speaks for those of its original.

    The order in which the signals come does not matter.
    """
    known = sorted(signals, key=lambda each: (each.source, each.item))
    named = {(each.source, each.item): each.papers for each in known}
    spoken: defaultdict[str, list[Signal]] = defaultdict(list)
    for signal in known:
        for arxiv in dict.fromkeys(signal.papers or named.get(root_of(signal), ())):
            spoken[arxiv].append(signal)
    return {paper.arxiv: spoken[paper.arxiv] for paper in papers}
