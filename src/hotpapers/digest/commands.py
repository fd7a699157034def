"""The commands under ``hotpapers digest``. What works on a store imports it when it is called."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hotpapers import console
from hotpapers.digest.day import Digest, days, load_day
from hotpapers.digest.moments import read_moment, read_range
from hotpapers.errors import BadInput
from hotpapers.files import home, written_whole

if TYPE_CHECKING:
    from hotpapers.digest.checks import Checked
    from hotpapers.digest.edition import Edition
    from hotpapers.digest.importing import Imported
    from hotpapers.digest.store import Store

BLOG = "https://github.com/TatsuyaShirakawa/daily-arxiv-gatsby"


def list_() -> None:
    """List the digests, the newest first: those that come with hotpapers, and those in the store."""
    digests = [load_day(day) for day in days()]
    rows = {str(each.date): {"date": str(each.date), "papers": len(each.entries), "source": each.source}
            for each in digests}  # fmt: skip
    if has_store():
        for name, _, _, count in _open().posts():
            rows.setdefault(name, {"date": name, "papers": count, "source": BLOG})
    facts = [rows[name] for name in sorted(rows, reverse=True)]
    console.show(facts, "\n".join(f"{row['date']}  {row['papers']} papers" for row in facts))


def show(date: str | None = None) -> None:
    """Show one day's ranked papers.

    Parameters
    ----------
    date
        The day, as YYYY-MM-DD; the newest that comes with hotpapers when left out.
    """
    if date and has_store():
        first, last = read_range(date)
        if (first != last or first not in days()) and (post := _open().post(first, last)):
            from hotpapers.digest.edition import edition_of

            edition = edition_of(post)
            console.show(_facts_of(edition), _ranking(edition, explain=False))
            return
    digest = load_day(date)
    console.show(facts(digest), _table(digest))


def import_(paths: list[Path], /) -> int:
    """Read posts of the blog into the store: files, folders, or archives (.zip, .tar, .tar.gz).

    Text that was misread (`N‚Äô` for `N’`) is repaired. What is damaged is named with its line, the rest goes in; what
    had been imported before is left as it is. Leaves with 1 where not all could be read, with 2 where nothing.

    Parameters
    ----------
    paths
        The posts, as `2021-06-15---Hot-Papers.md`, folders of them, or archives.
    """
    from hotpapers.digest.importing import import_posts

    if not paths:
        raise BadInput("Name a post, a folder of posts, or an archive to import.")
    with _open() as store:
        report = import_posts(store, paths)
    import msgspec

    console.show(msgspec.to_builtins(report), _told(report))
    return 0 if not report.problems else 1 if report.digests else 2


def rank(
    *,
    date: str | None = None,
    method: Literal["modern", "folded", "classic"] = "modern",
    as_of: str | None = None,
    explain: bool = False,
) -> None:
    """Rank a day's papers from what the store has seen.

    Parameters
    ----------
    date
        The day, as YYYY-MM-DD; the newest in the store when left out.
    method
        classic: the blog's rule; folded: the same, each post counted once; modern: several networks on one scale.
    as_of
        Count only what had been seen by then, such as 2021-06-16T12:00 (UTC), so that the ranking of any past moment
        comes out again.
    explain
        Show each score as the sum that it is.
    """
    with _open() as store:
        edition = _rank(store, date, method, as_of)
    console.show(_facts_of(edition), _ranking(edition, explain=explain))


def check() -> int:
    """Derive the order of every imported digest again from its counts, and list what differs and why.

    Leaves with 1 where a deviation has no explanation.
    """
    import msgspec

    from hotpapers.digest.checks import check_posts

    with _open() as store:
        checked = check_posts(post for _, first, last, _ in store.posts() if (post := store.post(first, last)))
    if not checked.digests:
        raise BadInput("The store has no digest of the blog: hotpapers digest import PATH.")
    console.show(msgspec.to_builtins(checked), _listed(checked))
    return 1 if any(not each.explained for each in checked.deviations) else 0


def publish(
    *,
    date: str | None = None,
    to: str = "markdown",
    method: Literal["archived", "modern", "folded", "classic"] | None = None,
    as_of: str | None = None,
    out: Path | None = None,
) -> None:
    """Write a day's digest as a file.

    A day of the blog is written as the blog published it, unless a method or a moment is given.

    Parameters
    ----------
    date
        The day, as YYYY-MM-DD, or `first - last`; `all` for every digest of the blog; the newest when left out.
    to
        The format: markdown (the blog's own), html, rss, atom, jsonfeed, json, parquet or email.
    method
        How to rank it: archived (as the blog published it), classic, folded or modern.
    as_of
        Count only what had been seen by then, such as 2021-06-16T12:00 (UTC).
    out
        The file to write, or for `all` the folder; beside you under its usual name when left out.
    """
    from hotpapers.digest.publish import find_format

    form = find_format(to)
    with _open() as store:
        names = [name for name, *_ in store.posts()] if date == "all" else [date]
        if not names:
            raise BadInput("The store has no digest of the blog: hotpapers digest import PATH.")
        files = []
        for name in names:
            edition = _edition(store, name, method, as_of)
            usual = form.file_name(edition)
            target = (out or Path()) / usual if date == "all" or out is None else out
            with written_whole(target) as temporary:
                temporary.write_bytes(form.publish(edition))
            files.append({"file": str(target), "papers": len(edition.entries), "method": edition.method})
    console.show(files, "\n".join(str(each["file"]) for each in files) if date != "all" else f"{len(files)} files")


def _edition(store: "Store", date: str | None, method: str | None, as_of: str | None) -> "Edition":
    from hotpapers.digest.edition import edition_of

    if method in (None, "archived") and not (as_of and method is None):
        first, last = _days(store, date)
        if post := store.post(first, last):
            return edition_of(post)
        if method == "archived":
            raise BadInput(f"The store has no digest that the blog published for {date or first}.")
    return _rank(store, date, method or "modern", as_of)


def _rank(store: "Store", date: str | None, method: str, as_of: str | None) -> "Edition":
    from hotpapers.digest.rank import rank_day

    moment = read_moment(as_of) if as_of else None
    first, last = _days(store, date)
    return rank_day(store, first, last, method=method, as_of=moment)  # type: ignore[arg-type]


def _days(store: "Store", date: str | None) -> tuple[datetime.date, datetime.date]:
    if date:
        return read_range(date)
    known = [day for day, _ in store.days()] + [first for _, first, _, _ in store.posts()]
    if not known:
        raise BadInput("The store is empty: hotpapers digest import PATH.")
    return max(known), max(known)


def _open() -> "Store":
    from hotpapers.digest.store import open_store

    return open_store()


def has_store() -> bool:
    """Whether there is a store, judged without loading what opens one."""
    import os

    return "HOTPAPERS_DATABASE_URL" in os.environ or (home() / "digest.sqlite").is_file()


def _told(report: "Imported") -> str:
    lines = [
        f"{report.digests} digests ({report.new_digests} new), {report.entries} entries ({report.new_entries} new), "
        f"{report.papers} papers, {report.posts} embedded posts, {report.lost} lost"
    ]
    lines += [f"repaired {file}: it had been read as {encoding}" for file, encoding in report.repaired.items()]
    return "\n".join([*map(str, report.problems), *lines])


def _facts_of(edition: "Edition") -> dict[str, Any]:
    import msgspec

    told = msgspec.to_builtins(edition)
    return {"date": edition.name, **{name: told[name] for name in ("method", "written", "entries")}}


def _ranking(edition: "Edition", *, explain: bool) -> Any:
    from rich.table import Table
    from rich.text import Text

    title = f"{edition.name}, {edition.method}, as of {edition.written:%Y-%m-%d %H:%M} UTC"
    table = Table("", "score", "paper", *(["because"] if explain else []), title=title)
    for entry in edition.entries:
        paper = Text(entry.paper.title)
        paper.append(f"\narXiv {entry.paper.arxiv}  {' '.join(entry.paper.categories)}", style="dim")
        sums = [f"{part.value:.6g} {part.name}" + (f" ({part.note})" if part.note else "") for part in entry.parts]
        because = [Text("\n+ ".join(sums))] if explain else []
        table.add_row(str(entry.rank), f"{entry.score:.6g}", paper, *because)
    return table


def _listed(checked: "Checked") -> str:
    lines = [
        f"{checked.same_order} of {checked.digests} digests come out in their order "
        f"({checked.entries} entries, {checked.ties} neighbours of equal score)"
    ]
    lines += [
        f"{each.digest}  {each.kind}: {each.what}" + (f" ({each.explained})" if each.explained else "")
        for each in checked.deviations
    ]
    return "\n".join(lines)


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
