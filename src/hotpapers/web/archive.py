"""The archive on the site: the store's editions as pages of days, weeks, months, categories and authors, and feeds.

Its addresses stand beside the digests that come with hotpapers: ``digest/2021-06-16/``, ``digest/2021-W24/``,
``digest/2021-06/``, ``categories/cs.CV/``, ``authors/m/``, ``search/``. A day that has a page already keeps it.
"""

import calendar
import datetime
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from urllib.parse import quote

import msgspec

from hotpapers.digest.commands import has_store
from hotpapers.digest.edition import Edition, Ranked, edition_of
from hotpapers.digest.publish import atom, facts, jsonfeed, rss, words
from hotpapers.digest.publish.quotes import quotes_of
from hotpapers.web.views import PaperView

A_PAGE = 200
"""Papers on a page of a category."""
OF_A_PERIOD = 50
"""Papers of a week or a month."""
IN_FEEDS = 5
"""Editions in a feed, the newest."""
FEEDS = (
    ("application/rss+xml", rss.NAME),
    ("application/atom+xml", atom.NAME),
    ("application/feed+json", jsonfeed.NAME),
)
_CATEGORY = re.compile(r"[a-z-]{1,20}(\.[A-Za-z-]{1,20})?")
"""What arXiv calls a category, and nothing that leads elsewhere as a folder's name."""
Page = Callable[..., None]
"""Writes a page: its path, its template, what it shows."""
Week = tuple[str, list[tuple[datetime.date | None, Edition | None]]]
"""A row of the calendar: the week's name, and its days with their editions."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A paper in a list: where its entry is (``address``, from the root), and what a line says of it."""

    title: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    edition: str
    rank: int
    address: str
    attention: int


class Archive:
    """Editions, the oldest first, and what is looked up in them. ``shipped`` are days that have a page of their own."""

    def __init__(self, editions: Iterable[Edition], shipped: Collection[datetime.date] = ()) -> None:
        self.editions = sorted(editions, key=lambda each: (each.first, each.last))
        self.shipped = {str(day) for day in shipped}
        self.rows = [self._row(edition, entry) for edition in self.editions for entry in edition.entries]
        self._of_day = {each.first: each for each in self.editions if each.first == each.last}

    @property
    def newest(self) -> Edition:
        """Return the newest edition."""
        return self.editions[-1]

    @property
    def spans(self) -> list[Edition]:
        """Return the editions of more than one day."""
        return [each for each in self.editions if each.first != each.last]

    @property
    def months(self) -> list[tuple[datetime.date, list[Week]]]:
        """Return the calendar, the newest month first: its first day, and its weeks (their name, their seven days).

        A day of another month is ``None``, a week without an edition has no name.
        """
        months = sorted({each.first.replace(day=1) for each in self.editions}, reverse=True)
        return [(month, [self._week(month, week) for week in _weeks(month)]) for month in months]

    def _week(self, month: datetime.date, week: list[datetime.date]) -> Week:
        shown: list[tuple[datetime.date | None, Edition | None]] = [
            (day, self._of_day.get(day)) if day.month == month.month else (None, None) for day in week
        ]
        return (week_name(week[0]) if any(edition for _, edition in shown) else "", shown)

    def _row(self, edition: Edition, entry: Ranked) -> Row:
        return Row(
            title=words.title(entry),
            authors=tuple(map(words.line, entry.paper.authors)),
            categories=tuple(filter(_CATEGORY.fullmatch, entry.paper.categories)),
            edition=edition.name,
            rank=entry.rank,
            address=place(words.address_name(edition), entry.rank, edition.name in self.shipped),
            attention=entry.reposts + entry.likes,
        )


def place(day: str, rank: int, shipped: bool = False) -> str:
    """Return where a day's page has a paper, from the root; a shipped day's page names its papers otherwise."""
    return f"digest/{day}/index.html" + ("" if shipped else f"#no-{rank}")


def load_archive(shipped: Collection[datetime.date]) -> Archive | None:
    """Return what the store has, if there is a store and something in it.

    A digest of the blog is shown as the blog published it, another day as it is ranked here.
    """
    if not has_store():
        return None
    from hotpapers.digest.rank import rank_day
    from hotpapers.digest.store import open_store

    with open_store() as store:
        posts = [(first, last) for _, first, last, _ in store.posts()]
        editions = [edition_of(post) for days in posts if (post := store.post(*days))]
        published = {first for first, _ in posts}
        editions += [rank_day(store, day) for day, _ in store.days() if day not in published]
    return Archive(editions, shipped) if editions else None


