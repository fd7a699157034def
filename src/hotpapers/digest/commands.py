"""The commands ``hotpapers digest list`` and ``hotpapers digest show``."""

from typing import Any

from hotpapers import console
from hotpapers.digest.day import Digest, days, load_day


def list_() -> None:
    """List the digests, the newest first."""
    digests = [load_day(day) for day in days()]
    facts = [{"date": str(each.date), "papers": len(each.entries), "source": each.source} for each in digests]
    console.show(facts, "\n".join(f"{row['date']}  {row['papers']} papers" for row in facts))


def show(date: str | None = None) -> None:
    """Show one day's ranked papers.

    Parameters
    ----------
    date
        The day, as YYYY-MM-DD; the newest when left out.
    """
    digest = load_day(date)
    console.show(facts(digest), _table(digest))


def facts(digest: Digest) -> dict[str, Any]:
    """Return a digest as JSON types, each entry with its rank and its arXiv addresses."""
    import msgspec

    told = msgspec.to_builtins(digest)
    told["entries"] = [
        {"rank": rank, **entry, "abstract_url": each.abstract_url, "pdf_url": each.pdf_url}
        for rank, (entry, each) in enumerate(zip(told["entries"], digest.entries, strict=True), start=1)
    ]
    return told


def _table(digest: Digest) -> Any:
    from rich.table import Table
    from rich.text import Text

    from hotpapers.cards import all_cards

    here = all_cards()
    table = Table("", "paper", "what it gives", "retweets", "likes", "here", title=f"Hot papers of {digest.date}")
    for column in (0, 3, 4):
        table.columns[column].justify = "right"
    for rank, entry in enumerate(digest.entries, start=1):
        title = Text(entry.title)
        title.append(f"\narXiv {entry.arxiv}  {' '.join(entry.categories)}", style="dim")
        command = f"hotpapers {entry.slug.replace('_', '-')}" if entry.slug in here else "no code yet"
        counts = [f"{entry.retweets:,}", f"{entry.favourites:,}"]
        table.add_row(str(rank), title, Text(entry.summary), *counts, Text(command))
    return table