def write_archive(
    archive: Archive,
    page: Page,
    write: Callable[[str, bytes], None],
    papers: Mapping[str, PaperView],
    base_url: str | None,
    *,
    live: bool,
) -> None:
    """Write all pages of the archive; a live site searches on its server."""
    here = {paper.arxiv: paper for paper in papers.values() if paper.card is not None}
    for before, edition, after in _with_neighbours(archive.editions):
        if edition.name in archive.shipped:
            continue
        folder = f"digest/{words.address_name(edition)}"
        page(f"{folder}/index.html", "archive/day.html", here="digest", edition=edition, before=before, after=after,
             quotes=quotes_of, runs=here, is_category=_CATEGORY.fullmatch)  # fmt: skip
        write(f"{folder}/index.json", facts.publish(edition))
    _write_periods(archive, page)
    _write_categories(archive, page)
    _write_authors(archive, page)
    if not live:
        page("search/index.html", "archive/search.html", here="search")
        write("search/papers.js", search_index(archive.rows))
    if base_url:
        _write_feeds(archive, write, base_url.rstrip("/") + "/")


def week_name(day: datetime.date) -> str:
    """Return a day's week as ISO 8601 names it, such as ``2021-W24``."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def search_index(rows: Iterable[Row]) -> bytes:
    """Return the papers as the script of the search page takes them: a script that holds data alone."""
    told = [[row.title, ", ".join(row.authors), " ".join(row.categories), row.edition, row.address] for row in rows]
    return b'"use strict";\nglobalThis.papers = ' + msgspec.json.encode(told) + b";\n"


def _weeks(month: datetime.date) -> list[list[datetime.date]]:
    return calendar.Calendar().monthdatescalendar(month.year, month.month)


def _with_neighbours(editions: list[Edition]) -> Iterable[tuple[Edition | None, Edition, Edition | None]]:
    return zip([None, *editions], editions, [*editions[1:], None], strict=False)


def _write_periods(archive: Archive, page: Page) -> None:
    rows = defaultdict(list)
    for row in archive.rows:
        rows[row.edition].append(row)
    for name_of, words_of in ((week_name, _week_in_words), (_month_name, words.month_in_words)):
        for name, several in itertools.groupby(archive.editions, key=lambda each: name_of(each.first)):
            editions = list(several)
            papers = sorted((row for each in editions for row in rows[each.name]), key=lambda row: -row.attention)
            page(f"digest/{name}/index.html", "archive/period.html", here="digest", editions=editions,
                 period=words_of(editions[0].first), papers=papers[:OF_A_PERIOD], total=len(papers))  # fmt: skip


def _month_name(day: datetime.date) -> str:
    return f"{day:%Y-%m}"


def _week_in_words(day: datetime.date) -> str:
    return f"the week from {words.day_in_words(day - datetime.timedelta(days=day.weekday()))}"


def _write_categories(archive: Archive, page: Page) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in reversed(archive.rows):
        for category in row.categories:
            rows[category].append(row)
    counted = sorted(((name, len(some)) for name, some in rows.items()), key=lambda each: (-each[1], each[0]))
    page("categories/index.html", "archive/categories.html", here="digest", counted=counted)
    for category, some in rows.items():
        pages = [some[start : start + A_PAGE] for start in range(0, len(some), A_PAGE)]
        for number, papers in enumerate(pages, start=1):
            folder = f"categories/{category}" + (f"/{number}" if number > 1 else "")
            page(f"{folder}/index.html", "archive/category.html", here="digest", category=category, papers=papers,
                 number=number, pages=len(pages), total=len(some))  # fmt: skip


def _write_authors(archive: Archive, page: Page) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in archive.rows:
        for author in dict.fromkeys(filter(None, row.authors)):
            rows[author].append(row)
    letters: dict[str, list[tuple[str, list[Row]]]] = defaultdict(list)
    for author in sorted(rows, key=_by_surname):
        letters[_letter(author)].append((author, rows[author]))
    named = sorted(letters, key=lambda letter: (len(letter), letter))
    often = sorted(rows, key=lambda author: (-len(rows[author]), author))[:40]
    page("authors/index.html", "archive/authors.html", here="digest", letters=named, total=len(rows),
         often=[(author, len(rows[author]), _letter(author)) for author in often])  # fmt: skip
    for letter, authors in letters.items():
        page(f"authors/{letter}/index.html", "archive/letter.html", here="digest", letter=letter, letters=named,
             authors=authors)  # fmt: skip


def _by_surname(author: str) -> tuple[str, str]:
    return _bare(author.rpartition(" ")[2]), _bare(author)


def _letter(author: str) -> str:
    first = _by_surname(author)[0][:1]
    return first if "a" <= first <= "z" else "other"


def _bare(name: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", name) if each.isalnum()).casefold()


def _write_feeds(archive: Archive, write: Callable[[str, bytes], None], base: str) -> None:
    newest = archive.editions[: -IN_FEEDS - 1 : -1]
    for form in (rss, atom, jsonfeed):
        write(form.NAME, form.feed(newest, "Hot papers", base, base + quote(form.NAME)))
